//! The recorded raw stream: `--record FILE` and `--replay FILE`.
//!
//! ```text
//! magic "KSRAW1\r\n" | byte order u32 | ABI_VERSION u32 | length u32 | header, JSON
//! raw event | raw event | ...                  each starts with its size, and is as the back end delivered it
//! 0xffff_ffff u32 | length u32 | trailer, JSON   account and coverage
//! ```
//!
//! Integers are in the byte order of the machine that wrote them. A file without its trailer was cut short, by a kill
//! or a full disk: what is there can be replayed, and the coverage statement says that the end is missing. The
//! file may come from a stranger; reading it never panics and never allocates more than the limits here.
//!
//! It is not a place for records: those are made again from the events, by the same core.

mod reader;
mod replay;
mod writer;

pub use reader::{Item, Reader};
pub use replay::Replay;
pub use writer::Writer;

use crate::backend::Account;
use kernscope_abi as abi;
use kernscope_report::Coverage;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

const MAGIC: [u8; 8] = *b"KSRAW1\r\n";
const BYTE_ORDER: u32 = 0x0102_0304;
/// Stands where the size of an event would, before the trailer.
const TRAILER: u32 = u32::MAX;
/// Longest header or trailer, bytes.
const MAX_JSON: usize = 1 << 20;

/// What a recording says about the run it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Name of the back end.
    pub backend: String,
    /// Release of the kernel (`uname -r`).
    pub kernel: String,
    /// `CLOCK_BOOTTIME` minus `CLOCK_MONOTONIC`, nanoseconds.
    pub boot_offset_ns: u64,
    /// `CLOCK_REALTIME` minus `CLOCK_MONOTONIC`, nanoseconds.
    pub realtime_offset_ns: i64,
    /// The back end counts bytes and calls.
    pub counts: bool,
}

/// The end of a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trailer {
    /// What the back end produced and lost.
    pub account: Account,
    /// What it covered.
    pub coverage: Coverage,
}

/// A recording that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The file cannot be read or written.
    #[error("{act} recording: {source}")]
    Io {
        /// What was tried.
        act: &'static str,
        /// What came back.
        source: std::io::Error,
    },
    /// The file is something else.
    #[error("read recording: not a recording of `kernscope watch --record`")]
    NotARecording,
    /// It comes from a machine of the other byte order.
    #[error("read recording: written on a machine of the other byte order; replay it on one like that")]
    ByteOrder,
    /// It was written by another version.
    #[error(
        "read recording: has event layout {found}, this kernscope reads {}; use the version that wrote it",
        abi::ABI_VERSION
    )]
    Version {
        /// The version it names.
        found: u32,
    },
    /// Its bytes make no sense from some place on.
    #[error("read recording: damaged at byte {at}: {what}")]
    Damaged {
        /// Where.
        at: u64,
        /// How.
        what: &'static str,
    },
}

/// [`Trailer`] as JSON.
#[derive(Serialize, Deserialize)]
struct TrailerJson {
    produced: Vec<u64>,
    lost: BTreeMap<String, u64>,
    #[serde(default)]
    filtered: BTreeMap<String, u64>,
    coverage: Coverage,
}

impl TrailerJson {
    fn of(trailer: &Trailer) -> Self {
        let owned = |counts: &BTreeMap<&'static str, u64>| {
            counts.iter().map(|(cause, count)| ((*cause).to_owned(), *count)).collect()
        };
        Self {
            produced: trailer.account.produced.to_vec(),
            lost: owned(&trailer.account.lost),
            filtered: owned(&trailer.account.filtered),
            coverage: trailer.coverage.clone(),
        }
    }

    fn into_trailer(self) -> Trailer {
        let mut account = Account::default();
        for (place, count) in account.produced.iter_mut().zip(self.produced) {
            *place = count;
        }
        for (sums, counts) in [(&mut account.lost, self.lost), (&mut account.filtered, self.filtered)] {
            for (cause, count) in counts {
                let sum = sums.entry(cause_name(&cause)).or_default();
                *sum = sum.saturating_add(count);
            }
        }
        Trailer { account, coverage: self.coverage }
    }
}

fn cause_name(cause: &str) -> &'static str {
    static NAMES: Mutex<CauseNames> = Mutex::new(CauseNames(BTreeSet::new()));
    NAMES.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(cause)
}

/// Loss causes read from files, as names that live as long as the program. A file cannot make these grow without bound:
/// beyond [`MAX_CAUSES`] names of up to that many bytes, all others are `other`.
struct CauseNames(BTreeSet<&'static str>);

const MAX_CAUSES: usize = 64;

impl CauseNames {
    fn get(&mut self, cause: &str) -> &'static str {
        if let Some(known) = self.0.get(cause) {
            return known;
        }
        if self.0.len() >= MAX_CAUSES || cause.len() > MAX_CAUSES {
            return "other";
        }
        let name: &'static str = Box::leak(cause.into());
        self.0.insert(name);
        name
    }
}

#[cfg(test)]
mod tests;
