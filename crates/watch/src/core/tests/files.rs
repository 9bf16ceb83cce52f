use super::*;
use serde_json::json;

#[test]
fn an_open() {
    let mut bench = Bench::new();
    let open = abi::Open { file: file(1), ret: 3, dirfd: 5, flags: 0o2_000_101, mode: 0o644, request: 0 };
    let entry = bench.one(Raw::Open(open), &[(abi::SEC_PATH, 0, b"f\0tmp\0"), (abi::SEC_RAW, 0, b"../f")]);
    let expect = json!({
        "kind": "file_open", "path": "/tmp/f", "raw_path": "../f", "dirfd": 5,
        "flags": ["O_WRONLY", "O_CREAT", "O_CLOEXEC"], "mode": "create", "dev": 2049, "inode": 1001, "ret": 3,
    });
    assert_eq!(json(&entry), expect);
}

#[test]
fn a_failed_open() {
    let mut bench = Bench::new();
    let open = abi::Open { ret: -13, dirfd: -100, ..Default::default() };
    let base: Sec<'_> = (abi::SEC_BASE, 0, b"u\0home\0");
    let entry = bench.one(Raw::Open(open), &[base, (abi::SEC_RAW, 0, b"x/../y")]);
    let expect = json!({
        "kind": "file_open", "path": "/home/u/y", "path_source": "joined", "raw_path": "x/../y", "dirfd": -100,
        "flags": ["O_RDONLY"], "mode": "read", "dev": null, "inode": null, "ret": -13, "errno": "EACCES",
    });
    assert_eq!(json(&entry), expect);
    let entry =
        bench.one(Raw::Open(open), &[base, (abi::SEC_RAW, 0, b"y"), (abi::SEC_RESOLVED, 0, b"/srv/y")]);
    assert_eq!((&json(&entry)["path"], &json(&entry)["path_source"]), (&json!("/srv/y"), &json!("resolved")));
    let entry = bench.one(Raw::Open(open), &[base, (abi::SEC_RAW, abi::SECF_UNRESOLVED, b"")]);
    assert_eq!((&json(&entry)["path"], &json(&entry)["raw_path"]), (&json!(null), &json!(null)));
}

#[test]
fn objects_without_a_tree() {
    let mut bench = Bench::new();
    let open =
        abi::Open { file: abi::FileId { st_mode: 0o010_600, ..file(7) }, ret: 3, ..Default::default() };
    let entry = bench.one(Raw::Open(open), &[(abi::SEC_PATH, abi::SECF_DISCONNECTED, b"")]);
    assert_eq!(json(&entry)["path"], "pipe:[1007]");
}

#[test]
fn bytes_that_are_not_text() {
    let mut bench = Bench::new();
    let entry = bench.one(opened(1, 3), &[(abi::SEC_PATH, 0, b"\xfe\0tmp\0"), (abi::SEC_RAW, 0, b"\xfe")]);
    assert_eq!(entry.escaped, ["path", "raw_path"]);
    assert_eq!(json(&entry)["path"], "/tmp/\\xfe");
}

#[test]
fn a_mapping() {
    let mut bench = Bench::new();
    let mmap = abi::Mmap { file: file(1), ret: 0x7f00_0000, len: 4096, offset: 8192, prot: 5, flags: 2 };
    let entry = bench.one(Raw::Mmap(mmap), &[(abi::SEC_PATH, 0, b"libc.so\0lib\0")]);
    let expect = json!({
        "kind": "file_mmap", "path": "/lib/libc.so", "prot": ["read", "exec"], "shared": false, "len": 4096,
        "offset": 8192, "dev": 2049, "inode": 1001, "ret": 0,
    });
    assert_eq!(json(&entry), expect);
    let entry = bench.one(Raw::Mmap(abi::Mmap { ret: -13, flags: 1, ..mmap }), &[]);
    let entry = json(&entry);
    assert_eq!(
        (&entry["ret"], &entry["errno"], &entry["shared"]),
        (&json!(-13), &json!("EACCES"), &json!(true))
    );
    let high = json(&bench.one(Raw::Mmap(abi::Mmap { ret: -4096, ..mmap }), &[]));
    assert_eq!(high["ret"], 0, "an address, however high, is no error");
}
