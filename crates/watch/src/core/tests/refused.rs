use super::*;
use crate::policy::paths::Places;
use crate::policy::{Current, Means, Policy};
use serde_json::json;
use std::path::Path;

const SECRET: Sec<'_> = (abi::SEC_PATH, 0, b"secret\0u\0home\0");

fn bench() -> Bench {
    let places = Places { home: "/home/u".into(), cwd: "/".into() };
    let text = "mode = \"deny\"\n[read]\ndeny = [\"~/secret\"]\n";
    let policy = Policy::parse(text, Path::new("p.toml"), &places).unwrap();
    let mut bench = Bench::new();
    let means = Means { files: [Ok("lsm"), Ok("lsm"), Ok("lsm")], ..Means::none("no") };
    bench.core.set_policy(Current::new(policy), means);
    bench
}

fn deny(what: u32, classes: u32) -> Raw {
    Raw::Deny(abi::Deny { what, classes, ..Default::default() })
}

#[test]
fn a_refusal_is_told_once_and_by_the_pattern() {
    let mut bench = bench();
    let told = json(&bench.one(deny(abi::DENY_OPEN, 1), &[SECRET]));
    let expected = json!({
        "kind": "policy_deny", "rule": "read: ~/secret", "policy": "p", "action": "read", "enforced": true,
        "by": "lsm", "path": "/home/u/secret", "evidence": [],
    });
    assert_eq!(told, expected);
    // The call that failed has its record, and nothing more is said of it.
    let open = abi::Open { ret: -1, dirfd: -100, ..Default::default() };
    let resolved = (abi::SEC_RESOLVED, 0, &b"/home/u/secret"[..]);
    assert_eq!(kind(&bench.one(Raw::Open(open), &[resolved])), "file_open");
    // The next one that fails was not refused by a program, as far as is known.
    assert_eq!(bench.send(Raw::Open(open), &[resolved]).len(), 2);
}

#[test]
fn what_has_no_record_of_its_own_is_told_as_well() {
    let mut bench = bench();
    let mount = json(&bench.one(deny(abi::DENY_MOUNT, 0), &[]));
    assert_eq!((&mount["rule"], &mount["action"]), (&json!("mounts: deny"), &json!("mount")));
    let trace = json(&bench.one(deny(abi::DENY_TRACE, 0), &[]));
    assert_eq!(trace["action"], json!("trace"));
    let other = (abi::SEC_PATH, 0, &b"x\0mnt\0"[..]);
    let received = json(&bench.one(deny(abi::DENY_RECEIVE, 1), &[other]));
    assert_eq!(
        (&received["rule"], &received["path"]),
        (&json!("read: (under another path)"), &json!("/mnt/x"))
    );
    let directory = (abi::SEC_PATH, 0, &b"u\0home\0"[..]);
    let guarded = json(&bench.one(deny(abi::DENY_RENAME, abi::DENY_GUARDED), &[directory]));
    assert_eq!(guarded["rule"], json!("write: above something denied"));
}
