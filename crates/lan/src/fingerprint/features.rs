//! What is known of a device as a set of words, each a thing that it does or says, for rules' evidence and for the model.
//!
//! What names the one device is left out or made the same for all: its hardware address in names, addresses, identifiers,
//! the host names that its owner chose. The model shall know the kind of device, not the piece.

use crate::Mac;
use crate::registry::{Device, Shape};
use crate::signal::{Role, Signal};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Ports above 1023 that stand for a service; other high ports are drawn by chance.
const SERVICES: [u16; 27] = [
    1400, 1900, 3074, 3389, 3478, 3702, 4840, 5000, 5060, 5223, 5228, 5353, 5355, 5678, 5683, 6666, 6667,
    7000, 8008, 8009, 8080, 8443, 8883, 9100, 9999, 44_818, 47_808,
];
/// Timers that run from chance beginnings have no phase but a range: told in such steps as well.
const RHYTHM_STEP_MS: u32 = 200;
/// Longest feature.
const FEATURE_BYTES_MAX: usize = 200;

/// The words for a device, sorted. `roles`: what it does for others, as the registry knows it.
pub fn features(device: &Device, roles: &BTreeSet<Role>) -> Vec<String> {
    let mut set = BTreeSet::new();
    let [a, b, c, ..] = device.mac.0;
    if !device.mac.is_local() {
        set.insert(format!("oui {a:02x}{b:02x}{c:02x}"));
    }
    for role in roles {
        set.insert(format!("role {}", crate::record::word(*role)));
    }
    for (via, name) in device.names() {
        set.insert(format!("name {via:?} {}", anonymous(name, device.mac)));
    }
    device.facts().iter().for_each(|fact| of_fact(fact, device.mac, &mut set));
    device.shapes().for_each(|shape| of_shape(shape, &mut set));
    // Two that differ behind the cut are one.
    let cut: BTreeSet<String> = set.into_iter().map(cut).collect();
    cut.into_iter().collect()
}

fn cut(mut feature: String) -> String {
    feature.truncate(feature.floor_char_boundary(FEATURE_BYTES_MAX));
    feature.retain(|c| !c.is_control());
    feature
}

fn of_fact(fact: &Signal, mac: Mac, set: &mut BTreeSet<String>) {
    let list = |codes: &[u8]| codes.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
    let same = |text: &str| anonymous(text, mac);
    let feature = match fact {
        Signal::DhcpOptions(codes) => format!("dhcp options {}", list(codes)),
        Signal::DhcpParameters(codes) => format!("dhcp asks {}", list(codes)),
        Signal::DhcpVendor(text) => format!("dhcp vendor {}", same(text)),
        Signal::DhcpUser(text) => format!("dhcp user {}", same(text)),
        Signal::DhcpClientId(kind) => format!("dhcp id {kind}"),
        Signal::DhcpArchitecture(number) => format!("dhcp architecture {number}"),
        Signal::Dhcp6Options(codes) => {
            format!("dhcp6 asks {}", codes.iter().map(u16::to_string).collect::<Vec<_>>().join(","))
        }
        Signal::Dhcp6Vendor(enterprise, text) => format!("dhcp6 vendor {enterprise} {}", same(text)),
        Signal::MudUrl(url) => format!("mud {}", same(url)),
        Signal::ServiceOffered(service) => format!("mdns offers {service}"),
        Signal::ServiceSought(service) => format!("mdns seeks {service}"),
        Signal::ServiceText(service, key, value) => {
            set.insert(format!("mdns tells {service} {key}"));
            format!("mdns tells {service} {key}={}", same(value))
        }
        Signal::Instance(text) => format!("mdns instance {}", same(text)),
        Signal::SpeaksForOthers => "mdns speaks for others".to_owned(),
        Signal::UpnpOffered(kind) => format!("upnp offers {}", same(kind)),
        Signal::UpnpSought(kind) => format!("upnp seeks {}", same(kind)),
        Signal::UpnpServer(text) => format!("upnp server {}", same(text)),
        Signal::UpnpDescription("friendlyName", text) => format!("upnp name {}", same(text)),
        Signal::UpnpDescription(element, text) => format!("upnp {element} {}", without_address(text, mac)),
        Signal::WsdType(kind) => format!("wsd {kind}"),
        Signal::DnsQuery(name) => {
            let labels: Vec<_> = name.rsplit('.').take(2).collect();
            if let [top, second] = labels[..] {
                set.insert(format!("domain {second}.{top}"));
            }
            format!("dns {}", same(name))
        }
        Signal::ServerName(name) => format!("tls name {}", same(name)),
        Signal::Ja4(text) => format!("ja4 {text}"),
        Signal::UserAgent(text) => format!("http agent {}", same(text)),
        Signal::HttpServer(text) => format!("http server {}", same(text)),
        Signal::HttpHost(name) if name.bytes().all(|byte| byte.is_ascii_digit() || b".:".contains(&byte)) => {
            "http host address".to_owned()
        }
        Signal::HttpHost(name) => format!("http host {}", same(name)),
        Signal::HttpPath(path) => format!("http path {}", same(path)),
        Signal::TcpSyn(text) => format!("syn {text}"),
        Signal::TcpServes(port) => format!("serves tcp {}", service(*port)),
        Signal::TcpSeeks(port) => format!("seeks tcp {}", service(*port)),
        Signal::UdpSeeks(port) => format!("seeks udp {}", service(*port)),
        Signal::Group(IpAddr::V4(group)) => format!("group {group}"),
        Signal::Group(IpAddr::V6(group)) => format!("group {group}"),
        Signal::Speaks(kind) => format!("speaks {kind:04x}"),
        // Numbers of models are as long as those of pieces.
        Signal::Neighbour(field, text) => format!("neighbour {field} {}", without_address(text, mac)),
        Signal::NetbiosSuffix(suffix) => format!("netbios {suffix:02x}"),
        Signal::Rhythm(act, gap_ms) => {
            set.insert(format!("{act} after about {} ms", gap_ms / RHYTHM_STEP_MS * RHYTHM_STEP_MS));
            format!("{act} after {gap_ms} ms")
        }
        Signal::Announced(kind) => format!("netbios announces {kind}"),
        Signal::Eapol(kind) => format!("eapol {kind}"),
        // Of the device itself, or told apart.
        _ => return,
    };
    set.insert(feature);
}

fn of_shape(shape: &Shape, set: &mut BTreeSet<String>) {
    let protocol = match shape.protocol {
        6 => "tcp",
        17 => "udp",
        _ => {
            set.insert(format!("shape {shape}"));
            return;
        }
    };
    let port = service(shape.port);
    // Between two ports drawn by chance neither end is the service's.
    let way = match (port == "high", shape.outward) {
        (true, _) => "with",
        (false, true) => "to",
        (false, false) => "from",
    };
    set.insert(format!("shape {protocol} {way} {port}"));
    set.insert(format!("shape {protocol} {way} {port} {}", shape.bytes));
}

fn service(port: u16) -> String {
    if port < 1024 || SERVICES.contains(&port) { port.to_string() } else { "high".to_owned() }
}

/// `text` in lower case, with `#` for the hex digits of the device's own address, or the last four or more of them.
fn without_address(text: &str, mac: Mac) -> String {
    let mut text = text.to_ascii_lowercase();
    let bare: String = mac.0.iter().map(|byte| format!("{byte:02x}")).collect();
    for form in [mac.to_string(), mac.to_string().replace(':', "-"), bare.clone()] {
        text = text.replace(&form, "#");
    }
    for length in [10, 8, 6, 4] {
        text = text.replace(&bare[12 - length..], "#");
    }
    text
}

/// The same, with `0000` for longer numbers too: serial numbers, and what counts up.
fn anonymous(text: &str, mac: Mac) -> String {
    let text = without_address(text, mac);
    let mut out = String::with_capacity(text.len());
    let mut run = String::new();
    for c in text.chars().chain(['\0']) {
        if c.is_ascii_digit() {
            run.push(c);
            continue;
        }
        out.push_str(if run.len() >= 4 { "0000" } else { &run });
        run.clear();
        if c != '\0' {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_the_one_piece_is_taken_out() {
        let mac = Mac([0x20, 0xf8, 0x5e, 0xca, 0x91, 0x52]);
        for (text, expected) in [
            ("GainSpanca9152", "gainspan#"),
            ("cam-20:F8:5E:CA:91:52", "cam-#"),
            ("cam 9152", "cam #"),
            ("serial 221517K0101769 x3", "serial 0000k0000 x3"),
            ("udhcp 1.15.3", "udhcp 1.15.3"),
        ] {
            assert_eq!(anonymous(text, mac), expected);
        }
    }
}
