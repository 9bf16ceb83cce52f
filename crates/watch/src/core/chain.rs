//! Secrets on their way: read from a file, and sent to somebody.
//!
//! Each find is remembered by a keyed hash of its secret, never by the secret. When one is sent to another host that was read from a
//! file before, by the same process or another, that is one alert, with the records that are its evidence: the read, what moved
//! it on (pipes, UNIX sockets, copies, forks), and the send. A read of what somebody wrote goes back to what that one had read.
//!
//! Bounded: [`MAX_SECRETS`] secrets, the oldest forgotten first; [`MAX_SEEN`] finds and [`MAX_TOLD`] alerts of each.

use super::Core;
use super::table::{ProcId, Process};
use kernscope_report::{Alert, Body, ContentMatch, ContentSource, Entry, Severity, TlsDirection};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};

/// Secrets that are remembered.
const MAX_SECRETS: usize = 4096;
/// Finds of a secret that are remembered: the first ones, as it is the first read that tells where it is from.
const MAX_SEEN: usize = 32;
/// Alerts of a secret.
const MAX_TOLD: usize = 32;
/// Shortest secret that is not taken for the same by chance.
const SHORTEST_BYTES: usize = 8;
/// Forks between two processes that are told.
const MAX_FORKS: usize = 32;

/// Where secrets have been.
#[derive(Debug, Default)]
pub(super) struct Chains {
    /// Drawn for each run: nobody can try guesses against a hash.
    key: RandomState,
    secrets: HashMap<u64, Secret>,
    order: VecDeque<u64>,
}

#[derive(Debug, Default)]
struct Secret {
    seen: Vec<Seen>,
    /// To whom who was told to have sent it.
    told: Vec<(ProcId, String)>,
}

/// One find.
#[derive(Clone, Debug)]
struct Seen {
    seq: u64,
    ts_ns: u64,
    by: ProcId,
    /// What the process is called.
    name: String,
    way: Way,
    /// Device and inode of the file.
    file: Option<(u32, u64)>,
}

/// What a rule has found, beside its record.
pub(super) struct Find<'a> {
    pub(super) secret: &'a [u8],
    /// Device and inode of the regular file that it is in.
    pub(super) file: Option<(u32, u64)>,
    /// The record is that of an event.
    pub(super) is_event: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Way {
    /// Read from a file.
    File(String),
    /// Written into one.
    Written,
    /// Sent to another end of the internet.
    Sent(String),
    /// Something in between.
    Other,
}

impl Core {
    /// Gives out what a rule has found, and an alert if that completes a chain.
    pub(super) fn tell_match(&mut self, entry: Entry, find: &Find<'_>, out: &mut Vec<Entry>) {
        let seq = self.tally.emitted;
        let seen = self.seen(&entry, seq, find.file);
        let copy = seen.as_ref().map(|_| entry.clone());
        match find.is_event {
            true => self.emit(out, entry),
            false => self.derive(entry, out),
        }
        let (Some(seen), Some(entry)) = (seen, copy) else { return };
        if find.secret.len() < SHORTEST_BYTES {
            return;
        }
        if let Some((first, between)) = self.chains.note(find.secret, &seen) {
            let body = Body::Alert(self.alert(&first, &between, &seen, &entry));
            self.derive(Entry { body, ..entry }, out);
        }
    }

    fn seen(&self, entry: &Entry, seq: u64, file: Option<(u32, u64)>) -> Option<Seen> {
        let Body::ContentMatch(found) = &entry.body else { return None };
        let proc = entry.proc.as_ref()?;
        let by = ProcId { pid: proc.pid, start_ns: proc.start_ns };
        let name = self.table.get(by).map_or(&*proc.comm, Process::name).to_owned();
        Some(Seen { seq, ts_ns: entry.ts_ns, by, name, way: way(found), file })
    }

    fn alert(&self, first: &Seen, between: &[Seen], last: &Seen, entry: &Entry) -> Alert {
        let (Body::ContentMatch(found), Way::File(file), Way::Sent(remote)) =
            (&entry.body, &first.way, &last.way)
        else {
            return Alert::default();
        };
        let who = |seen: &Seen| format!("{} ({})", seen.name, seen.by.pid);
        let (reader, sender) = (who(first), who(last));
        let mut evidence = BTreeSet::from([first.seq, last.seq]);
        let mut because = vec![format!("{reader} read it from {file}")];
        for seen in between {
            evidence.insert(seen.seq);
            because.push(format!("{} had it in between", who(seen)));
        }
        let forks = self.forks(first.by, last.by);
        if !forks.is_empty() {
            because.push(format!("{reader} and {sender} are of one tree"));
        }
        evidence.extend(forks);
        because.push(format!("{sender} sent it to {remote}"));
        let rule = &found.rule;
        Alert {
            rule: "secret_sent".to_owned(),
            severity: severity(&found.severity),
            message: format!("secret ({rule}) read from {file} by {reader} and sent to {remote} by {sender}"),
            evidence: evidence.into_iter().collect(),
            because,
            id: Alert::id_of(&[rule, file, remote, &first.name, &last.name]),
            count: 1,
            ..Alert::default()
        }
    }

    /// Records of the forks by which one process came to be from another, or both from a third.
    fn forks(&self, first: ProcId, last: ProcId) -> Vec<u64> {
        let line = |id: ProcId| -> Vec<(ProcId, Option<u64>)> {
            let own = self.table.get(id);
            let all = own.into_iter().chain(self.table.lineage(id)).take(MAX_FORKS);
            all.map(|process| (process.id, process.forked_seq)).collect()
        };
        let (firsts, lasts) = (line(first), line(last));
        let Some(common) = lasts.iter().find(|(id, _)| firsts.iter().any(|(other, _)| other == id)) else {
            return Vec::new();
        };
        let below = |line: &[(ProcId, Option<u64>)]| -> Vec<u64> {
            line.iter().take_while(|(id, _)| *id != common.0).filter_map(|(_, seq)| *seq).collect()
        };
        [below(&firsts), below(&lasts)].concat()
    }
}

impl Chains {
    /// Remembers a find. The read that it completes a chain with, and what lies between, unless that was told.
    fn note(&mut self, secret: &[u8], seen: &Seen) -> Option<(Seen, Vec<Seen>)> {
        let hash = self.key.hash_one(secret);
        if !self.secrets.contains_key(&hash) {
            if self.secrets.len() >= MAX_SECRETS
                && let Some(oldest) = self.order.pop_front()
            {
                self.secrets.remove(&oldest);
            }
            self.order.push_back(hash);
        }
        let known = self.secrets.entry(hash).or_default();
        let chain = known.complete(seen);
        if known.seen.len() < MAX_SEEN {
            known.seen.push(seen.clone());
        }
        chain
    }
}

impl Secret {
    fn complete(&mut self, last: &Seen) -> Option<(Seen, Vec<Seen>)> {
        let Way::Sent(remote) = &last.way else { return None };
        let told = (last.by, remote.clone());
        if self.told.len() >= MAX_TOLD || self.told.contains(&told) {
            return None;
        }
        let before = |seen: &&Seen| seen.ts_ns <= last.ts_ns;
        let is_read = |seen: &&Seen| matches!(seen.way, Way::File(_));
        let reads = || self.seen.iter().filter(before).filter(is_read);
        // Who sends it has read it itself, or somebody else has: the first one.
        let first = reads().find(|seen| seen.by == last.by).or_else(|| reads().next())?;
        let first = self.origin(first).clone();
        let is_step = |seen: &Seen| match seen.way {
            Way::Other | Way::Written => true,
            Way::File(_) => seen.by == last.by,
            Way::Sent(_) => false,
        };
        let between = |seen: &&Seen| is_step(seen) && first.by != last.by && seen.ts_ns >= first.ts_ns;
        let between: Vec<Seen> = self.seen.iter().filter(before).filter(between).cloned().collect();
        self.told.push(told);
        Some((first, between))
    }

    /// The read that a read goes back to: who wrote into that file before had read it somewhere, and so on.
    fn origin<'a>(&'a self, mut read: &'a Seen) -> &'a Seen {
        let earlier = |read: &Seen| {
            let is_source = |seen: &&Seen| {
                seen.way == Way::Written
                    && seen.file.is_some()
                    && seen.file == read.file
                    && seen.ts_ns < read.ts_ns
            };
            let written = self.seen.iter().find(is_source)?;
            let before = |seen: &&Seen| matches!(seen.way, Way::File(_)) && seen.ts_ns <= written.ts_ns;
            let reads = || self.seen.iter().filter(before);
            reads().find(|seen| seen.by == written.by).or_else(|| reads().next())
        };
        // Each is earlier than the one before.
        while let Some(one) = earlier(read) {
            read = one;
        }
        read
    }
}

fn way(found: &ContentMatch) -> Way {
    let is_sent = found.source == ContentSource::NetSend || found.direction == Some(TlsDirection::Send);
    match (&found.path.path, &found.remote) {
        (_, Some(remote)) if is_sent => Way::Sent(remote.clone()),
        // Pipes and what else has no place in the file system have no absolute path.
        (Some(path), _) if found.source == ContentSource::FileRead && path.starts_with('/') => {
            Way::File(path.clone())
        }
        (Some(path), _) if found.source == ContentSource::FileWrite && path.starts_with('/') => Way::Written,
        _ => Way::Other,
    }
}

fn severity(word: &str) -> Severity {
    match word {
        "critical" | "high" => Severity::High,
        "medium" => Severity::Medium,
        _ => Severity::Low,
    }
}
