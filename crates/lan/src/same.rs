//! Which hardware addresses may be of one device: phones and laptops make up an address for each network, docks and cards bring
//! their own.
//!
//! Suggested with what both have, never done: whoever takes two devices for one loses one of them. What identifies a piece
//! (a DHCP identifier, an identity that a service tells) is enough; a name needs the same DHCP client beside it, or an address
//! that was made up. That two clients ask alike says only that they are of a kind, and is told beside better reasons.

use crate::Mac;
use crate::registry::Device;
use crate::signal::{Signal, Via};
use kernscope_report::Suggestion;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What more devices than this have identifies none of them.
const SHARED_MAX: usize = 8;
/// Suggestions for one device.
const SUGGESTIONS_MAX: usize = 8;
/// Names that software gives, each to many.
const GENERIC: [&str; 12] = [
    "android",
    "android-dhcp",
    "debian",
    "desktop",
    "iphone",
    "ipad",
    "localhost",
    "macbook",
    "openwrt",
    "raspberrypi",
    "ubuntu",
    "unknown",
];
/// Keys under which services tell who they are.
const IDENTITIES: [&str; 8] = ["deviceid", "id", "pk", "uuid", "serialnumber", "sn", "pi", "adminurl"];

/// Suggestions by device.
pub type Suggestions = HashMap<Mac, Vec<Suggestion>>;

/// What a device has that others may have too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Mark {
    /// Of one piece.
    Piece(String),
    Name(String),
    /// Of a kind.
    Client(String),
}

impl Mark {
    fn words(&self) -> &str {
        match self {
            Self::Piece(words) | Self::Name(words) | Self::Client(words) => words,
        }
    }
}

/// Suggests for all devices.
pub fn suggest(devices: &[&Device]) -> Suggestions {
    let marks: Vec<BTreeSet<Mark>> = devices.iter().map(|device| marks(device)).collect();
    let mut holders: BTreeMap<&Mark, Vec<usize>> = BTreeMap::new();
    for (at, marks) in marks.iter().enumerate() {
        for mark in marks.iter().filter(|mark| !matches!(mark, Mark::Client(_))) {
            holders.entry(mark).or_default().push(at);
        }
    }
    let mut pairs: BTreeSet<(usize, usize)> = BTreeSet::new();
    for at in holders.into_values().filter(|at| (2..=SHARED_MAX).contains(&at.len())) {
        for (n, a) in at.iter().enumerate() {
            pairs.extend(at[n + 1..].iter().map(|b| (*a, *b)));
        }
    }
    let mut suggestions = Suggestions::new();
    for (a, b) in pairs {
        let shared: Vec<&Mark> = marks[a].intersection(&marks[b]).collect();
        if !is_reason(&shared, devices[a], devices[b]) {
            continue;
        }
        let because: Vec<String> = shared.iter().map(|mark| mark.words().to_owned()).collect();
        for (of, other) in [(a, b), (b, a)] {
            let of = suggestions.entry(devices[of].mac).or_default();
            if of.len() < SUGGESTIONS_MAX {
                of.push(Suggestion { mac: devices[other].mac.to_string(), because: because.clone() });
            }
        }
    }
    suggestions
}

fn is_reason(shared: &[&Mark], a: &Device, b: &Device) -> bool {
    let has = |sort: fn(&Mark) -> bool| shared.iter().any(|mark| sort(mark));
    let name = has(|mark| matches!(mark, Mark::Name(_)));
    let client = has(|mark| matches!(mark, Mark::Client(_)));
    let made_up = a.mac.is_local() || b.mac.is_local();
    has(|mark| matches!(mark, Mark::Piece(_))) || (name && (client || made_up))
}

fn marks(device: &Device) -> BTreeSet<Mark> {
    let names = device.names().into_iter().filter_map(|(via, name)| name_mark(via, name, device.mac));
    device.facts().iter().filter_map(fact_mark).chain(names).collect()
}

fn name_mark(via: Via, name: &str, mac: Mac) -> Option<Mark> {
    let name = name.trim_end_matches('.').trim_end_matches(".local").to_lowercase();
    // Switches and routers tell names of places.
    let told_by_host = !matches!(via, Via::Lldp | Via::Cdp | Via::Upnp);
    let tail: String = mac.0[3..].iter().map(|byte| format!("{byte:02x}")).collect();
    let of_address = name.replace(['-', ':', '_'], "").contains(&tail);
    let is_own = told_by_host && name.len() > 2 && !GENERIC.contains(&name.as_str()) && !of_address;
    is_own.then(|| Mark::Name(format!("name {name}")))
}

fn fact_mark(fact: &Signal) -> Option<Mark> {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let list = |codes: &[u8]| codes.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
    Some(match fact {
        Signal::Duid(bytes) if bytes.len() > 4 => Mark::Piece(format!("DHCPv6 identifier {}", hex(bytes))),
        Signal::ServiceText(service, key, value)
            if IDENTITIES.contains(&key.to_lowercase().as_str()) && value.len() >= 8 =>
        {
            Mark::Piece(format!("{service} {key} {}", value.to_lowercase()))
        }
        Signal::UpnpDevice(uuid) => Mark::Piece(format!("UPnP device {uuid}")),
        Signal::DhcpParameters(codes) if codes.len() > 2 => {
            Mark::Client(format!("DHCP options asked for in the order {}", list(codes)))
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Limits;

    fn device(mac: [u8; 6], signals: &[Signal]) -> Device {
        Device::of(Mac(mac), signals, &Limits::default())
    }

    fn name(text: &str) -> Signal {
        Signal::Name(text.to_owned(), Via::Dhcp)
    }

    fn asks() -> Signal {
        Signal::DhcpParameters(vec![1, 121, 3, 6, 15])
    }

    /// Whether two devices are suggested as one.
    fn same(a: &[Signal], b: &[Signal], local: bool) -> Vec<String> {
        let (a, b) = (device([if local { 2 } else { 0 }, 1, 2, 3, 4, 5], a), device([0, 9, 9, 9, 9, 9], b));
        let suggestions = suggest(&[&a, &b]);
        assert_eq!(suggestions.contains_key(&a.mac), suggestions.contains_key(&b.mac));
        suggestions.get(&a.mac).map(|all| all[0].because.clone()).unwrap_or_default()
    }

    #[test]
    fn what_identifies_a_piece_is_enough_and_a_kind_is_not() {
        let duid = || Signal::Duid(vec![0, 1, 0, 1, 42, 42, 42, 42, 0, 1, 2, 3, 4, 5]);
        let because = same(&[duid(), asks()], &[duid(), asks()], false);
        assert!(because[0].starts_with("DHCPv6 identifier 0001") && because.len() == 2, "{because:?}");
        assert!(same(&[asks()], &[asks()], true).is_empty(), "all phones of a kind ask alike");
        let upnp = |id: &str| Signal::UpnpDevice(id.into());
        assert!(!same(&[upnp("2f402f80-da50-11e1")], &[upnp("2f402f80-da50-11e1")], false).is_empty());
        let cast = |id: &str| Signal::ServiceText("_googlecast._tcp".into(), "id".into(), id.into());
        assert!(!same(&[cast("4f2a9c01be77d3")], &[cast("4F2A9C01BE77D3")], false).is_empty());
        assert!(same(&[cast("4f2a9c01be77d3")], &[cast("4f2a9c01be77d4")], false).is_empty());
    }

    #[test]
    fn a_name_needs_company_and_must_be_somebodys() {
        assert!(!same(&[name("Bobs-Phone")], &[name("bobs-phone")], true).is_empty());
        assert!(same(&[name("bobs-phone")], &[name("bobs-phone")], false).is_empty());
        assert!(!same(&[name("bobs-phone"), asks()], &[name("bobs-phone"), asks()], false).is_empty());
        assert!(same(&[name("localhost")], &[name("localhost")], true).is_empty());
        assert!(same(&[name("ESP_030405")], &[name("ESP_030405")], true).is_empty());
    }

    #[test]
    fn what_many_have_identifies_none() {
        let devices: Vec<_> = (0..9).map(|n| device([2, 0, 0, 0, 0, n], &[name("kiosk")])).collect();
        assert!(suggest(&devices.iter().collect::<Vec<_>>()).is_empty());
        assert_eq!(suggest(&devices[..8].iter().collect::<Vec<_>>()).len(), 8);
    }
}
