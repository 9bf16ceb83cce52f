//! Lists of hosts: whom a program may connect and send to.
//!
//! | written | matches |
//! | --- | --- |
//! | `10.1.2.3`, `fd00::1` | that address |
//! | `10.0.0.0/8`, `fd00::/8` | the network |
//! | `example.org` | addresses that a name server gave for that name |
//! | `*.example.org` | names below it |
//! | `localhost` | loopback addresses |
//! | `*` | any |
//!
//! A port may follow (`example.org:443`, `[fd00::1]:22`, `*:8000-8999`).

use super::Mode;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Lists and what is done with them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    /// What becomes of what is denied.
    pub mode: Mode,
    /// Who is on no list is denied.
    pub default_denied: bool,
    /// Denied.
    pub deny: Vec<Host>,
    /// Allowed.
    pub allow: Vec<Host>,
    /// Allowed although denied.
    pub except: Vec<Host>,
}

/// An entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// As written.
    pub text: Arc<str>,
    /// Which addresses.
    pub who: Who,
    /// Which ports.
    pub ports: RangeInclusive<u16>,
}

/// Which addresses an entry means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// All.
    Any,
    /// Those that begin with the same bits.
    Network(IpAddr, u8),
    /// Those of this machine: 127.0.0.0/8 and `::1`.
    Loopback,
    /// Those that this name was answered with; lower case, no dot at the end.
    Name(String),
    /// The same for names that end with a dot and this.
    Below(String),
}

/// Why a text is no host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Nothing there.
    #[error("it is empty; write * for any host")]
    Empty,
    /// Not a port or a range of them.
    #[error("{0:?} is no port; write 443, or 8000-8999")]
    Port(String),
    /// More bits than an address has.
    #[error("{0:?} is no length of a network; an address of IPv4 has 32 bits, of IPv6 128")]
    Prefix(String),
    /// Neither an address nor a name.
    #[error("it is no address, network or name; write such as 10.0.0.0/8, [fd00::1]:443, *.example.org")]
    Who,
}

impl Host {
    /// Reads an entry.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if text.trim().is_empty() {
            return Err(HostError::Empty);
        }
        let (who, ports) = split_port(text);
        let ports = ports.map(parse_ports).transpose()?.unwrap_or(0..=u16::MAX);
        Ok(Self { text: text.into(), who: parse_who(who)?, ports })
    }

    /// Whether it means this address and port; `name` is what the address was given for.
    pub fn matches(&self, address: IpAddr, port: u16, name: Option<&str>) -> bool {
        self.ports.contains(&port) && self.who.matches(address, name)
    }
}

impl Who {
    /// Whether it means addresses that were given for this name.
    pub fn is_called(&self, name: &str) -> bool {
        match self {
            Self::Name(own) => plain(name) == *own,
            Self::Below(parent) => is_below(&plain(name), parent),
            Self::Any | Self::Network(..) | Self::Loopback => false,
        }
    }

    fn matches(&self, address: IpAddr, name: Option<&str>) -> bool {
        let address = address.to_canonical();
        match self {
            Self::Any => true,
            Self::Loopback => address.is_loopback(),
            Self::Network(network, bits) => same_bits(address, *network, *bits),
            Self::Name(_) | Self::Below(_) => name.is_some_and(|name| self.is_called(name)),
        }
    }
}

impl Hosts {
    /// Adds the addresses of names that are written out, as they are now, and, where names are listed and what is on no list is
    /// denied, the name servers of this machine: nobody could ask for a name otherwise.
    pub fn resolve(&mut self, addresses_of: &dyn Fn(&str) -> Vec<IpAddr>, name_servers: &[IpAddr]) {
        if self.default_denied && self.has_names() {
            let server = |address: &IpAddr| Host {
                text: "(name server)".into(),
                who: Who::Network(*address, bits_of(*address)),
                ports: 53..=53,
            };
            self.allow.extend(name_servers.iter().map(server));
        }
        for list in [&mut self.deny, &mut self.allow, &mut self.except] {
            let named = list.iter().filter_map(|host| match &host.who {
                Who::Name(name) => Some((host.clone(), name.clone())),
                _ => None,
            });
            let found: Vec<Host> = named
                .flat_map(|(host, name)| {
                    let known = addresses_of(&name).into_iter();
                    known.map(move |at| Host { who: Who::Network(at, bits_of(at)), ..host.clone() })
                })
                .collect();
            list.extend(found);
        }
    }

    /// Whether an address is denied, and by which entry: `""` where it is on no list.
    pub fn denied(&self, address: IpAddr, port: u16, name: Option<&str>) -> Option<&str> {
        let on = |list: &'_ [Host]| list.iter().position(|host| host.matches(address, port, name));
        if on(&self.except).is_some() {
            return None;
        }
        match (on(&self.deny), on(&self.allow)) {
            (Some(at), _) => Some(&self.deny[at].text),
            (None, None) if self.default_denied => Some(""),
            _ => None,
        }
    }

    /// Whether nothing is denied.
    pub fn is_empty(&self) -> bool {
        self.deny.is_empty() && !self.default_denied
    }

    /// Whether an entry means names.
    pub fn has_names(&self) -> bool {
        let all = [&self.deny, &self.allow, &self.except].into_iter().flatten();
        all.into_iter().any(|host| matches!(host.who, Who::Name(_) | Who::Below(_)))
    }
}

/// Apart at the colon before a port, if there is one.
fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, "")) => return (address, None),
        Some((address, rest)) if rest.starts_with(':') => return (address, Some(&rest[1..])),
        _ => {}
    }
    match text.split_once(':') {
        // More than one: an address of IPv6.
        Some((_, rest)) if rest.contains(':') => (text, None),
        Some((who, port)) => (who, Some(port)),
        None => (text, None),
    }
}

fn parse_ports(text: &str) -> Result<RangeInclusive<u16>, HostError> {
    let failed = || HostError::Port(text.to_owned());
    if text == "*" {
        return Ok(0..=u16::MAX);
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let port = |text: &str| text.parse::<u16>().map_err(|_| failed());
    let (first, last) = (port(first)?, port(last)?);
    if first > last { Err(failed()) } else { Ok(first..=last) }
}

fn parse_who(text: &str) -> Result<Who, HostError> {
    if text == "*" || text.is_empty() {
        return Ok(Who::Any);
    }
    if text.eq_ignore_ascii_case("localhost") {
        return Ok(Who::Loopback);
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(Who::Network(address, bits_of(address)));
    }
    if let Some((address, bits)) = text.split_once('/') {
        let address: IpAddr = address.parse().map_err(|_| HostError::Who)?;
        let bits = bits.parse().ok().filter(|bits| *bits <= bits_of(address));
        return Ok(Who::Network(address, bits.ok_or_else(|| HostError::Prefix(text.to_owned()))?));
    }
    let (below, name) = match text.strip_prefix("*.") {
        Some(name) => (true, name),
        None => (false, text),
    };
    let name = plain(name);
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || !name.chars().all(allowed) || name.split('.').any(str::is_empty) {
        return Err(HostError::Who);
    }
    Ok(if below { Who::Below(name) } else { Who::Name(name) })
}

/// Lower case, without the dot at the end.
fn plain(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

fn is_below(name: &str, parent: &str) -> bool {
    name.strip_suffix(parent).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

fn bits_of(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// Whether the first bits of two addresses are the same. Among those of IPv6, IPv4 addresses are `::ffff:a.b.c.d`.
fn same_bits(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let differ = match (address, network) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        (IpAddr::V4(one), IpAddr::V6(other)) => {
            (one.to_ipv6_mapped().to_bits() ^ other.to_bits()).leading_zeros()
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        (IpAddr::V6(_), IpAddr::V4(_)) => return false,
    };
    differ >= u32::from(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(text: &str, address: &str, port: u16, name: Option<&str>) -> bool {
        Host::parse(text).unwrap().matches(address.parse().unwrap(), port, name)
    }

    #[test]
    fn addresses_networks_and_ports() {
        assert!(matches("10.0.0.0/8", "10.200.1.1", 1, None));
        assert!(!matches("10.0.0.0/8", "11.0.0.1", 1, None));
        assert!(matches("10.1.2.3:443", "::ffff:10.1.2.3", 443, None));
        assert!(!matches("10.1.2.3:443", "10.1.2.3", 80, None));
        assert!(matches("[fd00::1]:20-30", "fd00::1", 30, None));
        assert!(matches("fd00::/8", "fdff::2", 9, None));
        assert!(!matches("fd00::/8", "10.0.0.1", 9, None));
        assert!(matches("*:25", "8.8.8.8", 25, None));
        assert!(matches("localhost", "127.0.0.53", 53, None) && matches("localhost:1", "::1", 1, None));
        assert!(matches("0.0.0.0/0", "1.2.3.4", 1, None) && !matches("0.0.0.0/0", "::2", 1, None));
        assert!(matches("[::/0]:7", "1.2.3.4", 7, None) && matches("::/0", "fd00::2", 7, None));
    }

    #[test]
    fn names_are_those_of_answers() {
        assert!(matches("Example.org", "1.1.1.1", 443, Some("example.org.")));
        assert!(!matches("example.org", "1.1.1.1", 443, Some("www.example.org")));
        assert!(matches("*.example.org:443", "1.1.1.1", 443, Some("a.b.example.org")));
        assert!(!matches("*.example.org", "1.1.1.1", 443, Some("example.org")));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        assert_eq!(Host::parse(" "), Err(HostError::Empty));
        assert_eq!(Host::parse("a:b"), Err(HostError::Port("b".into())));
        assert_eq!(Host::parse("a:9-1"), Err(HostError::Port("9-1".into())));
        assert_eq!(Host::parse("10.0.0.0/33"), Err(HostError::Prefix("10.0.0.0/33".into())));
        assert_eq!(Host::parse("https://x"), Err(HostError::Port("//x".into())));
        assert_eq!(Host::parse("a b"), Err(HostError::Who));
        // What it is written as is what it is removed by.
        assert_eq!(Host::parse("\na:443"), Err(HostError::Who));
        assert_eq!(Host::parse("[fd00::1]22"), Err(HostError::Who));
        assert_eq!(Host::parse("a..b"), Err(HostError::Who));
    }

    #[test]
    fn exceptions_go_before_denials() {
        let host = |text| Host::parse(text).unwrap();
        let hosts = Hosts {
            mode: Mode::Deny,
            default_denied: true,
            deny: vec![host("10.0.0.0/8")],
            allow: vec![host("*:443")],
            except: vec![host("10.1.1.1")],
        };
        let denied = |address: &str, port| hosts.denied(address.parse().unwrap(), port, None);
        assert_eq!(denied("10.1.1.1", 5), None);
        assert_eq!(denied("10.1.1.2", 443), Some("10.0.0.0/8"));
        assert_eq!(denied("9.9.9.9", 443), None);
        assert_eq!(denied("9.9.9.9", 80), Some(""));
    }
}
