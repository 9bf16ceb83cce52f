//! Processes: forks, threads, execs and ends.

use super::bench::{Run, Temp, compile, follow, sh, watch};
use kernscope_report::{Body, Entry};
use kernscope_watch::backend::{Backend, Target};
use kernscope_watch::ptrace::{Options, Ptrace, StartError};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

fn execs(run: &Run) -> Vec<&Entry> {
    run.entries.iter().filter(|entry| matches!(entry.body, Body::ProcessExec { .. })).collect()
}

#[test]
fn scripts_and_failed_execs() {
    let temp = Temp::new("scripts");
    let script = temp.path("script");
    fs::write(&script, "#!/bin/sh -e\nexit 4\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let run = sh(&format!("cd {}; exec 2>/dev/null; ./none; ./script one two", temp.0.display()));
    assert_eq!(run.status.code(), Some(4));
    let Body::ProcessExec { argv, filename, interpreter, exe, .. } = &execs(&run)[1].body else {
        unreachable!()
    };
    assert_eq!(argv, &["/bin/sh", "-e", "./script", "one", "two"]);
    assert_eq!(filename.as_deref(), Some("./script"));
    assert_eq!(interpreter.as_deref(), Some("/bin/sh"));
    assert!(exe.as_deref().is_some_and(|exe| exe.starts_with('/') && !exe.ends_with("script")));
    let failed: Vec<_> = run
        .entries
        .iter()
        .filter_map(|entry| match &entry.body {
            Body::ProcessExecFailed { path, errno, .. } => Some((path.path.clone(), errno.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(failed, [(Some(temp.path("none")), Some("ENOENT".to_owned()))]);
}

#[test]
fn a_long_argument_vector_is_whole() {
    let long = "x".repeat(100_000);
    let run = watch(&["true", &long, "last"]);
    let Body::ProcessExec { argv, argv_truncated, argc, .. } = &execs(&run)[0].body else { unreachable!() };
    assert_eq!((argv.len(), argv[1].len(), *argc, *argv_truncated), (3, 100_000, 3, false));
}

#[test]
fn a_thread_that_is_not_the_leader_executes() {
    let temp = Temp::new("thread-exec");
    let program = compile(
        &temp.0,
        "thread",
        r#"
#include <pthread.h>
#include <unistd.h>
static void *run(void *arg) { execl("/bin/sh", "sh", "-c", "exit 6", NULL); return 0; }
static void *idle(void *arg) { pause(); return 0; }
int main() {
    pthread_t a, b;
    pthread_create(&b, 0, idle, 0);
    pthread_create(&a, 0, run, 0);
    pause();
}
"#,
    );
    let run = watch(&[program.to_str().unwrap()]);
    assert_eq!(run.status.code(), Some(6));
    let execs = execs(&run);
    assert_eq!(execs.len(), 2);
    let (first, second) = (execs[0].proc.as_ref().unwrap(), execs[1].proc.as_ref().unwrap());
    assert_eq!((first.pid, second.tid), (second.pid, second.pid));
    assert_eq!(&*second.comm, "sh");
    assert_eq!(run.exits(), [(Some(6), None)]);
}

#[test]
fn the_leader_may_end_first() {
    let temp = Temp::new("leader");
    let program = compile(
        &temp.0,
        "leader",
        r#"
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>
static void *run(void *arg) { usleep(50000); open("/etc/hostname", O_RDONLY); _exit(5); }
int main() {
    pthread_t a;
    pthread_create(&a, 0, run, 0);
    pthread_exit(0);
}
"#,
    );
    let run = watch(&[program.to_str().unwrap()]);
    assert_eq!((run.status.code(), run.exits()), (Some(5), vec![(Some(5), None)]));
    assert_eq!(run.opens("/etc/hostname").len(), 1);
    let closed = |body: &Body| matches!(body, Body::FileClose { path, cause, .. } if path.path.as_deref() == Some("/etc/hostname") && cause == "exit");
    assert_eq!(run.count(closed), 1);
}

#[test]
fn forks_of_every_sort_are_followed_to_their_end() {
    let temp = Temp::new("forks");
    let program = compile(
        &temp.0,
        "forks",
        r#"
#define _GNU_SOURCE
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
int main() {
    int status;
    if (vfork() == 0) _exit(1);
    wait(&status);
    struct clone_args args;
    memset(&args, 0, sizeof args);
    args.exit_signal = SIGCHLD;
    if (syscall(SYS_clone3, &args, sizeof args) == 0) _exit(2);
    wait(&status);
    /* A daemon: its parent does not wait for it. */
    if (fork() == 0) {
        setsid();
        if (fork() == 0) { usleep(200000); _exit(3); }
        _exit(4);
    }
    wait(&status);
    return 0;
}
"#,
    );
    let run = watch(&[program.to_str().unwrap()]);
    assert_eq!(run.status.code(), Some(0));
    assert_eq!(run.count(|body| matches!(body, Body::ProcessFork { .. })), 4);
    let mut codes: Vec<_> = run.exits().into_iter().filter_map(|(code, _)| code).collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 1, 2, 3, 4]);
    assert_eq!(run.exits().last(), Some(&(Some(3), None)), "the daemon is followed to its end");
}

#[test]
fn killed_in_a_call_that_waits_nothing_is_lost() {
    let temp = Temp::new("killed");
    let fifo = temp.path("fifo");
    let run = sh(&format!("mkfifo {fifo}; cat {fifo} & sleep 0.3; kill -KILL $!; wait $!"));
    assert_eq!(run.status.code(), Some(137));
    assert!(run.exits().contains(&(None, Some(9))));
    assert!(run.account.lost.is_empty(), "{:?}", run.account.lost);
    assert_eq!(run.opens(&fifo).len(), 0, "it never was opened");
}

#[test]
fn every_child_is_known_before_it_does_anything() {
    let run = sh("for i in 1 2 3 4 5 6 7 8; do (cat /dev/null & cat /dev/null; wait) & done; wait");
    let mut known: Vec<u32> = Vec::new();
    for entry in &run.entries {
        let pid = entry.proc.as_ref().unwrap().pid;
        if known.is_empty() && !matches!(entry.body, Body::ProcessSnapshot { .. }) {
            known.push(pid);
        }
        if matches!(entry.body, Body::ProcessSnapshot { .. }) {
            continue;
        }
        assert!(known.contains(&pid), "{entry:?}");
        if let Body::ProcessFork { child_pid, .. } = entry.body {
            known.push(child_pid);
        }
    }
    assert_eq!(run.exits().len(), 1 + run.count(|body| matches!(body, Body::ProcessFork { .. })));
    assert!(run.account.lost.is_empty());
}

#[test]
fn a_command_that_is_not_there() {
    let code = |argv: &str| match Ptrace::start(&Target::Command(vec![argv.into()]), &Options::default()) {
        Err(StartError::Command(error)) => error.exit_code(),
        other => panic!("{other:?}"),
    };
    assert_eq!(code("kernscope-no-such-program"), 127);
    assert_eq!(code("/etc/passwd"), 126);
}

#[test]
fn a_running_tree_is_attached_to_and_let_go() {
    let temp = Temp::new("attach");
    let fifo = temp.path("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let script = format!("(read x < {fifo}; cat /etc/hostname > {}; sleep 100) & wait", temp.path("out"));
    let mut child = Command::new("sh").args(["-c", &script]).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let mut ptrace = Ptrace::start(&Target::Pid(child.id()), &Options::default()).unwrap();
    let writer = std::thread::spawn(move || fs::write(fifo, "go\n"));
    let mut core = kernscope_watch::core::Core::new(kernscope_watch::core::Config::default());
    let mut entries = Vec::new();
    let slept = |entries: &[Entry]| {
        entries
            .iter()
            .any(|entry| matches!(&entry.body, Body::ProcessExec { argv, .. } if argv[0] == "sleep"))
    };
    for _ in 0..500 {
        ptrace.poll(Duration::from_millis(20), &mut |bytes| core.step(bytes, &mut entries)).unwrap();
        if slept(&entries) {
            break;
        }
    }
    assert!(slept(&entries));
    let hostname = |entry: &&Entry| {
        super::bench::path_and_ret(&entry.body).is_some_and(|(path, _)| path == "/etc/hostname")
    };
    assert_eq!(entries.iter().filter(hostname).count(), 1);
    ptrace.detach();
    writer.join().unwrap().unwrap();
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    assert!(status.contains("TracerPid:\t0"), "{status}");
    assert!(child.try_wait().unwrap().is_none(), "it goes on alone");
    let tree = kernscope_watch::proc_snapshot::descendants(child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    for process in tree {
        let pid = nix::unistd::Pid::from_raw(process.pid.cast_signed());
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
    }
}

#[test]
fn detached_from_a_command_its_tree_ends() {
    let argv = ["sh", "-c", "sleep 100 & sleep 100"].map(Into::into).to_vec();
    let mut ptrace = Ptrace::start(&Target::Command(argv), &Options::default()).unwrap();
    ptrace.detach();
    let (entries, _) = follow(&mut ptrace, |_| {});
    assert!(entries.iter().any(|entry| matches!(entry.body, Body::ProcessExit { signal: Some(9), .. })));
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ptrace.command_status().unwrap()), Some(9));
}
