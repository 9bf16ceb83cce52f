use super::*;
use serde_json::json;

fn submit(opcode: u32, flags: u32) -> Raw {
    Raw::UringSubmit(abi::UringSubmit { request: 0xbeef, opcode, dirfd: 4, dirfd2: 5, flags })
}

fn done(ret: i32) -> Raw {
    Raw::PathOp(abi::PathOp { ret, request: 0xbeef, ..Default::default() })
}

const STRINGS: [Sec<'_>; 4] = [
    (abi::SEC_BASE, 0, b"u\0home\0"),
    (abi::SEC_RAW, 0, b"a"),
    (abi::SEC_BASE2, 0, b"srv\0"),
    (abi::SEC_RAW2, 0, b"b"),
];

fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.header.flags = abi::FLAG_URING;
    bench
}

#[test]
fn an_open_gets_its_strings_from_the_submission() {
    let mut bench = bench();
    bench.none(submit(18, 0o101), &STRINGS, "uring_submit");
    let open = abi::Open { ret: -2, request: 0xbeef, ..Default::default() };
    let entry = json(&bench.one(Raw::Open(open), &[]));
    let expect = json!({
        "kind": "file_open", "path": "/home/u/a", "path_source": "joined", "raw_path": "a", "dirfd": 4,
        "flags": ["O_WRONLY", "O_CREAT"], "mode": "create", "dev": null, "inode": null, "ret": -2,
        "errno": "ENOENT", "io_uring": true,
    });
    assert_eq!(entry, expect);
}

#[test]
fn path_calls_get_their_operation_from_the_submission() {
    for (opcode, name) in [
        (35, "file_rename"),
        (36, "file_unlink"),
        (37, "file_mkdir"),
        (38, "file_symlink"),
        (39, "file_link"),
    ] {
        let mut bench = bench();
        bench.none(submit(opcode, 0o700), &STRINGS, "uring_submit");
        let entry = json(&bench.one(done(0), &[]));
        assert_eq!(
            (&entry["kind"], &entry["path"], &entry["dirfd"]),
            (&json!(name), &json!("/home/u/a"), &json!(4))
        );
        assert_eq!(entry["io_uring"], true);
        if name == "file_mkdir" {
            assert_eq!(entry["mode"], 0o700);
        }
    }
}

#[test]
fn a_result_without_its_submission_has_no_path() {
    let mut bench = bench();
    let op = abi::PathOp { op: abi::OP_MKDIR, a0: 0o755, request: 0xbeef, ..Default::default() };
    let entry = json(&bench.one(Raw::PathOp(op), &[]));
    assert_eq!((&entry["kind"], &entry["path"]), (&json!("file_mkdir"), &json!(null)));
}

#[test]
fn a_result_that_says_everything_needs_none() {
    let mut bench = bench();
    let op =
        abi::PathOp { op: abi::OP_TRUNCATE, op_flags: abi::OPF_FD, a0: 9, dirfd: 3, ..Default::default() };
    let entry = json(&bench.one(Raw::PathOp(op), &[(abi::SEC_PATH, 0, b"f\0tmp\0")]));
    assert_eq!((&entry["kind"], &entry["path"]), (&json!("file_truncate"), &json!("/tmp/f")));
}

#[test]
fn hints_are_not_used_since_they_may_belong_to_another_request() {
    let mut bench = bench();
    bench.none(submit(36, 0), &STRINGS, "uring_submit");
    let hint = Raw::PathHint(abi::PathHint { op: abi::OP_UNLINK, ..Default::default() });
    bench.none(hint, &[(abi::SEC_PATH, 0, b"other\0")], "path_hint");
    assert_eq!(json(&bench.one(done(0), &[]))["path"], "/home/u/a");
}

#[test]
fn a_file_in_a_fixed_slot_has_a_path_and_no_inode() {
    let mut bench = bench();
    bench.none(submit(18, 0), &STRINGS, "uring_submit");
    let entry = json(&bench.one(Raw::Open(abi::Open { request: 0xbeef, ..Default::default() }), &[]));
    assert_eq!(
        (&entry["path"], &entry["inode"], &entry["ret"]),
        (&json!("/home/u/a"), &json!(null), &json!(0))
    );
}
