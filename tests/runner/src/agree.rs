//! Two back ends on the same case: the same things must have been told.
//!
//! Each record becomes a line without what differs from run to run (process ids, times, inodes, ports that the
//! kernel chose, counters), and the two sets of lines are compared. Records that one back end leaves out, and
//! admits to, are set aside on both sides.

use crate::case::{Backend, Cases};
use crate::leave_out::Admitted;
use crate::stream::Stream;
use serde_json::Value;
use std::collections::BTreeSet;

/// Fields that say what happened; the others say when, where in memory, or by whom.
const TELLING: &[&str] = &[
    "argv",
    "cause",
    "code",
    "core_dumped",
    "cwd",
    "deleted",
    "errno",
    "exe",
    "filename",
    "flags",
    "group",
    "interpreter",
    "io_uring",
    "length",
    "local",
    "mode",
    "new_path",
    "owner",
    "path",
    "path_truncated",
    "prot",
    "proto",
    "raw_new_path",
    "raw_path",
    "remote",
    "ret",
    "shared",
    "signal",
    "target",
];

/// Lowest port that is taken for one that the kernel chose.
const EPHEMERAL_PORT: u32 = 10_000;

/// Lines that only one of the two has, marked `-` (first) and `+` (second).
pub fn differences(cases: &Cases, first: (&Stream, Backend), second: (&Stream, Backend)) -> Vec<String> {
    let pids = Pids::of(first.0).and(Pids::of(second.0));
    let gaps =
        [first, second].map(|(stream, backend)| Admitted::new(&cases.leave_outs, backend, stream.coverage()));
    // Whether an inherited descriptor's end is told depends on the bytes moved through it.
    let uncounted = gaps.iter().any(|gap| gap.field("write_bytes"));
    let lines = [first.0, second.0].map(|stream| {
        let set_aside = |record: &&Value| match record["kind"].as_str() {
            Some("process_snapshot" | "coverage" | "ledger") => true,
            Some("file_close") if uncounted && record["cause"] == "exit" => true,
            Some("net_close") if uncounted && record["local"].is_null() && record["remote"].is_null() => true,
            _ => gaps.iter().any(|gap| gap.record(record)),
        };
        let told = stream.records.iter().filter(|record| !set_aside(record));
        told.map(|record| pids.line(record)).collect::<BTreeSet<String>>()
    });
    let only = |mark: char, a: &BTreeSet<String>, b: &BTreeSet<String>| -> Vec<String> {
        a.difference(b).map(|line| format!("{mark} {line}")).collect()
    };
    let mut all = only('-', &lines[0], &lines[1]);
    all.extend(only('+', &lines[1], &lines[0]));
    all
}

/// The process and thread ids of one run, to be taken out of texts.
struct Pids(BTreeSet<String>);

impl Pids {
    fn of(stream: &Stream) -> Self {
        let ids = stream.records.iter().flat_map(|record| {
            [&record["proc"]["pid"], &record["proc"]["tid"], &record["child_pid"]]
                .into_iter()
                .filter_map(Value::as_u64)
                // Smaller ones are more often something else.
                .filter(|&id| id >= 100)
                .map(|id| id.to_string())
        });
        Self(ids.collect())
    }

    fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    fn line(&self, record: &Value) -> String {
        let mut parts = vec![record["kind"].as_str().unwrap_or_default().to_owned()];
        // The name is about to change when an exec closes descriptors, and a process's end is told by the thread that
        // happens to be the last: either is right.
        if record["cause"] != "exec" && record["kind"] != "process_exit" {
            parts.push(format!("by={}", self.text(record["proc"]["comm"].as_str().unwrap_or_default())));
        }
        for &name in TELLING {
            let Some(value) = record.get(name) else { continue };
            let text = match (name, value) {
                ("local" | "remote", Value::String(end)) => self.text(&endpoint(end)),
                // Which number is free depends on what other threads do.
                ("ret", Value::Number(ret)) if ret.as_u64().is_some() => "ok".to_owned(),
                (_, Value::String(text)) => self.text(text),
                (_, other) => self.text(&other.to_string()),
            };
            parts.push(format!("{name}={text}"));
        }
        parts.join(" ")
    }

    /// Runs of digits that are ids of this run become `<pid>`; the numbers of pipes and sockets go.
    fn text(&self, text: &str) -> String {
        if let Some(kind) =
            ["pipe:[", "socket:[", "anon_inode:["].iter().find(|kind| text.starts_with(**kind))
        {
            return (*kind).to_owned();
        }
        let mut out = String::with_capacity(text.len());
        let mut digits = String::new();
        for c in text.chars().chain(['\0']) {
            if c.is_ascii_digit() {
                digits.push(c);
                continue;
            }
            out.push_str(if self.0.contains(&digits) { "<pid>" } else { &digits });
            digits.clear();
            out.push(c);
        }
        out.pop();
        out
    }
}

fn endpoint(text: &str) -> String {
    match text.rsplit_once(':') {
        Some((host, port)) if port.parse::<u32>().is_ok_and(|port| port >= EPHEMERAL_PORT) => {
            format!("{host}:<port>")
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::path::PathBuf;

    fn stream(pid: u32, path: &str) -> Stream {
        Stream {
            records: vec![json!({"kind": "file_open", "proc": {"pid": pid, "comm": "c"}, "path": path})],
        }
    }

    #[test]
    fn ids_do_not_matter_and_paths_do() {
        let cases = Cases { cases: Vec::new(), leave_outs: Vec::new(), dir: PathBuf::new() };
        let differ = |a: &Stream, b: &Stream| differences(&cases, (a, Backend::Ebpf), (b, Backend::Ptrace));
        let first = stream(171, "/proc/171/maps");
        assert_eq!(differ(&first, &stream(185, "/proc/185/maps")), Vec::<String>::new());
        assert_eq!(differ(&first, &stream(185, "/proc/185/stat")).len(), 2);
    }

    #[test]
    fn chosen_ports_do_not_matter() {
        assert_eq!(endpoint("127.0.0.1:43210"), "127.0.0.1:<port>");
        assert_eq!(endpoint("[::1]:53"), "[::1]:53");
        assert_eq!(endpoint("@name"), "@name");
    }
}
