//! What detectors learnt of a network, in rows that outlive a run.
//!
//! Each row is one fact: its sort, whom it is about, a key, and a value that only the detector reads that wrote it. Detectors hand out
//! what is new since the last time ([`super::Sentry::learnt`]) and take rows of an earlier run back ([`super::Sentry::remember`]), so
//! that a run that is started again goes on where it was. A value that cannot be read is left out: it is learnt anew.

#[cfg(test)]
mod tests;
mod words;

pub use words::{summary, words};

use crate::Mac;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Facts that are compared with what was handed out of them last; there are a few for each server and router.
const COMPARED_MAX: usize = 8_192;

/// The sort of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    /// Since when the network is known, and how long it was looked at.
    Network,
    /// An address that is the gateway's, and who has it.
    Gateway,
    /// A DHCP server, and what it tells.
    DhcpServer,
    /// An IPv6 router, and what it announces.
    Router,
    /// A name server that DHCP or a router told of.
    Resolver,
    /// A name server that somebody asked while the network was learnt.
    Asked,
    /// Since when a device is there.
    Device,
    /// Whom a device talks to, and whether it always did.
    Contact,
    /// The most that a device sent within five minutes, in all and by the hour of the day.
    Volume,
    /// A kind of destination that a device has.
    Kind,
    /// What a device does within five minutes, as its model knows it.
    Habit,
}

impl What {
    /// All sorts, in order.
    pub const ALL: [Self; 11] = [
        Self::Network,
        Self::Gateway,
        Self::DhcpServer,
        Self::Router,
        Self::Resolver,
        Self::Asked,
        Self::Device,
        Self::Contact,
        Self::Volume,
        Self::Kind,
        Self::Habit,
    ];

    /// The word for it in a database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Gateway => "gateway",
            Self::DhcpServer => "dhcp_server",
            Self::Router => "router",
            Self::Resolver => "resolver",
            Self::Asked => "asked",
            Self::Device => "device",
            Self::Contact => "contact",
            Self::Volume => "volume",
            Self::Kind => "kind",
            Self::Habit => "habit",
        }
    }

    /// The sort of a word, if it is one of ours.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.word() == word)
    }
}

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learnt {
    /// Its sort.
    pub what: What,
    /// Whom it is about; zero for the network.
    pub mac: Mac,
    /// Which one, of those of its sort and device.
    pub key: String,
    /// JSON; `None` when it holds no more.
    pub value: Option<String>,
    /// When it was seen last, nanoseconds since 1970.
    pub last_ns: u64,
}

impl Learnt {
    /// The value, if it can be read.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(self.value.as_deref()?).ok()
    }
}

/// Since when a network is known.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(super) struct Known {
    pub(super) since_ns: u64,
    /// For how long frames came.
    pub(super) seen_s: u64,
}

/// What is handed out.
#[derive(Debug, Default)]
pub(super) struct Notes {
    rows: Vec<Learnt>,
    told: HashMap<(What, Mac, String), Option<String>>,
}

impl Notes {
    /// A fact that is new, or was seen again.
    pub(super) fn note(&mut self, what: What, mac: Mac, key: String, value: &impl Serialize, last_ns: u64) {
        let value = serde_json::to_string(value).ok();
        self.rows.push(Learnt { what, mac, key, value, last_ns });
    }

    /// The same, if it is another than it was the last time. For facts of which there are few.
    pub(super) fn compare(
        &mut self,
        what: What,
        mac: Mac,
        key: String,
        value: &impl Serialize,
        last_ns: u64,
    ) {
        let value = serde_json::to_string(value).ok();
        self.changed(Learnt { what, mac, key, value, last_ns });
    }

    /// A fact that holds no more.
    pub(super) fn gone(&mut self, what: What, mac: Mac, key: String, last_ns: u64) {
        self.changed(Learnt { what, mac, key, value: None, last_ns });
    }

    fn changed(&mut self, row: Learnt) {
        let key = (row.what, row.mac, row.key.clone());
        if self.told.get(&key) == Some(&row.value) {
            return;
        }
        if self.told.len() >= COMPARED_MAX {
            self.told.clear();
        }
        self.told.insert(key, row.value.clone());
        self.rows.push(row);
    }

    /// What was noted since the last time.
    pub(super) fn take(&mut self) -> Vec<Learnt> {
        std::mem::take(&mut self.rows)
    }
}
