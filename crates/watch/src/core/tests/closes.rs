use super::*;
use serde_json::json;

fn close(id: u64, fd: i32, cause: u32, read_bytes: u64) -> Raw {
    let reads = u64::from(read_bytes > 0);
    Raw::Close(abi::Close { file: file(id), fd, cause, read_bytes, reads, ..Default::default() })
}

fn read_bytes(entry: &Entry) -> u64 {
    json(entry)["read_bytes"].as_u64().unwrap()
}

#[test]
fn a_close() {
    let mut bench = Bench::new();
    let body = abi::Close {
        file: file(1),
        fd: 3,
        cause: abi::CLOSE_DUP,
        read_bytes: 1,
        write_bytes: 2,
        reads: 3,
        writes: 4,
    };
    let entry = bench.one(Raw::Close(body), &[(abi::SEC_PATH, abi::SECF_DELETED, b"f\0tmp\0")]);
    let expect = json!({
        "kind": "file_close", "path": "/tmp/f", "deleted": true, "fd": 3, "cause": "dup", "dev": 2049,
        "inode": 1001, "read_bytes": 1, "write_bytes": 2, "reads": 3, "writes": 4,
    });
    assert_eq!(json(&entry), expect);
}

#[test]
fn without_counts_they_are_null() {
    let mut bench = Bench::with(Config { counts: false, ..Config::default() });
    let entry = json(&bench.one(close(1, 3, abi::CLOSE_CALL, 0), &[]));
    for field in ["read_bytes", "write_bytes", "reads", "writes"] {
        assert_eq!(entry[field], serde_json::Value::Null, "{field}");
    }
}

#[test]
fn at_exit_only_what_is_its_own_or_was_used() {
    let mut bench = Bench::new();
    bench.none(close(1, 0, abi::CLOSE_EXIT, 0), &[], "inherited_close");
    assert_eq!(read_bytes(&bench.one(close(1, 0, abi::CLOSE_EXIT, 9), &[])), 9);
    bench.one(opened(2, 3), &[]);
    assert_eq!(json(&bench.one(close(2, 3, abi::CLOSE_EXIT, 0), &[]))["cause"], "exit");
}

#[test]
fn a_duplicate_of_an_own_file_is_its_own() {
    let mut bench = Bench::new();
    bench.one(opened(2, 3), &[]);
    bench.one(close(2, 3, abi::CLOSE_CALL, 0), &[]);
    bench.one(close(2, 1, abi::CLOSE_EXIT, 0), &[]);
}

#[test]
fn what_a_child_inherits_is_not_its_own() {
    let mut bench = Bench::new();
    bench.one(opened(2, 3), &[]);
    bench.one(
        Raw::Fork(abi::Fork { child_pid: 30, child_tid: 30, child_ppid: 20, child_start_ns: 8_000, pad: 0 }),
        &[],
    );
    bench.header = abi::Header { pid: 30, tid: 30, ppid: 20, start_ns: 8_000, ..bench.header };
    bench.none(close(2, 3, abi::CLOSE_EXIT, 0), &[], "inherited_close");
    bench.one(close(2, 4, abi::CLOSE_CALL, 0), &[]);
}

#[test]
fn close_on_exec_waits_for_the_exec() {
    let mut bench = Bench::new();
    assert_eq!(bench.send(close(1, 3, abi::CLOSE_EXEC, 7), &[]), []);
    assert_eq!(bench.core.tally().held, 1);
    let out = bench.send(Raw::Exec(abi::Exec::default()), &[]);
    assert_eq!(out.iter().map(kind).collect::<Vec<_>>(), ["file_close", "process_exec"]);
    assert_eq!((read_bytes(&out[0]), &json(&out[0])["cause"]), (7, &json!("exec")));
}

#[test]
fn a_second_attempt_voids_the_first_whose_failure_was_lost() {
    let mut bench = Bench::new();
    bench.send(close(1, 3, abi::CLOSE_EXEC, 7), &[]);
    bench.send(close(1, 3, abi::CLOSE_EXEC, 2), &[]);
    assert_eq!((bench.core.tally().held, bench.filtered("exec_close_void")), (1, 1));
    let out = bench.send(Raw::Exec(abi::Exec::default()), &[]);
    assert_eq!(out.iter().map(kind).collect::<Vec<_>>(), ["file_close", "process_exec"]);
    assert_eq!(read_bytes(&out[0]), 9);
}

#[test]
fn a_failed_exec_closes_nothing_and_loses_no_byte() {
    let mut bench = Bench::new();
    bench.send(close(1, 3, abi::CLOSE_EXEC, 7), &[]);
    bench.one(Raw::ExecFail(abi::ExecFail { ret: -2, dirfd: -100 }), &[]);
    assert_eq!(bench.filtered("exec_close_void"), 1);
    assert_eq!(read_bytes(&bench.one(close(1, 3, abi::CLOSE_CALL, 1), &[])), 8);
    assert_eq!(read_bytes(&bench.one(close(1, 3, abi::CLOSE_CALL, 1), &[])), 1, "told once");
}

#[test]
fn counters_of_a_failed_exec_make_an_exit_worth_telling() {
    let mut bench = Bench::new();
    bench.send(close(1, 3, abi::CLOSE_EXEC, 7), &[]);
    bench.one(Raw::ExecFail(abi::ExecFail { ret: -2, dirfd: -100 }), &[]);
    assert_eq!(read_bytes(&bench.one(close(1, 3, abi::CLOSE_EXIT, 0), &[])), 7);
}

#[test]
fn killed_in_the_middle_of_an_exec() {
    let mut bench = Bench::new();
    bench.send(close(1, 3, abi::CLOSE_EXEC, 7), &[]);
    bench.send(close(2, 4, abi::CLOSE_EXEC, 5), &[]);
    // Descriptor 3 is still there at exit: that exec never got to closing it. 4 is gone: it was closed.
    assert_eq!(read_bytes(&bench.one(close(1, 3, abi::CLOSE_EXIT, 0), &[])), 7);
    let out = bench.send(Raw::Exit(abi::Exit { status: 9, fds_unseen: 0 }), &[]);
    assert_eq!(out.iter().map(kind).collect::<Vec<_>>(), ["file_close", "process_exit"]);
    assert_eq!((read_bytes(&out[0]), &json(&out[0])["fd"]), (5, &json!(4)));
}

#[test]
fn an_exec_voids_those_of_other_threads() {
    let mut bench = Bench::new();
    bench.header.tid = 25;
    bench.send(close(1, 3, abi::CLOSE_EXEC, 7), &[]);
    bench.header.tid = 20;
    bench.send(close(1, 3, abi::CLOSE_EXEC, 0), &[]);
    let out = bench.send(Raw::Exec(abi::Exec { old_tid: 20, ..Default::default() }), &[]);
    assert_eq!(out.iter().map(kind).collect::<Vec<_>>(), ["file_close", "process_exec"]);
    assert_eq!(bench.filtered("exec_close_void"), 1);
}

#[test]
fn counts_so_far_go_into_the_next_close() {
    let mut bench = Bench::new();
    bench.none(close(1, 3, abi::CLOSE_FLUSH, 7), &[], "flush");
    bench.none(close(1, 3, abi::CLOSE_FLUSH, 1), &[], "flush");
    assert_eq!(read_bytes(&bench.one(close(1, 3, abi::CLOSE_DUP, 0), &[])), 8);
}

#[test]
fn what_no_close_tells_is_told_at_the_end() {
    let mut bench = Bench::new();
    bench.none(close(1, 3, abi::CLOSE_FLUSH, 7), &[], "flush");
    let out = bench.send(Raw::Exit(abi::Exit::default()), &[]);
    assert_eq!((read_bytes(&out[0]), &json(&out[0])["cause"]), (7, &json!("flush")));
    assert_eq!(bench.core.tally().derived, 1);
    bench.header.pid = 21;
    bench.none(close(1, 3, abi::CLOSE_FLUSH, 6), &[], "flush");
    bench.send(close(2, 4, abi::CLOSE_EXEC, 5), &[]);
    let out = bench.finish();
    assert_eq!(out.iter().map(read_bytes).collect::<Vec<_>>(), [6, 5]);
    assert_eq!(bench.filtered("exec_unfinished"), 1);
}

#[test]
fn beyond_the_limit_closes_are_told_at_once() {
    let mut bench = Bench::new();
    let limit = crate::core::pending::MAX_HELD as u64;
    for id in 0..limit {
        assert_eq!(bench.send(close(id, 3, abi::CLOSE_EXEC, 1), &[]), []);
    }
    bench.one(close(limit, 3, abi::CLOSE_EXEC, 1), &[]);
    assert_eq!(bench.core.tally().held, limit);
    // All are void: some counters wait for a close, those beyond the second limit are told at once.
    let told = bench.send(Raw::ExecFail(abi::ExecFail::default()), &[]).len() as u64 - 1;
    let carried = bench.finish().len() as u64;
    assert_eq!(carried, crate::core::carry::MAX_CARRIED as u64);
    assert_eq!(told + carried, limit);
}
