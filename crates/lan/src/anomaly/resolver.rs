//! Name servers that nobody here asked before: what programs do that want to be led elsewhere, or to hide what they ask.
//!
//! Known is who was told by DHCP or by a router, who was asked by anybody while the network was learnt, and who routes. Who is asked by
//! others is a name server itself, and may ask the whole world.

use super::alert::{Alert, Alerts};
use super::contact::{self, Service};
use super::learnt::{Learnt, Notes, What};
use super::recent::Recent;
use super::scene::{Scene, is_nobodys};
use super::{Detector, Seen};
use crate::Mac;
use crate::decode::on_link;
use kernscope_report::Severity;
use std::net::IpAddr;

/// Name servers that are remembered, by half.
const KNOWN: usize = 4_096;

/// Follows who asks whom.
#[derive(Debug)]
pub(super) struct Resolvers {
    asked: Recent<IpAddr, ()>,
    /// Of these, the ones that were not handed out yet, and when they were asked.
    fresh: Vec<(IpAddr, u64)>,
    /// How often each asked one that is not known.
    strange: Recent<(Mac, IpAddr), u64>,
}

impl Resolvers {
    pub(super) fn new() -> Self {
        Self { asked: Recent::new(KNOWN), fresh: Vec::new(), strange: Recent::new(KNOWN) }
    }
}

impl Detector for Resolvers {
    fn frame(&mut self, seen: &Seen<'_>, scene: &Scene, alerts: &mut Alerts) {
        let Some(packet) = seen.packet else { return };
        let Some(Service::Udp(53) | Service::Tcp(53 | 853)) = contact::begins(packet) else { return };
        let (source, target) = (packet.source, packet.target);
        if scene.is_learning() {
            if !self.asked.contains(&target) && self.fresh.len() < KNOWN {
                self.fresh.push((target, seen.now_ns));
            }
            self.asked.put(target, ());
            return;
        }
        let is_known =
            self.asked.contains(&target) || scene.is_resolver(&target) || scene.is_gateway(&target);
        let forwards =
            self.asked.contains(&source) || scene.is_resolver(&source) || scene.is_router(seen.link.source);
        if is_known || forwards || !on_link(source) || is_nobodys(target) || !seen.link.source.is_device() {
            return;
        }
        let times = self.strange.entry((seen.link.source, target), || 0);
        *times += 1;
        alerts.raise(Alert {
            rule: "dns_resolver",
            severity: Severity::Low,
            mac: seen.link.source,
            ip: Some(source),
            subject: target.to_string(),
            message: format!("unknown name server: {source} asks {target}, which nobody here asked before"),
            because: vec![format!("{times} contacts"), "neither DHCP nor a router told of it".to_owned()],
            count: *times,
            first_ns: seen.now_ns,
            last_ns: seen.now_ns,
        });
    }

    fn learnt(&mut self, notes: &mut Notes) {
        for (address, at_ns) in self.fresh.drain(..) {
            notes.note(What::Asked, Mac::default(), address.to_string(), &(), at_ns);
        }
    }

    fn remember(&mut self, row: &Learnt) {
        if row.what == What::Asked {
            row.key.parse().into_iter().for_each(|address| self.asked.put(address, ()));
        }
    }
}
