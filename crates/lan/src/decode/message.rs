//! DNS messages (RFC 1035): sections of questions and records, and names that point into each other.
//!
//! One reader for DNS, mDNS, LLMNR and NetBIOS names. A name has at most 255 bytes and a pointer counts as two of them, so that
//! every name ends, wherever its pointers go.

use crate::cursor::{Cursor, Malformed, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Questions and records of one message that are read.
const ENTRIES_MAX: usize = 512;
const NAME_BYTES_MAX: usize = 255;

pub(super) const A: u16 = 1;
pub(super) const PTR: u16 = 12;
pub(super) const TXT: u16 = 16;
pub(super) const AAAA: u16 = 28;
pub(super) const SRV: u16 = 33;

/// Labels, as bytes.
pub(super) type Name<'a> = Vec<&'a [u8]>;

/// Where in its message a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Answer,
    Authority,
    Additional,
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question<'a> {
    pub(super) name: Name<'a>,
    pub(super) kind: u16,
}

/// A resource record.
#[derive(Clone, Debug)]
pub(super) struct Record<'a> {
    pub(super) section: Section,
    pub(super) name: Name<'a>,
    pub(super) kind: u16,
    whole: &'a [u8],
    data: Cursor<'a>,
    at: usize,
}

/// A message, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Message<'a> {
    pub(super) is_response: bool,
    pub(super) opcode: u8,
    pub(super) questions: Vec<Question<'a>>,
    pub(super) records: Vec<Record<'a>>,
}

/// Reads a message. What comes behind a broken record is left out, and the message says so.
pub(super) fn read(bytes: &[u8]) -> Read<(Message<'_>, Read<()>)> {
    let mut cursor = Cursor::new(bytes);
    cursor.take(2)?;
    let flags = cursor.u16()?;
    let counts = [cursor.u16()?, cursor.u16()?, cursor.u16()?, cursor.u16()?];
    let mut message = Message {
        is_response: flags & 0x8000 != 0,
        opcode: (flags >> 11 & 15) as u8,
        questions: Vec::new(),
        records: Vec::new(),
    };
    let whole = message.fill(bytes, cursor, counts);
    Ok((message, whole))
}

impl<'a> Message<'a> {
    fn fill(&mut self, whole: &'a [u8], mut cursor: Cursor<'a>, counts: [u16; 4]) -> Read<()> {
        let [questions, sections @ ..] = counts;
        if usize::from(questions) > ENTRIES_MAX {
            return Err(Malformed("has more questions than are read"));
        }
        for _ in 0..questions {
            let name = name(whole, &mut cursor)?;
            let kind = cursor.u16()?;
            cursor.take(2)?;
            self.questions.push(Question { name, kind });
        }
        for (count, section) in
            sections.into_iter().zip([Section::Answer, Section::Authority, Section::Additional])
        {
            for _ in 0..count {
                if self.records.len() == ENTRIES_MAX {
                    return Err(Malformed("has more records than are read"));
                }
                let name = name(whole, &mut cursor)?;
                let kind = cursor.u16()?;
                cursor.take(6)?;
                let length = usize::from(cursor.u16()?);
                let at = whole.len() - cursor.left();
                let data = cursor.sub(length)?;
                self.records.push(Record { section, name, kind, whole, data, at });
            }
        }
        Ok(())
    }
}

impl<'a> Record<'a> {
    /// The address of an A or AAAA record.
    pub(super) fn address(&self) -> Option<IpAddr> {
        let mut data = self.data;
        match self.kind {
            A => data.array().ok().map(|bytes: [u8; 4]| IpAddr::V4(Ipv4Addr::from(bytes))),
            AAAA => data.array().ok().map(|bytes: [u8; 16]| IpAddr::V6(Ipv6Addr::from(bytes))),
            _ => None,
        }
    }

    /// The name in a PTR or SRV record.
    pub(super) fn target(&self) -> Option<Name<'a>> {
        let skip = match self.kind {
            PTR => 0,
            SRV => 6,
            _ => return None,
        };
        let mut rest = Cursor::new(self.whole.get(self.at + skip..self.at + self.data.left())?);
        name(self.whole, &mut rest).ok()
    }

    /// The strings of a TXT record.
    pub(super) fn strings(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut data = self.data;
        let is_text = self.kind == TXT;
        std::iter::from_fn(move || {
            let length = data.u8().ok()?;
            data.take(usize::from(length)).ok()
        })
        .take_while(move |_| is_text)
    }

    /// Data of any other record.
    pub(super) fn data(&self) -> &'a [u8] {
        self.data.rest()
    }
}

/// A name at the cursor, which is left behind it.
fn name<'a>(whole: &'a [u8], cursor: &mut Cursor<'a>) -> Read<Name<'a>> {
    let mut labels = Name::new();
    let mut bytes = 0;
    // The part that the cursor walks over; afterwards `walk` follows pointers by itself.
    let mut walk = *cursor;
    let mut jumped = false;
    loop {
        let length = walk.u8()?;
        match length {
            0 => break,
            1..=63 => {
                let label = walk.take(usize::from(length))?;
                bytes += label.len() + 1;
                if bytes > NAME_BYTES_MAX {
                    return Err(Malformed("has a name of more than 255 bytes"));
                }
                labels.push(label);
            }
            0xc0.. => {
                let to = usize::from(length & 0x3f) << 8 | usize::from(walk.u8()?);
                if !jumped {
                    *cursor = walk;
                    jumped = true;
                }
                // So that names of nothing but pointers end as well.
                bytes += 2;
                if bytes > NAME_BYTES_MAX {
                    return Err(Malformed("has a name that points in a circle"));
                }
                walk = Cursor::new(whole.get(to..).ok_or(Malformed("has a name that points outside"))?);
            }
            _ => return Err(Malformed("has a label of a sort that is out of use")),
        }
    }
    if !jumped {
        *cursor = walk;
    }
    Ok(labels)
}

/// A name by itself, without pointers, in text.
pub(super) fn plain_name(bytes: &[u8]) -> Read<String> {
    let mut cursor = Cursor::new(bytes);
    // Clients leave out the root label.
    let mut labels = Name::new();
    while !cursor.is_empty() {
        match cursor.u8()? {
            0 => break,
            length @ 1..=63 => labels.push(cursor.take(usize::from(length))?),
            _ => return Err(Malformed("has a name with a pointer where none may be")),
        }
    }
    Ok(dotted(&labels))
}

/// A name in text, in lower case, without the last dot.
pub(super) fn dotted(name: &[&[u8]]) -> String {
    let mut joined = name.join(&b'.');
    joined.make_ascii_lowercase();
    crate::signal::text(&joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(records: &[u8], count: u8) -> Vec<u8> {
        [&[0, 0, 0x84, 0, 0, 0, 0, count, 0, 0, 0, 0], records].concat()
    }

    #[test]
    fn names_follow_pointers() {
        // 12: hue.local A; then a PTR from a pointer to 12, to a name that ends in a pointer.
        let mut records = b"\x03hue\x05local\0\0\x01\0\x01\0\0\0\0\0\x04\xc0\0\x02\x07".to_vec();
        records.extend(b"\xc0\x0c\0\x0c\0\x01\0\0\0\0\0\x05\x02tv\xc0\x10");
        let bytes = response(&records, 2);
        let (message, whole) = read(&bytes).expect("reads");
        assert_eq!(whole, Ok(()));
        let [first, second] = message.records.as_slice() else { panic!("two records") };
        assert_eq!((dotted(&first.name), first.address()), ("hue.local".into(), "192.0.2.7".parse().ok()));
        assert_eq!(dotted(&second.name), "hue.local");
        assert_eq!(second.target().map(|name| dotted(&name)), Some("tv.local".to_owned()));
    }

    #[test]
    fn circles_and_pointers_outside_end() {
        for records in [&b"\xc0\x0c\0\x01"[..], b"\xc0\x0e\xc0\x0c", b"\xff\xff", b"\x40a", b"\x05ab"] {
            let bytes = response(records, 1);
            let (message, whole) = read(&bytes).expect("the header reads");
            assert!(message.records.is_empty() && whole.is_err(), "{records:?}");
        }
    }
}
