//! Hosts from connections: by name where one was asked for, and loopback as one.

use super::super::hosts::Host;
use super::text::Line;
use kernscope_report::NetCall;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// More ports than this of one host are any port: they are chosen anew in each run.
const MAX_PORTS: usize = 8;

/// Whom was talked to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Remote {
    who: String,
    port: u16,
}

impl Remote {
    /// What a call was about; `None` where that is no host.
    pub(super) fn of(call: &NetCall) -> Option<Self> {
        let address: SocketAddr = call.remote.as_deref()?.parse().ok()?;
        let ip = address.ip().to_canonical();
        let named = call.name.as_deref().filter(|name| Host::parse(name).is_ok());
        let who = match (ip.is_loopback(), named, ip.is_ipv6()) {
            (true, ..) => "localhost".to_owned(),
            (_, Some(name), _) => name.to_ascii_lowercase(),
            (_, None, true) => format!("[{ip}]"),
            (_, None, false) => ip.to_string(),
        };
        Some(Self { who, port: address.port() })
    }
}

/// The entries of a list.
pub(super) fn list(remotes: &BTreeMap<Remote, u64>) -> Vec<Line> {
    let mut ports: BTreeMap<&str, BTreeSet<u16>> = BTreeMap::new();
    for remote in remotes.keys() {
        ports.entry(&remote.who).or_default().insert(remote.port);
    }
    let mut lines: BTreeMap<String, Line> = BTreeMap::new();
    for (remote, times) in remotes {
        let many = ports.get(remote.who.as_str()).map_or(0, BTreeSet::len);
        let entry = match many > MAX_PORTS {
            true => remote.who.trim_matches(['[', ']']).to_owned(),
            false => format!("{}:{}", remote.who, remote.port),
        };
        let line = lines.entry(entry.clone()).or_insert_with(|| Line::new(entry));
        line.times += times;
        if many > MAX_PORTS {
            line.note = format!("{many} ports");
        }
    }
    lines.into_values().collect()
}
