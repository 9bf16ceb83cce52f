use super::*;
use serde_json::json;

const BASE: Sec<'_> = (abi::SEC_BASE, 0, b"u\0home\0");
const RAW: Sec<'_> = (abi::SEC_RAW, 0, b"a");
const BASE2: Sec<'_> = (abi::SEC_BASE2, 0, b"srv\0");
const RAW2: Sec<'_> = (abi::SEC_RAW2, 0, b"b");

fn op(op: u32) -> abi::PathOp {
    abi::PathOp { op, dirfd: -100, ..Default::default() }
}

fn hint(op: u32) -> Raw {
    Raw::PathHint(abi::PathHint { op, dev: 8 << 20 | 1, ino: 77 })
}

#[test]
fn every_call_has_its_record() {
    let mut bench = Bench::new();
    let mut told = |op: abi::PathOp| {
        let mut entry = json(&bench.one(Raw::PathOp(op), &[BASE, RAW, BASE2, RAW2]));
        assert_eq!((&entry["path"], &entry["path_source"]), (&json!("/home/u/a"), &json!("joined")));
        let common = ["path", "path_source", "raw_path", "dirfd", "ret"];
        common.iter().for_each(|field| drop(entry.as_object_mut().unwrap().remove(*field)));
        entry
    };
    let mode = |op| abi::PathOp { a0: 0o700, ..op };
    assert_eq!(told(op(abi::OP_UNLINK)), json!({"kind": "file_unlink"}));
    let new = |kind| json!({"kind": kind, "new_path": "/srv/b", "raw_new_path": "b"});
    assert_eq!(told(op(abi::OP_RENAME)), new("file_rename"));
    assert_eq!(told(abi::PathOp { a0: 2, ..op(abi::OP_RENAME) })["exchange"], true);
    assert_eq!(told(op(abi::OP_LINK)), new("file_link"));
    assert_eq!(told(op(abi::OP_SYMLINK)), json!({"kind": "file_symlink", "target": "b"}));
    assert_eq!(told(mode(op(abi::OP_MKDIR))), json!({"kind": "file_mkdir", "mode": 0o700}));
    assert_eq!(told(mode(op(abi::OP_CHMOD))), json!({"kind": "file_chmod", "mode": 0o700}));
    let node = |a0, a1| abi::PathOp { a0, a1, ..op(abi::OP_MKNOD) };
    let made =
        |node, rdev: Option<u32>| json!({"kind": "file_mknod", "node": node, "mode": 0o640, "rdev": rdev});
    assert_eq!(told(node(0o010_640, 7)), made("fifo", None));
    assert_eq!(told(node(0o640, 0)), made("file", None));
    assert_eq!(told(node(0o140_640, 0)), made("socket", None));
    assert_eq!(told(node(0o020_640, 0x103)), made("character_device", Some(0x103)));
    assert_eq!(told(node(0o060_640, 0x801)), made("block_device", Some(0x801)));
    assert_eq!(told(node(0o040_640, 0)), made("other", None));
    let chown = abi::PathOp { a0: 0, a1: u64::from(u32::MAX), ..op(abi::OP_CHOWN) };
    assert_eq!(told(chown), json!({"kind": "file_chown", "owner": 0, "group": null}));
    let truncate = abi::PathOp { a0: 1 << 40, ino: 5, dev: 8 << 20 | 1, ..op(abi::OP_TRUNCATE) };
    assert_eq!(
        told(truncate),
        json!({"kind": "file_truncate", "length": 1_u64 << 40, "dev": 2049, "inode": 5})
    );
}

#[test]
fn a_failure() {
    let mut bench = Bench::new();
    let entry = json(&bench.one(Raw::PathOp(abi::PathOp { ret: -39, ..op(abi::OP_UNLINK) }), &[BASE, RAW]));
    assert_eq!((&entry["ret"], &entry["errno"]), (&json!(-39), &json!("ENOTEMPTY")));
}

#[test]
fn by_descriptor_the_walk_is_the_objects() {
    let mut bench = Bench::new();
    let chmod = abi::PathOp { op_flags: abi::OPF_FD, dirfd: 4, ..op(abi::OP_CHMOD) };
    let walk: Sec<'_> = (abi::SEC_PATH, 0, b"f\0tmp\0");
    let entry = json(&bench.one(Raw::PathOp(chmod), &[walk]));
    assert_eq!((&entry["path"], &entry["raw_path"]), (&json!("/tmp/f"), &json!(null)));
    assert_eq!(entry.get("path_source"), None);
    let entry = json(&bench.one(Raw::PathOp(op(abi::OP_CHMOD)), &[walk, BASE, RAW]));
    assert_eq!(entry["path"], "/home/u/a", "without a descriptor it is not");
}

#[test]
fn the_hosts_resolution_comes_before_joining() {
    let mut bench = Bench::new();
    let resolved: Sec<'_> = (abi::SEC_RESOLVED, 0, b"/mnt/a");
    let resolved2: Sec<'_> = (abi::SEC_RESOLVED2, abi::SECF_JOINED, b"/mnt/b");
    let entry =
        json(&bench.one(Raw::PathOp(op(abi::OP_RENAME)), &[BASE, RAW, resolved, BASE2, RAW2, resolved2]));
    assert_eq!((&entry["path"], &entry["new_path"]), (&json!("/mnt/a"), &json!("/mnt/b")));
    assert_eq!(entry["path_source"], "joined", "the weaker of the two");
}

#[test]
fn a_hint_is_the_kernels_word() {
    let mut bench = Bench::new();
    let walks: [Sec<'_>; 2] = [(abi::SEC_PATH, 0, b"a\0real\0"), (abi::SEC_PATH2, 0, b"b\0real\0")];
    bench.none(hint(abi::OP_RENAME), &walks, "path_hint");
    let entry = json(&bench.one(Raw::PathOp(op(abi::OP_RENAME)), &[BASE, RAW, BASE2, RAW2]));
    let expect = json!({
        "kind": "file_rename", "path": "/real/a", "raw_path": "a", "dirfd": -100, "dev": 2049, "inode": 77,
        "ret": 0, "new_path": "/real/b", "raw_new_path": "b",
    });
    assert_eq!(entry, expect);
    let entry = json(&bench.one(Raw::PathOp(op(abi::OP_RENAME)), &[BASE, RAW, BASE2, RAW2]));
    assert_eq!(entry["path"], "/home/u/a", "it is used once");
}

#[test]
fn a_hint_for_another_call_is_not_used() {
    let walk: [Sec<'_>; 1] = [(abi::SEC_PATH, 0, b"a\0real\0")];
    let unlink =
        |bench: &mut Bench| json(&bench.one(Raw::PathOp(op(abi::OP_UNLINK)), &[BASE, RAW]))["path"].clone();
    let mut bench = Bench::new();
    bench.none(hint(abi::OP_MKDIR), &walk, "path_hint");
    assert_eq!(unlink(&mut bench), "/home/u/a", "another operation");
    bench.none(hint(abi::OP_UNLINK), &walk, "path_hint");
    bench.one(opened(1, 3), &[]);
    assert_eq!(unlink(&mut bench), "/home/u/a", "another call in between");
    bench.none(hint(abi::OP_UNLINK), &walk, "path_hint");
    bench.header.tid = 21;
    assert_eq!(unlink(&mut bench), "/home/u/a", "another thread");
    bench.header.tid = 20;
    assert_eq!(unlink(&mut bench), "/real/a", "and still there for its own");
}

#[test]
fn in_a_changed_root_absolute_strings_start_there() {
    let mut bench = Bench::new();
    let sections: [Sec<'_>; 2] = [(abi::SEC_RAW, 0, b"/etc/x"), (abi::SEC_ROOT, 0, b"jail\0")];
    let entry = json(&bench.one(Raw::PathOp(op(abi::OP_UNLINK)), &sections));
    assert_eq!(entry["path"], "/jail/etc/x");
}
