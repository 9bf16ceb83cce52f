//! Plain text on its way into records: held until it is known which of it is secret.
//!
//! A record shows bytes, and whether they are a part of a secret may depend on what the next call moves. So a record waits
//! until [`WINDOW_BYTES`] have come behind it the same way on its connection, its connection or its process has ended, or
//! [`HOLD_NS`] have passed. What comes later than that is still redacted, what was told by then is told. With `--no-redact`
//! records do not wait; what rules find does, as it may go on.
//!
//! Each time that rules look they look at the last [`WINDOW_BYTES`] once more. So they look at once where little is said, and
//! where much is when [`BATCH_BYTES`] have come.
//!
//! Bounded: twice [`MAX_HELD`] records a direction, [`MAX_BYTES`] in all; beyond, the oldest are told early. Of a direction on which
//! nothing is said [`IDLE_BYTES`] are kept.

use super::chain::Find;
use super::{Core, paths};
use crate::talk::judges::Judges;
use crate::talk::window::{WINDOW_BYTES, Window};
use kernscope_report::text::Escapes;
use kernscope_report::{Body, ContentMatch, ContentSource, Entry, PathInfo, Proc, TlsData, TlsDirection};
use kernscope_sieve::redact::redact;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

/// Longest wait of a record, nanoseconds of `CLOCK_MONOTONIC`.
pub const HOLD_NS: u64 = 1_000_000_000;
/// Bytes of one direction that rules look at together, where they come sooner than [`SOON_NS`] after those before.
const BATCH_BYTES: u64 = 8 * WINDOW_BYTES as u64;
/// Nanoseconds of `CLOCK_MONOTONIC`.
const SOON_NS: u64 = 100_000_000;
/// Records behind one of the same direction that need not wait longer.
const MAX_HELD: usize = 256;
/// Bytes of all directions together.
const MAX_BYTES: usize = 64 << 20;
/// Bytes that are kept of a direction on which nothing was said for [`HOLD_NS`].
const IDLE_BYTES: usize = 1024;

/// A direction of a connection.
pub(super) type Way = (u64, TlsDirection);

/// What is said on all connections.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    ways: BTreeMap<(u64, bool), Stream>,
    /// When which direction is to be looked at again.
    due: VecDeque<(u64, (u64, bool))>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Stream {
    window: Window,
    held: VecDeque<Held>,
    last: Last,
    /// When rules have looked because more came.
    looked_ns: Option<u64>,
    /// It is in [`Spoken::due`].
    is_due: bool,
}

/// A record that waits, its data left out.
#[derive(Debug)]
struct Held {
    entry: Entry,
    place: Range<u64>,
}

/// The event before, to tell what was found in it.
#[derive(Debug, Default)]
struct Last {
    ts_ns: u64,
    proc: Option<Proc>,
    fd: i32,
    remote: Option<String>,
    escaped: Vec<&'static str>,
}

fn key((conn, direction): Way) -> (u64, bool) {
    (conn, direction == TlsDirection::Send)
}

impl Core {
    /// Takes what was said, and tells what can be told by now. The event counts as one record, told now or later.
    pub(super) fn say(&mut self, entry: Entry, data: &[u8], out: &mut Vec<Entry>) {
        let Body::TlsData(said) = &entry.body else { return };
        let way = key((said.conn, said.direction));
        let (offset, ts_ns) = (said.offset, entry.ts_ns);
        let last = Last {
            ts_ns,
            proc: entry.proc.clone(),
            fd: said.fd.unwrap_or(-1),
            remote: said.remote.clone(),
            escaped: entry.escaped.clone(),
        };
        if self.spoken.ways.get(&way).is_some_and(|stream| stream.window.end() != offset) {
            self.hush(way, out);
        }
        let stream = self.spoken.ways.entry(way).or_default();
        let before = stream.window.len();
        if stream.window.end() != offset {
            stream.window.restart(offset);
        }
        stream.window.push(data);
        stream.last = last;
        let place = offset..stream.window.end();
        if !stream.is_due {
            stream.is_due = true;
            self.spoken.due.push_back((ts_ns, way));
        }
        let shown = if self.config.redact {
            stream.held.push_back(Held { entry, place });
            self.tally.held += 1;
            None
        } else {
            Some(entry)
        };
        let is_late = stream.looked_ns.is_none_or(|looked_ns| ts_ns.saturating_sub(looked_ns) >= SOON_NS);
        let is_ripe = is_late || stream.window.new_bytes() >= BATCH_BYTES || stream.held.len() > 2 * MAX_HELD;
        if is_ripe {
            stream.looked_ns = Some(ts_ns);
        }
        self.spoken.bytes = (self.spoken.bytes + stream.window.len()).saturating_sub(before);
        if let Some(mut entry) = shown {
            fill(&mut entry, data.to_vec());
            self.emit(out, entry);
        }
        if is_ripe {
            self.move_on(way, out);
        }
        while self.spoken.bytes > MAX_BYTES && self.look(u64::MAX, out) {}
    }

    /// Tells what needs to wait no longer, after bytes have come.
    fn move_on(&mut self, way: (u64, bool), out: &mut Vec<Entry>) {
        let Some(stream) = self.spoken.ways.get_mut(&way) else { return };
        let before = stream.window.len();
        stream.window.judge(&mut self.judges);
        let decided = stream.window.end().saturating_sub(WINDOW_BYTES as u64);
        let mut ready = 0;
        while stream
            .held
            .get(ready)
            .is_some_and(|held| held.place.end <= decided || stream.held.len() - ready > MAX_HELD)
        {
            ready += 1;
        }
        let told = stream.take(ready);
        let found = found(stream, way, &mut self.judges, self.config.redact);
        stream.window.trim(WINDOW_BYTES, stream.held.front().map(|held| held.place.start));
        self.spoken.bytes = (self.spoken.bytes + stream.window.len()).saturating_sub(before);
        self.told(told, found, out);
    }

    /// Gives out records that were held, and what was found.
    fn told(&mut self, told: Vec<Entry>, found: Vec<(Entry, Vec<u8>)>, out: &mut Vec<Entry>) {
        for entry in told {
            self.tally.held -= 1;
            self.emit(out, entry);
        }
        for (entry, secret) in found {
            self.tell_match(entry, &Find { secret: &secret, file: None, is_event: false }, out);
        }
    }

    /// Tells what waits on a direction, and what is found there if nothing more comes.
    fn hush(&mut self, way: (u64, bool), out: &mut Vec<Entry>) {
        let Some(stream) = self.spoken.ways.get_mut(&way) else { return };
        stream.window.judge(&mut self.judges);
        stream.window.settle();
        let told = stream.take(stream.held.len());
        let found = found(stream, way, &mut self.judges, self.config.redact);
        self.told(told, found, out);
    }

    /// The connection has ended.
    pub(super) fn conn_ends(&mut self, conn: u64, out: &mut Vec<Entry>) {
        self.http_ends(conn, out);
        for way in [(conn, false), (conn, true)] {
            self.hush(way, out);
            if let Some(stream) = self.spoken.ways.remove(&way) {
                self.spoken.bytes = self.spoken.bytes.saturating_sub(stream.window.len());
            }
        }
    }

    /// All connections have ended.
    pub(super) fn conns_end(&mut self, out: &mut Vec<Entry>) {
        while let Some(&(conn, _)) = self.spoken.ways.keys().next() {
            self.conn_ends(conn, out);
        }
    }

    /// Tells what has waited long enough. `now_ns`: `CLOCK_MONOTONIC`; the end of time tells all.
    pub fn waited(&mut self, now_ns: u64, out: &mut Vec<Entry>) {
        while self.spoken.due.front().is_some_and(|(since, _)| now_ns.saturating_sub(*since) >= HOLD_NS) {
            if !self.look(now_ns, out) {
                return;
            }
        }
    }

    /// Looks at the direction that is due first; `false` when there is none.
    fn look(&mut self, now_ns: u64, out: &mut Vec<Entry>) -> bool {
        let Some((_, way)) = self.spoken.due.pop_front() else { return false };
        let is_over = |since: u64| now_ns.saturating_sub(since) >= HOLD_NS;
        let Some(stream) = self.spoken.ways.get_mut(&way) else { return true };
        let before = stream.window.len();
        if !is_over(stream.last.ts_ns) {
            stream.window.judge(&mut self.judges);
            let ready = stream.held.iter().take_while(|held| is_over(held.entry.ts_ns)).count();
            let told = stream.take(ready);
            let found = found(stream, way, &mut self.judges, self.config.redact);
            let next = stream.held.front().map_or(stream.last.ts_ns, |held| held.entry.ts_ns);
            self.spoken.due.push_back((next, way));
            self.told(told, found, out);
            return true;
        }
        stream.is_due = false;
        self.hush(way, out);
        if let Some(stream) = self.spoken.ways.get_mut(&way) {
            stream.window.trim(IDLE_BYTES, None);
            self.spoken.bytes = (self.spoken.bytes + stream.window.len()).saturating_sub(before);
        }
        true
    }
}

impl Stream {
    /// The first records that wait, with what may be shown.
    fn take(&mut self, count: usize) -> Vec<Entry> {
        let window = &self.window;
        let fill = |mut held: Held| {
            let (shown, secrets) = window.shown(&held.place);
            fill(&mut held.entry, shown);
            if let Body::TlsData(said) = &mut held.entry.body {
                said.secrets = secrets;
            }
            held.entry
        };
        self.held.drain(..count).map(fill).collect()
    }
}

/// Puts the data into a record.
fn fill(entry: &mut Entry, data: Vec<u8>) {
    let Body::TlsData(TlsData { data: text, .. }) = &mut entry.body else { return };
    let mut escapes = Escapes::default();
    *text = paths::owned(&mut escapes, "data", data);
    entry.escaped.splice(0..0, escapes.into_fields());
}

/// What rules have found since the last time, each with its secret.
fn found(
    stream: &mut Stream,
    (conn, is_sent): (u64, bool),
    judges: &mut Judges,
    redacted: bool,
) -> Vec<(Entry, Vec<u8>)> {
    let fresh = stream.window.fresh();
    let last = &stream.last;
    let tell = |(find, secret): (crate::talk::window::Find, Vec<u8>)| {
        let rule = judges.rule(find.rule).filter(|_| judges.tells(find.rule))?;
        let body = ContentMatch {
            rule: rule.id.clone(),
            description: rule.description.clone(),
            severity: rule.severity.as_str().to_owned(),
            source: ContentSource::Tls,
            path: PathInfo::default(),
            remote: last.remote.clone(),
            fd: last.fd,
            offset: Some(find.span.start),
            conn: Some(conn),
            direction: Some(if is_sent { TlsDirection::Send } else { TlsDirection::Recv }),
            redacted: match redacted {
                true => redact(&secret),
                false => String::from_utf8_lossy(&secret).into_owned(),
            },
            secret_bytes: find.secret.end - find.secret.start,
        };
        let (proc, escaped) = (last.proc.clone(), last.escaped.clone());
        Some((Entry { ts_ns: last.ts_ns, proc, body: Body::ContentMatch(body), escaped }, secret))
    };
    fresh.into_iter().filter_map(tell).collect()
}
