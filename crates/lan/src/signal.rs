//! What a frame says about a device: one fact each, in the words of the protocol it came by.

use crate::Mac;
use std::net::IpAddr;

/// How a device came by an address, or we by the knowledge of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Claim {
    /// It sent a packet from it. A router sends packets from everybody's.
    Sent,
    /// It announced it by ARP or neighbour discovery, or a DHCP server gave it.
    Announced,
}

/// The protocol that a name was told by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say all there is to say")]
pub enum Via {
    Dhcp,
    Dhcp6,
    Mdns,
    Nbns,
    Llmnr,
    Lldp,
    Cdp,
    Upnp,
}

/// What a device does for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say all there is to say")]
pub enum Role {
    Router,
    DhcpServer,
    DnsServer,
    Bridge,
    AccessPoint,
    Phone,
}

/// One fact about one device. Texts are bounded ([`TEXT_BYTES_MAX`]) and may hold anything a stranger wrote.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Signal {
    /// It has this address.
    Address(IpAddr, Claim),
    /// It has this name.
    Name(String, Via),
    /// It serves the others so.
    Role(Role),
    /// A device that is there says that this address is the gateway's.
    Gateway(IpAddr),
    /// It looks for a DHCP server: most often it has just joined the network.
    DhcpDiscover,
    /// It announces by ARP an address that it has just taken.
    Announces,
    /// It asks who has this address.
    Seeks(IpAddr),
    /// What it did so many milliseconds after it had looked for a DHCP server, or announced its address: the phase of its
    /// timers.
    Rhythm(&'static str, u32),
    /// Option codes of a DHCPv4 message, in its order.
    DhcpOptions(Vec<u8>),
    /// Parameters that it asks for (option 55), in its order.
    DhcpParameters(Vec<u8>),
    /// Vendor class (option 60).
    DhcpVendor(String),
    /// User class (option 77).
    DhcpUser(String),
    /// Sort of the client identifier (option 61): hardware type, or 255 with a DUID.
    DhcpClientId(u8),
    /// Vendor-specific information (option 43), in hex.
    DhcpSpecific(String),
    /// Client architecture (option 93).
    DhcpArchitecture(u16),
    /// Address of its MUD file (RFC 8520).
    MudUrl(String),
    /// Options asked for by DHCPv6 (ORO), in its order.
    Dhcp6Options(Vec<u16>),
    /// DHCPv6 vendor class: enterprise and text.
    Dhcp6Vendor(u32, String),
    /// DHCPv6 unique identifier, as it is.
    Duid(Vec<u8>),
    /// It offers this service by mDNS, such as `_ipp._tcp`.
    ServiceOffered(String),
    /// It looks for this service by mDNS.
    ServiceSought(String),
    /// The name of what it offers.
    Instance(String),
    /// It answers by mDNS for a host that is another: a proxy for those that sleep, a repeater between networks.
    SpeaksForOthers,
    /// A key with a value that a service tells: service, key, value.
    ServiceText(String, String, String),
    /// It offers this by SSDP (NT or ST).
    UpnpOffered(String),
    /// It looks for this by SSDP.
    UpnpSought(String),
    /// Which device it is, by SSDP (the UUID in USN).
    UpnpDevice(String),
    /// `SERVER` or `USER-AGENT` line of SSDP.
    UpnpServer(String),
    /// An element of its UPnP description: element, text.
    UpnpDescription(&'static str, String),
    /// A type that it has, by WS-Discovery.
    WsdType(String),
    /// It asked for this name by DNS.
    DnsQuery(String),
    /// Server name in a TLS or QUIC greeting.
    ServerName(String),
    /// JA4 fingerprint of a TLS or QUIC greeting.
    Ja4(String),
    /// `User-Agent` of HTTP.
    UserAgent(String),
    /// `Server` of HTTP.
    HttpServer(String),
    /// `Host` of an HTTP request.
    HttpHost(String),
    /// Path of an HTTP request, without what varies.
    HttpPath(String),
    /// Shape of a TCP SYN (hops, window, options in order).
    TcpSyn(String),
    /// It accepts TCP connections at this port.
    TcpServes(u16),
    /// It opens connections to this TCP port.
    TcpSeeks(u16),
    /// It sends datagrams to this UDP port.
    UdpSeeks(u16),
    /// It joins this multicast group.
    Group(IpAddr),
    /// It sends frames of this EtherType, or of this LLC service.
    Speaks(u16),
    /// A line about itself by LLDP, CDP or its maker's discovery: field, text.
    Neighbour(&'static str, String),
    /// NetBIOS suffix of a name that it registers.
    NetbiosSuffix(u8),
    /// It announces itself to the computer browser of Windows, as `windows`, `unix` or `other`.
    Announced(&'static str),
    /// It takes part in 802.1X or WPA key exchange: type of the EAPOL frame.
    Eapol(u8),
    /// An IPv6 prefix announced on this link, in /64.
    Prefix([u8; 8]),
}

/// Longest text that is kept.
pub const TEXT_BYTES_MAX: usize = 256;

/// Signals of one frame, each with the device that it is about.
#[derive(Debug, Default)]
pub struct Said {
    speaker: Mac,
    /// What was said, in order.
    pub signals: Vec<(Mac, Signal)>,
}

impl Said {
    /// Begins a frame: forgets what the last one said. `speaker` sent it.
    pub(crate) fn start(&mut self, speaker: Mac) {
        self.signals.clear();
        self.speaker = speaker;
    }

    /// Who sent the frame.
    pub(crate) fn speaker(&self) -> Mac {
        self.speaker
    }

    /// About the speaker.
    pub(crate) fn say(&mut self, signal: Signal) {
        self.about(self.speaker, signal);
    }

    /// About another device.
    pub(crate) fn about(&mut self, mac: Mac, signal: Signal) {
        if mac.is_device() {
            self.signals.push((mac, signal));
        }
    }
}

/// Text for `bytes` that a stranger wrote: trimmed, bounded, and what is not UTF-8 escaped as `\xHH`.
pub(crate) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let mut text = kernscope_report::text::escape(&bytes[..end.min(TEXT_BYTES_MAX)]).trim().to_owned();
    text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_bounded_and_never_invalid() {
        assert_eq!(text(b" printer\0\0"), "printer");
        assert_eq!(text(b"caf\xe9"), "caf\\xe9");
        assert!(text(&[0xe9; 4000]).len() <= TEXT_BYTES_MAX);
    }

    #[test]
    fn nothing_is_said_about_groups() {
        let mut said = Said::default();
        said.start(Mac([0xff; 6]));
        said.say(Signal::Role(Role::Router));
        assert!(said.signals.is_empty());
    }
}
