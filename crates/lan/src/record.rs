//! From what the registry knows to `device` records.

use crate::fingerprint::Fingerprint;
use crate::oui;
use crate::registry::{Device, Registry};
use crate::same::{self, Suggestions};
use crate::signal::{Role, Via};
use kernscope_report::clock::Clock;
use kernscope_report::{Device as Record, DeviceName, Sought};

/// A device not seen for longer than this is offline: ARP entries and most discovery protocols live for less.
pub const ONLINE_NS: u64 = 300_000_000_000;

/// The records of all devices, by address. `now_ns` is the end of the capture, `source` its name.
pub fn records(registry: &Registry, fingerprint: &Fingerprint, now_ns: u64, source: &str) -> Vec<Record> {
    let devices = registry.devices();
    let same = same::suggest(&devices);
    let record = |device| record(registry, fingerprint, &same, device, now_ns, source);
    devices.into_iter().map(record).collect()
}

/// The record of one device, see [`records`].
pub fn record(
    registry: &Registry,
    fingerprint: &Fingerprint,
    same: &Suggestions,
    device: &Device,
    now_ns: u64,
    source: &str,
) -> Record {
    // Times of frames are wall time already.
    let mut clock = Clock::new(0);
    let names = device.names();
    let roles = registry.roles(device);
    let identity = fingerprint.identify(device, &roles);
    let unknown = || "unknown".to_owned();
    Record {
        mac: device.mac.to_string(),
        mac_random: device.mac.is_local(),
        ips: registry.addresses(device).iter().map(ToString::to_string).collect(),
        vendor: oui::vendor(device.mac).map(str::to_owned),
        hostname: names.first().map(|(_, name)| (*name).to_owned()),
        names: names.iter().map(|(via, name)| named(*via, name)).collect(),
        device_type: identity.kind.unwrap_or_else(unknown),
        category: identity.category.unwrap_or_else(unknown),
        label: identity.label,
        one_of: identity.one_of,
        confidence: identity.confidence,
        os: identity.os,
        model: identity.model,
        evidence: identity.evidence,
        roles: roles.into_iter().map(|role| word(role).to_owned()).collect(),
        same_as: same.get(&device.mac).cloned().unwrap_or_default(),
        sought: device.sought().map(|[all, minute]| Sought {
            addresses: all.addresses,
            ports: all.ports,
            addresses_a_minute: minute.addresses,
            ports_a_minute: minute.ports,
        }),
        frames: device.frames,
        first_seen: clock.rfc3339(device.first_ns).to_owned(),
        last_seen: clock.rfc3339(device.last_ns).to_owned(),
        online: is_online(device, now_ns),
        source: source.to_owned(),
    }
}

/// Whether it was seen lately.
pub fn is_online(device: &Device, now_ns: u64) -> bool {
    now_ns.saturating_sub(device.last_ns) <= ONLINE_NS
}

fn named(via: Via, name: &str) -> DeviceName {
    let via = match via {
        Via::Dhcp => "dhcp",
        Via::Dhcp6 => "dhcp6",
        Via::Mdns => "mdns",
        Via::Nbns => "nbns",
        Via::Llmnr => "llmnr",
        Via::Lldp => "lldp",
        Via::Cdp => "cdp",
        Via::Upnp => "upnp",
    };
    DeviceName { name: name.to_owned(), via: via.to_owned() }
}

/// The word for a role.
pub fn word(role: Role) -> &'static str {
    match role {
        Role::Router => "router",
        Role::DhcpServer => "dhcp_server",
        Role::DnsServer => "dns_server",
        Role::Bridge => "bridge",
        Role::AccessPoint => "access_point",
        Role::Phone => "phone",
    }
}
