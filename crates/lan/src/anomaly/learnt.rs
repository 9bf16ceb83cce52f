//! What detectors learnt of a network, in rows that outlive a run.
//!
//! Each row is one fact: its sort, whom it is about, a key, and a value that only the detector reads that wrote it. Detectors hand out
//! what is
//! new since the last time ([`super::Sentry::learnt`]) and take rows of an earlier run back ([`super::Sentry::remember`]), so that
//! a run that is started again goes on where it was. A value that cannot be read is left out: it is learnt anew.

use super::seconds;
use crate::Mac;
use kernscope_report::clock::Clock;
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

/// What rows tell of a network, in words; `learn_ns` is how long it is to be learnt.
pub fn summary(rows: &[Learnt], learn_ns: u64) -> String {
    let known: Option<Known> = rows.iter().find(|row| row.what == What::Network).and_then(Learnt::read);
    let left = |seen_s: u64| learn_ns.saturating_sub(seen_s.saturating_mul(1_000_000_000));
    let Some(Known { since_ns, seen_s }) = known else {
        return format!("nothing is known of it yet; {}", ends(learn_ns));
    };
    let counts: Vec<_> = [
        (What::Device, "devices"),
        (What::Contact, "contacts"),
        (What::Gateway, "gateways"),
        (What::DhcpServer, "DHCP servers"),
        (What::Router, "IPv6 routers"),
        (What::Resolver, "name servers"),
    ]
    .into_iter()
    .map(|(what, words)| (rows.iter().filter(|row| row.what == what).count(), words))
    .filter(|(count, _)| *count > 0)
    .map(|(count, words)| format!("{count} {}", if count == 1 { words.trim_end_matches('s') } else { words }))
    .collect();
    let known = if counts.is_empty() { String::new() } else { format!(" ({})", counts.join(", ")) };
    let since = Clock::new(0).rfc3339(since_ns).to_owned();
    format!("known since {since}{known}; {}", ends(left(seen_s)))
}

/// A fact about a device in words, where there are better ones than its key.
pub fn words(row: &Learnt) -> Option<String> {
    match row.what {
        What::Device => {
            let since_ns: u64 = row.read()?;
            Some(format!("here since {}", Clock::new(0).rfc3339(since_ns)))
        }
        What::Volume => super::volume::words(row),
        What::Habit => super::habit::words(row),
        _ => None,
    }
}

fn ends(left_ns: u64) -> String {
    match left_ns {
        0 => "learning is over".to_owned(),
        left_ns => format!("learning ends after {} in which frames come", seconds(left_ns)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anomaly::tests::{Net, arp, mac, offer, rules, tcp, udp};
    use crate::anomaly::{Options, Sentry};

    fn row(what: What, value: &str) -> Learnt {
        Learnt { what, mac: Mac::default(), key: String::new(), value: Some(value.to_owned()), last_ns: 0 }
    }

    #[test]
    fn what_is_known_is_told_in_words() {
        let learn_ns = 4 * 3_600_000_000_000;
        assert!(summary(&[], learn_ns).ends_with("learning ends after 4 hours in which frames come"));
        let rows = [row(What::Network, r#"{"since_ns":0,"seen_s":3600}"#), row(What::Device, "0")];
        let told = summary(&rows, learn_ns);
        assert!(told.starts_with("known since 1970-01-01T") && told.contains("(1 device)"), "{told}");
        assert!(told.ends_with("learning ends after 3 hours in which frames come"), "{told}");
        assert!(summary(&rows, 0).ends_with("learning is over"));
        assert!(What::ALL.into_iter().all(|what| What::of_word(what.word()) == Some(what)));
    }

    const SECOND: u64 = 1_000_000_000;
    const A: [u8; 4] = [10, 0, 0, 1];
    const B: [u8; 4] = [10, 0, 0, 2];
    const FAR: [u8; 4] = [203, 0, 113, 9];

    /// An hour and a half in which A is the way out, tells leases, and is asked for names, and B calls home every minute.
    fn an_ordinary_hour() -> Vec<Learnt> {
        let mut net = Net::of(Sentry::new(Options::default()), 0);
        net.sentry().gateway(A.into());
        net.send(&offer(A, A)).send(&arp(true, (mac(A), A), B));
        for _ in 0..90 {
            net.later(50 * SECOND).send(&tcp((B, 50_000), (A, 53), 2, &[]));
            net.later(10 * SECOND).send(&tcp((B, 40_000), (FAR, 443), 2, &[]));
        }
        let rows = net.sentry().learnt();
        assert_eq!(net.end(), []);
        rows
    }

    /// What is told of a network that an earlier run learnt so, a week later, of these calls by B and whatever `happens`.
    fn a_week_later(rows: &[Learnt], happens: impl Fn(&mut Net)) -> Vec<&'static str> {
        let mut sentry = Sentry::new(Options::default());
        sentry.remember(rows);
        let mut net = Net::of(sentry, 7 * 86_400);
        assert!(net.sentry().is_learning() == rows.is_empty());
        for _ in 0..30 {
            net.later(60 * SECOND).send(&tcp((B, 40_000), (FAR, 443), 2, &[]));
        }
        happens(&mut net);
        rules(&net.end())
    }

    #[test]
    fn a_run_goes_on_with_what_an_earlier_one_learnt() {
        let rows = an_ordinary_hour();
        let has = |what| rows.iter().any(|row| row.what == what);
        assert!(
            What::ALL
                .into_iter()
                .filter(|what| !matches!(what, What::Router | What::Volume | What::Habit))
                .all(has),
            "{rows:?}"
        );
        assert_eq!(a_week_later(&rows, |_| {}), [""; 0], "what it always did");
        let asks = |net: &mut Net| _ = net.send(&tcp((B, 50_000), (A, 53), 2, &[]));
        assert_eq!(a_week_later(&rows, asks), [""; 0]);
        let gateway = |net: &mut Net| _ = net.send(&arp(true, (mac(B), A), B));
        assert_eq!(a_week_later(&rows, gateway), ["gateway_change"], "it changed while nobody looked");
        let server = |net: &mut Net| _ = net.send(&offer(B, B));
        assert_eq!(a_week_later(&rows, server), ["rogue_dhcp"]);
        let stranger = |net: &mut Net| _ = net.send(&udp(([10, 0, 0, 9], 40_000), (A, 9), b"hello"));
        assert_eq!(a_week_later(&rows, stranger), ["new_device"]);
        let resolver = |net: &mut Net| _ = net.send(&tcp((B, 50_000), (FAR, 53), 2, &[]));
        assert_eq!(a_week_later(&rows, resolver), ["dns_resolver"]);
        for happens in [stranger, resolver, server, gateway] {
            assert_eq!(a_week_later(&[], happens), [""; 0], "nothing was learnt");
        }
    }

    #[test]
    fn a_value_that_cannot_be_read_is_learnt_anew() {
        let mut rows = an_ordinary_hour();
        rows.iter_mut().for_each(|row| row.value = Some("{".to_owned()));
        let mut sentry = Sentry::new(Options::default());
        sentry.remember(&rows);
        assert!(sentry.is_learning());
    }

    #[test]
    fn what_did_not_change_is_handed_out_once() {
        let mut notes = Notes::default();
        for value in [1, 1, 2] {
            notes.compare(What::Resolver, Mac::default(), "a".to_owned(), &value, 0);
        }
        notes.gone(What::Resolver, Mac::default(), "a".to_owned(), 0);
        let values: Vec<_> = notes.take().into_iter().map(|row| row.value).collect();
        assert_eq!(values, [Some("1".to_owned()), Some("2".to_owned()), None]);
        assert!(notes.take().is_empty());
    }
}
