//! `kernscope scan` among files that are none, that change, that cannot be read or never end; and Ctrl-C.

use crate::run::{Dir, checked, kernscope, stderr};
use serde_json::Value;
use std::io::Write;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const TOKEN: &str = "acme_0a1b2c3d4e5f6071";
/// Of address space: what a scan of anything must do with, threads' stacks and all.
const MEMORY_BYTES: u64 = 512 << 20;
/// A scan that waits longer for nothing hangs.
const PATIENCE: Duration = Duration::from_secs(60);

fn dir(name: &str) -> Dir {
    let dir = Dir::new(name);
    let rules = "[[rule]]\nid = 'acme'\nregex = 'acme_[0-9a-f]{16}'\n";
    std::fs::write(dir.path("rules.toml"), rules).expect("write");
    std::fs::create_dir(dir.path("tree")).expect("a folder");
    std::fs::write(dir.path("tree/found"), TOKEN).expect("write");
    dir
}

/// A scan of these paths, in bounded memory.
fn scan(dir: &Dir, paths: &[&str]) -> Command {
    let (rules, binary) = (dir.text("rules.toml"), env!("CARGO_BIN_EXE_kernscope"));
    let mut command = Command::new("prlimit");
    command.arg(format!("--as={MEMORY_BYTES}")).arg(binary);
    command.args(["scan", "--rules", &rules, "--threads", "2", "--format", "jsonl"]).args(paths);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Waits for it, but not for ever.
fn output(mut child: Child) -> Output {
    let begun = Instant::now();
    while child.try_wait().expect("a child").is_none() {
        if begun.elapsed() > PATIENCE {
            child.kill().expect("killed");
            panic!("the scan hangs");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().expect("its output")
}

fn records(output: &Output) -> Vec<Value> {
    checked(std::str::from_utf8(&output.stdout).expect("UTF-8"))
}

fn finish(dir: &Dir, paths: &[&str]) -> (Option<i32>, Vec<Value>, String) {
    let output = output(scan(dir, paths).spawn().expect("runs"));
    (output.status.code(), records(&output), stderr(&output))
}

#[test]
fn pipes_sockets_and_links_in_circles_hold_nothing_up() {
    let dir = dir("odd-kinds");
    let fifo = dir.path("tree/fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo runs").success());
    let _socket = std::os::unix::net::UnixListener::bind(dir.path("tree/socket")).expect("a socket");
    std::os::unix::fs::symlink(".", dir.path("tree/circle")).expect("a link");
    std::os::unix::fs::symlink("self", dir.path("tree/self")).expect("a link");
    let (status, records, said) = finish(&dir, &[&dir.text("tree")]);
    assert_eq!(status, Some(1), "{said}");
    let filtered = &records[records.len() - 1]["filtered_by"];
    assert_eq!(*filtered, serde_json::json!({"not_a_file": 2, "scanned": 1, "symlink": 2}));

    // Named by itself a pipe is read to its end.
    let text = fifo.to_str().expect("UTF-8");
    let child = scan(&dir, &[text]).spawn().expect("runs");
    let mut writer = std::fs::OpenOptions::new().write(true).open(&fifo).expect("a reader comes");
    writer.write_all(TOKEN.as_bytes()).expect("written");
    drop(writer);
    let output = output(child);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let (status, _, said) = finish(&dir, &[&dir.text("tree/self")]);
    assert!(status == Some(2) && said.contains("symbolic links"), "{said}");
}

#[test]
fn the_kernels_files_do_not_hang_a_scan() {
    let dir = dir("odd-proc");
    let (status, records, said) = finish(&dir, &["/proc", &dir.text("tree")]);
    assert_eq!(status, Some(1), "{said}");
    assert_eq!(records[records.len() - 1]["filtered_by"]["kernel_filesystem"], 1);
    let (status, records, _) = finish(&dir, &["/proc/self/status", &dir.text("tree")]);
    assert_eq!((status, &records[records.len() - 1]["seen_by"]["file"]), (Some(1), &2.into()));
    let (status, _, said) = finish(&dir, &["/dev/zero"]);
    assert!(status == Some(2) && said.contains("it is no regular file; scan - takes any stream"), "{said}");
}

#[test]
fn what_may_not_be_read_is_told_and_the_rest_is_scanned() {
    let dir = dir("odd-rights");
    for path in ["tree/closed", "tree/folder/in"] {
        let path = dir.path(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, TOKEN).expect("write");
    }
    let set = |name: &str, mode| {
        std::fs::set_permissions(dir.path(name), std::fs::Permissions::from_mode(mode)).expect("set");
    };
    set("tree/closed", 0);
    set("tree/folder", 0);
    set("", 0o755);
    let (rules, tree) = (dir.text("rules.toml"), dir.text("tree"));
    let binary = dir.path("kernscope");
    std::fs::copy(env!("CARGO_BIN_EXE_kernscope"), &binary).expect("a copy that anyone can run");
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&binary);
    command
        .args(["scan", "--rules", &rules, "--format", "jsonl", &tree])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if !nix::unistd::Uid::effective().is_root() {
        command = kernscope(&["scan", "--rules", &rules, "--format", "jsonl", &tree]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
    }
    let output = output(command.spawn().expect("runs"));
    set("tree/folder", 0o755);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let records = records(&output);
    assert_eq!(records[0]["path"], dir.text("tree/found"));
    assert_eq!(records[records.len() - 1]["lost"], serde_json::json!({"unreadable": 2}));
    let said = stderr(&output);
    assert!(
        said.contains("tree/closed: Permission denied") && said.contains("tree/folder: Permission denied"),
        "{said}"
    );
}

#[test]
fn files_that_change_meanwhile_are_read_once() {
    let dir = dir("odd-change");
    let path = dir.path("tree/changing");
    let line = "a line of a log that grows and shrinks\n".repeat(1000);
    std::fs::write(&path, &line).expect("write");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let file = std::fs::OpenOptions::new().write(true).open(&path).expect("opened");
            let mut len = 0;
            while !over.load(Ordering::Relaxed) {
                file.write_all_at(line.as_bytes(), len).expect("written");
                len = if len > 64 << 20 { 0 } else { len + line.len() as u64 };
                if len == 0 {
                    file.set_len(0).expect("cut");
                }
            }
        });
        for _ in 0..5 {
            let (status, records, said) = finish(&dir, &[&dir.text("tree")]);
            assert_eq!(status, Some(1), "{said}");
            assert_eq!(records[records.len() - 1]["filtered_by"]["scanned"], 2);
        }
        over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn ctrl_c_tells_what_there_is_and_memory_stays_bounded() {
    let dir = dir("odd-stop");
    let sparse = std::fs::File::create(dir.path("tree/large")).expect("created");
    sparse.set_len(10 << 30).expect("10 GB of nothing");
    let (found, large) = (dir.text("tree/found"), dir.text("tree/large"));
    let mut child = scan(&dir, &[&found, &large]).spawn().expect("runs");
    let mut first = [0; 1];
    std::io::Read::read_exact(child.stdout.as_mut().expect("a pipe"), &mut first).expect("the finding comes");
    wait_until_open(&child, &large);
    signal(&child, nix::sys::signal::Signal::SIGINT);
    let mut output = output(child);
    output.stdout.insert(0, first[0]);
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    let records = records(&output);
    assert_eq!(records[0]["path"], found);
    assert_eq!(records[2]["lost"], serde_json::json!({"interrupted": 1}));
    let why = records[1]["why"].as_str().expect("a text");
    assert!(why.ends_with("the scan was stopped before it had met everything"), "{why}");
}

#[test]
fn waiting_for_a_pipe_can_be_ended() {
    let dir = dir("odd-wait");
    let fifo = dir.path("tree/fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo runs").success());
    let (found, fifo) = (dir.text("tree/found"), dir.text("tree/fifo"));
    let mut child = scan(&dir, &[&found, &fifo]).spawn().expect("runs");
    let mut first = [0; 1];
    std::io::Read::read_exact(child.stdout.as_mut().expect("a pipe"), &mut first).expect("the finding comes");
    signal(&child, nix::sys::signal::Signal::SIGTERM);
    assert_eq!(output(child).status.code(), Some(143));
}

/// Waits until the scan has begun with this file: a signal that comes before leaves it unmet, not interrupted.
fn wait_until_open(child: &Child, path: &str) {
    let (fds, begun) = (format!("/proc/{}/fd", child.id()), Instant::now());
    let is_open = || {
        let fds = std::fs::read_dir(&fds).expect("the scan runs");
        fds.flatten().any(|fd| std::fs::read_link(fd.path()).is_ok_and(|target| target == Path::new(path)))
    };
    while !is_open() {
        assert!(begun.elapsed() < PATIENCE, "the scan does not come to {path}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn signal(child: &Child, signal: nix::sys::signal::Signal) {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
    nix::sys::signal::kill(pid, signal).expect("sent");
}
