//! IPv6 routers that should not be there: one that announces another network, or wants to be taken first, beside the router that
//! was there; one that comes to a network that is known; one that speaks for another.
//!
//! Only who wants to be a default router counts: border routers of Thread and the like announce routes of their own, and no
//! lifetime. Two that announce the same network share the work, and are left alone.

use super::alert::{Alert, Alerts};
use super::dhcp::words;
use super::learnt::{Learnt, Notes, What};
use super::scene::Scene;
use super::{Detector, Seen};
use crate::Mac;
use crate::decode::icmp6::{self, Advertisement};
use crate::packet::Transport;
use kernscope_report::Severity;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};

/// Routers that are followed; a link has one or two.
const ROUTERS_MAX: usize = 64;

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Router {
    #[serde(skip)]
    mac: Mac,
    ip: IpAddr,
    preferred: bool,
    prefixes: BTreeSet<[u8; 8]>,
    resolvers: BTreeSet<Ipv6Addr>,
    first_ns: u64,
    #[serde(skip)]
    last_ns: u64,
    #[serde(skip)]
    times: u64,
}

/// Follows advertisements.
#[derive(Debug, Default)]
pub(super) struct Routers {
    known: Vec<Router>,
}

impl Detector for Routers {
    fn frame(&mut self, seen: &Seen<'_>, scene: &Scene, alerts: &mut Alerts) {
        let Some(packet) = seen.packet.filter(|packet| packet.hops == 255) else { return };
        let Transport::Icmp6(message) = packet.carried else { return };
        let Some((told, _)) = icmp6::advertisement(message) else { return };
        if let Some(alert) = self.judge(packet.source, told, seen, scene) {
            alerts.raise(alert);
        }
    }

    fn learnt(&mut self, notes: &mut Notes) {
        for router in &self.known {
            notes.compare(What::Router, router.mac, router.ip.to_string(), router, router.last_ns);
        }
    }

    fn remember(&mut self, row: &Learnt) {
        let router = Some(row).filter(|row| row.what == What::Router).and_then(Learnt::read::<Router>);
        let Some(router) = router.filter(|_| self.known.len() < ROUTERS_MAX) else { return };
        self.known.push(Router { mac: row.mac, last_ns: row.last_ns, ..router });
    }
}

impl Routers {
    fn judge(&mut self, ip: IpAddr, told: Advertisement, seen: &Seen<'_>, scene: &Scene) -> Option<Alert> {
        let mac = seen.link.source;
        if let Some(victim) = self.known.iter().find(|one| one.ip == ip && one.mac != mac) {
            let message =
                format!("rogue router advertisement: {mac} speaks as the router {ip} of {}", victim.mac);
            return Some(alert(mac, ip, Severity::High, message, 1, seen));
        }
        if told.lifetime_s == 0 {
            return None;
        }
        let (router, is_new) = self.heard(mac, ip, &told, seen)?;
        let first = self
            .known
            .iter()
            .filter(|one| one.mac != mac && one.first_ns < router.first_ns)
            .min_by_key(|one| one.first_ns);
        if let Some(first) = first {
            let strange: BTreeSet<_> =
                router.prefixes.difference(&first.prefixes).map(|p| prefix(*p)).collect();
            let wants_more = router.preferred && !first.preferred;
            let other_names = !router.resolvers.is_empty() && router.resolvers != first.resolvers;
            if !strange.is_empty() || wants_more || other_names {
                let how = if strange.is_empty() {
                    "to be taken before".to_owned()
                } else {
                    format!("the network {} beside", words(&strange))
                };
                let message = format!(
                    "rogue router advertisement: {ip} ({mac}) announces {how} {} ({}), which was there before",
                    first.ip, first.mac
                );
                return Some(alert(mac, ip, Severity::High, message, router.times, seen));
            }
        }
        (is_new && !scene.is_learning()).then(|| {
            let message = format!("rogue router advertisement: {ip} ({mac}) is a new router on this network");
            alert(mac, ip, Severity::Medium, message, 1, seen)
        })
    }

    /// Notes what a router told; it as it is known now, and whether it is new.
    fn heard(
        &mut self,
        mac: Mac,
        ip: IpAddr,
        told: &Advertisement,
        seen: &Seen<'_>,
    ) -> Option<(Router, bool)> {
        let at = self.known.iter().position(|one| one.mac == mac);
        let is_new = at.is_none();
        let router = match at {
            Some(at) => &mut self.known[at],
            None if self.known.len() < ROUTERS_MAX => {
                self.known.push(Router {
                    mac,
                    ip,
                    preferred: false,
                    prefixes: BTreeSet::new(),
                    resolvers: BTreeSet::new(),
                    first_ns: seen.now_ns,
                    last_ns: seen.now_ns,
                    times: 0,
                });
                self.known.last_mut()?
            }
            None => return None,
        };
        router.preferred = told.preferred;
        // A router may tell its options in several messages.
        router.prefixes.extend(told.prefixes.iter().take(32));
        router.resolvers.extend(told.resolvers.iter().take(32));
        router.times += 1;
        router.last_ns = seen.now_ns;
        Some((router.clone(), is_new))
    }
}

fn prefix(bytes: [u8; 8]) -> String {
    let mut address = [0; 16];
    address[..8].copy_from_slice(&bytes);
    format!("{}/64", Ipv6Addr::from(address))
}

fn alert(mac: Mac, ip: IpAddr, severity: Severity, message: String, times: u64, seen: &Seen<'_>) -> Alert {
    Alert {
        rule: "rogue_ra",
        severity,
        mac,
        ip: Some(ip),
        subject: ip.to_string(),
        because: vec![format!("{times} advertisements by {mac}")],
        message,
        count: times,
        first_ns: seen.now_ns,
        last_ns: seen.now_ns,
    }
}
