//! A process that has probed everything is as it was: nothing attached, no descriptor, no limit, no cgroup.
//!
//! Alone in its file, because the other tests of this crate open descriptors at the same time.

use kernscope_kit::probe;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// What each descriptor of this process points to.
fn descriptors() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/proc/self/fd").expect("own descriptors");
    let mut links: Vec<_> = entries.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok()).collect();
    links.sort();
    links
}

fn children() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for task in std::fs::read_dir("/proc/self/task").expect("own threads").flatten() {
        let text = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        all.extend(text.split_whitespace().map(str::to_owned));
    }
    all
}

fn limits() -> String {
    std::fs::read_to_string("/proc/self/limits").expect("own limits")
}

/// Cgroups of this process's probes, wherever cgroup v2 is mounted.
fn cgroups() -> Vec<PathBuf> {
    let mounts = std::fs::read_to_string("/proc/self/mounts").expect("own mounts");
    let roots = mounts.lines().filter(|line| line.split(' ').nth(2) == Some("cgroup2"));
    let own = std::fs::read_to_string("/proc/self/cgroup").expect("own cgroup");
    let inside = own.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or("");
    let name = format!("kernscope-probe.{}", std::process::id());
    roots
        .filter_map(|line| line.split(' ').nth(1))
        .map(|root| PathBuf::from(root).join(inside).join(&name))
        .filter(|path| path.exists())
        .collect()
}

#[test]
fn everything_is_as_before() {
    let before = (descriptors(), children(), limits());
    let mut findings = 0;
    probe::all(|_| findings += 1);
    let verdicts = probe::verdicts(&probe::watch_ebpf(), &probe::ptrace());
    assert!(findings > 100 && !verdicts.is_empty());
    assert_eq!(before, (descriptors(), children(), limits()));
    assert_eq!(cgroups(), Vec::<PathBuf>::new());
}
