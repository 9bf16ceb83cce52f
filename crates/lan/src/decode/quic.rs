//! The first packet of a QUIC client (RFC 9000, RFC 9001, RFC 9369): TLS under keys that everybody can make.
//!
//! The keys come from the connection identifier in the same packet. A greeting that is spread over several packets is not
//! put together.

use super::tls;
use crate::cursor::{Cursor, Malformed, Read};
use crate::signal::Said;
use aes_gcm::aead::AeadInPlace;
use aes_gcm::aes::Aes128;
use aes_gcm::aes::cipher::{BlockEncrypt, KeyInit};
use aes_gcm::{Aes128Gcm, Nonce, Tag};
use hkdf::Hkdf;
use sha2::Sha256;

const V1: u32 = 1;
const V2: u32 = 0x6b33_43cf;
const SALT_V1: [u8; 20] = [
    0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc,
    0xbb, 0x7f, 0x0a,
];
const SALT_V2: [u8; 20] = [
    0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9,
    0xbd, 0x2e, 0xd9,
];
const TAG_BYTES: usize = 16;
/// A greeting is shorter than this.
const CRYPTO_BYTES_MAX: usize = 4096;
const FRAMES_MAX: usize = 2048;

struct Keys {
    key: [u8; 16],
    iv: [u8; 12],
    header: [u8; 16],
}

/// Whether a datagram can begin with a client's first packet: long header, fixed bit, a known version.
pub(super) fn begins(bytes: &[u8]) -> bool {
    let Some((&[first, a, b, c, d], _)) = bytes.split_first_chunk() else { return false };
    let initial = match u32::from_be_bytes([a, b, c, d]) {
        V1 => 0x00,
        V2 => 0x10,
        _ => return false,
    };
    first & 0xf0 == 0xc0 | initial && bytes.len() >= 64
}

pub(super) fn decode(bytes: &[u8], said: &mut Said) -> Read<()> {
    let mut cursor = Cursor::new(bytes);
    cursor.u8()?;
    let version = cursor.u32()?;
    let length = usize::from(cursor.u8()?);
    let destination = cursor.take(length)?;
    let length = usize::from(cursor.u8()?);
    cursor.take(length)?;
    let length = number(&mut cursor)?;
    cursor.take(length)?;
    let length = number(&mut cursor)?;
    let head = bytes.len() - cursor.left();
    let packet = cursor.take(length)?;
    let keys = keys(destination, version);
    // Servers' packets are under other keys: what cannot be opened is somebody else's, and nothing is wrong with it.
    let Some(frames) = open(&bytes[..head], packet, &keys) else { return Ok(()) };
    let crypto = crypto(&frames)?;
    if !crypto.is_empty() {
        tls::say(&tls::hello(&crypto)?, 'q', said);
    }
    Ok(())
}

/// A number of 1, 2, 4 or 8 bytes; the first two bits say which.
fn number(cursor: &mut Cursor<'_>) -> Read<usize> {
    let first = cursor.u8()?;
    let mut value = u64::from(first & 0x3f);
    for _ in 1..1 << (first >> 6) {
        value = value << 8 | u64::from(cursor.u8()?);
    }
    usize::try_from(value).map_err(|_| Malformed("has a length that cannot be"))
}

fn keys(destination: &[u8], version: u32) -> Keys {
    let (salt, labels) = match version {
        V2 => (SALT_V2, ["quicv2 key", "quicv2 iv", "quicv2 hp"]),
        _ => (SALT_V1, ["quic key", "quic iv", "quic hp"]),
    };
    let (_, initial) = Hkdf::<Sha256>::extract(Some(&salt), destination);
    let mut secret = [0; 32];
    expand(&initial, "client in", &mut secret);
    let client = Hkdf::<Sha256>::from_prk(&secret).unwrap_or(initial);
    let mut keys = Keys { key: [0; 16], iv: [0; 12], header: [0; 16] };
    expand(&client, labels[0], &mut keys.key);
    expand(&client, labels[1], &mut keys.iv);
    expand(&client, labels[2], &mut keys.header);
    keys
}

/// HKDF-Expand-Label with an empty context (RFC 8446, 7.1).
fn expand(secret: &Hkdf<Sha256>, label: &str, out: &mut [u8]) {
    let length = (out.len() as u16).to_be_bytes();
    let name = format!("tls13 {label}");
    let info = [&length[..], &[name.len() as u8], name.as_bytes(), &[0]].concat();
    // At most 32 bytes are asked for, and 8,160 can be had.
    let _ = secret.expand(&info, out);
}

/// Takes the protection off; `None` when the keys are others.
fn open(head: &[u8], packet: &[u8], keys: &Keys) -> Option<Vec<u8>> {
    let sample: [u8; 16] = packet.get(4..20)?.try_into().ok()?;
    let mut mask = sample.into();
    Aes128::new(&keys.header.into()).encrypt_block(&mut mask);
    let mut header = head.to_vec();
    *header.first_mut()? ^= mask[0] & 0x0f;
    let number_bytes = usize::from(header[0] & 3) + 1;
    let mut nonce = keys.iv;
    for (at, (byte, mask)) in packet.iter().zip(&mask[1..]).take(number_bytes).enumerate() {
        header.push(byte ^ mask);
        nonce[12 - number_bytes + at] ^= byte ^ mask;
    }
    let (body, tag) =
        packet.get(number_bytes..)?.split_at_checked(packet.len() - number_bytes - TAG_BYTES)?;
    let mut body = body.to_vec();
    let cipher = Aes128Gcm::new(&keys.key.into());
    cipher
        .decrypt_in_place_detached(Nonce::from_slice(&nonce), &header, &mut body, Tag::from_slice(tag))
        .ok()?;
    Some(body)
}

/// The stream of the handshake from its start, put together from frames in any order.
fn crypto(frames: &[u8]) -> Read<Vec<u8>> {
    let mut cursor = Cursor::new(frames);
    let mut parts: Vec<(usize, &[u8])> = Vec::new();
    for _ in 0..FRAMES_MAX {
        if cursor.is_empty() {
            break;
        }
        match cursor.u8()? {
            0 | 1 => {}
            6 => {
                let at = number(&mut cursor)?;
                let length = number(&mut cursor)?;
                parts.push((at, cursor.take(length)?));
            }
            _ => break,
        }
    }
    parts.sort_by_key(|(at, _)| *at);
    let mut stream = Vec::new();
    for (at, bytes) in parts {
        let known = stream.len().checked_sub(at).and_then(|overlap| bytes.get(overlap..));
        let Some(new) = known.filter(|_| stream.len() < CRYPTO_BYTES_MAX) else { continue };
        stream.extend_from_slice(new);
    }
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Signal;

    #[test]
    fn keys_are_those_of_rfc_9001() {
        let keys = keys(&[0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08], V1);
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(hex(&keys.key), "1f369613dd76d5467730efcbe3b1a22d");
        assert_eq!(hex(&keys.iv), "fa044b2f42a3fd3b46fb255c");
        assert_eq!(hex(&keys.header), "9f50449e04a0e810283a1e9933adedd2");
    }

    /// A client's first packet, protected as RFC 9001 says, its greeting in two frames out of order.
    fn protected() -> Vec<u8> {
        let greeting = tls::tests::greeting();
        let (first, second) = greeting.split_at(40);
        let mut frames = vec![6, 40, second.len() as u8];
        frames.extend(second);
        frames.extend([1, 0, 6, 0, 40]);
        frames.extend(first);
        frames.resize(200, 0);
        let keys = keys(&[1, 2, 3, 4], V1);
        let length = (frames.len() + 1 + TAG_BYTES) as u16 | 0x4000;
        let mut header = vec![0xc0, 0, 0, 0, 1, 4, 1, 2, 3, 4, 0, 0];
        header.extend(length.to_be_bytes());
        header.push(7);
        let mut nonce = keys.iv;
        nonce[11] ^= 7;
        let cipher = Aes128Gcm::new(&keys.key.into());
        let tag = cipher
            .encrypt_in_place_detached(Nonce::from_slice(&nonce), &header, &mut frames)
            .expect("encrypts");
        frames.extend(tag);
        let sample: [u8; 16] = frames[3..19].try_into().expect("long enough");
        let mut mask = sample.into();
        Aes128::new(&keys.header.into()).encrypt_block(&mut mask);
        header[0] ^= mask[0] & 0x0f;
        *header.last_mut().expect("a number") ^= mask[1];
        [header, frames].concat()
    }

    #[test]
    fn a_protected_greeting_is_opened() {
        let packet = protected();
        assert!(begins(&packet));
        let mut said = Said::default();
        said.start(crate::Mac([2; 6]));
        assert_eq!(decode(&packet, &mut said), Ok(()));
        assert_eq!(said.signals[0].1, Signal::ServerName("hub.example".to_owned()));
        assert!(matches!(&said.signals[1].1, Signal::Ja4(text) if text.starts_with("q13d")));
    }

    #[test]
    fn a_changed_packet_is_not_believed() {
        let packet = protected();
        for at in 0..packet.len() {
            let mut changed = packet.clone();
            changed[at] ^= 0x20;
            let mut said = Said::default();
            said.start(crate::Mac([2; 6]));
            let _ = decode(&changed, &mut said);
            assert!(said.signals.is_empty(), "{at}");
        }
    }
}
