//! What is said of devices that nobody trained on: what real ones say, by their public descriptions, as frames; and what they are.
//!
//! The data is by area. `traps.toml` has devices that look like others: who asks for a service, who speaks for somebody else,
//! whose maker makes everything.

mod frames;

use frames::{Host, Service};
use kernscope_lan::fingerprint::Fingerprint;
use kernscope_lan::{Mac, Registry, record, replay};
use serde::Deserialize;
use std::net::Ipv4Addr;

const FILES: [(&str, &str); 9] = [
    ("media", include_str!("media.toml")),
    ("home", include_str!("home.toml")),
    ("office", include_str!("office.toml")),
    ("racks", include_str!("racks.toml")),
    ("desks", include_str!("desks.toml")),
    ("rooms", include_str!("rooms.toml")),
    ("offices", include_str!("offices.toml")),
    ("traps", include_str!("traps.toml")),
    ("seen", include_str!("seen.toml")),
];
const HERE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 50);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    device: Vec<Device>,
}

/// What a device says, and what it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Device {
    name: String,
    mac: String,
    #[serde(default)]
    dhcp: Dhcp,
    #[serde(default)]
    mdns: Vec<Told>,
    /// Services that it looks for.
    #[serde(default)]
    seeks: Vec<String>,
    /// Type and server, by SSDP.
    #[serde(default)]
    ssdp: Vec<(String, String)>,
    /// Types, by WS-Discovery.
    #[serde(default)]
    wsd: Vec<String>,
    #[serde(default)]
    dns: Vec<String>,
    #[serde(default)]
    http: Vec<String>,
    #[serde(default)]
    serves: Vec<u16>,
    /// Description and capabilities.
    #[serde(default)]
    lldp: Vec<(String, u16)>,
    /// What it is, by LLDP-MED.
    #[serde(default)]
    med: Vec<Med>,
    #[serde(default)]
    cdp: Vec<Cdp>,
    /// NetBIOS names that it registers as its own, with their suffixes, and those of groups.
    #[serde(default)]
    nbns: Vec<(String, u8)>,
    #[serde(default)]
    groups: Vec<(String, u8)>,
    /// Vendor classes by DHCPv6: enterprise and text.
    #[serde(default)]
    dhcp6: Vec<(u32, String)>,
    /// UDP ports that it sends to.
    #[serde(default)]
    sends: Vec<u16>,
    /// EtherTypes that it speaks.
    #[serde(default)]
    speaks: Vec<u16>,
    /// It gives out addresses (`leases`), is the way out (`gateway`), takes part in the spanning tree (`spans`).
    #[serde(default)]
    does: Vec<String>,
    is: Is,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Dhcp {
    asks: Vec<u8>,
    vendor: String,
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Med {
    manufacturer: String,
    model: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cdp {
    name: String,
    version: String,
    platform: String,
    capabilities: u32,
}

/// A service told by mDNS.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    kind: String,
    #[serde(default)]
    text: Vec<String>,
    #[serde(default)]
    instance: Option<String>,
    /// The name of who has it.
    #[serde(default)]
    host: Option<String>,
    /// The address of who has it, where that is another.
    #[serde(default)]
    of: Option<Ipv4Addr>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Is {
    category: String,
    /// Left out: as `category` when that is unknown, else not looked at.
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    os: Option<String>,
    #[serde(default)]
    vendor: Option<String>,
    #[serde(default)]
    hostname: Option<String>,
}

/// A capture file of its frames.
fn capture(device: &Device) -> Vec<u8> {
    let mac: Mac = device.mac.parse().expect("an address");
    let host = Host { mac: mac.0, address: HERE };
    let mut frames = vec![host.dhcp(&device.dhcp.asks, &device.dhcp.vendor, &device.dhcp.name)];
    frames.extend(device.seeks.iter().map(|kind| host.seeks(kind)));
    for told in &device.mdns {
        let name = told.host.as_deref().unwrap_or("thing");
        let instance = told.instance.as_deref().unwrap_or("Thing");
        let host_of = (name, told.of.unwrap_or(HERE));
        frames.push(host.offers(Service { kind: &told.kind, instance, host: host_of, text: &told.text }));
    }
    frames.extend(device.ssdp.iter().map(|(kind, server)| host.notify(kind, server)));
    frames.extend(device.wsd.iter().map(|types| host.hello(types)));
    frames.extend(device.dns.iter().map(|name| host.dns(name)));
    frames.extend(device.http.iter().map(|text| host.http(text)));
    frames.extend(device.serves.iter().map(|port| host.serves(*port)));
    frames.extend(device.lldp.iter().map(|(text, capabilities)| host.lldp(text, *capabilities)));
    frames.extend(device.med.iter().map(|med| host.med(&med.manufacturer, &med.model)));
    frames.extend(
        device
            .cdp
            .iter()
            .map(|cdp| host.cdp([(1, &cdp.name), (5, &cdp.version), (6, &cdp.platform)], cdp.capabilities)),
    );
    frames.extend(device.nbns.iter().map(|(name, suffix)| host.registers(name, *suffix, false)));
    frames.extend(device.groups.iter().map(|(name, suffix)| host.registers(name, *suffix, true)));
    frames.extend(device.dhcp6.iter().map(|(enterprise, text)| host.dhcp6(*enterprise, text)));
    frames.extend(device.sends.iter().map(|port| host.sends(*port)));
    frames.extend(device.speaks.iter().map(|kind| host.speaks(*kind)));
    for act in &device.does {
        frames.push(match act.as_str() {
            "leases" => host.leases(false),
            "gateway" => host.leases(true),
            "spans" => host.spans(),
            other => panic!("{}: does {other}?", device.name),
        });
    }
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0];
    for (second, frame) in (0u32..).zip(frames) {
        for word in [1_700_000_000 + second, 0, frame.len() as u32, frame.len() as u32] {
            file.extend(word.to_le_bytes());
        }
        file.extend(frame);
    }
    file
}

/// What is wrong with what is said of a device, in a line.
fn wrong(device: &Device, fingerprint: &Fingerprint) -> Option<String> {
    let file = capture(device);
    let mut registry = Registry::default();
    let account = replay::replay(&file[..], &mut registry);
    assert!(account.fault.is_none() && account.malformed.is_empty(), "{}: {account:?}", device.name);
    let records = record::records(&registry, fingerprint, 0, "made");
    let told = records.iter().find(|record| record.mac == device.mac).expect("the device");
    let is = &device.is;
    let kind =
        is.kind.as_deref().unwrap_or(if is.category == "unknown" { "unknown" } else { &told.device_type });
    let is_so = told.category == is.category
        && told.device_type == kind
        && told.os == is.os
        && told.label.is_none()
        && is.vendor.as_ref().is_none_or(|vendor| told.vendor.as_ref() == Some(vendor))
        && is.hostname.as_ref().is_none_or(|name| told.hostname.as_ref() == Some(name));
    (!is_so).then(|| {
        format!(
            "{}: {} / {} / {:?} / {:?} / {:?} {:?}, not {is:?}; {:?}",
            device.name,
            told.category,
            told.device_type,
            told.os,
            told.vendor,
            told.hostname,
            told.label,
            told.evidence
                .iter()
                .map(|e| format!("{} {} {}", e.fact, e.speaks_for, e.weight))
                .collect::<Vec<_>>()
        )
    })
}

#[test]
fn devices_that_nobody_trained_on_are_what_they_are_or_unknown() {
    let fingerprint = Fingerprint::built_in();
    let mut faults = Vec::new();
    let mut count = 0;
    for (area, text) in FILES {
        let file: File = toml::from_str(text).unwrap_or_else(|error| panic!("{area}: {error}"));
        count += file.device.len();
        faults.extend(file.device.iter().filter_map(|device| wrong(device, &fingerprint)));
    }
    assert!(faults.is_empty(), "{} of {count}:\n{}", faults.len(), faults.join("\n"));
}
