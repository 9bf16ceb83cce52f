//! What is denied fails, whichever way it is tried; or, where the kernel enforces nothing, is seen.

use super::bench::{Folder, is_root, judged, ready, run};
use super::sender;
use kernscope_abi::{self as abi, paths, paths::policy};
use kernscope_watch::ebpf::{Ebpf, Policy};
use kernscope_watch::policy::paths::{Class, List, Places, Table};
use kernscope_watch::raw::{Body, path_from_walk};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How `evade` ends: refused, not on this kernel.
const REFUSED: i32 = 0;
const NO_SUCH_WAY: i32 = 77;

/// Ways of `tests/cases/c/evade.c`, and how each is refused.
const WAYS: &[(&str, u32)] = &[
    ("name", abi::DENY_OPEN),
    ("write", abi::DENY_OPEN),
    ("truncating_open", abi::DENY_OPEN),
    ("symlink", abi::DENY_OPEN),
    ("symlinked_directory", abi::DENY_OPEN),
    ("hard_link", abi::DENY_LINK),
    ("linkat_of_descriptor", abi::DENY_LINK),
    ("rename", abi::DENY_RENAME),
    ("rename_of_directory", abi::DENY_RENAME),
    ("exchange", abi::DENY_RENAME),
    ("unlink", abi::DENY_UNLINK),
    ("truncate", abi::DENY_TRUNCATE),
    ("chmod", abi::DENY_ATTRIBUTES),
    ("chown", abi::DENY_ATTRIBUTES),
    ("mkdir", abi::DENY_MAKE),
    ("mknod", abi::DENY_MAKE),
    ("create", abi::DENY_MAKE),
    ("making_symlink", abi::DENY_MAKE),
    ("exec", abi::DENY_EXEC),
    ("proc_root", abi::DENY_OPEN),
    ("proc_cwd", abi::DENY_OPEN),
    ("proc_fd", abi::DENY_OPEN),
    ("bind_mount", abi::DENY_OPEN),
    ("bind_mount_of_file", abi::DENY_OPEN),
    ("detached_tree", abi::DENY_OPEN),
    ("chroot", abi::DENY_OPEN),
    ("chroot_above", abi::DENY_OPEN),
    ("openat2", abi::DENY_OPEN),
    ("openat2_beneath", abi::DENY_OPEN),
    ("race", abi::DENY_OPEN),
    ("many_levels", abi::DENY_MAKE),
    ("long_names", abi::DENY_MAKE),
    ("memfd", abi::DENY_EXEC),
    ("vfork", abi::DENY_EXEC),
    ("thread", abi::DENY_EXEC),
    ("thread_open", abi::DENY_OPEN),
    ("mapping", abi::DENY_MAP),
    ("mprotect", abi::DENY_MAP),
    ("received_descriptor", abi::DENY_RECEIVE),
    ("uring", abi::DENY_OPEN),
    ("argv", abi::DENY_OPEN),
    ("ptrace", abi::DENY_TRACE),
    ("memory", abi::DENY_TRACE),
    ("mount", abi::DENY_MOUNT),
];

/// Of these the kernel's events say that the policy denies them where nothing is enforced: opens and execs that succeed.
const SEEN: &[&str] = &[
    "name",
    "write",
    "symlink",
    "symlinked_directory",
    "proc_root",
    "proc_cwd",
    "proc_fd",
    "bind_mount",
    "bind_mount_of_file",
    "detached_tree",
    "chroot",
    "chroot_above",
    "openat2",
    "openat2_beneath",
    "many_levels",
    "long_names",
    "race",
    "memfd",
    "vfork",
    "thread_open",
    "uring",
    "argv",
    "exec",
];

/// The program that tries them: the one that lies in a guest, or compiled here.
fn evade() -> Option<PathBuf> {
    let of_guest = Path::new("/vm/bin/evade");
    if of_guest.exists() {
        return Some(of_guest.to_owned());
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases/c/evade.c");
    let binary = std::env::temp_dir().join(format!("kernscope-evade-{}", std::process::id()));
    let flags = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-static", "-pthread", "-o"];
    let compiled = Command::new("gcc").args(flags).args([&binary, &source]).status();
    if !compiled.is_ok_and(|status| status.success()) {
        println!("SKIPPED: needs gcc and a static libc");
        return None;
    }
    Some(binary)
}

/// What a run of several ways has for each: a folder as `evade` wants it; and one policy for all.
fn stage(ways: &[&str], evade: &Path) -> (Folder, Table) {
    let folder = Folder::new(ways[0]);
    for way in ways {
        for dir in ["denied", "open"] {
            fs::create_dir_all(folder.0.join(way).join(dir)).expect("a folder");
        }
        fs::write(folder.0.join(way).join("denied/secret"), "secret").expect("a file");
        fs::write(folder.0.join(way).join("open/pid"), std::process::id().to_string()).expect("a file");
        if ["exec", "vfork", "thread", "mapping", "mprotect"].contains(way) {
            fs::copy(evade, folder.0.join(way).join("denied/tool")).expect("a program");
        }
    }
    let mut builder = Table::builder(Places { home: "/root".into(), cwd: "/".into() });
    for (class, path) in [(Class::Read, "secret"), (Class::Write, "**"), (Class::Exec, "tool")] {
        let pattern = format!("{}/*/denied/{path}", folder.text());
        builder.add(class, List::Deny, pattern.as_bytes()).expect("a pattern");
    }
    (folder, builder.build().expect("a table"))
}

/// What came of a way.
#[derive(Clone, Default)]
struct Outcome {
    status: Option<i32>,
    denied: Vec<abi::Deny>,
    judged: Vec<(String, u32)>,
}

/// Tries ways one after the other, and notes of each its process and how it ended.
const TRY_ALL: &str = "program=$1; folder=$2; shift 2; for way; do \
    \"$program\" \"$way\" \"$folder/$way\" & pid=$!; wait $pid; echo \"$way $pid $?\" >>\"$folder/ended\"; done";

/// What came of each way, in their order. Loading takes long under emulation: all are tried in one run.
fn try_ways(ways: &[&str], evade: &Path, mode: Policy, flags: u64) -> Vec<Outcome> {
    let (folder, table) = stage(ways, evade);
    let sender = ways.contains(&"received_descriptor").then(|| sender::start(&folder.0));
    let program = evade.to_str().expect("text");
    let argv = [&["sh", "-c", TRY_ALL, "sh", program, folder.text()], ways].concat();
    let mut backend = ready(&argv, mode).expect("it loads");
    let enforced: u64 = (0..paths::CLASSES).map(policy::enforced).sum();
    backend.set_policy(table.slots(), enforced | policy::NO_TRACE | flags).expect("there is room");
    let mut events = Vec::new();
    run(&mut backend, &mut |_| {}, &mut |event| {
        let of = [event.header.pid, event.header.ppid];
        let path = event.sections.get(abi::SEC_PATH).map(|path| path_from_walk(path.bytes));
        if let Body::Deny(deny) = event.body {
            println!("{deny:?} {}", String::from_utf8_lossy(&path.unwrap_or_default()));
            events.push((of, Some(deny), None));
        }
        if let Some((path, bits)) = judged(event) {
            events.push((of, None, Some((String::from_utf8_lossy(&path).into_owned(), bits))));
        }
    });
    if let Some(sender) = sender {
        sender.join().expect("it has sent");
    }
    let ended = fs::read_to_string(folder.0.join("ended")).expect("what the shell wrote");
    let outcomes = ended.lines().zip(ways).map(|(line, way)| {
        let words: Vec<_> = line.split(' ').collect();
        assert_eq!(words[0], *way, "{ended}");
        let (pid, status) = (words[1].parse().expect("a number"), words[2].parse().ok());
        let own = events.iter().filter(|(of, ..)| of.contains(&pid));
        let (denied, judged) =
            own.map(|(_, deny, judged)| (*deny, judged.clone())).unzip::<_, _, Vec<_>, Vec<_>>();
        Outcome {
            status,
            denied: denied.into_iter().flatten().collect(),
            judged: judged.into_iter().flatten().collect(),
        }
    });
    let outcomes: Vec<_> = outcomes.collect();
    assert_eq!(outcomes.len(), ways.len(), "{ended}");
    outcomes
}

/// Whether this kernel enforces; the reason why not is what the user is told.
fn enforces() -> bool {
    let backend: Ebpf = ready(&["true"], Policy::Enforce).expect("it loads");
    let (enforcement, why) = (backend.enforcement(), &backend.enforcement().why);
    println!("enforced: {enforcement:?}");
    let is_active = fs::read_to_string("/sys/kernel/security/lsm").is_ok_and(|list| list.contains("bpf"));
    if is_active {
        assert_eq!(enforcement.classes, 0b111, "{why}");
    } else {
        assert!(enforcement.classes == 0 && why.starts_with("BPF LSM is not active"), "{why}");
        println!("SKIPPED: {why}");
    }
    is_active
}

#[test]
fn every_way_is_refused_and_told() {
    let Some(evade) = is_root().then(evade).flatten().filter(|_| enforces()) else { return };
    let names: Vec<_> = WAYS.iter().map(|(way, _)| *way).collect();
    let (mount, others) = names.split_last().expect("there are some");
    let mut outcomes = try_ways(others, &evade, Policy::Enforce, 0);
    outcomes.extend(try_ways(&[mount], &evade, Policy::Enforce, policy::NO_MOUNT));
    let mut wrong = Vec::new();
    for (&(way, what), outcome) in WAYS.iter().zip(outcomes) {
        let is_told = outcome.denied.iter().any(|deny| deny.what == what);
        match outcome.status {
            Some(REFUSED) if is_told => println!("{way}: refused"),
            Some(NO_SUCH_WAY) => println!("{way}: SKIPPED: not on this kernel"),
            status => wrong.push(format!("{way}: {status:?}, {:?}", outcome.denied)),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_not_denied_works() {
    let Some(evade) = is_root().then(evade).flatten() else { return };
    let outcome = &try_ways(&["nothing"], &evade, Policy::Enforce, policy::NO_MOUNT)[0];
    assert_eq!((outcome.status, &outcome.denied), (Some(REFUSED), &Vec::new()));
}

#[test]
fn without_enforcement_each_way_is_seen() {
    let Some(evade) = is_root().then(evade).flatten() else { return };
    let denies = |(_, bits): &(String, u32)| {
        bits & paths::UNDECIDED != 0 || (0..paths::CLASSES).any(|class| paths::denied(*bits, class, false))
    };
    let mut wrong = Vec::new();
    // Before that a completion does not lead to its request.
    let has_uring = kernscope_kit::probe::release() >= (5, 19);
    for (way, outcome) in SEEN.iter().zip(try_ways(SEEN, &evade, Policy::Judge, 0)) {
        match outcome.status {
            Some(NO_SUCH_WAY) => println!("{way}: SKIPPED: not on this kernel"),
            _ if *way == "uring" && !has_uring => println!("{way}: SKIPPED: seen from 5.19 on"),
            _ if outcome.judged.iter().any(denies) => {
                assert!(outcome.denied.is_empty(), "{way}: nothing is enforced");
            }
            status => wrong.push(format!("{way}: {status:?}, {:?}", outcome.judged)),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
