//! Tests of headers, word by word.

use super::{Parser, Result};
use crate::compile::packet::expr::{Layer, Relation, Scope, Side, Tag, Test, Transport, Version};
use crate::compile::packet::lex::Kind;
use crate::compile::packet::{headers, names};

impl Parser<'_> {
    pub(super) fn primitive(&mut self) -> Result<Test> {
        let Some(Kind::Word(word)) = self.peek().cloned() else {
            return Err(self.unexpected("a test such as `udp` or `dst port 53`"));
        };
        self.at += 1;
        let layer = Layer::ALL.into_iter().find(|layer| layer.name() == word);
        if let (Some(layer), Some(Kind::Index(index))) = (layer, self.peek().cloned()) {
            return self.field(layer, index);
        }
        match word {
            "ether" => self.ether(),
            "ip" => self.ip(Version::V4),
            "ip6" => self.ip(Version::V6),
            "arp" => self.arp(),
            "tcp" => self.transport(Transport::Tcp),
            "udp" => self.transport(Transport::Udp),
            "sctp" => self.transport(Transport::Sctp),
            "vlan" => Ok(self.vlan(Tag::Any)),
            "outer" | "inner" if self.word("vlan") => {
                Ok(self.vlan(if word == "outer" { Tag::Outer } else { Tag::Inner }))
            }
            "proto" => self.protocol(Version::Any),
            "len" => {
                let relation = self.relation()?;
                Ok(Test::Length(relation, self.number()?))
            }
            "less" => Ok(Test::Length(Relation::Le, self.number()?)),
            "greater" => Ok(Test::Length(Relation::Ge, self.number()?)),
            _ => match names::protocol(word) {
                Some((version, number)) => Ok(Test::Protocol { version, number }),
                None => {
                    self.at -= 1;
                    self.sided(Scope::Any, None, Some(Transport::Any))
                }
            },
        }
    }

    /// `src`, `dst`, `src or dst`, `src and dst`, or nothing.
    fn side(&mut self) -> Side {
        if self.word("dst") {
            return Side::Dst;
        }
        if !self.word("src") {
            return Side::Either;
        }
        let before = self.at;
        for (word, side) in [("or", Side::Either), ("and", Side::Both)] {
            if self.word(word) && self.word("dst") {
                return side;
            }
            self.at = before;
        }
        Side::Src
    }

    /// `[side] host|net|port|portrange value`, the ports only where there is a transport.
    fn sided(
        &mut self,
        scope: Scope,
        version: Option<Version>,
        transport: Option<Transport>,
    ) -> Result<Test> {
        let side = self.side();
        if let Some(transport) = transport {
            for (word, read) in [("port", names::port as fn(&str) -> _), ("portrange", names::port_range)] {
                if self.word(word) {
                    let (low, high) =
                        self.value(&format!("a {word} such as {}", names::example(word)), read)?;
                    return Ok(Test::Port { side, transport, low, high });
                }
            }
        }
        let only_transport = transport.is_some_and(|transport| transport != Transport::Any);
        let net = if !only_transport && self.word("host") {
            self.value("an address", names::host)?
        } else if !only_transport && self.word("net") {
            self.value("a network such as 10.0.0.0/8", names::net)?
        } else {
            return Err(self.unexpected(if only_transport {
                "`port` or `portrange`"
            } else if transport.is_some() {
                "a test such as `udp`, `dst port 53`, `host 10.0.0.1` or `ip[8] < 5`"
            } else {
                "`host` or `net`"
            }));
        };
        let (address, prefix) = net;
        let fits = match version {
            Some(Version::V4) => address.is_ipv4(),
            Some(Version::V6) => address.is_ipv6(),
            _ => true,
        };
        if !fits {
            self.at -= 1;
            return Err(self.unexpected("an address of that protocol"));
        }
        Ok(Test::Net { side, scope, address, prefix })
    }

    /// Whether the next word begins what [`Parser::sided`] reads.
    fn is_sided(&self) -> bool {
        let words = ["src", "dst", "host", "net", "port", "portrange"];
        matches!(self.peek(), Some(Kind::Word(word)) if words.contains(word))
    }

    fn ether(&mut self) -> Result<Test> {
        if self.word("broadcast") {
            return Ok(Test::Ether { side: Side::Dst, address: [0xff; 6] });
        }
        if self.word("multicast") {
            let (layer, relation) = (Layer::Ether, Relation::Eq);
            return Ok(Test::Field { layer, offset: 0, bytes: 1, mask: 1, relation, value: 1 });
        }
        if self.word("proto") {
            return self
                .value("a type such as 0x88cc, ip, ip6 or arp", names::ether_type)
                .map(Test::EtherType);
        }
        let side = self.side();
        if !self.word("host") && side == Side::Either {
            return Err(self.unexpected("`host`, `src`, `dst`, `proto`, `broadcast`, `multicast` or `[`"));
        }
        let address = self.value("an address such as 00:11:22:33:44:55", names::ether_address)?;
        Ok(Test::Ether { side, address })
    }

    fn ip(&mut self, version: Version) -> Result<Test> {
        // As tcpdump has it: for IPv4 that is broadcast as well.
        let (kind, layer, offset, least) = match version {
            Version::V6 => (headers::IP6, Layer::Ip6, 24, 0xff),
            _ => (headers::IP, Layer::Ip, 16, 224),
        };
        if self.word("proto") {
            return self.protocol(version);
        }
        if self.word("multicast") {
            let (mask, relation) = (u32::MAX, Relation::Ge);
            return Ok(Test::Field { layer, offset, bytes: 1, mask, relation, value: least });
        }
        if self.is_sided() {
            return self.sided(Scope::Ip, Some(version), None);
        }
        Ok(Test::EtherType(kind))
    }

    fn arp(&mut self) -> Result<Test> {
        if self.is_sided() {
            return self.sided(Scope::Arp, Some(Version::V4), None);
        }
        Ok(Test::EtherType(headers::ARP))
    }

    fn transport(&mut self, transport: Transport) -> Result<Test> {
        if self.is_sided() {
            return self.sided(Scope::Any, None, Some(transport));
        }
        let number = transport.number().unwrap_or_default();
        Ok(Test::Protocol { version: Version::Any, number })
    }

    fn protocol(&mut self, version: Version) -> Result<Test> {
        let number = self.value("a protocol such as 89 or tcp", names::protocol_number)?;
        Ok(Test::Protocol { version, number })
    }

    fn vlan(&mut self, tag: Tag) -> Test {
        let id = match self.peek() {
            Some(Kind::Word(word)) => {
                names::number(word).and_then(|id| u16::try_from(id).ok()).filter(|id| *id < 4096)
            }
            _ => None,
        };
        self.at += usize::from(id.is_some());
        Test::Vlan { tag, id }
    }

    /// `layer[offset:bytes] & mask RELATION value`
    fn field(&mut self, layer: Layer, index: &str) -> Result<Test> {
        let (offset, bytes) = names::index(index).ok_or_else(|| {
            self.unexpected("an offset such as `[12]` or `[2:2]`, of 1, 2 or 4 bytes and up to 65535,")
        })?;
        self.at += 1;
        let mask = if self.sign("&") { self.number()? } else { u32::MAX };
        let relation = self.relation()?;
        let value = self.number()?;
        Ok(Test::Field { layer, offset, bytes, mask, relation, value })
    }

    fn relation(&mut self) -> Result<Relation> {
        let relation = match self.peek() {
            Some(Kind::Sign("=" | "==")) => Relation::Eq,
            Some(Kind::Sign("!=")) => Relation::Ne,
            Some(Kind::Sign("<")) => Relation::Lt,
            Some(Kind::Sign("<=")) => Relation::Le,
            Some(Kind::Sign(">")) => Relation::Gt,
            Some(Kind::Sign(">=")) => Relation::Ge,
            _ => return Err(self.unexpected("`=`, `!=`, `<`, `<=`, `>` or `>=`")),
        };
        self.at += 1;
        Ok(relation)
    }

    /// A number, a name of one, or several in parentheses with `|` between.
    fn number(&mut self) -> Result<u32> {
        if !self.sign("(") {
            return self.value("a number", names::number);
        }
        let mut number = self.value("a number", names::number)?;
        while self.sign("|") {
            number |= self.value("a number", names::number)?;
        }
        if self.sign(")") { Ok(number) } else { Err(self.unexpected("`|` or `)`")) }
    }
}
