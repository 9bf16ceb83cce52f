//! The JSON of RFC 8520 and RFC 8519.
//!
//! Makers write more than there is room for here, so unknown members are no mistake; but an entry that asks for something that is
//! not looked at would be taken for wider than it is, and is noted.

use super::Profile;
use super::ace::{Ace, Icmp, Peer, Ports};
use super::json::{Acl, Entry, File, Ip, Matches, Mud, Named, Policy, Port, Transport, Who};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;
const ICMP6: u8 = 58;
const VERSION: u64 = 1;
/// Entries of all lists; the longest known have some hundred.
const ENTRIES_MAX: usize = 4_096;
const URL_BYTES_MAX: usize = 2_048;

pub(super) fn profile(text: &str) -> Result<Profile, String> {
    let file: File =
        serde_json::from_str(text).map_err(|cause| format!("no MUD file (RFC 8520): {cause}"))?;
    let Mud { mud_version, mud_url, systeminfo, from_device_policy, to_device_policy } = file.mud;
    if mud_version != VERSION {
        return Err(format!("is of MUD version {mud_version}; only version {VERSION} is known"));
    }
    if mud_url.len() > URL_BYTES_MAX || !mud_url.starts_with("https://") {
        return Err("has no mud-url that begins with https://".to_owned());
    }
    if file.acls.acl.iter().map(|acl| acl.aces.ace.len()).sum::<usize>() > ENTRIES_MAX {
        return Err(format!("has more than {ENTRIES_MAX} entries"));
    }
    let acls: HashMap<&str, &Acl> = file.acls.acl.iter().map(|acl| (acl.name.as_str(), acl)).collect();
    let mut notes = Vec::new();
    let mut list = |policy: Option<Policy>, from_device| -> Result<Vec<Ace>, String> {
        let names = policy.into_iter().flat_map(|policy| policy.access_lists.access_list);
        let mut entries = Vec::new();
        for Named { name } in names {
            let acl = acls
                .get(name.as_str())
                .ok_or_else(|| format!("names the access list {name:?}, which it has not"))?;
            for entry in &acl.aces.ace {
                let ace = entry.ace(&acl.kind, from_device, &mut notes);
                entries.push(ace.map_err(|why| format!("entry {:?} of {name:?}: {why}", entry.name))?);
            }
        }
        Ok(entries)
    };
    let from_device = list(from_device_policy, true)?;
    let to_device = list(to_device_policy, false)?;
    Ok(Profile { url: mud_url, about: systeminfo, notes, from_device, to_device })
}

impl Entry {
    fn ace(&self, kind: &str, from_device: bool, notes: &mut Vec<String>) -> Result<Ace, String> {
        let allows = match self.actions.forwarding.rsplit(':').next() {
            Some("accept") => true,
            Some("drop" | "reject") => false,
            _ => {
                return Err(format!(
                    "forwarding {:?} is none of accept, drop, reject",
                    self.actions.forwarding
                ));
            }
        };
        let version = kind.contains("ipv4").then_some(4).or(kind.contains("ipv6").then_some(6));
        let mut ace = Ace { allows, version, ..Ace::default() };
        let Matches { ipv4, ipv6, tcp, udp, icmp, icmpv4, icmpv6, mud, more } = &self.matches;
        for (version, ip) in [(4, ipv4), (6, ipv6)] {
            let Some(ip) = ip else { continue };
            ace.version = Some(version);
            ip.add_to(&mut ace, from_device)?;
            self.unknown(&ip.more, notes);
        }
        for (protocol, transport) in [(TCP, tcp), (UDP, udp)] {
            let Some(transport) = transport else { continue };
            ace.protocol = Some(protocol);
            transport.add_to(&mut ace)?;
            self.unknown(&transport.more, notes);
        }
        for (version, message) in [(None, icmp), (Some(4), icmpv4), (Some(6), icmpv6)] {
            let Some(message) = message else { continue };
            ace.version = version.or(ace.version);
            // RFC 8519 has one name for both; the list or its addresses say which.
            ace.protocol = ace.version.map(|version| if version == 6 { ICMP6 } else { ICMP });
            ace.icmp = Some(Icmp { kind: message.kind, code: message.code });
            self.unknown(&message.more, notes);
        }
        mud.iter().for_each(|who| who.add_to(&mut ace));
        self.unknown(more, notes);
        Ok(ace)
    }

    fn unknown(&self, more: &BTreeMap<String, Value>, notes: &mut Vec<String>) {
        notes.extend(more.keys().map(|key| format!("entry {:?}: {key:?} is not looked at", self.name)));
    }
}

impl Ip {
    fn add_to(&self, ace: &mut Ace, from_device: bool) -> Result<(), String> {
        ace.protocol = self.protocol.or(ace.protocol);
        // The other end of what a device sends is the destination; its own addresses are not for the maker to say.
        let (name, network) = match from_device {
            true => (&self.target_name, &self.destination_ipv4_network),
            false => (&self.source_name, &self.source_ipv4_network),
        };
        ace.peers.extend(name.iter().map(|name| Peer::Name(name.trim_end_matches('.').to_ascii_lowercase())));
        if let Some(text) = network {
            ace.peers.push(
                read_network(text).ok_or_else(|| format!("{text:?} is no network such as 192.0.2.0/24"))?,
            );
        }
        Ok(())
    }
}

fn read_network(text: &str) -> Option<Peer> {
    let (address, bits) = text.split_once('/')?;
    let (address, bits): (IpAddr, u8) = (address.parse().ok()?, bits.parse().ok()?);
    let most = if address.is_ipv4() { 32 } else { 128 };
    (bits <= most).then_some(Peer::Network(address, bits))
}

impl Transport {
    fn add_to(&self, ace: &mut Ace) -> Result<(), String> {
        for (ports, port) in [(&mut ace.source, &self.source_port), (&mut ace.target, &self.destination_port)]
        {
            if let Some(port) = port {
                *ports = port.ports()?;
            }
        }
        ace.by_device = match self.initiated.as_deref() {
            None => None,
            Some("from-device") => Some(true),
            Some("to-device") => Some(false),
            Some(other) => {
                return Err(format!("direction-initiated {other:?} is neither from-device nor to-device"));
            }
        };
        Ok(())
    }
}

impl Port {
    fn ports(&self) -> Result<Ports, String> {
        let ports = |first, last| Ports { first, last, but: false };
        Ok(match self {
            Self::Range { lower_port, upper_port } if lower_port <= upper_port => {
                ports(*lower_port, *upper_port)
            }
            Self::Range { lower_port, upper_port } => {
                return Err(format!("ports {lower_port} to {upper_port} are none"));
            }
            Self::Operator { operator, port } => match operator.as_str() {
                "eq" => ports(*port, *port),
                "neq" => Ports { but: true, ..ports(*port, *port) },
                "lte" => ports(0, *port),
                "gte" => ports(*port, u16::MAX),
                other => return Err(format!("operator {other:?} is none of eq, neq, lte, gte")),
            },
        })
    }
}

impl Who {
    fn add_to(&self, ace: &mut Ace) {
        let peers = [
            self.local_networks.as_ref().map(|_| Peer::Local),
            self.same_manufacturer.as_ref().map(|_| Peer::SameMaker),
            self.manufacturer.clone().map(Peer::Maker),
            self.model.clone().map(Peer::Model),
            self.controller.clone().map(Peer::Controller),
            self.my_controller.as_ref().map(|_| Peer::Controller("my-controller".to_owned())),
        ];
        ace.peers.extend(peers.into_iter().flatten());
    }
}
