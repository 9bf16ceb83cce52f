//! What a run amounted to, gathered as it goes, in bounded memory.
//!
//! Counts are exact. Counts of *different* things are exact up to [`distinct::CAPACITY`] and say `at least`
//! beyond it; rankings keep the heaviest [`top::CAPACITY`] and say how many they let go.

pub mod distinct;
pub mod top;

use crate::{Body, Entry, NetCall, OpenMode, Proc};
use distinct::Distinct;
use std::collections::HashSet;
use top::{Top, Weight};

/// Living processes that are told apart; more are counted, but perhaps twice.
const LIVE_MAX: usize = 65_536;
/// Longest-running processes that are kept.
pub const LONGEST: usize = 5;
/// Listening sockets that are kept by name.
pub const LISTENING_MAX: usize = 64;

/// What a connect that goes on in the background returns: no failure.
pub(crate) const BEGUN: &str = "EINPROGRESS";

/// Everything the end of a run is told from.
#[derive(Debug, Default)]
pub struct Summary {
    /// Time of the first entry, `CLOCK_MONOTONIC` nanoseconds.
    pub first_ns: Option<u64>,
    /// Time of the last entry.
    pub last_ns: u64,
    /// Processes.
    pub processes: Processes,
    /// Files.
    pub files: Files,
    /// Network.
    pub net: Net,
    /// Calls that failed, by kind and errno.
    pub failures: Top<Count>,
    live: HashSet<u32>,
}

/// What processes did.
#[derive(Debug, Default)]
pub struct Processes {
    /// Watched processes, those that were there before included.
    pub seen: u64,
    /// Programs executed.
    pub execs: u64,
    /// Executions that failed.
    pub exec_failures: u64,
    /// Ended with code 0.
    pub succeeded: u64,
    /// Ended with another code.
    pub failed: u64,
    /// Ended by a signal.
    pub killed: u64,
    /// The longest-running of those that ended: nanoseconds and name, longest first.
    pub longest: Vec<(u64, String)>,
}

/// What happened to files.
#[derive(Debug, Default)]
pub struct Files {
    /// Successful opens.
    pub opens: u64,
    /// Files opened for reading.
    pub read: Distinct,
    /// Files opened for writing.
    pub written: Distinct,
    /// Files opened with leave to create them.
    pub created: Distinct,
    /// Names removed.
    pub deleted: u64,
    /// Names changed.
    pub renamed: u64,
    /// By bytes moved, where the back end counts them.
    pub busiest: Top<Moved>,
}

/// What happened on sockets.
#[derive(Debug, Default)]
pub struct Net {
    /// Remote ends by attempts.
    pub hosts: Top<Host>,
    /// Local ends that listened or got a datagram port.
    pub listening: Vec<String>,
    /// Listening ends beyond [`LISTENING_MAX`].
    pub listening_more: u64,
    /// Processes by bytes on sockets.
    pub talkers: Top<Moved>,
}

/// A count.
#[derive(Debug, Default)]
pub struct Count(pub u64);

impl Weight for Count {
    fn weight(&self) -> u64 {
        self.0
    }
}

/// Bytes in both directions.
#[derive(Debug, Default)]
pub struct Moved {
    /// Read or received.
    pub inward_bytes: u64,
    /// Written or sent.
    pub outward_bytes: u64,
}

impl Weight for Moved {
    fn weight(&self) -> u64 {
        self.inward_bytes.saturating_add(self.outward_bytes)
    }
}

impl Moved {
    fn add(&mut self, inward_bytes: u64, outward_bytes: u64) {
        self.inward_bytes = self.inward_bytes.saturating_add(inward_bytes);
        self.outward_bytes = self.outward_bytes.saturating_add(outward_bytes);
    }
}

/// A remote end.
#[derive(Debug, Default)]
pub struct Host {
    /// Connections made, begun or accepted, and first datagrams.
    pub contacts: u64,
    /// Attempts that failed.
    pub failures: u64,
}

impl Weight for Host {
    fn weight(&self) -> u64 {
        self.contacts + self.failures
    }
}

impl Summary {
    /// Takes one entry into account.
    pub fn entry(&mut self, entry: &Entry) {
        let Some(proc) = &entry.proc else { return };
        if !matches!(entry.body, Body::ProcessSnapshot { .. }) {
            self.first_ns.get_or_insert(entry.ts_ns);
            self.last_ns = self.last_ns.max(entry.ts_ns);
        }
        if let Some((ret, Some(errno))) = entry.body.outcome()
            && ret < 0
            && errno != BEGUN
        {
            let key = format!("{} {errno}", verb(&entry.body));
            self.failures.update(&key, |count| count.0 += 1);
        }
        self.process(proc, &entry.body);
        self.file(&entry.body);
        self.network(proc, &entry.body);
    }

    fn process(&mut self, proc: &Proc, body: &Body) {
        match body {
            Body::ProcessSnapshot { watched: true, .. } => self.meet(proc.pid),
            Body::ProcessFork { child_pid, .. } => self.meet(*child_pid),
            Body::ProcessExec { .. } if !self.live.contains(&proc.pid) => self.meet(proc.pid),
            _ => {}
        }
        let processes = &mut self.processes;
        match body {
            Body::ProcessExec { .. } => processes.execs += 1,
            Body::ProcessExecFailed { .. } => processes.exec_failures += 1,
            Body::ProcessExit { code, duration_ns, .. } => {
                self.live.remove(&proc.pid);
                match code {
                    Some(0) => processes.succeeded += 1,
                    Some(_) => processes.failed += 1,
                    None => processes.killed += 1,
                }
                if let Some(duration_ns) = duration_ns {
                    processes.ended_after(*duration_ns, proc);
                }
            }
            _ => {}
        }
    }

    fn meet(&mut self, pid: u32) {
        if self.live.len() >= LIVE_MAX || self.live.insert(pid) {
            self.processes.seen += 1;
        }
    }

    fn file(&mut self, body: &Body) {
        let files = &mut self.files;
        match body {
            Body::FileOpen { path, flags, mode, ret, .. } if *ret >= 0 => {
                files.opens += 1;
                let has = |name: &str| flags.iter().any(|flag| flag == name);
                let Some(path) = &path.path else { return };
                if has("O_DIRECTORY") || has("O_PATH") {
                    return;
                }
                let writes =
                    has("O_WRONLY") || has("O_RDWR") || matches!(mode, OpenMode::Write | OpenMode::ReadWrite);
                let reads = !has("O_WRONLY") && *mode != OpenMode::Write;
                if reads {
                    files.read.insert(path);
                }
                if writes {
                    files.written.insert(path);
                }
                if *mode == OpenMode::Create {
                    files.created.insert(path);
                }
            }
            Body::FileClose { path, read_bytes, write_bytes, .. } => {
                let (inward, outward) = (read_bytes.unwrap_or(0), write_bytes.unwrap_or(0));
                if let Some(path) = &path.path
                    && (inward > 0 || outward > 0)
                {
                    files.busiest.update(path, |moved| moved.add(inward, outward));
                }
            }
            Body::FileUnlink(call) if call.ret >= 0 => files.deleted += 1,
            Body::FileRename { call, .. } if call.ret >= 0 => files.renamed += 1,
            _ => {}
        }
    }

    fn network(&mut self, proc: &Proc, body: &Body) {
        let net = &mut self.net;
        match body {
            Body::NetConnect(call) | Body::NetSend(call) | Body::NetAccept(call) => net.contact(call),
            Body::NetListen(call) if call.ret >= 0 => net.listens(call),
            Body::NetBind(call) if call.ret >= 0 && call.proto == "udp" => net.listens(call),
            Body::NetClose { bytes_sent, bytes_received, .. } => {
                let (inward, outward) = (bytes_received.unwrap_or(0), bytes_sent.unwrap_or(0));
                if inward > 0 || outward > 0 {
                    let key = format!("{} {}", proc.pid, proc.comm);
                    net.talkers.update(&key, |moved| moved.add(inward, outward));
                }
            }
            _ => {}
        }
    }
}

impl Processes {
    fn ended_after(&mut self, duration_ns: u64, proc: &Proc) {
        if self.longest.last().is_some_and(|last| self.longest.len() >= LONGEST && last.0 >= duration_ns) {
            return;
        }
        let at = self.longest.partition_point(|(other_ns, _)| *other_ns >= duration_ns);
        self.longest.insert(at, (duration_ns, format!("{} {}", proc.pid, proc.comm)));
        self.longest.truncate(LONGEST);
    }
}

impl Net {
    fn contact(&mut self, call: &NetCall) {
        let Some(remote) = &call.remote else { return };
        let begun = call.ret >= 0 || call.errno.as_deref() == Some(BEGUN);
        let key = format!("{} {remote}", call.proto);
        self.hosts.update(&key, |host| if begun { host.contacts += 1 } else { host.failures += 1 });
    }

    fn listens(&mut self, call: &NetCall) {
        let Some(local) = &call.local else { return };
        let name = format!("{} {local}", call.proto);
        if self.listening.contains(&name) {
            return;
        }
        if self.listening.len() < LISTENING_MAX {
            self.listening.push(name);
        } else {
            self.listening_more += 1;
        }
    }
}

/// The kind without its family: `open`, `connect`, ...
pub(crate) fn verb(body: &Body) -> &'static str {
    let kind = body.kind();
    match body {
        Body::ProcessExecFailed { .. } => "exec",
        Body::TlsData(_) => "tls",
        _ => kind.split_once('_').map_or(kind, |(_, verb)| verb),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn the_samples_add_up() {
        let mut summary = Summary::default();
        for entry in samples::entries() {
            summary.entry(&entry);
        }
        let processes = &summary.processes;
        assert_eq!((processes.seen, processes.execs, processes.exec_failures), (2, 2, 1));
        assert_eq!((processes.succeeded, processes.failed, processes.killed), (1, 0, 1));
        assert_eq!(processes.longest, [(1_500_000, "101 cat".to_owned())]);
        let files = &summary.files;
        assert_eq!((files.opens, files.read.len(), files.written.len(), files.created.len()), (2, 1, 1, 1));
        assert_eq!((files.deleted, files.renamed), (1, 1));
        assert_eq!(files.busiest.ranked(9)[0].1.inward_bytes, 12);
        assert_eq!(summary.net.listening, ["tcp 127.0.0.1:8080"]);
        let hosts = summary.net.hosts.ranked(9);
        assert!(hosts.iter().any(|(name, host)| *name == "tcp 127.0.0.1:1" && host.failures == 1));
        let failures = summary.failures.ranked(9);
        assert!(failures.iter().any(|(name, count)| *name == "connect ECONNREFUSED" && count.0 == 1));
        assert_eq!(summary.net.talkers.ranked(9)[0].0, "100 bash");
    }

    #[test]
    fn memory_stays_bounded() {
        let mut summary = Summary::default();
        let mut template = samples::entries();
        template.retain(|entry| {
            matches!(entry.body.kind(), "process_fork" | "net_listen" | "file_open" | "file_close")
        });
        for n in 0..100_000u32 {
            for entry in &mut template {
                match &mut entry.body {
                    Body::ProcessFork { child_pid, .. } => *child_pid = n,
                    Body::NetListen(call) => call.local = Some(format!("127.0.0.1:{n}")),
                    Body::FileOpen { path, .. } | Body::FileClose { path, .. } => {
                        path.path = Some(format!("/tmp/{n}"));
                    }
                    _ => {}
                }
                summary.entry(entry);
            }
        }
        assert!(summary.live.len() <= LIVE_MAX);
        assert_eq!(summary.net.listening.len(), LISTENING_MAX);
        assert!(summary.files.busiest.len() <= top::CAPACITY);
        assert!(!summary.files.read.is_exact());
        assert!(summary.files.read.len() <= distinct::CAPACITY);
        assert_eq!(summary.processes.seen, 100_000);
    }
}
