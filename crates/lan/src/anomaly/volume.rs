//! Far more sent than ever before: a device that hands out what it holds, or that floods somebody.
//!
//! The measure is the device's own: payload sent within five minutes, ten times as much as in any five minutes before, and at
//! least 50 MB, which no reading of a sensor and no page takes. The measure grows with what was seen, so that a device that begins to
//! do more is told once, and again only at ten times that.

use super::alert::{Alert, Alerts};
use super::learnt::{Learnt, Notes, What};
use super::recent::Recent;
use super::scene::Scene;
use super::{Amount, Flow, Options, Seen};
use crate::Mac;
use crate::packet::Transport;
use kernscope_report::Severity;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::net::IpAddr;

const SPAN_NS: u64 = 300_000_000_000;
/// Bytes of one device that are added up before they are looked at.
const PIECE_BYTES: u64 = 100_000;
/// Of Ethernet, IPv4 and TCP, with the usual options.
const HEADERS_BYTES: u64 = 66;
/// Devices that are followed, by half.
const DEVICES: usize = 32_768;

#[derive(Debug, Default)]
struct Sent {
    since_ns: u64,
    bytes: u64,
    usual: Usual,
    told: bool,
}

/// The most that was sent within five minutes, bytes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
struct Usual {
    most: u64,
    /// By the hour of the day, UTC.
    by_hour: [u64; 24],
}

impl Usual {
    /// So much was sent within five minutes. Whether it is more than it was before.
    fn add(&mut self, since_ns: u64, bytes: u64) -> bool {
        let of_hour = &mut self.by_hour[hour(since_ns)];
        let is_more = bytes > *of_hour;
        *of_hour = bytes.max(*of_hour);
        self.most = bytes.max(self.most);
        is_more
    }
}

/// What is usual, in words.
pub(super) fn words(row: &Learnt) -> Option<String> {
    let usual: Usual = row.read()?;
    let busiest = usual.by_hour.iter().enumerate().max_by_key(|(_, bytes)| **bytes)?.0;
    Some(format!(
        "sends at most {:.1} MB within five minutes, most from {busiest}:00 UTC on",
        usual.most as f64 / 1e6
    ))
}

fn hour(ns: u64) -> usize {
    (ns / 3_600_000_000_000 % 24) as usize
}

/// Follows how much is sent.
#[derive(Debug)]
pub(super) struct Volumes {
    sent: Recent<Mac, Sent>,
    /// Of whom more is known than was handed out.
    fresh: HashSet<Mac>,
    /// Sent by the last few, and not yet added.
    waiting: [(Mac, u64); 4],
    next: usize,
    least_bytes: u64,
    factor: u64,
}

impl Volumes {
    pub(super) fn new(options: Options) -> Self {
        Self {
            sent: Recent::new(DEVICES),
            fresh: HashSet::new(),
            waiting: Default::default(),
            next: 0,
            least_bytes: options.volume_bytes,
            factor: options.volume_factor,
        }
    }

    /// Adds what waits of a device, or else of the one whose turn it is; in its place `mac` waits.
    fn settle(&mut self, mac: Mac) {
        let at = self.waiting.iter().position(|(of, _)| *of == mac).unwrap_or(self.next);
        self.next = (at + 1) % self.waiting.len();
        let (before, waiting) = std::mem::replace(&mut self.waiting[at], (mac, 0));
        if let Some(sent) = self.sent.get_mut(&before) {
            sent.bytes += waiting;
        }
    }
}

impl Volumes {
    /// A frame came.
    pub(super) fn frame(&mut self, seen: &Seen<'_>, scene: &Scene, alerts: &mut Alerts) {
        let Some(packet) = seen.packet else { return };
        let bytes = match &packet.carried {
            Transport::Tcp(tcp) => tcp.payload().len(),
            Transport::Udp(udp) => udp.payload.len(),
            _ => usize::from(packet.bytes),
        };
        self.sent(seen.link.source, packet.source, bytes as u64, seen.now_ns, scene, alerts);
    }

    /// Frames came that the kernel counted, headers and all.
    pub(super) fn counted(&mut self, flow: &Flow, amount: Amount, scene: &Scene, alerts: &mut Alerts) {
        let Some((ip, _)) = flow.ips else { return };
        let bytes = amount.bytes.saturating_sub(amount.frames * HEADERS_BYTES);
        self.sent(flow.source, ip, bytes, amount.last_ns, scene, alerts);
    }

    pub(super) fn learnt(&mut self, notes: &mut Notes) {
        for mac in self.fresh.drain() {
            let Some(sent) = self.sent.get(&mac) else { continue };
            notes.note(What::Volume, mac, String::new(), &sent.usual, sent.since_ns);
        }
    }

    pub(super) fn remember(&mut self, row: &Learnt) {
        let usual = Some(row).filter(|row| row.what == What::Volume).and_then(Learnt::read::<Usual>);
        let Some(usual) = usual else { return };
        self.sent.put(row.mac, Sent { since_ns: row.last_ns, usual, ..Sent::default() });
    }

    fn sent(&mut self, mac: Mac, ip: IpAddr, bytes: u64, now_ns: u64, scene: &Scene, alerts: &mut Alerts) {
        if bytes == 0 || !mac.is_device() {
            return;
        }
        if let Some((_, waiting)) = self.waiting.iter_mut().find(|(of, sum)| *of == mac && *sum < PIECE_BYTES)
        {
            *waiting += bytes;
            return;
        }
        self.settle(mac);
        if scene.is_router(mac) {
            return;
        }
        let (least, factor) = (self.least_bytes, self.factor);
        let sent = self.sent.entry(mac, || Sent { since_ns: now_ns, ..Sent::default() });
        if now_ns.saturating_sub(sent.since_ns) > SPAN_NS {
            if sent.usual.add(sent.since_ns, sent.bytes) && self.fresh.len() < DEVICES {
                self.fresh.insert(mac);
            }
            *sent = Sent { since_ns: now_ns, usual: sent.usual, ..Sent::default() };
        }
        sent.bytes += bytes;
        if sent.told || sent.bytes < least.max(sent.usual.most.saturating_mul(factor)) || scene.is_learning()
        {
            return;
        }
        sent.told = true;
        alerts.raise(alert(mac, ip, sent, now_ns));
    }
}

fn alert(mac: Mac, ip: IpAddr, sent: &Sent, now_ns: u64) -> Alert {
    let mb = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    Alert {
        rule: "volume",
        severity: Severity::Medium,
        mac,
        ip: Some(ip),
        subject: String::new(),
        message: format!(
            "volume: {ip} sent {} within five minutes, and at most {} before",
            mb(sent.bytes),
            mb(sent.usual.most)
        ),
        because: vec![
            "payload sent, against the device's own five minutes with the most".to_owned(),
            format!("at this hour of the day at most {} before", mb(sent.usual.by_hour[hour(now_ns)])),
        ],
        count: sent.bytes,
        first_ns: sent.since_ns,
        last_ns: now_ns,
    }
}
