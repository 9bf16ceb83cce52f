//! Ways around a policy that observes: each is told as what it is, whatever path, process or call it goes by. `cargo xtask vm --step
//! policy` has the same ways fail where the kernel enforces (`crates/watch/tests/policy/denied.rs`).

#[path = "../../../watch/tests/policy/sender.rs"]
mod sender;

use crate::run::{Dir, kernscope, records, was_possible};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Ways of `tests/cases/c/evade.c`: the action that is denied, and the entry of its list.
const WAYS: &[(&str, &str, &str)] = &[
    ("name", "read", "secret"),
    ("symlink", "read", "secret"),
    ("symlinked_directory", "read", "secret"),
    ("hard_link", "read", "secret"),
    ("linkat_of_descriptor", "read", "secret"),
    ("rename", "read", "secret"),
    ("exchange", "read", "secret"),
    ("race", "read", "secret"),
    ("proc_root", "read", "secret"),
    ("proc_cwd", "read", "secret"),
    ("proc_fd", "read", "secret"),
    ("bind_mount", "read", OTHER_PATH),
    ("bind_mount_of_file", "read", OTHER_PATH),
    ("detached_tree", "read", OTHER_PATH),
    ("chroot", "read", "secret"),
    ("chroot_above", "read", "secret"),
    ("openat2", "read", "secret"),
    ("openat2_beneath", "read", "secret"),
    ("many_levels", "write", UNRESOLVED),
    ("long_names", "write", UNRESOLVED),
    ("mknod", "write", "denied/**"),
    ("exec", "exec", "tool"),
    ("vfork", "exec", "tool"),
    ("thread", "exec", "tool"),
    ("memfd", "exec", UNRESOLVED),
    ("thread_open", "read", "secret"),
    ("uring", "read", "secret"),
    ("argv", "read", "secret"),
    ("ptrace", "system", "ptrace"),
    ("memory", "read", "/proc/*/mem"),
];
const OTHER_PATH: &str = "(under another path)";
const UNRESOLVED: &str = "(path not resolved)";
/// What `evade` ends with where this kernel has no such way.
const NO_SUCH_WAY: &str = "77";

/// Tries ways one after the other, and notes how each ended.
const TRY_ALL: &str = "program=$1; folder=$2; shift 2; for way; do \
    \"$program\" \"$way\" \"$folder/$way\"; echo \"$way $?\" >> \"$folder/ended\"; done";

fn evade(dir: &Dir) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases/c/evade.c");
    let binary = dir.path("evade");
    let flags = ["-std=gnu11", "-O1", "-static", "-pthread", "-o"];
    let compiled = Command::new("gcc").args(flags).args([&binary, &source]).status();
    if !compiled.is_ok_and(|status| status.success()) {
        eprintln!("skipped: needs gcc and a static libc");
        return None;
    }
    Some(binary)
}

/// A process to trace, gone with this.
struct Outside(std::process::Child);

impl Drop for Outside {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Gives each way a folder as `evade` wants it.
fn stage(dir: &Dir, ways: &[&str], evade: &Path) -> Outside {
    let outside = Outside(Command::new("sleep").arg("600").spawn().expect("sleep starts"));
    for way in ways {
        for folder in ["denied", "open"] {
            std::fs::create_dir_all(dir.path(way).join(folder)).expect("a folder");
        }
        std::fs::write(dir.path(way).join("denied/secret"), "secret").expect("a file");
        std::fs::write(dir.path(way).join("open/pid"), outside.0.id().to_string()).expect("a file");
        std::fs::copy(evade, dir.path(way).join("denied/tool")).expect("a program");
    }
    let here = dir.text("*/denied");
    let policy = format!(
        "[read]\ndeny = ['{here}/secret', '/proc/*/mem']\n[write]\ndeny = ['{here}/**']\n\
         [exec]\ndeny = ['{here}/tool']\n[system]\ndeny = ['ptrace']\n"
    );
    std::fs::write(dir.path("p.toml"), policy).expect("a policy");
    outside
}

/// Whether a record is about a way: its path is in the folder of that way, or is one that no other way has.
fn is_of(deny: &Value, way: &str) -> bool {
    let part = match way {
        "many_levels" => "/d/d/d/".to_owned(),
        "long_names" => "/a-name-that-is-rather-long".to_owned(),
        "memfd" => "memfd:tool".to_owned(),
        // The tree is in no directory.
        "detached_tree" => return deny["path"] == "/secret",
        "memory" => "/mem".to_owned(),
        "ptrace" => return true,
        _ => format!("/{way}/"),
    };
    deny["path"].as_str().is_some_and(|path| path.contains(&part))
}

#[test]
fn no_way_around_a_policy_is_unseen() {
    let dir = Dir::new("evasions");
    let Some(evade) = evade(&dir) else { return };
    let ways: Vec<_> = WAYS.iter().map(|(way, ..)| *way).chain(["received_descriptor"]).collect();
    let outside = stage(&dir, &ways, &evade);
    let sender = sender::start(dir.as_ref());
    let output = kernscope(&["watch", "--backend", "ebpf", "--format", "jsonl", "--no-tls", "--policy"])
        .arg(dir.path("p.toml"))
        .args(["--output", &dir.text("out"), "--", "sh", "-c", TRY_ALL, "sh"])
        .args([&evade, &dir.path("")])
        .args(&ways)
        .output()
        .expect("run kernscope");
    drop(outside);
    if !was_possible(&output) {
        return;
    }
    sender.join().expect("it has sent");
    let records = records(&dir.path("out"));
    let ended = std::fs::read_to_string(dir.path("ended")).expect("how they ended");
    let denied: Vec<_> = records.iter().filter(|record| record["kind"] == "policy_deny").collect();
    let mut unseen = Vec::new();
    for (way, action, entry) in WAYS {
        if ended.contains(&format!("{way} {NO_SUCH_WAY}\n")) {
            eprintln!("{way}: skipped: not on this kernel");
            continue;
        }
        let is_told = |deny: &&&Value| {
            deny["action"] == *action
                && deny["rule"].as_str().is_some_and(|rule| rule.ends_with(entry))
                && is_of(deny, way)
        };
        match denied.iter().find(is_told) {
            Some(deny) => assert_eq!(deny["enforced"], false, "{deny}"),
            None => unseen.push(format!("{way}: {action}: {entry}")),
        }
    }
    assert!(unseen.is_empty(), "{unseen:#?} of {ended}{denied:#?}");
    // A descriptor that comes from elsewhere is told when it goes: the file that was never opened here.
    let received = records.iter().find(|record| {
        record["kind"] == "file_close"
            && record["read_bytes"] == 1
            && record["path"]
                .as_str()
                .is_some_and(|path| path.ends_with("/received_descriptor/denied/secret"))
    });
    assert!(received.is_some(), "{ended}");
}

/// The loader of programs, which runs a program that it reads.
const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

#[test]
fn what_the_loader_is_told_to_run_is_executed() {
    if !Path::new(LOADER).exists() {
        eprintln!("skipped: needs {LOADER}");
        return;
    }
    let dir = Dir::new("evasion-loader");
    let tool = dir.path("tool");
    std::fs::copy("/bin/true", &tool).expect("copy a program");
    // Libraries are on no list: they may be mapped.
    let policy = format!("[exec]\nallow = [\"/**\"]\ndeny = [{tool:?}]\n");
    std::fs::write(dir.path("p.toml"), policy).expect("write a policy");
    for backend in ["ebpf", "ptrace"] {
        let output = kernscope(&[
            "watch",
            "--backend",
            backend,
            "--format",
            "jsonl",
            "--no-tls",
            "--force",
            "--policy",
        ])
        .arg(dir.path("p.toml"))
        .args(["--output", &dir.text("out"), "--", LOADER])
        .arg(&tool)
        .output()
        .expect("run kernscope");
        if !was_possible(&output) {
            continue;
        }
        let records = records(&dir.path("out"));
        let denied: Vec<_> = records.iter().filter(|record| record["kind"] == "policy_deny").collect();
        assert_eq!(denied.len(), 1, "{backend}: {denied:#?}");
        assert_eq!((&denied[0]["action"], &denied[0]["path"]), (&"exec".into(), &dir.text("tool").into()));
    }
}
