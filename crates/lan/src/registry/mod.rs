//! The devices of a network, by hardware address, with all that was ever said about each.
//!
//! Memory is bounded: [`Limits`] says by what, and [`Registry::refused`] counts what was turned away.

mod address;
mod device;
mod shape;

pub use device::Device;
pub use shape::Shape;

use crate::Mac;
use crate::anomaly::{Seen, Sentry};
use crate::decode::{self, Bad};
use crate::link::Link;
use crate::signal::{Role, Said, Signal};
use crate::sought::Reach;
use address::Network;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Devices; for further ones those give way of which least is known.
    pub devices: usize,
    /// Different facts about one device.
    pub facts: usize,
    /// Addresses of one device, and as many names.
    pub addresses: usize,
    /// Facts, addresses and names of all devices together: what memory there is, whoever has it.
    pub in_all: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { devices: 100_000, facts: 256, addresses: 64, in_all: 4_000_000 }
    }
}

/// What was turned away because a limit was reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// Devices that gave way for others.
    pub devices: u64,
    /// Frames of devices that had given way.
    pub frames: u64,
    /// Facts, addresses and names beyond the limit of their device, or of all together.
    pub facts: u64,
}

/// The devices. Feed it frames in their order.
#[derive(Debug, Default)]
pub struct Registry {
    limits: Limits,
    devices: HashMap<Mac, Device>,
    /// Facts, addresses and names of all devices.
    held: usize,
    network: Network,
    refused: Refused,
    said: Said,
    sentry: Option<Sentry>,
}

impl Registry {
    /// With other limits than the usual ones.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// The same, with detectors that follow its frames.
    pub fn watched(self, sentry: Sentry) -> Self {
        Self { sentry: Some(sentry), ..self }
    }

    /// The detectors, if it has any.
    pub fn sentry(&mut self) -> Option<&mut Sentry> {
        self.sentry.as_mut()
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
        if let Some(sentry) = &mut self.sentry {
            sentry.frame(&Seen { now_ns, link, packet: packet.as_ref(), said: &self.said.signals });
        }
        if link.source.is_device() {
            self.device(link.source, now_ns).sent(now_ns, packet.as_ref());
        }
        let mut signals = std::mem::take(&mut self.said.signals);
        for (mac, signal) in signals.drain(..) {
            self.network.learn(mac, &signal);
            if !matches!(signal, Signal::Gateway(_) | Signal::Prefix(_)) {
                self.learn(mac, now_ns, signal);
            }
        }
        // Empty, and with room for those of the next frame.
        self.said.signals = signals;
        result
    }

    /// Something was said about a device.
    fn learn(&mut self, mac: Mac, now_ns: u64, signal: Signal) {
        let limits = if self.held < self.limits.in_all {
            self.limits
        } else {
            Limits { facts: 0, addresses: 0, ..self.limits }
        };
        let device = self.device(mac, now_ns);
        let before = device.held();
        let is_kept = device.learn(now_ns, signal, &limits);
        let more = device.held() - before;
        self.held += more;
        self.refused.facts += u64::from(!is_kept);
    }

    /// A device sent frames that were counted elsewhere, the last one at `last_ns`.
    pub(crate) fn talked(&mut self, mac: Mac, frames: u64, last_ns: u64) {
        match self.devices.get_mut(&mac) {
            Some(device) => device.talked(frames, last_ns),
            None if mac.is_device() => self.refused.frames += frames,
            None => {}
        }
    }

    /// A device sought what the kernel noted, until `last_ns`.
    pub(crate) fn sought(&mut self, mac: Mac, reach: &Reach, last_ns: u64) {
        let Some(device) = self.devices.get_mut(&mac) else { return };
        device.merge_sought(last_ns, reach);
        if let (Some(sentry), Some([_, minute])) = (&mut self.sentry, device.sought()) {
            sentry.sought(mac, minute, last_ns);
        }
    }

    fn device(&mut self, mac: Mac, now_ns: u64) -> &mut Device {
        if self.devices.len() >= self.limits.devices && !self.devices.contains_key(&mac) {
            self.make_room();
        }
        self.devices.entry(mac).or_insert_with(|| Device::new(mac, now_ns))
    }

    /// Forgets a fourth of the devices.
    ///
    /// A flood of made-up addresses must not push out those that are there to stay: it is those of which least is known, and of
    /// these the ones that were quiet the longest. A fourth at a time makes it cheap for each.
    fn make_room(&mut self) {
        let mut worth: Vec<_> =
            self.devices.values().map(|device| (device.facts().len(), device.last_ns, device.mac)).collect();
        let few = (worth.len() / 4).max(1).min(worth.len());
        if few < worth.len() {
            worth.select_nth_unstable(few);
        }
        for (.., mac) in &worth[..few] {
            self.held -= self.devices.remove(mac).map_or(0, |device| device.held());
        }
        self.refused.devices += few as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Carried;

    /// An ARP announcement.
    fn announce(registry: &mut Registry, now_ns: u64, mac: Mac) {
        let mut payload = vec![0, 1, 8, 0, 6, 4, 0, 1];
        payload.extend(mac.0);
        payload.extend([10, 0, 0, mac.0[5], 0, 0, 0, 0, 0, 0, 10, 0, 0, mac.0[5]]);
        let link =
            Link { source: mac, target: Mac::default(), carried: Carried::Ether(0x0806), payload: &payload };
        registry.frame(now_ns, &link).expect("an announcement");
    }

    /// A frame of a protocol that only says that it is spoken.
    fn speak(registry: &mut Registry, now_ns: u64, mac: Mac, kind: u16) {
        let link = Link { source: mac, target: Mac::default(), carried: Carried::Ether(kind), payload: &[] };
        registry.frame(now_ns, &link).expect("nothing to read");
    }

    #[test]
    fn what_is_known_of_all_together_is_bounded_and_counts_what_is_there() {
        let mut registry = Registry::new(Limits { devices: 40, in_all: 100, ..Limits::default() });
        for n in 0..200u16 {
            let mac = Mac([0, 0x17, 0x88, 0, 0, (n % 20) as u8]);
            speak(&mut registry, n.into(), mac, 0x9000 + n);
            announce(&mut registry, n.into(), mac);
        }
        let held = |registry: &Registry| registry.devices().iter().map(|device| device.held()).sum::<usize>();
        assert_eq!((held(&registry), registry.held), (100, 100));
        let refused = registry.refused();
        assert!(refused.facts >= 100, "{refused:?}");
        // What is known already is not refused.
        announce(&mut registry, 300, Mac([0, 0x17, 0x88, 0, 0, 1]));
        assert_eq!(registry.refused(), refused);
        for n in 0..100 {
            announce(&mut registry, 400, Mac([2, 9, 9, 0, 0, n]));
            assert_eq!(held(&registry), registry.held);
        }
        assert!(registry.refused().devices > 0 && registry.held <= 100, "{}", registry.held);
    }

    #[test]
    fn a_flood_of_made_up_addresses_is_bounded_and_pushes_out_nobody_who_is_known() {
        let limits = Limits { devices: 100, ..Limits::default() };
        let mut registry = Registry::new(limits);
        let known = [Mac([0, 0x17, 0x88, 0, 0, 1]), Mac([0, 0x17, 0x88, 0, 0, 2])];
        for mac in known {
            [0x9000, 0x9001, 0x9002].into_iter().for_each(|kind| speak(&mut registry, 1, mac, kind));
        }
        for n in 0u32..10_000 {
            let [_, a, b, c] = n.to_be_bytes();
            announce(&mut registry, 2 + u64::from(n), Mac([2, 9, 9, a, b, c]));
        }
        assert!(registry.devices().len() <= 100);
        assert_eq!(registry.refused().devices, 10_002 - registry.devices().len() as u64);
        for mac in known {
            assert!(registry.devices().iter().any(|device| device.mac == mac), "{mac}");
        }
    }
}
