//! The expression language: tcpdump's words, as far as they go.
//!
//! As there, `and` and `or` bind alike, from left to right, and `not` binds closest. Unlike there, a test looks through
//! VLAN tags and IPv6 extension headers, and one word's qualifiers are not taken over by the next: `port 80 or port 443`.

use super::expr::{Expr, Layer, Relation, Scope, Side, Tag, Test, Transport, Version};
use super::headers;
use super::joined::Part;
use super::lex::{Kind, Token, tokens};
use super::names;
use crate::compile::{Content, Filter, Regex};
use std::sync::Arc;

/// Parentheses and words inside each other.
const MAX_DEPTH: usize = 64;

/// Text that is not an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read packet filter, column {column}: {cause}")]
pub struct ParseError {
    /// The column, in characters from 1.
    pub column: usize,
    /// What is wrong, and what is expected.
    pub cause: String,
}

impl ParseError {
    pub(super) fn new(column: usize, cause: impl Into<String>) -> Self {
        Self { column, cause: cause.into() }
    }
}

type Result<T> = std::result::Result<T, ParseError>;

/// Reads a condition on headers.
pub(super) fn parse(text: &str) -> Result<Expr> {
    match read(text)? {
        Part::Packet(expr) => Ok(expr),
        _ => Err(ParseError::new(1, "`content` is no condition on headers; it is for filters")),
    }
}

/// Reads a filter.
pub(super) fn parse_filter(text: &str) -> Result<Filter> {
    read(text).map(Part::into_filter)
}

fn read(text: &str) -> Result<Part> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, end: text.chars().count() + 1 };
    let part = parser.list(0)?;
    match parser.peek() {
        None => Ok(part),
        Some(_) => Err(parser.unexpected("`and`, `or` or the end")),
    }
}

pub(super) struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    /// The column behind the text.
    end: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&Kind<'a>> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn column(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |token| token.column)
    }

    /// An error about the next token.
    fn unexpected(&self, expected: &str) -> ParseError {
        let found = self.peek().map_or("the end".into(), Kind::shown);
        ParseError::new(self.column(), format!("{expected} is expected, not {found}"))
    }

    /// The next token, if it is this word.
    fn word(&mut self, wanted: &str) -> bool {
        let found = matches!(self.peek(), Some(Kind::Word(word)) if *word == wanted);
        self.at += usize::from(found);
        found
    }

    fn sign(&mut self, wanted: &str) -> bool {
        let found = matches!(self.peek(), Some(Kind::Sign(sign)) if *sign == wanted);
        self.at += usize::from(found);
        found
    }

    /// The next token, which must be a word that `read` takes.
    fn value<T>(&mut self, expected: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<T> {
        let value = match self.peek() {
            Some(Kind::Word(word)) => read(word),
            _ => None,
        };
        let value = value.ok_or_else(|| self.unexpected(expected))?;
        self.at += 1;
        Ok(value)
    }

    /// `term and term or term ...`
    fn list(&mut self, depth: usize) -> Result<Part> {
        let mut part = self.term(depth)?;
        // How deep the left side has become by changing between the two words.
        let (mut turns, mut last) = (depth, None);
        loop {
            let column = self.column();
            let all = if self.word("and") || self.sign("&&") {
                true
            } else if self.word("or") || self.sign("||") {
                false
            } else {
                return Ok(part);
            };
            turns += usize::from(last != Some(all));
            last = Some(all);
            self.deeper(turns)?;
            let right = self.term(depth)?;
            part = part.join(right, all, column)?;
        }
    }

    fn deeper(&self, depth: usize) -> Result<()> {
        if depth < MAX_DEPTH {
            return Ok(());
        }
        let cause =
            format!("more than {MAX_DEPTH} conditions inside each other; group those that `or` joins");
        Err(ParseError::new(self.column(), cause))
    }

    fn term(&mut self, depth: usize) -> Result<Part> {
        self.deeper(depth)?;
        let column = self.column();
        if self.word("not") || self.sign("!") {
            return self.term(depth + 1)?.negate(column);
        }
        if self.sign("(") {
            let part = self.list(depth + 1)?;
            return if self.sign(")") { Ok(part) } else { Err(self.unexpected("`)`")) };
        }
        if self.word("content") {
            return self.content().map(Part::Content);
        }
        self.primitive().map(|test| Part::Packet(Expr::Test(test)))
    }

    /// `content [nocase] "text"` or `content /pattern/`
    fn content(&mut self) -> Result<Content> {
        let fold = self.word("nocase");
        let column = self.column();
        let content = match self.peek().cloned() {
            Some(Kind::Text(bytes)) => Content::Literal { bytes, fold },
            Some(Kind::Pattern(pattern)) if !fold => {
                let regex =
                    Regex::new(pattern).map_err(|error| ParseError::new(column, error.to_string()))?;
                Content::Regex(Arc::new(regex))
            }
            _ if fold => return Err(self.unexpected("a text in quotes (a pattern takes `(?i)`)")),
            _ => return Err(self.unexpected("`nocase`, a text in quotes or a pattern between slashes")),
        };
        self.at += 1;
        Ok(content)
    }

    fn primitive(&mut self) -> Result<Test> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Text, and how it is printed.
    const READ: &[(&str, &str)] = &[
        ("ip", "ether proto 0x0800"),
        ("ip6 or arp", "ether proto 0x86dd or ether proto 0x0806"),
        ("tcp", "proto 6"),
        ("icmp6", "ip6 proto 58"),
        ("ip proto \\udp", "ip proto 17"),
        ("tcp dst port 80", "tcp dst port 80"),
        ("src or dst port https", "port 443"),
        ("src and dst portrange 1-1023", "src and dst portrange 1-1023"),
        ("host 10.0.0.1", "net 10.0.0.1/32"),
        ("src host fe80::1 or dst net 10", "src net fe80::1/128 or dst net 10.0.0.0/8"),
        ("ip src net 192.168.0.0/16", "ip src net 192.168.0.0/16"),
        ("arp host 10.0.0.1", "arp net 10.0.0.1/32"),
        ("ether src 0:11:22:33:44:FF", "ether src host 00:11:22:33:44:ff"),
        ("ether broadcast", "ether dst host ff:ff:ff:ff:ff:ff"),
        ("ether multicast", "ether[0:1] & 0x1 = 1"),
        ("vlan && outer vlan 5 && inner vlan 7", "vlan and outer vlan 5 and inner vlan 7"),
        ("less 64 or len > 0x100", "len <= 64 or len > 256"),
        ("tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn", "tcp[13:1] & 0x12 = 2"),
        ("ip[2:2]>=1500", "ip[2:2] >= 1500"),
        ("not udp and !(tcp or icmp)", "not proto 17 and not (proto 6 or ip proto 1)"),
        // Both words bind alike, to the left.
        ("tcp or udp and port 53", "(proto 6 or proto 17) and port 53"),
        ("tcp and (udp and icmp) and arp", "proto 6 and proto 17 and ip proto 1 and ether proto 0x0806"),
    ];

    #[test]
    fn reads_and_prints() {
        for (text, printed) in READ {
            let expr = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(expr.to_string(), *printed, "{text}");
            assert_eq!(parse(printed), Ok(expr), "{text}");
        }
    }

    #[test]
    fn names_the_column_and_the_cause() {
        for (text, says) in [
            ("", "column 1: a test such as `udp` or `dst port 53` is expected, not the end"),
            ("udp and", "column 8: a test such as `udp` or `dst port 53` is expected, not the end"),
            ("udp port", "column 9: a port such as 53 is expected, not the end"),
            ("port 65536", "column 6: a port such as 53 is expected, not `65536`"),
            ("portrange 9-1", "column 11: a portrange such as 6000-6010 is expected, not `9-1`"),
            (
                "udb",
                "column 1: a test such as `udp`, `dst port 53`, `host 10.0.0.1` or `ip[8] < 5` is expected, not `udb`",
            ),
            ("port 80 or 443", "column 12: a test such as"),
            ("tcp port 80 udp", "column 13: `and`, `or` or the end is expected, not `udp`"),
            ("(udp", "column 5: `)` is expected, not the end"),
            ("net 10.0.0.1/8", "column 5: a network such as 10.0.0.0/8 is expected, not `10.0.0.1/8`"),
            ("ip host fe80::1", "column 9: an address of that protocol is expected"),
            ("tcp host 10.0.0.1", "column 5: `port` or `portrange` is expected, not `host`"),
            ("ether src 1:2", "column 11: an address such as 00:11:22:33:44:55 is expected, not `1:2`"),
            ("ether udp", "column 7: `host`, `src`, `dst`, `proto`"),
            (
                "ip[8:3] = 1",
                "column 3: an offset such as `[12]` or `[2:2]`, of 1, 2 or 4 bytes and up to 65535, is expected",
            ),
            ("ip[8] 5", "column 7: `=`, `!=`, `<`, `<=`, `>` or `>=` is expected, not `5`"),
            ("ip[8] < x", "column 9: a number is expected, not `x`"),
            ("ip[x\n]", "up to 65535, is expected, not `[x\\n]`"),
            ("ip[8", "column 3: `[` is not closed; add `]`"),
            ("udp ; tcp", "column 5: `;` has no meaning"),
            ("udp \u{e9}", "column 5: `\\u{e9}` has no meaning"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text:?} gave {error:?}, not {says:?}");
        }
    }

    #[test]
    fn content_comes_beside_headers() {
        let both =
            parse_filter(r#"udp and dst port 53 and content "e\x76il\"" and content /a\/b+/"#).unwrap();
        assert_eq!(both.packet, Some(parse("udp and dst port 53").unwrap()));
        let Some(Content::All(list)) = both.content else { panic!("{both:?}") };
        assert!(matches!(&list[0], Content::Literal { bytes, fold: false } if bytes == b"evil\""));
        assert!(matches!(&list[1], Content::Regex(regex) if regex.pattern() == r"a\/b+"));
        let either = parse_filter(r#"udp and (content "a" or content nocase "b")"#).unwrap();
        assert!(matches!(either.content, Some(Content::Any(list)) if list.len() == 2));
        let alone = parse_filter(r#"content "a""#).unwrap();
        assert!(alone.packet.is_none() && alone.content.is_some());
        for (text, says) in [
            (r#"udp or content "a""#, "column 5: `or` cannot join headers with content"),
            (r#"udp and content "a" or content "b""#, "column 21: `or` cannot join"),
            (r#"not content "a""#, "column 1: `not` takes headers only"),
            ("content nocase /a/", "column 16: a text in quotes (a pattern takes `(?i)`) is expected"),
            (
                "content a",
                "column 9: `nocase`, a text in quotes or a pattern between slashes is expected, not `a`",
            ),
            ("content /(/", "column 9: "),
            (r#"content "a"#, "column 9: a text is not closed"),
            (r#"content "a\q""#, "column 11: an unknown escape"),
            (r#"content "\x4""#, "column 10: `\\x` wants two hexadecimal digits"),
        ] {
            let error = parse_filter(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text:?} gave {error:?}, not {says:?}");
        }
        assert!(parse(r#"content "a""#).unwrap_err().cause.contains("it is for filters"));
    }

    #[test]
    fn depth_is_bounded() {
        for deep in ["(".repeat(5000), "not ".repeat(5000), "udp and tcp or ".repeat(5000)] {
            let error = parse(&deep).unwrap_err();
            assert!(error.cause.contains("more than 64 conditions inside each other"), "{error}");
        }
        assert!(parse(&format!("udp{}", " or tcp".repeat(5000))).is_ok());
    }
}
