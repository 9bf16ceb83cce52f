//! How far a packet must be taken apart for an expression: no instruction is spent on a header that nothing asks about.

use std::net::IpAddr;

use super::expr::{Expr, Scope, Test, Version};
use super::headers;

/// How far into one version of IP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Depth {
    /// Not at all.
    #[default]
    None,
    /// The fixed header: addresses.
    Fixed,
    /// The protocol, and where its header begins.
    Protocol,
}

/// What the tests of an expression ask about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// The type behind the VLAN tags.
    pub(super) kind: bool,
    /// The tags.
    pub(super) tags: bool,
    /// The addresses of ARP.
    pub(super) arp: bool,
    /// IPv4.
    pub(super) v4: Depth,
    /// IPv6.
    pub(super) v6: Depth,
    /// Ports.
    pub(super) ports: bool,
}

impl Needs {
    pub(super) fn of(expr: &Expr) -> Needs {
        let mut needs = Needs::default();
        needs.add(expr);
        needs.kind |= needs.tags || needs.any_fixed();
        needs
    }

    /// Whether some fixed header is needed.
    pub(super) fn any_fixed(self) -> bool {
        self.arp || self.v4.max(self.v6) > Depth::None
    }

    /// Whether some protocol is needed.
    pub(super) fn any_protocol(self) -> bool {
        self.v4.max(self.v6) == Depth::Protocol
    }

    fn add(&mut self, expr: &Expr) {
        match expr {
            Expr::Test(test) => self.add_test(test),
            Expr::Not(expr) => self.add(expr),
            Expr::All(list) | Expr::Any(list) => list.iter().for_each(|expr| self.add(expr)),
        }
    }

    fn add_test(&mut self, test: &Test) {
        match *test {
            Test::Ether { .. } | Test::Length(..) => {}
            Test::EtherType(_) => self.kind = true,
            Test::Vlan { .. } => self.tags = true,
            Test::Protocol { version, .. } => self.protocol(version),
            Test::Port { .. } => {
                self.ports = true;
                self.protocol(Version::Any);
            }
            Test::Net { scope, address: IpAddr::V4(_), .. } => {
                self.arp |= scope != Scope::Ip;
                if scope != Scope::Arp {
                    self.v4 = self.v4.max(Depth::Fixed);
                }
            }
            Test::Net { .. } => self.v6 = self.v6.max(Depth::Fixed),
            Test::Field { layer, .. } => match layer.numbers() {
                (kind, None) => self.kind |= kind.is_some(),
                (Some(headers::IP), _) => self.protocol(Version::V4),
                (Some(_), _) => self.protocol(Version::V6),
                (None, _) => self.protocol(Version::Any),
            },
        }
    }

    fn protocol(&mut self, version: Version) {
        if version != Version::V6 {
            self.v4 = Depth::Protocol;
        }
        if version != Version::V4 {
            self.v6 = Depth::Protocol;
        }
    }
}
