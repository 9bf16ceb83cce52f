//! What the words of the language mean, packet by packet.

use super::{Expr, Frame};

fn ether(kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    frame.extend(kind.to_be_bytes());
    frame.extend(payload);
    frame
}

fn tag(id: u16, kind: u16, payload: &[u8]) -> Vec<u8> {
    [&(0xa000 | id).to_be_bytes()[..], &kind.to_be_bytes(), payload].concat()
}

/// From 10.0.0.1 to 10.0.1.2.
fn ip(options: usize, fragment: u16, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut ip = vec![0x45 + (options / 4) as u8, 0, 0, 0, 0, 0];
    ip.extend(fragment.to_be_bytes());
    ip.extend([64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 1, 2]);
    ip.extend(vec![1; options]);
    ip.extend(payload);
    ip
}

/// From fe80::1 to 2001:db8::2.
fn ip6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut ip = vec![0x60, 0, 0, 0, 0, 0, next, 64];
    ip.extend("fe80::1".parse::<std::net::Ipv6Addr>().expect("an address").octets());
    ip.extend("2001:db8::2".parse::<std::net::Ipv6Addr>().expect("an address").octets());
    ip.extend(payload);
    ip
}

/// From port 1000 to port 53.
const UDP: [u8; 8] = [3, 232, 0, 53, 0, 8, 0, 0];

#[track_caller]
fn check(bytes: &[u8], taken_tag: Option<u16>, yes: &[&str], no: &[&str]) {
    for (texts, wanted) in [(yes, true), (no, false)] {
        for text in texts {
            let expr: Expr = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(Frame { taken_tag, ..Frame::new(bytes) }.matches(&expr), wanted, "{text}");
        }
    }
}

#[test]
fn addresses_ports_and_fields() {
    let frame = ether(0x0800, &ip(0, 0, 17, &UDP));
    let yes = [
        "ip",
        "udp",
        "ip proto 17",
        "proto 17",
        "udp and dst port 53",
        "port 53 and port 1000",
        "src port 1000",
        "portrange 50-60",
        "src and dst portrange 53-1000",
        "host 10.0.0.1",
        "src net 10.0.0.0/24",
        "net 10.0.1.0/24",
        "dst net 0.0.0.0/0",
        "src and dst net 10/8",
        "ether src 2:0:0:0:0:2",
        "ip[8] = 64",
        "udp[2:2] = 53",
        "udp[2:2] & 0xf = 5",
        "ip[12:4] = 0x0a000001",
        "len = 42",
        "less 42",
        "greater 42",
    ];
    let no = [
        "ip6",
        "tcp",
        "tcp port 53",
        "src port 53",
        "src and dst port 53",
        "dst net 10.0.0.0/24",
        "ip6 host ::1",
        "arp host 10.0.0.1",
        "ether dst 2:0:0:0:0:2",
        "udp[8] >= 0",
        "tcp[0] >= 0",
        "not udp[0] >= 0",
        "vlan",
        "icmp",
    ];
    check(&frame, None, &yes, &no);
}

#[test]
fn tags_in_and_beside_the_packet() {
    let inner = tag(7, 0x0800, &ip(0, 0, 17, &UDP));
    let frame = ether(0x88a8, &tag(5, 0x8100, &inner));
    let yes = ["vlan", "vlan 5", "vlan 7", "outer vlan 5", "inner vlan 7", "inner vlan", "udp port 53", "ip"];
    let no = ["vlan 6", "outer vlan 7", "inner vlan 5", "ether proto 0x88a8", "ether proto 0x8100"];
    check(&frame, None, &yes, &no);
    check(&ether(0x8100, &inner), Some(5), &yes, &no);
    check(&ether(0x0800, &ip(0, 0, 17, &UDP)), Some(5), &["outer vlan 5", "udp"], &["inner vlan", "vlan 7"]);
    // Three tags are followed, wherever they are.
    let four = ether(
        0x8100,
        &tag(1, 0x8100, &tag(2, 0x8100, &tag(3, 0x8100, &tag(4, 0x0800, &ip(0, 0, 17, &UDP))))),
    );
    check(&four, None, &["vlan 3", "ether proto 0x8100"], &["vlan 4", "udp", "ip"]);
    let three = ether(0x8100, &tag(2, 0x8100, &tag(3, 0x8100, &tag(4, 0x0800, &ip(0, 0, 17, &UDP)))));
    check(&three, Some(1), &["vlan 3", "ether proto 0x8100"], &["vlan 4", "udp", "ip"]);
}

#[test]
fn options_and_fragments() {
    check(&ether(0x0800, &ip(12, 0, 17, &UDP)), None, &["udp dst port 53", "udp[2:2] = 53"], &[]);
    check(&ether(0x0800, &ip(0, 0x2000, 17, &UDP)), None, &["udp dst port 53"], &[]);
    let later = ["udp port 53", "udp[2:2] = 53"];
    check(&ether(0x0800, &ip(0, 0x0001, 17, &UDP)), None, &["udp", "src host 10.0.0.1"], &later);
    let mut short = ip(0, 0, 17, &UDP);
    short[0] = 0x44;
    check(&ether(0x0800, &short), None, &["udp"], &later);
}

#[test]
fn extension_headers() {
    let udp = ["udp", "ip6 proto 17", "udp dst port 53", "src host fe80::1", "dst net 2001:db8::/32"];
    check(&ether(0x86dd, &ip6(17, &UDP)), None, &udp, &["ip", "ip proto 17", "src net 2001:db8::/32"]);
    let hop = |next: u8, rest: &[u8]| [&[next, 0, 0, 0, 0, 0, 0, 0], rest].concat();
    let long = |next: u8, rest: &[u8]| [&[next, 1][..], &[0; 14], rest].concat();
    let ah = |next: u8, rest: &[u8]| [&[next, 1][..], &[0; 10], rest].concat();
    let first = |next: u8, rest: &[u8]| [&[next, 99, 0, 1, 0, 0, 0, 0], rest].concat();
    let chain = hop(43, &long(44, &first(51, &ah(17, &UDP))));
    check(&ether(0x86dd, &ip6(0, &chain)), None, &udp, &["proto 0"]);
    let later = [17, 0, 0, 8, 0, 0, 0, 0];
    check(
        &ether(0x86dd, &ip6(44, &[&later[..], &UDP].concat())),
        None,
        &["udp"],
        &["port 53", "udp[0] >= 0"],
    );
    let eight = (0..7).fold(hop(17, &UDP), |rest, _| hop(60, &rest));
    check(&ether(0x86dd, &ip6(60, &eight)), None, &udp, &[]);
    let nine = hop(60, &eight);
    check(&ether(0x86dd, &ip6(60, &nine)), None, &["ip6"], &["udp", "proto 60", "port 53"]);
    check(&ether(0x86dd, &ip6(60, &[17, 0, 0])), None, &["ip6"], &["udp", "proto 60"]);
}

#[test]
fn arp_has_addresses() {
    let arp = [&[0, 1, 8, 0, 6, 4, 0, 1][..], &[2; 6], &[10, 0, 0, 1], &[0; 6], &[10, 0, 0, 9]].concat();
    let yes = ["arp", "host 10.0.0.9", "arp src host 10.0.0.1", "src net 10/8", "arp[6:2] = 1"];
    check(&ether(0x0806, &arp), None, &yes, &["ip src host 10.0.0.1", "dst host 10.0.0.1", "ip"]);
    check(&ether(0x0806, &arp[..27]), None, &["arp", "arp[26] >= 0"], &["host 10.0.0.1", "arp[27] >= 0"]);
}

#[test]
fn what_is_cut_off_is_not_there() {
    let frame = ether(0x0800, &ip(0, 0, 17, &UDP));
    check(
        &frame[..37],
        None,
        &["udp", "host 10.0.0.1", "udp[0:2] = 1000"],
        &["port 53", "src port 1000", "udp[2:2] >= 0"],
    );
    check(&frame[..33], None, &["ip", "ip[8] = 64"], &["udp", "host 10.0.0.1"]);
    check(&frame[..13], None, &["ether src 2:0:0:0:0:2"], &["ip"]);
    check(&frame[..11], None, &["ether dst 2:0:0:0:0:1"], &["ether src 2:0:0:0:0:2"]);
    check(&[], None, &["len = 0", "not ip"], &["ether[0] >= 0"]);
    let tagged = ether(0x8100, &tag(5, 0x0800, &[]));
    check(&tagged[..17], None, &["ether[12:2] = 0x8100"], &["vlan", "ip", "ether proto 0x8100"]);
}
