//! Without a choice and without privilege: the best back end that works, and why it is this one.

use crate::run::{Dir, checked, kernscope, stderr};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// An account without any privilege that every Linux has.
const NOBODY: u32 = 65534;

/// kernscope run by somebody without privilege, from a place that anybody can reach.
fn unprivileged(dir: &Dir, args: &[&str]) -> Command {
    if !nix::unistd::Uid::effective().is_root() {
        return kernscope(args);
    }
    let program = dir.path("kernscope");
    std::fs::copy(env!("CARGO_BIN_EXE_kernscope"), &program).expect("copy");
    for path in [dir.path(""), program.clone()] {
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("chmod");
    }
    let mut command = Command::new(program);
    command.args(args).uid(NOBODY).gid(NOBODY).current_dir("/");
    command
}

#[test]
fn without_privilege_ptrace_is_taken_and_the_reason_is_told() {
    let dir = Dir::new("auto");
    let args = ["watch", "--format", "jsonl", "--", "/bin/sh", "-c", "exit 5"];
    let output = unprivileged(&dir, &args).output().expect("runs");
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("kernscope: back end ptrace: ebpf is not possible: "), "{said}");
    let records = checked(&String::from_utf8_lossy(&output.stdout));
    let coverage = &records[records.len() - 2];
    assert_eq!(coverage["backend"], "ptrace");
    assert!(
        coverage["why"].as_str().is_some_and(|why| why.starts_with("ebpf is not possible: ")),
        "{coverage}"
    );
}

#[test]
fn what_was_asked_for_and_does_not_work_is_an_error_with_a_fix() {
    let dir = Dir::new("asked");
    for args in [&["watch", "--backend", "ebpf", "--", "true"][..], &["watch", "--all"]] {
        let output = unprivileged(&dir, args).output().expect("runs");
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert_eq!(said.matches('\n').count(), 1, "{said}");
        assert!(said.contains("CAP_BPF"), "{said}");
    }
}
