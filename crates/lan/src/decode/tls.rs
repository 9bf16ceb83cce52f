//! The first message of a TLS client (RFC 8446): whom it wants to reach, and its fingerprint.

use super::ja4;
use crate::cursor::{Cursor, Malformed, Read};
use crate::signal::{Said, Signal, text};

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_NAME: u16 = 0;
const SIGNATURE_ALGORITHMS: u16 = 13;
const ALPN: u16 = 16;
const SUPPORTED_VERSIONS: u16 = 43;

/// What a client greets with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hello<'a> {
    pub(super) version: u16,
    pub(super) ciphers: Vec<u16>,
    pub(super) extensions: Vec<u16>,
    pub(super) signatures: Vec<u16>,
    pub(super) alpn: Option<&'a [u8]>,
    pub(super) server_name: Option<&'a [u8]>,
    /// All of it was in sight.
    pub(super) whole: bool,
}

/// Whether a segment begins with a TLS handshake record.
pub(super) fn begins(bytes: &[u8]) -> bool {
    matches!(bytes, [HANDSHAKE, 3, 0..=4, _, _, CLIENT_HELLO, ..])
}

/// A segment that begins with a record of TLS.
pub(super) fn decode(bytes: &[u8], said: &mut Said) -> Read<()> {
    let mut cursor = Cursor::new(bytes);
    cursor.take(3)?;
    let length = usize::from(cursor.u16()?);
    say(&hello(cursor.sub_cut(length).rest())?, 't', said);
    Ok(())
}

/// Says what a greeting tells. `transport`: `t` or `q`, as JA4 names them.
pub(super) fn say(hello: &Hello<'_>, transport: char, said: &mut Said) {
    if let Some(name) = hello.server_name {
        said.say(Signal::ServerName(text(name).to_ascii_lowercase()));
    }
    if hello.whole {
        said.say(Signal::Ja4(ja4::fingerprint(hello, transport)));
    }
}

/// Reads a handshake message. One that goes on in the next segment gives what is in sight.
pub(super) fn hello(bytes: &[u8]) -> Read<Hello<'_>> {
    let mut cursor = Cursor::new(bytes);
    if cursor.u8()? != CLIENT_HELLO {
        return Err(Malformed("is no greeting of a client"));
    }
    let length = cursor.u24()?;
    let mut hello = Hello { whole: cursor.left() >= length, ..Hello::default() };
    let mut cursor = cursor.sub_cut(length);
    hello.version = cursor.u16()?;
    cursor.take(32)?;
    let session = usize::from(cursor.u8()?);
    cursor.take(session)?;
    hello.ciphers = numbers(&mut cursor)?;
    let compressions = usize::from(cursor.u8()?);
    cursor.take(compressions)?;
    // Old clients send no extensions.
    if cursor.is_empty() {
        return Ok(hello);
    }
    let length = usize::from(cursor.u16()?);
    let mut extensions = cursor.sub_cut(length);
    match hello.extensions(&mut extensions) {
        Err(why) if hello.whole => Err(why),
        _ => Ok(hello),
    }
}

impl<'a> Hello<'a> {
    fn extensions(&mut self, cursor: &mut Cursor<'a>) -> Read<()> {
        while !cursor.is_empty() {
            let kind = cursor.u16()?;
            let length = usize::from(cursor.u16()?);
            let mut value = cursor.sub(length)?;
            self.extensions.push(kind);
            match kind {
                SERVER_NAME if !value.is_empty() => {
                    value.take(3)?;
                    let length = usize::from(value.u16()?);
                    self.server_name = Some(value.take(length)?);
                }
                SIGNATURE_ALGORITHMS => self.signatures = numbers(&mut value)?,
                ALPN if !value.is_empty() => {
                    value.take(2)?;
                    let length = usize::from(value.u8()?);
                    self.alpn = Some(value.take(length)?);
                }
                SUPPORTED_VERSIONS => {
                    value.u8()?;
                    let offered = std::iter::from_fn(|| value.u16().ok());
                    self.version =
                        offered.filter(|version| !is_grease(*version)).max().unwrap_or(self.version);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// A list of 16-bit numbers behind its length in bytes.
fn numbers(cursor: &mut Cursor<'_>) -> Read<Vec<u16>> {
    let length = usize::from(cursor.u16()?);
    let mut list = cursor.sub(length)?;
    Ok(std::iter::from_fn(|| list.u16().ok()).collect())
}

/// Numbers that mean nothing, sent so that servers learn to skip what they do not know (RFC 8701).
pub(super) fn is_grease(number: u16) -> bool {
    let [high, low] = number.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A greeting with a server name, two ciphers (one of them grease), signatures, ALPN and versions.
    pub(in crate::decode) fn greeting() -> Vec<u8> {
        let name = b"hub.example";
        let mut extensions =
            vec![0, 0, 0, name.len() as u8 + 5, 0, name.len() as u8 + 3, 0, 0, name.len() as u8];
        extensions.extend(name);
        extensions.extend([0, 13, 0, 6, 0, 4, 4, 3, 8, 4]);
        extensions.extend([0, 16, 0, 5, 0, 3, 2, b'h', b'2']);
        extensions.extend([0, 43, 0, 5, 4, 0x0a, 0x0a, 3, 4]);
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0, 0, 4, 0x1a, 0x1a, 0x13, 0x01, 1, 0]);
        body.extend([0, extensions.len() as u8]);
        body.extend(extensions);
        [&[1, 0, 0, body.len() as u8][..], &body].concat()
    }

    fn record(message: &[u8]) -> Vec<u8> {
        [&[22, 3, 1, 0, message.len() as u8][..], message].concat()
    }

    #[test]
    fn a_greeting_tells_where_it_goes() {
        let record = record(&greeting());
        assert!(begins(&record));
        let mut said = Said::default();
        said.start(crate::Mac([2; 6]));
        assert_eq!(decode(&record, &mut said), Ok(()));
        let signals: Vec<_> = said.signals.iter().map(|(_, signal)| signal).collect();
        assert_eq!(signals[0], &Signal::ServerName("hub.example".to_owned()));
        assert!(matches!(signals[1], Signal::Ja4(text) if text.starts_with("t13d0104h2_")), "{signals:?}");
    }

    #[test]
    fn one_that_goes_on_in_the_next_segment_tells_what_is_in_sight() {
        let record = record(&greeting());
        for cut in 0..record.len() {
            let mut said = Said::default();
            said.start(crate::Mac([2; 6]));
            let _ = decode(&record[..cut], &mut said);
            assert!(!said.signals.iter().any(|(_, signal)| matches!(signal, Signal::Ja4(_))), "{cut}");
            let named = said.signals.iter().any(|(_, signal)| matches!(signal, Signal::ServerName(_)));
            assert_eq!(named, cut >= 74, "{cut}");
        }
    }
}
