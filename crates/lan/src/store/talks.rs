//! Who talked to whom, and how much when: what maps and plots are drawn from.
//!
//! Counts are added to what a source (a capture, or a run) said before; [`Store::begin_source`] takes back what it said, so that a
//! capture that is replayed again counts once. Questions are answered in the time of what is shown, not of what is kept: the largest
//! talks by an index.

use super::{Store, StoreError};
use crate::Mac;
use crate::anomaly::Tally;
use kernscope_report::database::Cause;
use rusqlite::{Connection, Row, TransactionBehavior, params};
use serde::Serialize;

/// A talk as it is kept: of all sources.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct KeptTalk {
    /// The device.
    pub mac: String,
    /// A device, a name or address elsewhere, `everyone` or `others`.
    pub peer: String,
    /// `tcp 443`, `arp`, ...
    pub service: String,
    /// TCP connections.
    pub connections: u64,
    /// Bytes to the peer.
    pub sent: u64,
    /// Bytes from the peer.
    pub received: u64,
    /// Seconds since 1970.
    pub last_s: u64,
}

/// Bytes within a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Span {
    /// Where it begins, seconds since 1970.
    pub start_s: u64,
    /// Bytes sent, by one device or all.
    pub sent: u64,
    /// Bytes received.
    pub received: u64,
}

impl Store {
    /// Takes back what a source said of talks.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn begin_source(&mut self, source: &str) -> Result<(), StoreError> {
        begin(&mut self.db, source).map_err(|cause| self.failed("write", cause))
    }

    /// Adds what was said, all of it or nothing.
    ///
    /// # Errors
    /// [`StoreError`]; nothing of it is written then.
    pub fn add_talks(&mut self, source: &str, tally: &Tally) -> Result<(), StoreError> {
        add(&mut self.db, source, tally).map_err(|cause| self.failed("write", cause))
    }

    /// The talks of a device with the most bytes.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be read.
    pub fn talks_of(&self, mac: Mac, most: usize) -> Result<Vec<KeptTalk>, StoreError> {
        let query =
            "SELECT mac, peer, service, sum(connections), sum(sent), sum(received), max(last_seen) FROM talk
             WHERE mac = ?1 OR peer = ?1 GROUP BY mac, peer, service ORDER BY sum(bytes) DESC LIMIT ?2";
        talks(&self.db, query, params![mac.to_string(), most as i64])
            .map_err(|cause| self.failed("read", cause))
    }

    /// The talks of all with the most bytes.
    ///
    /// # Errors
    /// As [`Store::talks_of`].
    pub fn largest_talks(&self, most: usize) -> Result<Vec<KeptTalk>, StoreError> {
        let query = "SELECT mac, peer, service, connections, sent, received, last_seen FROM talk
             ORDER BY bytes DESC LIMIT ?1";
        talks(&self.db, query, params![most as i64]).map_err(|cause| self.failed("read", cause))
    }

    /// Bytes of a device, or of all, by span from `since_s` on.
    ///
    /// # Errors
    /// As [`Store::talks_of`].
    pub fn volumes(&self, mac: Option<Mac>, since_s: u64) -> Result<Vec<Span>, StoreError> {
        let since = since_s as i64;
        let spans = match mac {
            Some(mac) => spans(
                &self.db,
                "SELECT start, sum(sent), sum(received) FROM volume WHERE mac = ?1 AND start >= ?2
                 GROUP BY start ORDER BY start",
                params![mac.to_string(), since],
            ),
            None => spans(
                &self.db,
                "SELECT start, sum(sent), sum(received) FROM volume WHERE start >= ?1 GROUP BY start ORDER BY start",
                params![since],
            ),
        };
        spans.map_err(|cause| self.failed("read", cause.into()))
    }

    /// Bytes sent and received by device, from `since_s` on, the most first.
    ///
    /// # Errors
    /// As [`Store::talks_of`].
    pub fn volumes_by_device(&self, since_s: u64) -> Result<Vec<(String, u64, u64)>, StoreError> {
        let read = || -> Result<_, Cause> {
            let mut query = self.db.prepare(
                "SELECT mac, sum(sent), sum(received) FROM volume WHERE start >= ?1 GROUP BY mac
                 ORDER BY sum(sent) + sum(received) DESC",
            )?;
            let rows =
                query.query_map([since_s as i64], |row| Ok((row.get(0)?, count(row, 1)?, count(row, 2)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        };
        read().map_err(|cause| self.failed("read", cause))
    }

    /// When the last span begins of which anything is kept.
    ///
    /// # Errors
    /// As [`Store::talks_of`].
    pub fn last_span(&self) -> Result<Option<u64>, StoreError> {
        let last = self.db.query_row("SELECT max(start) FROM volume", [], |row| row.get::<_, Option<i64>>(0));
        last.map(|start| start.and_then(|start| u64::try_from(start).ok()))
            .map_err(|cause| self.failed("read", cause.into()))
    }

    /// Forgets how much was said when before `ns` (since 1970); how much in all stays.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn forget_volumes_before(&mut self, ns: u64) -> Result<usize, StoreError> {
        let second = (ns / 1_000_000_000) as i64;
        let forgotten = self.db.execute("DELETE FROM volume WHERE start < ?1", [second]);
        forgotten.map_err(|cause| self.failed("write", cause.into()))
    }

    /// A number that is another one when another process has written.
    ///
    /// # Errors
    /// As [`Store::talks_of`].
    pub fn version(&self) -> Result<i64, StoreError> {
        let version = self.db.pragma_query_value(None, "data_version", |row| row.get(0));
        version.map_err(|cause| self.failed("read", cause.into()))
    }
}

fn begin(db: &mut Connection, source: &str) -> Result<(), Cause> {
    let batch = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let id = origin(&batch, source)?;
    batch.execute("DELETE FROM talk WHERE origin = ?1", [id])?;
    batch.execute("DELETE FROM volume WHERE origin = ?1", [id])?;
    Ok(batch.commit()?)
}

fn add(db: &mut Connection, source: &str, tally: &Tally) -> Result<(), Cause> {
    let batch = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let id = origin(&batch, source)?;
    // In the order of the keys, so that neighbours are written together.
    let mut talks: Vec<_> = tally
        .talks
        .iter()
        .map(|((mac, peer, channel), talk)| (mac.to_string(), peer.to_string(), channel.to_string(), talk))
        .collect();
    talks.sort_unstable_by(|one, other| (&one.0, &one.1, &one.2).cmp(&(&other.0, &other.1, &other.2)));
    {
        let mut insert = batch.prepare(
            "INSERT INTO talk (mac, peer, service, origin, connections, frames, sent, received, bytes, first_seen, last_seen)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (mac, peer, service, origin) DO UPDATE SET
             connections = connections + excluded.connections, frames = frames + excluded.frames,
             sent = sent + excluded.sent, received = received + excluded.received,
             bytes = bytes + excluded.bytes, last_seen = max(last_seen, excluded.last_seen)",
        )?;
        for (mac, peer, service, talk) in talks {
            insert.execute(params![
                mac,
                peer,
                service,
                id,
                talk.connections as i64,
                (talk.frames_sent + talk.frames_received) as i64,
                talk.bytes_sent as i64,
                talk.bytes_received as i64,
                (talk.bytes_sent + talk.bytes_received) as i64,
                (talk.first_ns / 1_000_000_000) as i64,
                (talk.last_ns / 1_000_000_000) as i64,
            ])?;
        }
        let mut insert = batch.prepare(
            "INSERT INTO volume (mac, start, origin, sent, received) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (mac, start, origin) DO UPDATE SET
             sent = sent + excluded.sent, received = received + excluded.received",
        )?;
        let mut volumes: Vec<_> = tally.volumes.iter().collect();
        volumes.sort_unstable_by_key(|((start, mac), _)| (*mac, *start));
        for ((start, mac), volume) in volumes {
            let (sent, received) = (volume.sent as i64, volume.received as i64);
            insert.execute(params![mac.to_string(), *start as i64, id, sent, received])?;
        }
    }
    Ok(batch.commit()?)
}

fn origin(db: &Connection, source: &str) -> rusqlite::Result<i64> {
    db.execute("INSERT INTO origin (name) VALUES (?1) ON CONFLICT (name) DO NOTHING", [source])?;
    db.query_row("SELECT id FROM origin WHERE name = ?1", [source], |row| row.get(0))
}

fn count(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(at).map(|count| u64::try_from(count).unwrap_or(0))
}

fn talks(db: &Connection, query: &str, keys: &[&dyn rusqlite::ToSql]) -> Result<Vec<KeptTalk>, Cause> {
    let mut query = db.prepare(query)?;
    let rows = query.query_map(keys, |row| {
        Ok(KeptTalk {
            mac: row.get(0)?,
            peer: row.get(1)?,
            service: row.get(2)?,
            connections: count(row, 3)?,
            sent: count(row, 4)?,
            received: count(row, 5)?,
            last_s: count(row, 6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn spans(db: &Connection, query: &str, keys: &[&dyn rusqlite::ToSql]) -> rusqlite::Result<Vec<Span>> {
    let mut query = db.prepare(query)?;
    let rows = query.query_map(keys, |row| {
        Ok(Span { start_s: count(row, 0)?, sent: count(row, 1)?, received: count(row, 2)? })
    })?;
    rows.collect()
}
