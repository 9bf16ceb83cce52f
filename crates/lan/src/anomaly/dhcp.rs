//! DHCP servers that should not be there: one that tells clients another way out than the server that was there first, or one
//! that comes to a network that is known and had none.
//!
//! Two servers that tell the same share the work, and are left alone.

use super::alert::{Alert, Alerts};
use super::learnt::{Learnt, Notes, What};
use super::scene::Scene;
use super::{Detector, Seen};
use crate::Mac;
use crate::decode::dhcp4::{self, Offer};
use crate::packet::{Packet, Transport};
use crate::signal::Signal;
use kernscope_report::Severity;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::IpAddr;

/// Servers that are followed.
const SERVERS_MAX: usize = 64;

/// A server, and what it told last.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Server {
    #[serde(skip)]
    mac: Mac,
    ip: IpAddr,
    /// Where clients are sent, and whom they are to ask.
    routers: BTreeSet<IpAddr>,
    resolvers: BTreeSet<IpAddr>,
    first_ns: u64,
    #[serde(skip)]
    last_ns: u64,
    #[serde(skip)]
    times: u64,
}

/// Follows servers of DHCP and DHCPv6.
#[derive(Debug, Default)]
pub(super) struct Servers {
    v4: Vec<Server>,
    v6: Vec<Server>,
    /// Those that serve no more, until it is handed out.
    gone: Vec<(Mac, IpAddr)>,
}

impl Detector for Servers {
    fn frame(&mut self, seen: &Seen<'_>, scene: &Scene, alerts: &mut Alerts) {
        let Some(packet) = seen.packet.filter(|_| seen.link.source.is_device()) else { return };
        for (mac, signal) in seen.said {
            // Devices that wait to be set up serve their own network, until they join another.
            if *signal == Signal::DhcpDiscover {
                let gone = self.v4.iter().filter(|server| server.mac == *mac).map(|server| (*mac, server.ip));
                self.gone.extend(gone);
                self.v4.retain(|server| server.mac != *mac);
            }
        }
        let Transport::Udp(udp) = &packet.carried else { return };
        match (udp.source, udp.target) {
            (67, 67 | 68) => {
                if let Some(offer) = dhcp4::offer(udp.payload) {
                    met(&mut self.v4, of_offer(&offer, packet, seen), seen, scene, alerts);
                }
            }
            // Advertise and reply, to a client.
            (547, 546) if matches!(udp.payload, [2 | 7, ..]) => {
                let server = Server::new(seen, packet.source, BTreeSet::new(), BTreeSet::new());
                met(&mut self.v6, server, seen, scene, alerts);
            }
            _ => {}
        }
    }

    fn learnt(&mut self, notes: &mut Notes) {
        for (mac, ip) in self.gone.drain(..) {
            notes.gone(What::DhcpServer, mac, ip.to_string(), 0);
        }
        for server in self.v4.iter().chain(&self.v6) {
            notes.compare(What::DhcpServer, server.mac, server.ip.to_string(), server, server.last_ns);
        }
    }

    fn remember(&mut self, row: &Learnt) {
        let server = Some(row).filter(|row| row.what == What::DhcpServer).and_then(Learnt::read::<Server>);
        let Some(server) = server else { return };
        let known = if server.ip.is_ipv4() { &mut self.v4 } else { &mut self.v6 };
        if known.len() < SERVERS_MAX {
            known.push(Server { mac: row.mac, last_ns: row.last_ns, ..server });
        }
    }
}

fn of_offer(offer: &Offer, packet: &Packet<'_>, seen: &Seen<'_>) -> Server {
    let set = |all: &[std::net::Ipv4Addr]| all.iter().copied().map(IpAddr::V4).collect();
    let ip = offer.server.map_or(packet.source, IpAddr::V4);
    Server::new(seen, ip, set(&offer.routers), set(&offer.resolvers))
}

impl Server {
    fn new(seen: &Seen<'_>, ip: IpAddr, routers: BTreeSet<IpAddr>, resolvers: BTreeSet<IpAddr>) -> Self {
        let now_ns = seen.now_ns;
        Self { mac: seen.link.source, ip, routers, resolvers, first_ns: now_ns, last_ns: now_ns, times: 0 }
    }

    fn tells_otherwise(&self, other: &Self) -> bool {
        self.routers != other.routers || self.resolvers != other.resolvers
    }
}

/// A server was met: alone, or beside others.
fn met(known: &mut Vec<Server>, mut server: Server, seen: &Seen<'_>, scene: &Scene, alerts: &mut Alerts) {
    let at = known.iter().position(|one| one.mac == server.mac || one.ip == server.ip);
    let is_new = at.is_none();
    match at {
        // The same server on another port of the machine, or behind an agent that tells its address.
        Some(at) => {
            (server.first_ns, server.times) = (known[at].first_ns, known[at].times + 1);
            known[at] = server.clone();
        }
        None if known.len() < SERVERS_MAX => {
            server.times = 1;
            known.push(server.clone());
        }
        None => return,
    }
    let before = known
        .iter()
        .filter(|one| one.first_ns < server.first_ns && one.ip != server.ip)
        .min_by_key(|one| one.first_ns);
    match before {
        Some(first) if server.tells_otherwise(first) => {
            let message = format!(
                "rogue DHCP server: {} ({}) tells clients another way out than {} ({}), which was there before",
                server.ip, server.mac, first.ip, first.mac
            );
            alerts.raise(alert(&server, Severity::High, message, seen, vec![told(&server), told(first)]));
        }
        _ if is_new && !scene.is_learning() => {
            let message = format!("rogue DHCP server: {} ({}) is new on this network", server.ip, server.mac);
            let others = known.len() - 1;
            let because = vec![told(&server), format!("{others} servers were known")];
            alerts.raise(alert(&server, Severity::Medium, message, seen, because));
        }
        _ => {}
    }
}

fn alert(
    server: &Server,
    severity: Severity,
    message: String,
    seen: &Seen<'_>,
    because: Vec<String>,
) -> Alert {
    Alert {
        rule: "rogue_dhcp",
        severity,
        mac: server.mac,
        ip: Some(server.ip),
        subject: server.ip.to_string(),
        message,
        because,
        count: server.times,
        first_ns: server.first_ns,
        last_ns: seen.now_ns,
    }
}

fn told(server: &Server) -> String {
    format!(
        "{} offers the gateway {} and the name servers {}",
        server.ip,
        words(&server.routers),
        words(&server.resolvers)
    )
}

/// A list, or none.
pub(super) fn words<T: Display>(all: &BTreeSet<T>) -> String {
    let list: Vec<_> = all.iter().map(ToString::to_string).collect();
    if list.is_empty() { "(none)".to_owned() } else { list.join(", ") }
}
