//! `kernscope doctor` as a program: every line is a record, the status is 0, with privilege and without.

use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// An account without any privilege that every Linux has.
const NOBODY: &str = "65534";

fn kernscope() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_kernscope"))
}

fn records(out: &Output) -> Vec<Value> {
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    let text = std::str::from_utf8(&out.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn of_kind<'a>(records: &'a [Value], kind: &str) -> Vec<&'a Value> {
    records.iter().filter(|record| record["kind"] == kind).collect()
}

fn check(records: &[Value]) {
    for (index, record) in records.iter().enumerate() {
        assert_eq!(record["seq"], index, "{record}");
        assert_eq!(record["v"], 1, "{record}");
        assert!(record["ts"].is_string(), "{record}");
    }
    let probes = of_kind(records, "probe");
    assert!(probes.len() > 100, "{}", probes.len());
    for probe in &probes {
        let answer = probe["answer"].as_str().expect("a word");
        assert!(["yes", "no", "unknown"].contains(&answer), "{probe}");
        let said = |field: &str| !probe[field].as_str().expect("text").is_empty();
        assert_eq!(said("why"), answer != "yes", "{probe}");
        assert_eq!(said("costs"), answer != "yes", "{probe}");
        assert_eq!(said("fix"), answer != "yes", "{probe}");
        assert_eq!(probe["cause"].is_string(), answer == "no", "{probe}");
    }
    let watch = of_kind(records, "verdict").into_iter().find(|verdict| verdict["feature"] == "watch");
    assert!(watch.is_some_and(|verdict| verdict["tier"].is_string()));
    let ledger = records.last().expect("records");
    assert_eq!((&ledger["kind"], &ledger["closes"]), (&"ledger".into(), &true.into()));
    assert_eq!(ledger["emitted"], records.len() - 1);
}

#[test]
fn json_lines_hold_a_probe_each_and_end_with_a_ledger() {
    let out = Command::new(kernscope()).args(["doctor", "--format", "jsonl"]).output().expect("runs");
    check(&records(&out));
}

#[test]
fn people_get_the_same_answers() {
    let out = Command::new(kernscope()).arg("doctor").output().expect("runs");
    assert_eq!(out.status.code(), Some(0));
    let text = String::from_utf8(out.stdout).expect("UTF-8");
    for heading in ["Kernel and settings", "Privileges", "eBPF hooks (seen to fire)", "What this means"] {
        assert!(text.contains(&format!("\n{heading}\n")), "{heading}: {text}");
    }
    assert!(!text.contains('\x1b'), "no colours in a pipe");
    let count = text.lines().last().expect("a last line");
    let numbers: Vec<usize> = count.split(' ').filter_map(|word| word.parse().ok()).collect();
    assert_eq!(numbers.len(), 3, "{count}");
    assert!(numbers.iter().sum::<usize>() > 100, "{count}");
}

/// A copy of the program where every account can run it, removed on drop.
struct Copy(PathBuf);

impl Copy {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("kernscope-doctor-test.{}", std::process::id()));
        std::fs::copy(kernscope(), &path).expect("copies");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("permits");
        Self(path)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.0);
    }
}

#[test]
fn without_privilege_it_says_what_is_forbidden() {
    let copy = Copy::new();
    let mut command = Command::new("setpriv");
    let drop_all =
        ["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"];
    command.args(drop_all).arg(&copy.0).args(["doctor", "--format", "jsonl"]);
    let out = command.output().expect("setpriv runs");
    if !out.status.success() && out.stdout.is_empty() {
        // Only root can become somebody else; an unprivileged run of these tests covers the same above.
        eprintln!("skipped: {}", String::from_utf8_lossy(&out.stderr).trim());
        return;
    }
    let records = records(&out);
    check(&records);
    let probes = of_kind(&records, "probe");
    let answer = |name: &str| {
        let probe = probes.iter().find(|probe| probe["name"] == name && probe["group"] != "kernel");
        probe.unwrap_or_else(|| panic!("{name} was probed"))
    };
    for cap in ["CAP_BPF", "CAP_PERFMON", "CAP_SYS_ADMIN"] {
        assert_eq!(answer(cap)["cause"], "forbidden");
    }
    // No tracing program loads without privilege on any kernel; and it is never mistaken for a missing feature.
    for name in ["kprobe", "raw_tracepoint", "perf_event"] {
        assert_eq!(answer(name)["cause"], "forbidden", "{}", answer(name));
    }
    assert_eq!(answer("tp_btf sys_enter")["answer"], "no");
    let watch = of_kind(&records, "verdict").into_iter().find(|verdict| verdict["feature"] == "watch");
    assert_ne!(watch.expect("a verdict")["tier"], "ebpf");
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let shell =
        format!("'{}' doctor --format jsonl | head -n 1; exit ${{PIPESTATUS[0]}}", kernscope().display());
    let out = Command::new("bash").args(["-c", &shell]).output().expect("bash runs");
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
}
