//! From the first byte of a frame to its flow and the length of its payload.
//!
//! `r7` is moved on by what lies between Ethernet's header and the next one, so that offsets are as if there were nothing.

use super::layout::*;
use super::program::{BEFORE, CODE, KEY, Places, SEEKS, WIRE, byte, into_key, need, number};
use crate::sought::ANSWERS;
use kernscope_kit::asm::{Alu, Asm, Cond, Reg, Size};

use Reg::{R1, R2, R3, R4, R7, R8, R10};
use Size::{Dw, H, W};

const ETHERNET: i16 = 14;
/// EtherTypes begin here; below are lengths, and LLC behind them.
const ETHER_MIN: i32 = 0x600;
/// EtherTypes that decoders read: ARP, LLDP, EAPOL.
const READ: [i32; 3] = [0x0806, 0x88cc, 0x888e];
const ICMP: i32 = 1;
const TCP: i32 = 6;
const UDP: i32 = 17;
/// IPv4 and IPv6 in IP, GRE, ESP, SCTP.
const UNREAD: [i32; 5] = [4, 41, 47, 50, 132];
/// Stands for the version of a piece of a packet of IPv4.
const PIECE: i32 = 0x14;
const VLAN: [i32; 3] = [0x8100, 0x88a8, 0x9100];
const VLAN_TAGS_MAX: usize = 2;
/// First byte of a TLS record with a greeting.
const HANDSHAKE: i32 = 0x16;
/// UDP ports below this may be those of protocols that are read, but for that of QUIC, whose greetings begin with two set bits.
const PORTS_READ: i32 = 10_000;
const QUIC: i32 = 443;
const LONG_HEADER: i32 = 0xc0;
/// Most bytes of headers before the payload of TCP.
const TCP_BYTES: i16 = 20;
const UDP_BYTES: i16 = 8;

/// Everything up to [`Places::flow`]; anything else goes to [`Places::always`].
pub(super) fn headers(asm: &mut Asm, places: &Places) {
    let (v4, v6, transport) = (asm.label(), asm.label(), asm.label());
    ethernet(asm, places);
    asm.jump_if(Cond::Eq, R2, 0x0800, v4).jump_if(Cond::Eq, R2, 0x86dd, v6);
    without_ip(asm, places);
    asm.bind(v4);
    ipv4(asm, places);
    asm.jump(transport);
    asm.bind(v6);
    ipv6(asm, places);
    asm.bind(transport);
    let (tcp, udp) = (asm.label(), asm.label());
    asm.jump_if(Cond::Eq, R2, TCP, tcp).jump_if(Cond::Eq, R2, UDP, udp);
    without_ports(asm, places);
    asm.bind(tcp);
    self::tcp(asm, places);
    asm.bind(udp);
    self::udp(asm, places);
}

/// The sender into the key, VLAN tags off, what follows to `r2`.
fn ethernet(asm: &mut Asm, places: &Places) {
    need(asm, 34, places.always);
    into_key(asm, W, 6, KEY_MAC);
    into_key(asm, H, 10, KEY_MAC + 4);
    asm.store(Dw, R10, BEFORE, i32::from(ETHERNET)).store(Dw, R10, SEEKS, 0);
    number(asm, R2, 12);
    let done = asm.label();
    for tags in 1..=VLAN_TAGS_MAX {
        let tag = asm.label();
        for kind in VLAN {
            asm.jump_if(Cond::Eq, R2, kind, tag);
        }
        asm.jump(done);
        asm.bind(tag);
        asm.alu64(Alu::Add, R7, 4).store(Dw, R10, BEFORE, i32::from(ETHERNET) + 4 * tags as i32);
        need(asm, 34, places.always);
        number(asm, R2, 12);
    }
    asm.bind(done);
}

/// Of a frame whose kind is in `r2` a device is told that it speaks that; a few kinds are read.
fn without_ip(asm: &mut Asm, places: &Places) {
    asm.jump_if(Cond::Lt, R2, ETHER_MIN, places.always);
    for kind in READ.into_iter().chain(VLAN) {
        asm.jump_if(Cond::Eq, R2, kind, places.always);
    }
    asm.store(H, R10, KEY + KEY_KIND, R2).store(Dw, R10, CODE, 1).jump(places.other);
}

/// Goes to `always` if the packet, whose length is in `r3`, is not wholly in the frame.
fn whole(asm: &mut Asm, places: &Places) {
    asm.load(Dw, R1, R10, BEFORE).alu64(Alu::Add, R1, R3).load(Dw, R4, R10, WIRE);
    asm.jump_if(Cond::Gt, R1, R4, places.always);
}

/// The rest of the key is zero where nothing is put.
fn clear_key(asm: &mut Asm) {
    asm.store(H, R10, KEY + KEY_SOURCE_PORT, 0);
    for at in (KEY_SOURCE..KEY_BYTES).step_by(8) {
        asm.store(Dw, R10, KEY + at, 0);
    }
}

/// Addresses into the key, the protocol to `r2`, bytes behind the header to `r3`.
fn ipv4(asm: &mut Asm, places: &Places) {
    clear_key(asm);
    byte(asm, R2, ETHERNET);
    asm.jump_if(Cond::Ne, R2, 0x45, places.always);
    number(asm, R3, ETHERNET + 2);
    whole(asm, places);
    asm.jump_if(Cond::Lt, R3, 20, places.always).alu64(Alu::Sub, R3, 20);
    into_key(asm, W, ETHERNET + 12, KEY_SOURCE);
    into_key(asm, W, ETHERNET + 16, KEY_TARGET);
    let entire = asm.label();
    // More fragments, or not the first: of pieces nothing is read but who sent them.
    number(asm, R2, ETHERNET + 6);
    asm.alu64(Alu::And, R2, 0x3fff).jump_if(Cond::Eq, R2, 0, entire);
    asm.store(Size::B, R10, KEY + KEY_VERSION, PIECE).store(Dw, R10, CODE, 1).jump(places.flow);
    asm.bind(entire);
    asm.store(Size::B, R10, KEY + KEY_VERSION, 4);
    byte(asm, R2, ETHERNET + 9);
    asm.alu64(Alu::Add, R7, 20);
}

/// The same of IPv6.
fn ipv6(asm: &mut Asm, places: &Places) {
    clear_key(asm);
    need(asm, i32::from(ETHERNET) + 40, places.always);
    byte(asm, R2, ETHERNET);
    asm.alu64(Alu::And, R2, 0xf0).jump_if(Cond::Ne, R2, 0x60, places.always);
    number(asm, R3, ETHERNET + 4);
    asm.alu64(Alu::Add, R3, 40);
    whole(asm, places);
    asm.alu64(Alu::Sub, R3, 40);
    for half in [0, 8] {
        into_key(asm, Dw, ETHERNET + 8 + half, KEY_SOURCE + half);
        into_key(asm, Dw, ETHERNET + 24 + half, KEY_TARGET + half);
    }
    asm.store(Size::B, R10, KEY + KEY_VERSION, 6);
    byte(asm, R2, ETHERNET + 6);
    asm.alu64(Alu::Add, R7, 40);
}

/// Of a protocol without ports the length of its packets is told, of ICMP the type besides. Those are taken of which no
/// decoder reads anything, or anything within.
fn without_ports(asm: &mut Asm, places: &Places) {
    let (icmp, plain) = (asm.label(), asm.label());
    asm.jump_if(Cond::Eq, R2, ICMP, icmp);
    for protocol in UNREAD {
        asm.jump_if(Cond::Eq, R2, protocol, plain);
    }
    asm.jump(places.always);
    asm.bind(icmp);
    asm.jump_if(Cond::Eq, R3, 0, places.always);
    need(asm, i32::from(ETHERNET) + 1, places.always);
    into_key(asm, Size::B, ETHERNET, KEY_SOURCE_PORT);
    asm.bind(plain);
    asm.store(Size::B, R10, KEY + KEY_PROTOCOL, R2);
    nothing_to_see(asm, places);
}

/// Ports and protocol into the key.
fn ports(asm: &mut Asm, protocol: i32) {
    into_key(asm, H, ETHERNET, KEY_SOURCE_PORT);
    into_key(asm, H, ETHERNET + 2, KEY_TARGET_PORT);
    asm.store(Size::B, R10, KEY + KEY_PROTOCOL, protocol).store(Dw, R10, CODE, 0);
}

/// A payload whose length is in `r3` begins nothing that is read.
fn nothing_to_see(asm: &mut Asm, places: &Places) {
    asm.alu64(Alu::Add, R3, 1).store(Dw, R10, CODE, R3).jump(places.flow);
}

fn tcp(asm: &mut Asm, places: &Places) {
    need(asm, i32::from(ETHERNET + TCP_BYTES), places.always);
    ports(asm, TCP);
    byte(asm, R2, ETHERNET + 12);
    asm.alu64(Alu::Rsh, R2, 4).alu64(Alu::Lsh, R2, 2);
    asm.jump_if(Cond::Lt, R2, i32::from(TCP_BYTES), places.always).jump_if(Cond::Lt, R3, R2, places.always);
    byte(asm, R1, ETHERNET + 13);
    let answers = asm.label();
    asm.jump_if(Cond::Set, R1, i32::from(ANSWERS), answers).store(Dw, R10, SEEKS, 1);
    asm.bind(answers);
    // SYN.
    asm.jump_if(Cond::Set, R1, 2, places.flow).alu64(Alu::Sub, R3, R2);
    let empty = asm.label();
    asm.jump_if(Cond::Eq, R3, 0, empty);
    // The first byte: of a greeting of TLS, of a method or an answer of HTTP?
    asm.mov(R4, R7).alu64(Alu::Add, R4, R2).alu64(Alu::Add, R4, i32::from(ETHERNET));
    asm.mov(R1, R4).alu64(Alu::Add, R1, 1).jump_if(Cond::Gt, R1, R8, places.flow);
    asm.load(Size::B, R1, R4, 0).jump_if(Cond::Eq, R1, HANDSHAKE, places.flow);
    asm.jump_if(Cond::Lt, R1, i32::from(b'A'), empty).jump_if(Cond::Le, R1, i32::from(b'Z'), places.flow);
    asm.bind(empty);
    nothing_to_see(asm, places);
}

fn udp(asm: &mut Asm, places: &Places) {
    need(asm, i32::from(ETHERNET + UDP_BYTES), places.always);
    ports(asm, UDP);
    // Its own length has to be that of IP.
    number(asm, R2, ETHERNET + 4);
    asm.jump_if(Cond::Ne, R2, R3, places.always).jump_if(Cond::Lt, R3, i32::from(UDP_BYTES), places.always);
    asm.alu64(Alu::Sub, R3, i32::from(UDP_BYTES));
    let answers = asm.label();
    number(asm, R1, ETHERNET);
    number(asm, R2, ETHERNET + 2);
    asm.jump_if(Cond::Ge, R2, R1, answers).store(Dw, R10, SEEKS, 1);
    asm.bind(answers);
    for at in [ETHERNET, ETHERNET + 2] {
        let high = asm.label();
        number(asm, R1, at);
        asm.jump_if(Cond::Eq, R1, QUIC, high).jump_if(Cond::Lt, R1, PORTS_READ, places.flow);
        asm.bind(high);
    }
    let empty = asm.label();
    asm.jump_if(Cond::Eq, R3, 0, empty);
    need(asm, i32::from(ETHERNET + UDP_BYTES) + 1, places.flow);
    byte(asm, R1, ETHERNET + UDP_BYTES);
    asm.jump_if(Cond::Ge, R1, LONG_HEADER, places.flow);
    asm.bind(empty);
    nothing_to_see(asm, places);
}
