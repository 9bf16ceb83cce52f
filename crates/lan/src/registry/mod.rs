//! The devices of a network, by hardware address, with all that was ever said about each.
//!
//! Memory is bounded: [`Limits`] says by what, and [`Registry::refused`] counts what was turned away.

mod address;
mod device;
mod shape;

pub use device::Device;
pub use shape::Shape;

use crate::Mac;
use crate::decode::{self, Bad};
use crate::link::Link;
use crate::signal::{Role, Said, Signal};
use address::Network;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Devices; frames of further ones are counted and nothing else.
    pub devices: usize,
    /// Different facts about one device.
    pub facts: usize,
    /// Addresses of one device.
    pub addresses: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { devices: 100_000, facts: 256, addresses: 64 }
    }
}

/// What was turned away because a limit was reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// Frames of devices beyond the limit.
    pub frames: u64,
    /// Facts beyond the limit of their device.
    pub facts: u64,
}

/// The devices. Feed it frames in their order.
#[derive(Debug, Default)]
pub struct Registry {
    limits: Limits,
    devices: HashMap<Mac, Device>,
    network: Network,
    refused: Refused,
    said: Said,
}

impl Registry {
    /// With other limits than the usual ones.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// What was turned away so far.
    pub fn refused(&self) -> Refused {
        self.refused
    }

    /// The devices in order of their addresses.
    pub fn devices(&self) -> Vec<&Device> {
        let mut devices: Vec<_> = self.devices.values().collect();
        devices.sort_unstable_by_key(|device| device.mac);
        devices
    }

    /// What a device does for others, told by itself or by those it serves.
    pub fn roles(&self, device: &Device) -> BTreeSet<Role> {
        let mut roles = device.roles.clone();
        if self.addresses(device).iter().any(|address| self.network.is_gateway(address)) {
            roles.insert(Role::Router);
        }
        roles
    }

    /// The addresses that a device has, as far as they are its own and not those of others it passes packets on for.
    pub fn addresses(&self, device: &Device) -> Vec<IpAddr> {
        self.network.own(device)
    }

    /// Learns from a frame seen at `now_ns`.
    pub(crate) fn frame(&mut self, now_ns: u64, link: &Link<'_>) -> Result<(), Bad> {
        self.said.start(link.source);
        let (packet, result) = decode::frame(link, &mut self.said);
        if link.source.is_device() {
            match Self::device(&mut self.devices, self.limits, link.source, now_ns) {
                Some(device) => device.sent(now_ns, packet.as_ref()),
                None => self.refused.frames += 1,
            }
        }
        for (mac, signal) in self.said.signals.drain(..) {
            self.network.learn(mac, &signal);
            if matches!(signal, Signal::Gateway(_) | Signal::Prefix(_)) {
                continue;
            }
            let kept = Self::device(&mut self.devices, self.limits, mac, now_ns)
                .is_some_and(|device| device.learn(now_ns, signal, &self.limits));
            self.refused.facts += u64::from(!kept);
        }
        result
    }

    /// A device sent frames that were counted elsewhere, the last one at `last_ns`.
    pub(crate) fn talked(&mut self, mac: Mac, frames: u64, last_ns: u64) {
        match self.devices.get_mut(&mac) {
            Some(device) => device.talked(frames, last_ns),
            None if mac.is_device() => self.refused.frames += frames,
            None => {}
        }
    }

    fn device(
        devices: &mut HashMap<Mac, Device>,
        limits: Limits,
        mac: Mac,
        now_ns: u64,
    ) -> Option<&mut Device> {
        if devices.len() >= limits.devices && !devices.contains_key(&mac) {
            return None;
        }
        Some(devices.entry(mac).or_insert_with(|| Device::new(mac, now_ns)))
    }
}
