//! Where records go, and what happens when they cannot.

use crate::run::{Dir, checked, records, run, stderr, watch};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

/// Makes far more records than a disk of 64 KiB holds, then a file.
const BUSY: &str = "i=0; while [ $i -lt 600 ]; do : < /etc/hostname; i=$((i + 1)); done; : > \"$0\"; exit 6";

fn busy(options: &[&str], marker: &str) -> Command {
    let mut command = watch(options, BUSY);
    command.arg(marker);
    command
}

#[test]
fn records_are_valid_and_tell_what_happened() {
    let dir = Dir::new("valid");
    let script = format!("cd {}; echo text > file; mv file moved; cat none; rm moved", dir.text(""));
    let file = dir.text("out");
    let output = watch(&["--format", "jsonl", "--output", &file], &script).output().expect("runs");
    assert!(output.status.success(), "{}", stderr(&output));
    let records = records(&dir.path("out"));
    let has = |kind: &str, path: &str| {
        records.iter().any(|record| record["kind"] == kind && record["path"] == *dir.text(path))
    };
    assert!(has("file_open", "file") && has("file_rename", "file") && has("file_unlink", "moved"));
    assert!(records.iter().any(|record| record["errno"] == "ENOENT" && record["path"] == *dir.text("none")));
}

#[test]
fn an_output_file_is_private_whatever_the_umask() {
    let dir = Dir::new("private");
    std::fs::write(dir.path("old"), "older and longer than what comes").expect("write");
    std::fs::set_permissions(dir.path("old"), PermissionsExt::from_mode(0o666)).expect("chmod");
    for name in ["new", "old"] {
        let (records_to, raw_to) = (dir.text(name), dir.text(&format!("{name}.raw")));
        let program = env!("CARGO_BIN_EXE_kernscope");
        let script = format!(
            "umask 0; exec {program} watch --backend ptrace --format jsonl --output {records_to} --record {raw_to} -- true"
        );
        let status = Command::new("/bin/sh").args(["-c", &script]).stderr(Stdio::null()).status();
        assert!(status.expect("runs").success());
        for file in [&records_to, &raw_to] {
            let mode = std::fs::metadata(file).expect("there").permissions().mode();
            assert_eq!(mode & 0o7777, 0o600, "{file}");
        }
        records(&dir.path(name));
    }
}

#[test]
fn a_link_is_not_followed() {
    let dir = Dir::new("link");
    std::fs::write(dir.path("victim"), "precious").expect("write");
    std::os::unix::fs::symlink(dir.path("victim"), dir.path("link")).expect("symlink");
    let output = watch(&["--output", &dir.text("link")], "true").output().expect("runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("symbolic link"), "{}", stderr(&output));
    assert_eq!(std::fs::read_to_string(dir.path("victim")).expect("read"), "precious");
}

#[test]
fn a_full_device_is_told_once_and_hurts_nobody() {
    let dir = Dir::new("devfull");
    for format in ["jsonl", "pretty"] {
        let marker = dir.text(format);
        let output = busy(&["--format", format, "--output", "/dev/full"], &marker).output().expect("runs");
        assert_eq!(output.status.code(), Some(6), "the command's own");
        assert!(dir.path(format).exists(), "the command came to its end");
        let said = stderr(&output);
        assert_eq!(said.matches("No space left on device").count(), 1, "{said}");
        assert!(said.contains("output "), "the account names the loss: {said}");
        assert!(said.contains("ledger closes"), "{said}");
    }
}

#[test]
fn a_full_disk_leaves_whole_lines_and_an_honest_end() {
    if !nix::unistd::Uid::effective().is_root() {
        eprintln!("skipped: mounting a small tmpfs needs root");
        return;
    }
    let dir = Dir::new("tmpfs");
    let (mount, marker, copy) = (dir.text("mount"), dir.text("marker"), dir.text("copy"));
    std::fs::create_dir(&mount).expect("mkdir");
    let program = env!("CARGO_BIN_EXE_kernscope");
    // The mount lives and dies with a mount namespace of the test's own.
    let script = format!(
        "mount -t tmpfs -o size=64k none {mount} || exit 99
         {program} watch --backend ptrace --format jsonl --output {mount}/out -- /bin/sh -c '{BUSY}' {marker}
         status=$?; cp {mount}/out {copy}; exit $status"
    );
    let output = Command::new("unshare").args(["--mount", "/bin/sh", "-c", &script]).output().expect("runs");
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    assert!(dir.path("marker").exists());
    assert_eq!(stderr(&output).matches("No space left on device").count(), 1, "{}", stderr(&output));
    let records = records(&dir.path("copy"));
    let ledger = records.last().expect("ledger");
    assert!(ledger["lost"]["output"].as_u64() > Some(0), "{ledger}");
    assert!(ledger["emitted"].as_u64() > Some(20), "{ledger}");
}

#[test]
fn a_reader_that_closes_hurts_nobody() {
    let dir = Dir::new("pipe");
    for format in ["jsonl", "pretty"] {
        let marker = dir.text(format);
        let mut child = busy(&["--format", format], &marker)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("ends");
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(6), "{said}");
        assert!(dir.path(format).exists());
        assert_eq!(said.matches("its reader closed it").count(), 1, "{said}");
        assert!(!said.contains("panicked"), "{said}");
        assert!(said.contains("ledger closes"), "{said}");
    }
}

#[test]
fn help_into_a_closed_pipe_is_no_panic() {
    let (reader, writer) = std::io::pipe().expect("pipe");
    drop(reader);
    for args in [&["--help"][..], &["completions", "bash"], &["man"]] {
        let output = crate::run::kernscope(args)
            .stdout(writer.try_clone().expect("dup"))
            .stderr(Stdio::piped())
            .output()
            .expect("runs");
        assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""), "{args:?}");
    }
}

#[test]
fn a_recording_gives_the_same_records_again() {
    let dir = Dir::new("replay");
    let (live, raw) = (dir.text("live"), dir.text("raw"));
    let script = "echo a | cat; (exit 3); cat /nothing; true";
    let options =
        ["--format", "jsonl", "--output", &live, "--record", &raw, "--hash", "--env", "--no-redact"];
    let output = watch(&options, script).env("KERNSCOPE_TEST_PASSWORD", "hunter2").output().expect("runs");
    assert!(output.status.success(), "{}", stderr(&output));
    let live = records(&dir.path("live"));
    let again = replay(&raw, &["--env", "--no-redact"]);
    assert_eq!(live.len(), again.len());
    // The closing records tell when and how this run was made.
    for (a, b) in live.iter().zip(&again).take(live.len() - 2) {
        assert_eq!(a, b);
    }
    let redacted = replay(&raw, &["--env"]);
    for (secret, told) in [(true, &live), (false, &redacted)] {
        let execs: Vec<_> = told.iter().filter(|record| record["kind"] == "process_exec").collect();
        assert!(execs.len() >= 3);
        for exec in execs {
            assert!(exec["sha256"].is_string(), "{exec}");
            assert!(exec.to_string().contains("KERNSCOPE_TEST_PASSWORD="), "{exec}");
            assert_eq!(exec.to_string().contains("hunter2"), secret, "{exec}");
        }
    }
}

fn replay(raw: &str, options: &[&str]) -> Vec<serde_json::Value> {
    let mut args = vec!["watch", "--format", "jsonl", "--replay", raw];
    args.extend_from_slice(options);
    let output = run(&args);
    assert!(output.status.success(), "{}", stderr(&output));
    checked(&String::from_utf8_lossy(&output.stdout))
}

#[test]
fn secrets_do_not_get_into_a_recording_unasked() {
    let dir = Dir::new("secret");
    let raw = dir.text("raw");
    let output = watch(&["--record", &raw, "--env"], "true").output().expect("runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--no-redact"), "{}", stderr(&output));
    assert!(!dir.path("raw").exists());
}

#[test]
fn a_recording_that_breaks_off_is_told_as_such() {
    let dir = Dir::new("cut");
    let raw = dir.path("raw");
    let output = watch(&["--record", &dir.text("raw"), "--format", "jsonl"], "true").output().expect("runs");
    assert!(output.status.success());
    let whole = std::fs::read(&raw).expect("read");
    std::fs::write(&raw, &whole[..whole.len() * 2 / 3]).expect("write");
    let replayed = run(&["watch", "--replay", &dir.text("raw"), "--format", "jsonl"]);
    let records = checked(&String::from_utf8_lossy(&replayed.stdout));
    let coverage = &records[records.len() - 2];
    assert!(coverage.to_string().contains("is missing"), "{coverage}");
}
