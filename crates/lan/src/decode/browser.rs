//! NetBIOS datagrams (RFC 1002, 4.4), and what their senders announce of themselves to the computer browser (MS-BRWS, 2.2): computers with
//! Windows, with Samba, and printers tell their name and what they serve as.

use super::netbios::decoded;
use crate::cursor::{Cursor, Malformed, Read};
use crate::signal::{Said, Signal, Via};
use std::net::{IpAddr, Ipv4Addr};

/// Types of datagrams that carry something: to one name, to a group, to all.
const CARRIES: [u8; 3] = [0x10, 0x11, 0x12];
const BROWSE: &[u8] = b"\\MAILSLOT\\BROWSE\0";
/// A host, or the master of its network, announces itself.
const ANNOUNCES: [u8; 2] = [1, 15];
/// Bits of what a host serves as: with Unix; Windows NT, as a workstation or a server.
const UNIX: u32 = 0x800;
const WINDOWS: u32 = 0x1000 | 0x8000;
/// Suffixes of a workstation and of a file server: the host's own name.
const OWN: [u8; 2] = [0x00, 0x20];

/// `source` sent the packet. One that was passed on names another.
pub(super) fn decode(bytes: &[u8], source: IpAddr, said: &mut Said) -> Read<()> {
    let mut cursor = Cursor::new(bytes);
    let kind = cursor.u8()?;
    if !CARRIES.contains(&kind) {
        return Ok(());
    }
    cursor.take(3)?;
    let sender = Ipv4Addr::from(cursor.u32()?);
    cursor.take(6)?;
    if source != IpAddr::V4(sender) {
        return Ok(());
    }
    let name = name(&mut cursor)?;
    name_to(&mut cursor)?;
    if let Some((name, suffix)) = name {
        said.say(Signal::NetbiosSuffix(suffix));
        if OWN.contains(&suffix) {
            said.say(Signal::Name(name, Via::Nbns));
        }
    }
    if let Some(serves) = announced(cursor.rest())? {
        let kind = match (serves & UNIX != 0, serves & WINDOWS != 0) {
            (true, _) => "unix",
            (false, true) => "windows",
            (false, false) => "other",
        };
        said.say(Signal::Announced(kind));
    }
    Ok(())
}

/// A name as it is told at first level: 32 letters between their length and the end.
fn name(cursor: &mut Cursor<'_>) -> Read<Option<(String, u8)>> {
    let length = usize::from(cursor.u8()?);
    let label = cursor.take(length)?;
    let known = decoded(label);
    // A scope may follow, label by label.
    for _ in 0..16 {
        let length = usize::from(cursor.u8()?);
        if length == 0 {
            return Ok(known);
        }
        cursor.take(length)?;
    }
    Err(Malformed("has a name that does not end"))
}

/// The name that it goes to, which says nothing of the sender.
fn name_to(cursor: &mut Cursor<'_>) -> Read<()> {
    name(cursor).map(drop)
}

/// What the sender serves as, if it announces itself: the bits of MS-BRWS 2.2.1.
fn announced(bytes: &[u8]) -> Read<Option<u32>> {
    let Some(at) = bytes.windows(BROWSE.len()).position(|window| window == BROWSE) else { return Ok(None) };
    let mut cursor = Cursor::new(&bytes[at + BROWSE.len()..]);
    if !ANNOUNCES.contains(&cursor.u8()?) {
        return Ok(None);
    }
    // How often, for how long, the name, the version of the system.
    cursor.take(1 + 4 + 16 + 2)?;
    Ok(Some(u32::from_le_bytes(cursor.array()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A datagram of 192.0.2.9, in which PC announces itself with these bits.
    fn announcement(serves: u32) -> Vec<u8> {
        let encoded = |name: &[u8; 16]| -> Vec<u8> {
            let letters = name.iter().flat_map(|byte| [b'A' + (byte >> 4), b'A' + (byte & 15)]);
            [32].into_iter().chain(letters).chain([0]).collect()
        };
        let mut bytes = vec![0x11, 0x0a, 0, 7, 192, 0, 2, 9, 0, 138, 0, 200, 0, 0];
        bytes.extend(encoded(b"PC             \0"));
        bytes.extend(encoded(b"EXAMPLE        \x1d"));
        bytes.extend([0; 60]);
        bytes.extend(BROWSE);
        bytes.extend([1, 0, 0x80, 0xfc, 0x0a, 0]);
        bytes.extend(b"PC\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        bytes.extend([10, 0]);
        bytes.extend(serves.to_le_bytes());
        bytes.extend([15, 1, 0x55, 0xaa, 0]);
        bytes
    }

    fn said(bytes: &[u8], source: [u8; 4]) -> (Vec<Signal>, Read<()>) {
        let mut said = Said::default();
        said.start(crate::Mac([2; 6]));
        let result = decode(bytes, IpAddr::from(source), &mut said);
        (said.signals.into_iter().map(|(_, signal)| signal).collect(), result)
    }

    #[test]
    fn a_host_tells_its_name_and_what_it_serves_as() {
        for (serves, kind) in [(0x0001_1003, "windows"), (0x0081_9a03, "unix"), (0x203, "other")] {
            let (signals, result) = said(&announcement(serves), [192, 0, 2, 9]);
            let expected =
                [Signal::NetbiosSuffix(0), Signal::Name("PC".to_owned(), Via::Nbns), Signal::Announced(kind)];
            assert_eq!((&signals[..], result), (&expected[..], Ok(())));
        }
    }

    #[test]
    fn what_is_passed_on_says_nothing_of_who_passes_it_on_and_cuts_never_panic() {
        let bytes = announcement(0x1003);
        assert_eq!(said(&bytes, [192, 0, 2, 8]), (Vec::new(), Ok(())));
        for cut in 0..bytes.len() - 5 {
            let (signals, _) = said(&bytes[..cut], [192, 0, 2, 9]);
            assert!(!signals.contains(&Signal::Announced("windows")), "{cut}");
        }
    }
}
