//! Random Ethernet frames: mostly well-formed, with tags, options, fragments and extension headers, now and then cut off
//! or damaged. Addresses and ports come from small sets, which random conditions name too.

use crate::random::Random;

/// Ethernet addresses.
pub(crate) const STATIONS: [[u8; 6]; 4] =
    [[0xff; 6], [2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2], [0x33, 0x33, 0, 0, 0, 1]];
/// IPv4 addresses.
pub(crate) const HOSTS: [[u8; 4]; 5] =
    [[10, 0, 0, 1], [10, 0, 1, 2], [192, 168, 1, 1], [224, 0, 0, 251], [255, 255, 255, 255]];
/// Ports.
pub(crate) const PORTS: [u16; 8] = [53, 80, 443, 1000, 1900, 5353, 49152, 65535];
/// VLANs.
pub(crate) const VLANS: [u16; 4] = [1, 5, 100, 4095];

/// An IPv6 address with some of the bytes of these.
pub(crate) fn host6(random: &mut Random) -> [u8; 16] {
    let mut address = [0; 16];
    address[..2].copy_from_slice(&random.pick(&[[0xfe, 0x80], [0x20, 0x01], [0xff, 0x02]]));
    address[7] = random.below(2) as u8;
    address[15] = random.within(1, 2) as u8;
    address
}

/// One frame with this payload, cut off or changed, sometimes.
pub(crate) fn frame(random: &mut Random, payload: &[u8]) -> Vec<u8> {
    let frame = whole(random, payload);
    damaged(random, frame)
}

/// One frame with this payload at its end, if it is of a kind that has any.
pub(crate) fn whole(random: &mut Random, payload: &[u8]) -> Vec<u8> {
    let mut frame = [random.pick(&STATIONS), random.pick(&STATIONS)].concat();
    for _ in 0..random.pick(&[0, 0, 0, 0, 1, 1, 2, 3, 4]) {
        frame.extend(random.pick(&[[0x81, 0], [0x81, 0], [0x88, 0xa8], [0x91, 0]]));
        frame.extend((random.pick(&VLANS) | random.pick(&[0, 0x1000, 0xe000])).to_be_bytes());
    }
    match random.below(8) {
        0..4 => ip(random, payload, &mut frame),
        4..6 => ip6(random, payload, &mut frame),
        6 => arp(random, &mut frame),
        _ => {
            frame.extend(random.pick(&[[0x88, 0xcc], [0, 46], [0x08, 0]]));
            frame.extend(payload);
        }
    }
    frame
}

/// Cut off or changed, sometimes.
fn damaged(random: &mut Random, mut frame: Vec<u8>) -> Vec<u8> {
    if random.once_in(5) {
        let len = random.below(frame.len().min(120) + 1);
        frame.truncate(len);
    }
    if random.once_in(8) && !frame.is_empty() {
        let at = random.below(frame.len().min(80));
        frame[at] = random.next() as u8;
    }
    frame
}

fn ip(random: &mut Random, payload: &[u8], frame: &mut Vec<u8>) {
    let options = 4 * random.pick(&[0, 0, 0, 1, 3, 10]);
    let fragment: u16 = random.pick(&[0, 0, 0, 0x4000, 0x2000, 0x2001, 0x00b9]);
    let (protocol, inner) = transport(random, payload, 1);
    frame.extend([8, 0, 0x45 + (options / 4) as u8, 0]);
    frame.extend(((20 + options + inner.len()) as u16).to_be_bytes());
    frame.extend([random.next() as u8, random.next() as u8]);
    frame.extend(fragment.to_be_bytes());
    frame.extend([random.pick(&[1, 64, 255]), protocol, 0, 0]);
    frame.extend(random.pick(&HOSTS));
    frame.extend(random.pick(&HOSTS));
    frame.extend(random.bytes(&[0, 1, 7], options));
    frame.extend(inner);
}

fn ip6(random: &mut Random, payload: &[u8], frame: &mut Vec<u8>) {
    let (protocol, mut inner) = transport(random, payload, 58);
    let mut next = protocol;
    for _ in 0..random.pick(&[0, 0, 0, 1, 1, 2, 4, 8, 9]) {
        let kind = random.pick(&[0, 43, 44, 51, 60, 60, 135]);
        let length = random.below(3);
        let bytes = match kind {
            44 => 8,
            51 => 4 * (length + 2),
            _ => 8 * (length + 1),
        };
        let mut extension = vec![0; bytes];
        extension[..2].copy_from_slice(&[next, length as u8]);
        if kind == 44 {
            extension[2..4].copy_from_slice(&random.pick(&[[0, 0], [0, 1], [0, 8], [5, 0]]));
        }
        inner = [extension, inner].concat();
        next = kind;
    }
    frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
    frame.extend((inner.len() as u16).to_be_bytes());
    frame.extend([next, 64]);
    frame.extend(host6(random));
    frame.extend(host6(random));
    frame.extend(inner);
}

/// A protocol's number and its header with the payload; `icmp` is the number of that protocol here.
fn transport(random: &mut Random, payload: &[u8], icmp: u8) -> (u8, Vec<u8>) {
    let mut header = [random.pick(&PORTS).to_be_bytes(), random.pick(&PORTS).to_be_bytes()].concat();
    let number = random.pick(&[6, 6, 17, 17, 17, 132, icmp, 50, 89]);
    match number {
        6 => {
            header.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, random.pick(&[0x02, 0x12, 0x10, 0x18, 0x04])]);
            header.extend([1, 0, 0, 0, 0, 0]);
        }
        17 => {
            header.extend(((8 + payload.len()) as u16).to_be_bytes());
            header.extend([0, 0]);
        }
        132 => header.extend([0; 8]),
        _ => header = vec![random.pick(&[0, 3, 8, 128]), 0, 0, 0],
    }
    header.extend(payload);
    (number, header)
}

fn arp(random: &mut Random, frame: &mut Vec<u8>) {
    frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, random.within(1, 2) as u8]);
    frame.extend(random.pick(&STATIONS));
    frame.extend(random.pick(&HOSTS));
    frame.extend(random.pick(&STATIONS));
    frame.extend(random.pick(&HOSTS));
}
