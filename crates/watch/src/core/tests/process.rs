use super::*;
use crate::core::ProcId;
use serde_json::json;

fn fork(pid: u32, start_ns: u64) -> Raw {
    Raw::Fork(abi::Fork {
        child_pid: pid,
        child_tid: pid,
        child_ppid: 20,
        child_start_ns: start_ns,
        ..Default::default()
    })
}

#[test]
fn a_child_has_its_creators_binary_and_lineage() {
    let mut bench = Bench::new();
    bench.send(Raw::Exec(abi::Exec::default()), &[(abi::SEC_PATH, 0, b"sh\0bin\0")]);
    let entry = bench.one(fork(30, 8_000), &[]);
    assert_eq!(json(&entry), json!({"kind": "process_fork", "child_pid": 30, "child_start_ns": 8_000}));
    // Reparented already when its first event comes.
    bench.header = abi::Header { pid: 30, tid: 30, ppid: 1, start_ns: 8_000, ..bench.header };
    let entry = bench.one(opened(1, 3), &[(abi::SEC_PATH, 0, b"f\0")]);
    assert_eq!(exe(&entry), Some("/bin/sh"));
    let table = bench.core.table();
    let ancestors: Vec<_> = table.lineage(ProcId { pid: 30, start_ns: 8_000 }).map(|p| p.id.pid).collect();
    assert_eq!(ancestors, [20]);
    assert_eq!(table.depth(ProcId { pid: 30, start_ns: 8_000 }), 1);
}

#[test]
fn a_thread_is_no_process() {
    let mut bench = Bench::new();
    let thread = abi::Fork { child_pid: 20, child_tid: 21, child_ppid: 10, child_start_ns: 7_000, pad: 0 };
    bench.none(Raw::Fork(thread), &[], "thread_fork");
}

#[test]
fn clone_parent_names_the_other_parent() {
    let mut bench = Bench::new();
    let entry = bench.one(
        Raw::Fork(abi::Fork { child_pid: 30, child_tid: 30, child_ppid: 10, child_start_ns: 8_000, pad: 0 }),
        &[],
    );
    assert_eq!(json(&entry)["child_ppid"], 10);
    let created_by = bench.core.table().current(30).unwrap().parent.unwrap();
    assert_eq!(created_by.pid, 20);
}

#[test]
fn the_ways_to_end() {
    let mut bench = Bench::new();
    let mut end = |status| json(&bench.one(Raw::Exit(abi::Exit { status, fds_unseen: 0 }), &[]));
    // 10_000 monotonic is 10_500 since boot.
    assert_eq!(end(3 << 8), json!({"kind": "process_exit", "code": 3, "signal": null, "duration_ns": 3_500}));
    let dumped = json!({"kind": "process_exit", "code": null, "signal": 11, "core_dumped": true, "duration_ns": 3_500});
    assert_eq!(end(11 | 0x80), dumped);
    assert_eq!(end(9), json!({"kind": "process_exit", "code": null, "signal": 9, "duration_ns": 3_500}));
}

#[test]
fn a_duration_is_known_or_null() {
    for start_ns in [0, 999_999] {
        let mut bench = Bench::new();
        bench.header.start_ns = start_ns;
        let entry = bench.one(Raw::Exit(abi::Exit::default()), &[]);
        assert_eq!(json(&entry)["duration_ns"], serde_json::Value::Null, "{start_ns}");
    }
}

#[test]
fn a_process_from_before_the_run() {
    let mut bench = Bench::new();
    bench.header.flags = abi::FLAG_SYNTHETIC;
    let sections: [Sec<'_>; 3] = [
        (abi::SEC_RESOLVED, 0, b"/usr/bin/init"),
        (abi::SEC_STRINGS, 0, b"init\0--x\0"),
        (abi::SEC_RESOLVED2, 0, b"/"),
    ];
    let entry = bench.one(Raw::Snapshot(abi::Snapshot { dev: 1, watched: 0, ino: 2 }), &sections);
    let expect = json!({"kind": "process_snapshot", "argv": ["init", "--x"], "cwd": "/", "exe": "/usr/bin/init", "watched": false});
    assert_eq!(json(&entry), expect);
    assert_eq!(exe(&entry), Some("/usr/bin/init"));
    let process = bench.core.table().current(20).unwrap();
    assert!(!process.watched && process.name() == "init");
}

#[test]
fn ten_thousand_processes_at_once_are_kept_apart() {
    let mut bench = Bench::new();
    let root = bench.header;
    for n in 0..10_000_u32 {
        bench.header = root;
        bench.one(fork(100 + n, 1_000_000 * u64::from(n + 1)), &[]);
        let start_ns = 1_000_000 * u64::from(n + 1);
        bench.header = abi::Header { pid: 100 + n, tid: 100 + n, ppid: 20, start_ns, ..root };
        bench.one(opened(u64::from(n), 3), &[(abi::SEC_PATH, 0, b"f\0")]);
    }
    assert_eq!(bench.core.table().len(), 10_001);
    assert_eq!(bench.core.table().children(ProcId { pid: 20, start_ns: 7_000 }).len(), 10_000);
}
