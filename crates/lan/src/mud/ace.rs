//! Entries of access lists, and what they make of a talk.

use std::net::IpAddr;

const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;
const ICMP6: u8 = 58;
/// Classes of controllers that every network has (RFC 8520, section 16).
const DNS_CLASS: &str = "urn:ietf:params:mud:dns";
const NTP_CLASS: &str = "urn:ietf:params:mud:ntp";

/// An entry: all that it asks for must hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Ace {
    pub(super) allows: bool,
    /// 4 or 6.
    pub(super) version: Option<u8>,
    pub(super) protocol: Option<u8>,
    /// A message of ICMP, of either version.
    pub(super) icmp: Option<Icmp>,
    pub(super) source: Ports,
    pub(super) target: Ports,
    /// Who began the connection: the device.
    pub(super) by_device: Option<bool>,
    pub(super) peers: Vec<Peer>,
}

/// Ports from one to another, or all but these.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ports {
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) but: bool,
}

impl Default for Ports {
    fn default() -> Self {
        Self { first: 0, last: u16::MAX, but: false }
    }
}

impl Ports {
    fn has(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port) != self.but
    }
}

/// A message of ICMP: its type and code, where they are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Icmp {
    pub(super) kind: Option<u8>,
    pub(super) code: Option<u8>,
}

impl Icmp {
    fn is(self, message: Option<(u8, u8)>) -> bool {
        message.is_some_and(|(kind, code)| {
            self.kind.is_none_or(|wanted| wanted == kind) && self.code.is_none_or(|wanted| wanted == code)
        })
    }
}

/// Who the other one has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    /// An address that this name leads to.
    Name(String),
    /// An address of a network, by the length of its prefix.
    Network(IpAddr, u8),
    /// A device of this network.
    Local,
    /// One of the same maker.
    SameMaker,
    /// One of this maker.
    Maker(String),
    /// One with the description of this address.
    Model(String),
    /// One of these controllers.
    Controller(String),
}

/// A talk, as it began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Talk {
    /// The device began it.
    pub(crate) from_device: bool,
    pub(crate) peer: IpAddr,
    pub(crate) protocol: u8,
    /// Of whoever began it.
    pub(crate) source_port: u16,
    pub(crate) target_port: u16,
    /// Type and code of a message of ICMP, which has no ports.
    pub(crate) icmp: Option<(u8, u8)>,
}

/// What entries ask of the network.
pub(crate) trait Around {
    /// Whether a name leads to the peer; `None` where that cannot be told.
    fn is_named(&self, name: &str) -> Option<bool>;
    /// Whether the peer is on this network.
    fn is_local(&self) -> bool;
    /// Whether the peer is a name server of this network.
    fn is_resolver(&self) -> bool;
    /// Whether the peer is of this maker; `None` for the device's own.
    fn is_of_maker(&self, maker: Option<&str>) -> bool;
    /// Whether the peer has the description of this address.
    fn is_model(&self, url: &str) -> bool;
    /// Whether the peer is such a controller; `None` where nobody said who is.
    fn is_controller(&self, name: &str) -> Option<bool>;
}

/// What a description says of a talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allowed,
    Denied,
    /// It depends on names that were not seen to be looked up.
    Unclear,
}

/// What every device needs: leases, and the names and the time of this network (RFC 8520, section 4).
pub(super) fn is_needed(talk: &Talk, around: &dyn Around) -> bool {
    match (talk.protocol, talk.target_port) {
        (UDP, 67 | 68 | 546 | 547) => true,
        (UDP | TCP, 53) => talk.from_device && (around.is_resolver() || around.is_local()),
        (UDP, 123) => talk.from_device && around.is_local(),
        // Whether a neighbour is there.
        (ICMP | ICMP6, _) => around.is_local(),
        _ => false,
    }
}

/// The first entry that fits decides; what fits none is denied.
pub(super) fn judge(entries: &[Ace], talk: &Talk, around: &dyn Around) -> Verdict {
    let mut unclear = false;
    for ace in entries {
        match ace.fits(talk, around) {
            Some(true) if unclear => return Verdict::Unclear,
            Some(true) if ace.allows => return Verdict::Allowed,
            Some(true) => return Verdict::Denied,
            Some(false) => {}
            None => unclear = true,
        }
    }
    if unclear { Verdict::Unclear } else { Verdict::Denied }
}

impl Ace {
    fn fits(&self, talk: &Talk, around: &dyn Around) -> Option<bool> {
        let version = if talk.peer.is_ipv4() { 4 } else { 6 };
        let heads = self.version.is_none_or(|wanted| wanted == version)
            && self.protocol.is_none_or(|wanted| wanted == talk.protocol)
            && self.icmp.is_none_or(|icmp| icmp.is(talk.icmp))
            && self.by_device.is_none_or(|wanted| wanted == talk.from_device || talk.protocol != TCP)
            && self.source.has(talk.source_port)
            && self.target.has(talk.target_port);
        if !heads {
            return Some(false);
        }
        let mut answer = Some(true);
        for peer in &self.peers {
            match peer.is(talk, around) {
                Some(true) => {}
                Some(false) => return Some(false),
                None => answer = None,
            }
        }
        answer
    }
}

impl Peer {
    fn is(&self, talk: &Talk, around: &dyn Around) -> Option<bool> {
        Some(match self {
            Self::Name(name) => return around.is_named(name),
            Self::Network(network, bits) => is_within(talk.peer, *network, *bits),
            Self::Local => around.is_local(),
            Self::SameMaker => around.is_of_maker(None),
            Self::Maker(maker) => around.is_of_maker(Some(maker)),
            Self::Model(url) => around.is_model(url),
            Self::Controller(name) => match around.is_controller(name) {
                Some(is_it) => is_it,
                None if name == DNS_CLASS => around.is_resolver() || around.is_local(),
                None if name == NTP_CLASS => talk.target_port == 123,
                // Nobody said who it is: it may be anybody here.
                None => around.is_local(),
            },
        })
    }
}

fn is_within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let cut = |bytes: &[u8]| -> Vec<u8> {
        let whole = usize::from(bits / 8).min(bytes.len());
        let mut head = bytes[..whole].to_vec();
        let rest = bits % 8;
        head.extend(bytes.get(whole).filter(|_| rest > 0).map(|byte| byte >> (8 - rest)));
        head
    };
    match (address, network) {
        (IpAddr::V4(one), IpAddr::V4(other)) => cut(&one.octets()) == cut(&other.octets()),
        (IpAddr::V6(one), IpAddr::V6(other)) => cut(&one.octets()) == cut(&other.octets()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_what_begins_as_they_do() {
        let is = |address: &str, network: &str, bits| {
            is_within(address.parse().expect("address"), network.parse().expect("network"), bits)
        };
        assert!(is("10.1.2.3", "10.1.0.0", 16) && !is("10.2.2.3", "10.1.0.0", 16));
        assert!(is("10.1.255.3", "10.1.128.0", 17) && !is("10.1.127.3", "10.1.128.0", 17));
        assert!(
            is("10.1.2.3", "0.0.0.0", 0) && is("10.1.2.3", "10.1.2.3", 32) && !is("10.1.2.4", "10.1.2.3", 32)
        );
        assert!(is("2001:db8::1", "2001:db8::", 32) && !is("10.1.2.3", "::", 0));
    }
}
