//! DNS messages (RFC 1035): what was asked, and what was answered.
//!
//! Read strictly as far as it is read: a message with a broken question is none; of one whose records break off, those
//! before are kept, and it says so. Names are compressed by pointers, each of which must lead backwards, so that reading ends.
//!
//! ```
//! use kernscope_watch::talk::dns::Message;
//! let asked = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\x07example\x03org\0\0\x1c\0\x01";
//! let message = Message::read(asked).unwrap();
//! assert_eq!((message.query.as_str(), message.qtype.as_str(), message.rcode), ("example.org", "AAAA", None));
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Most records of a message that are read.
const RECORDS_MAX: usize = 256;
/// Longest name in bytes, as it is in a message (RFC 1035, 2.3.4).
const NAME_MAX: usize = 255;

/// A question, or what was answered to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Number that joins question and answer.
    pub id: u16,
    /// The name asked for, as zone files write it; `.` is the root.
    pub query: String,
    /// What was asked of it: `A`, `AAAA`, `HTTPS`, ...; `TYPE` and a number where there is no name.
    pub qtype: String,
    /// How it was answered: `NOERROR`, `NXDOMAIN`, ...; `None` for a question.
    pub rcode: Option<String>,
    /// What was answered, in order: addresses, names, texts.
    pub answers: Vec<Answer>,
    /// The server left out what had no room (TC).
    pub is_truncated: bool,
    /// The records could not be read to their end.
    pub is_cut: bool,
}

/// One record of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// An address.
    Address(IpAddr),
    /// A name that stands for the one asked for, or a value of another type, as text.
    Text(String),
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Message {
    /// Reads a message; `None` for what is none, or has no question.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let flags = u16_at(bytes, 2)?;
        // Standard queries alone have a question of this form.
        let is_query = flags >> 11 & 15 == 0;
        if !is_query || u16_at(bytes, 4)? == 0 {
            return None;
        }
        let mut at = 12;
        let query = name(bytes, &mut at)?;
        let qtype = u16_at(bytes, at)?;
        at += 4;
        bytes.get(..at)?;
        let is_answer = flags & 0x8000 != 0;
        let mut message = Self {
            id: u16_at(bytes, 0)?,
            query,
            qtype: type_name(qtype),
            rcode: is_answer.then(|| rcode(flags & 15)),
            is_truncated: flags & 0x200 != 0,
            ..Self::default()
        };
        if is_answer && u16_at(bytes, 4)? == 1 {
            let count = usize::from(u16_at(bytes, 6)?);
            message.is_cut = message.fill(bytes, at, count).is_none();
        }
        Some(message)
    }

    fn fill(&mut self, bytes: &[u8], mut at: usize, count: usize) -> Option<()> {
        for number in 0..count {
            if number == RECORDS_MAX {
                return None;
            }
            name(bytes, &mut at)?;
            let kind = u16_at(bytes, at)?;
            let len = usize::from(u16_at(bytes, at + 8)?);
            let from = at + 10;
            let data = bytes.get(from..from + len)?;
            at = from + len;
            self.answers.extend(answer(kind, bytes, from, data));
        }
        Some(())
    }

    /// The addresses that were answered.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.answers.iter().filter_map(|answer| match answer {
            Answer::Address(address) => Some(*address),
            Answer::Text(_) => None,
        })
    }
}

/// The value of a record; `None` where it says nothing to a reader.
fn answer(kind: u16, whole: &[u8], from: usize, data: &[u8]) -> Option<Answer> {
    let named = |skip: usize| name(whole, &mut (from + skip)).map(Answer::Text);
    match kind {
        A => <[u8; 4]>::try_from(data).ok().map(|bytes| Answer::Address(Ipv4Addr::from(bytes).into())),
        AAAA => <[u8; 16]>::try_from(data).ok().map(|bytes| Answer::Address(Ipv6Addr::from(bytes).into())),
        NS | CNAME | PTR | DNAME => named(0),
        MX => named(2),
        SRV => named(6),
        TXT => Some(Answer::Text(strings(data))),
        // Signatures and keys.
        46..=48 | 50 => None,
        other => Some(Answer::Text(format!("{} of {} bytes", type_name(other), data.len()))),
    }
}

/// The strings of a TXT record, one behind the other.
fn strings(mut data: &[u8]) -> String {
    let mut text = String::new();
    while let Some((&len, rest)) = data.split_first() {
        let (part, rest) = rest.split_at(usize::from(len).min(rest.len()));
        part.iter().for_each(|&byte| put(&mut text, byte, b""));
        data = rest;
    }
    text
}

/// The name at a place, which is moved behind it.
fn name(bytes: &[u8], at: &mut usize) -> Option<String> {
    let mut text = String::new();
    let (mut here, mut end, mut used) = (*at, None, 0);
    loop {
        let len = usize::from(*bytes.get(here)?);
        match len {
            0 => break,
            1..64 => {
                used += len + 1;
                if used > NAME_MAX {
                    return None;
                }
                if !text.is_empty() {
                    text.push('.');
                }
                bytes.get(here + 1..here + 1 + len)?.iter().for_each(|&byte| put(&mut text, byte, b".\\"));
                here += 1 + len;
            }
            192.. => {
                let to = usize::from(u16_at(bytes, here)? & 0x3fff);
                end = end.or(Some(here + 2));
                // Backwards only: each jump leaves fewer bytes to jump to.
                if to >= here {
                    return None;
                }
                here = to;
            }
            _ => return None,
        }
    }
    *at = end.unwrap_or(here + 1);
    Some(if text.is_empty() { ".".to_owned() } else { text })
}

/// Adds a byte as zone files write it (RFC 4343).
fn put(text: &mut String, byte: u8, special: &[u8]) {
    match byte {
        byte if special.contains(&byte) => text.extend(['\\', char::from(byte)]),
        b'!'..=b'~' | b' ' => text.push(char::from(byte)),
        byte => text.push_str(&format!("\\{byte:03}")),
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|pair| u16::from_be_bytes(*pair))
}

const A: u16 = 1;
const NS: u16 = 2;
const CNAME: u16 = 5;
const PTR: u16 = 12;
const MX: u16 = 15;
const TXT: u16 = 16;
const AAAA: u16 = 28;
const SRV: u16 = 33;
const DNAME: u16 = 39;

/// Names of types: IANA, "Resource Record (RR) TYPEs".
fn type_name(number: u16) -> String {
    let name = match number {
        A => "A",
        NS => "NS",
        CNAME => "CNAME",
        6 => "SOA",
        PTR => "PTR",
        13 => "HINFO",
        MX => "MX",
        TXT => "TXT",
        AAAA => "AAAA",
        SRV => "SRV",
        35 => "NAPTR",
        DNAME => "DNAME",
        43 => "DS",
        44 => "SSHFP",
        46 => "RRSIG",
        47 => "NSEC",
        48 => "DNSKEY",
        50 => "NSEC3",
        52 => "TLSA",
        64 => "SVCB",
        65 => "HTTPS",
        255 => "ANY",
        257 => "CAA",
        other => return format!("TYPE{other}"),
    };
    name.to_owned()
}

/// Names of answers' codes: IANA, "DNS RCODEs".
fn rcode(number: u16) -> String {
    const NAMES: [&str; 11] = [
        "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET",
        "NOTAUTH", "NOTZONE",
    ];
    NAMES.get(usize::from(number)).map_or_else(|| format!("RCODE{number}"), |name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer to a question for `www.example.org`: an alias and two addresses.
    const ANSWER: &[u8] = b"\xab\xcd\x81\x80\0\x01\0\x03\0\0\0\0\x03www\x07example\x03org\0\0\x01\0\x01\
        \xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x06\x03web\xc0\x10\
        \xc0\x2d\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01\
        \xc0\x2d\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x02";

    #[test]
    fn an_answer_with_an_alias() {
        let message = Message::read(ANSWER).expect("a message");
        assert_eq!(
            (message.id, message.query.as_str(), message.qtype.as_str()),
            (0xabcd, "www.example.org", "A")
        );
        assert_eq!(message.rcode.as_deref(), Some("NOERROR"));
        let answers: Vec<String> = message.answers.iter().map(ToString::to_string).collect();
        assert_eq!(answers, ["web.example.org", "192.0.2.1", "192.0.2.2"]);
        assert_eq!(message.addresses().count(), 2);
        assert!(!message.is_cut && !message.is_truncated);
    }

    #[test]
    fn every_cut_is_none_or_says_so() {
        for len in 0..ANSWER.len() {
            let message = Message::read(&ANSWER[..len]);
            assert_eq!(message.is_some(), len >= 33, "{len}");
            assert!(message.is_none_or(|message| message.is_cut), "{len}");
        }
    }

    #[test]
    fn what_is_odd_is_read_or_refused() {
        let with = |name: &[u8]| [&ANSWER[..12], name, b"\0\x10\0\x01"].concat();
        let query = |name: &[u8]| Message::read(&with(name)).map(|message| message.query);
        assert_eq!(query(b"\0").as_deref(), Some("."));
        assert_eq!(query(b"\x04a.\\\xff\x01b\0").as_deref(), Some("a\\.\\\\\\255.b"));
        assert_eq!(query(b"\xc0\x0c"), None, "a pointer to itself");
        assert_eq!(query(b"\x41a\0"), None, "a label of another sort");
        let long: Vec<u8> = [&b"\x3f"[..], &[b'a'; 63]].concat().repeat(4);
        assert_eq!(query(&[&long[..], b"\0"].concat()), None, "longer than names may be");
        let mut other = ANSWER.to_vec();
        other[2] |= 0x28;
        assert_eq!(Message::read(&other), None, "an update asks no question");
    }
}
