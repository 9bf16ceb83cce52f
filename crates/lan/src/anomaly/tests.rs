//! Detectors on frames that are made here: what each tells, and what it leaves alone.

use super::*;
use crate::Registry;
use crate::capture::{Frame, LinkType};
use crate::replay::Account;

const SECOND: u64 = 1_000_000_000;
const A: [u8; 4] = [10, 0, 0, 1];
const B: [u8; 4] = [10, 0, 0, 2];

/// A network on which frames come one after the other.
pub(super) struct Net {
    registry: Registry,
    account: Account,
    pub(super) now_ns: u64,
}

impl Net {
    /// One that is known, or that is still learnt.
    pub(super) fn new(known: bool) -> Self {
        let learn_ns = if known { 0 } else { 3600 * SECOND };
        Self::of(Sentry::new(Options { learn_ns, ..Options::default() }), 0)
    }

    /// One with these detectors, so many seconds after the others begin.
    pub(super) fn of(sentry: Sentry, later_s: u64) -> Self {
        let registry = Registry::default().watched(sentry);
        Self { registry, account: Account::default(), now_ns: (1_700_000_000 + later_s) * SECOND }
    }

    pub(super) fn sentry(&mut self) -> &mut Sentry {
        self.registry.sentry().expect("watched")
    }

    pub(super) fn later(&mut self, ns: u64) -> &mut Self {
        self.now_ns += ns;
        self
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> &mut Self {
        let wire_bytes = bytes.len() as u32;
        let frame = Frame { ts_ns: self.now_ns, link: LinkType::Ethernet, bytes, wire_bytes };
        self.account.take(&frame, &mut self.registry);
        self
    }

    /// Nothing more comes. Rules and messages of all alerts.
    pub(super) fn end(mut self) -> Vec<(&'static str, String)> {
        assert!(self.account.malformed.is_empty(), "{:?}", self.account.malformed);
        let sentry = self.registry.sentry().expect("watched");
        sentry.tick(u64::MAX);
        sentry.news().into_iter().map(|alert| (alert.rule, alert.message)).collect()
    }
}

pub(super) fn rules(alerts: &[(&'static str, String)]) -> Vec<&'static str> {
    alerts.iter().map(|(rule, _)| *rule).collect()
}

/// The hardware address of whoever has an address here.
pub(super) fn mac(ip: [u8; 4]) -> [u8; 6] {
    [0, 0x17, 0x88, ip[1], ip[2], ip[3]]
}

fn ethernet(to: [u8; 6], from: [u8; 6], kind: u16, payload: &[u8]) -> Vec<u8> {
    [&to[..], &from, &kind.to_be_bytes(), payload].concat()
}

/// A packet of IPv4 without a check sum, which nobody looks at.
fn ipv4(from: [u8; 4], to: [u8; 4], protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = (20 + payload.len() as u16).to_be_bytes();
    let mut packet = vec![0x45, 0, length[0], length[1], 0, 0, 0x40, 0, 64, protocol, 0, 0];
    packet.extend(from);
    packet.extend(to);
    packet.extend(payload);
    ethernet(mac(to), mac(from), 0x0800, &packet)
}

/// Flags: FIN 1, SYN 2, RST 4, ACK 16.
pub(super) fn tcp(from: ([u8; 4], u16), to: ([u8; 4], u16), flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
    segment.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 4, 0, 0, 0, 0, 0]);
    segment.extend(payload);
    ipv4(from.0, to.0, 6, &segment)
}

pub(super) fn udp(from: ([u8; 4], u16), to: ([u8; 4], u16), payload: &[u8]) -> Vec<u8> {
    let mut datagram = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
    datagram.extend((8 + payload.len() as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    ipv4(from.0, to.0, 17, &datagram)
}

pub(super) fn arp(reply: bool, sender: ([u8; 6], [u8; 4]), target: [u8; 4]) -> Vec<u8> {
    let mut message = vec![0, 1, 8, 0, 6, 4, 0, 1 + u8::from(reply)];
    message.extend(sender.0);
    message.extend(sender.1);
    message.extend(if reply { mac(target) } else { [0; 6] });
    message.extend(target);
    ethernet(if reply { mac(target) } else { [0xff; 6] }, sender.0, 0x0806, &message)
}

fn scan(flags: u8, gap_ns: u64, refused: bool) -> Vec<(&'static str, String)> {
    let mut net = Net::new(false);
    // Somebody is answered, so that silence says something.
    net.send(&tcp((B, 40_000), (A, 80), 2, &[])).send(&tcp((A, 80), (B, 40_000), 18, &[]));
    for port in 1..=60 {
        net.later(gap_ns).send(&tcp((A, 50_000), (B, port), flags, &[]));
        if refused {
            net.send(&tcp((B, port), (A, 50_000), 20, &[]));
        }
    }
    net.end()
}

#[test]
fn ports_of_one_target_are_a_vertical_scan_whatever_the_flags_and_the_answer() {
    for flags in [2, 1, 0, 0x29] {
        for refused in [true, false] {
            let alerts = scan(flags, SECOND / 100, refused);
            assert_eq!(rules(&alerts), ["port_scan_vertical"], "{flags} {refused}");
            let said = &alerts[0].1;
            assert!(said.contains("10.0.0.1 tried") && said.contains("ports of 10.0.0.2 in vain"), "{said}");
        }
    }
}

#[test]
fn a_slow_scan_is_one_too() {
    for gap_s in [15, 300] {
        let alerts = scan(2, gap_s * SECOND, true);
        assert_eq!(rules(&alerts), ["port_scan_slow"]);
        assert!(alerts[0].1.starts_with("slow vertical port scan"), "{}", alerts[0].1);
    }
    assert!(scan(2, 1000 * SECOND, true).is_empty(), "a port in a quarter of an hour is none");
}

#[test]
fn one_service_of_many_targets_is_a_horizontal_scan() {
    let mut net = Net::new(false);
    for host in 10..200 {
        let target = [10, 0, 0, host];
        net.later(SECOND / 50).send(&tcp((A, 50_000), (target, 22), 2, &[]));
        if host % 3 == 0 {
            net.send(&tcp((target, 22), (A, 50_000), 20, &[]));
        }
    }
    let alerts = net.end();
    assert_eq!(rules(&alerts), ["port_scan_horizontal"]);
    assert!(
        alerts[0].1.contains("10.0.0.1 sought") && alerts[0].1.contains("tcp port 22"),
        "{}",
        alerts[0].1
    );
}

#[test]
fn asking_for_addresses_that_nobody_has_is_a_horizontal_scan_unless_a_router_does() {
    for is_router in [false, true] {
        let mut net = Net::new(false);
        if is_router {
            (1..9).for_each(|n| {
                let mut frame = udp(([8, 8, 8, n], 53), (B, 40_000), b"");
                frame[6..12].copy_from_slice(&mac(A));
                net.send(&frame);
            });
        }
        (10..60).for_each(|host| _ = net.later(SECOND / 20).send(&arp(false, (mac(A), A), [10, 0, 0, host])));
        let expected: &[&str] = if is_router { &[] } else { &["port_scan_horizontal"] };
        assert_eq!(rules(&net.end()), expected, "{is_router}");
    }
}

#[test]
fn who_works_does_not_scan() {
    let mut net = Net::new(false);
    // Fifty servers that answer, one that does not, again and again; a trace of a route; names that are down.
    for round in 0..20u16 {
        for host in 1..50 {
            let (client, server) = ((A, 40_000 + round), ([192, 0, 2, host], 443));
            net.later(SECOND / 10).send(&tcp(client, server, 2, &[])).send(&tcp(server, client, 18, &[]));
        }
        net.send(&tcp((A, 30_000 + round), (B, 445), 2, &[]));
    }
    (33_434..33_534).for_each(|port| _ = net.send(&udp((A, 50_000), (B, port), b"x")));
    for host in 60..200u8 {
        // An answer of a name server: 7.example is at the address.
        let mut answer = vec![0, 1, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
        answer.extend(b"\x017\x07example\0\0\x01\0\x01\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc6\x33\x64");
        answer.push(host);
        net.later(SECOND).send(&udp((B, 53), (A, 5353 + 40_000), &answer));
        net.send(&tcp((A, 41_000), ([198, 51, 100, host], 443), 2, &[]));
    }
    assert_eq!(net.end(), []);
}

#[test]
fn two_that_keep_saying_that_they_have_one_address_are_a_conflict() {
    let other = [2, 9, 9, 9, 9, 9];
    let mut net = Net::new(false);
    for _ in 0..4 {
        net.later(20 * SECOND).send(&arp(false, (mac(A), A), B));
        net.later(20 * SECOND).send(&arp(false, (other, A), B));
    }
    let alerts = net.end();
    assert_eq!(rules(&alerts), ["arp_conflict"]);
    assert!(alerts[0].1.contains("02:09:09:09:09:09 and 00:17:88:00:00:01"), "{}", alerts[0].1);
    // One that takes over for good, with the announcements that RFC 5227 wants.
    let mut net = Net::new(false);
    (0..9).for_each(|_| _ = net.later(20 * SECOND).send(&arp(false, (mac(A), A), B)));
    (0..3).for_each(|_| _ = net.later(2 * SECOND).send(&arp(false, (other, A), A)));
    (0..9).for_each(|_| _ = net.later(20 * SECOND).send(&arp(false, (other, A), B)));
    assert_eq!(net.end(), []);
}

#[test]
fn who_insists_unasked_on_anothers_address_spoofs() {
    let other = [2, 9, 9, 9, 9, 9];
    let mut net = Net::new(false);
    net.send(&arp(false, (mac(B), B), A)).later(SECOND).send(&arp(true, (mac(A), A), B));
    (0..10).for_each(|_| _ = net.later(2 * SECOND).send(&arp(true, (other, A), B)));
    let alerts = net.end();
    assert_eq!(rules(&alerts), ["arp_spoof"]);
    assert!(alerts[0].1.contains("02:09:09:09:09:09 insists on the address 10.0.0.1"), "{}", alerts[0].1);
    // Asked each time, it is a machine that was replaced.
    let mut net = Net::new(false);
    net.send(&arp(false, (mac(A), A), B));
    for _ in 0..10 {
        net.later(60 * SECOND).send(&arp(false, (mac(B), B), A)).send(&arp(true, (other, A), B));
    }
    assert_eq!(net.end(), []);
}

/// An offer of a DHCP server: of a gateway and a name server.
pub(super) fn offer(server: [u8; 4], gateway: [u8; 4]) -> Vec<u8> {
    let mut message = vec![2, 1, 6, 0];
    message.resize(16, 0);
    message.extend([10, 0, 0, 77]);
    message.resize(28, 0);
    message.extend(mac([10, 0, 0, 77]));
    message.resize(236, 0);
    message.extend([0x63, 0x82, 0x53, 0x63, 53, 1, 2, 54, 4]);
    message.extend(server);
    message.extend([1, 4, 255, 255, 255, 0, 3, 4]);
    message.extend(gateway);
    message.extend([6, 4]);
    message.extend(gateway);
    message.push(255);
    udp((server, 67), ([10, 0, 0, 77], 68), &message)
}

#[test]
fn a_second_dhcp_server_is_rogue_if_it_tells_another_way_out() {
    let mut net = Net::new(false);
    net.send(&offer(A, A)).later(SECOND).send(&offer(B, B)).later(SECOND).send(&offer(A, A));
    let alerts = net.end();
    assert_eq!(rules(&alerts), ["rogue_dhcp"]);
    assert!(alerts[0].1.starts_with("rogue DHCP server: 10.0.0.2"), "{}", alerts[0].1);
    let mut net = Net::new(false);
    net.send(&offer(A, A)).later(SECOND).send(&offer(B, A)).later(SECOND).send(&offer(A, A));
    assert_eq!(net.end(), [], "two that share the work");
    let mut net = Net::new(true);
    net.send(&offer(A, A));
    assert_eq!(rules(&net.end()), ["new_device", "rogue_dhcp"], "new on a network that is known");
}

#[test]
fn another_gateway_is_told_at_once() {
    let other = [2, 9, 9, 9, 9, 9];
    let mut ack = offer(A, A);
    // An acknowledgement, not an offer: then clients know the gateway.
    let kind = ack.windows(3).position(|bytes| bytes == [53, 1, 2]).expect("an option") + 2;
    ack[kind] = 5;
    let mut net = Net::new(false);
    net.send(&ack).send(&arp(false, (mac(A), A), B));
    net.later(300 * SECOND).send(&arp(false, (other, A), A));
    let alerts = net.end();
    assert_eq!(rules(&alerts), ["gateway_change"]);
    assert!(
        alerts[0].1.contains("10.0.0.1 is said to be at 02:09:09:09:09:09 now; it was at 00:17:88:00:00:01"),
        "{}",
        alerts[0].1
    );
}

#[test]
fn a_phone_that_leaves_a_repeater_is_no_new_gateway() {
    let repeater = [2, 7, 7, 7, 7, 7];
    let mut net = Net::new(false);
    for host in 10..30 {
        let ip = [10, 0, 0, host];
        let mut packet = udp((ip, 40_000), (A, 53), &[0; 12]);
        packet[6..12].copy_from_slice(&repeater);
        net.later(SECOND).send(&arp(false, (repeater, ip), A)).send(&packet);
    }
    net.later(60 * SECOND).send(&arp(false, (mac([10, 0, 0, 12]), [10, 0, 0, 12]), A));
    assert_eq!(net.end(), []);
}

/// A router's advertisement of a network.
fn advertisement(last: u8, lifetime_s: u8, network: u8) -> Vec<u8> {
    let mut message = vec![134, 0, 0, 0, 64, 0, 0, lifetime_s];
    message.extend([0; 8]);
    message.extend([3, 4, 64, 0xc0]);
    message.extend([0; 12]);
    message.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, network, 0, 0, 0, 0, 0, 0, 0, 0]);
    let mut packet = vec![0x60, 0, 0, 0, 0, message.len() as u8, 58, 255];
    packet.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
    packet.extend([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    packet.extend(message);
    ethernet([0x33, 0x33, 0, 0, 0, 1], mac([10, 0, 0, last]), 0x86dd, &packet)
}

#[test]
fn a_second_router_is_rogue_if_it_announces_another_network() {
    let told = |second: Vec<u8>| {
        let mut net = Net::new(false);
        net.send(&advertisement(1, 60, 7)).later(SECOND).send(&second).later(SECOND).send(&second);
        net.end()
    };
    let alerts = told(advertisement(2, 60, 8));
    assert_eq!(rules(&alerts), ["rogue_ra"]);
    assert!(alerts[0].1.contains("fe80::2") && alerts[0].1.contains("2001:db8:0:8::/64"), "{}", alerts[0].1);
    assert_eq!(told(advertisement(2, 60, 7)), [], "two that share the work");
    assert_eq!(told(advertisement(2, 0, 8)), [], "no default router");
    let mut forged = advertisement(1, 0, 7);
    forged[6..12].copy_from_slice(&[2, 9, 9, 9, 9, 9]);
    assert_eq!(rules(&told(forged)), ["rogue_ra"], "in the name of the router");
}

/// Numbers that look drawn by chance, the same in every run: 0 to 99.
fn chance(n: u64) -> u64 {
    (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) % 100
}

/// Calls of a device to `target`, with gaps of `gap_ms` given by a function of their number.
fn calls(target: [u8; 4], known: bool, times: u64, gap_ms: impl Fn(u64) -> u64) -> Vec<&'static str> {
    let mut net = Net::new(known);
    net.send(&tcp((B, 999), (A, 80), 2, &[])).send(&tcp((A, 999), (B, 80), 2, &[]));
    for n in 0..times {
        let port = 40_000 + n as u16;
        net.later(gap_ms(n) * 1_000_000).send(&tcp((A, port), (target, 443), 2, &[]));
        net.send(&tcp((target, 443), (A, port), 18, &[]));
    }
    rules(&net.end()).into_iter().filter(|rule| *rule != "new_device").collect()
}

#[test]
fn a_rhythm_with_jitter_is_a_beacon_and_a_person_is_none() {
    let far = [203, 0, 113, 9];
    for beat_ms in [2_000, 60_000, 3_600_000] {
        assert_eq!(calls(far, true, 12, |_| beat_ms), ["beacon"], "{beat_ms}");
        let jitter = |n| beat_ms * (100 + chance(n)) / 150;
        assert_eq!(calls(far, true, 14, jitter), ["beacon"], "{beat_ms}");
        assert_eq!(calls(B, true, 25, jitter), ["beacon"], "on this network, {beat_ms}");
    }
    // Gaps of a random process: the logarithm of chance.
    let person = |n| (-((chance(n) as f64 + 1.0) / 101.0).ln() * 30_000.0) as u64 + 2_000;
    assert_eq!(calls(far, true, 200, person), [""; 0]);
    assert_eq!(calls(far, false, 200, |_| 60_000), [""; 0], "it did so while the network was learnt");
    assert_eq!(calls(far, true, 8, |_| 60_000), [""; 0], "too few to be a rhythm");
}

/// What begins while the network is learnt, by a device that had been there without it, is told once it is known.
#[test]
fn a_beacon_that_begins_within_the_learning_hour_is_told_after_it() {
    let of = |lead_s: u64, beat_s: u64| {
        let mut net = Net::new(false);
        // Others keep the clock of learning going.
        net.send(&udp((A, 50_000), (B, 9_000), b"here"));
        for second in 0..3 * 3600 {
            net.later(SECOND);
            if second % 50 == 0 {
                net.send(&udp((B, 50_000), (A, 9_001), b"there"));
            }
            if second >= lead_s && (second - lead_s).is_multiple_of(beat_s) {
                net.send(&tcp((A, 40_000 + (second % 9_000) as u16), ([203, 0, 113, 9], 443), 2, &[]));
            }
        }
        rules(&net.end()).iter().filter(|rule| **rule == "beacon").count()
    };
    assert_eq!(of(1_800, 60), 1, "it began half an hour after its device");
    assert_eq!(of(60, 60), 0, "it is what the device always did");
    assert_eq!(of(1_800, 600), 0, "it may be what the device does every ten minutes");
}

#[test]
fn a_stream_of_datagrams_is_one_contact() {
    let mut net = Net::new(true);
    for n in 0..2_000u16 {
        net.later(SECOND / 10).send(&udp((A, 50_000), ([203, 0, 113, 9], 3478), &n.to_be_bytes()));
        net.send(&udp((A, 50_001), ([203, 0, 113, 10], 3478), &n.to_be_bytes()));
    }
    assert!(!rules(&net.end()).contains(&"beacon"));
}

#[test]
fn many_logins_are_brute_force_and_a_few_are_not() {
    let logins = |gap_ns, times| {
        let mut net = Net::new(false);
        for n in 0..times {
            let port = 40_000 + n;
            net.later(gap_ns).send(&tcp((A, port), (B, 22), 2, &[])).send(&tcp((B, 22), (A, port), 18, &[]));
        }
        net.end()
    };
    let alerts = logins(SECOND, 60);
    assert_eq!(rules(&alerts), ["brute_force"]);
    assert!(
        alerts[0].1.starts_with("brute force: 10.0.0.1 connected to 10.0.0.2 tcp port 22"),
        "{}",
        alerts[0].1
    );
    assert_eq!(logins(10 * SECOND, 60), []);
    let mut net = Net::new(false);
    for n in 0..30 {
        let refusal = b"HTTP/1.1 401 Unauthorized\r\n\r\n";
        net.later(SECOND).send(&tcp((B, 80), (A, 40_000 + n), 16, refusal));
    }
    assert_eq!(rules(&net.end()), ["brute_force"]);
}

#[test]
fn a_strange_name_server_is_told_and_a_known_one_is_not() {
    let asks = |server: [u8; 4], known| {
        let mut net = Net::new(known);
        net.send(&offer(B, B)).send(&udp((A, 40_000), (server, 53), &[0; 12]));
        rules(&net.end()).into_iter().filter(|rule| rule.starts_with("dns")).count()
    };
    assert_eq!(asks([9, 9, 9, 9], true), 1);
    assert_eq!(asks(B, true), 0, "DHCP told of it");
    assert_eq!(asks([9, 9, 9, 9], false), 0, "still learning");
}

#[test]
fn a_new_device_is_told_once_and_a_flood_as_one() {
    let mut net = Net::new(true);
    for _ in 0..5 {
        net.later(SECOND).send(&arp(false, (mac(A), A), B));
    }
    let alerts = net.end();
    assert_eq!(alerts, [("new_device", "new device: 00:17:88:00:00:01, of Philips Lighting BV".to_owned())]);
    let mut net = Net::new(true);
    for n in 0..1000u16 {
        let [high, low] = n.to_be_bytes();
        net.send(&arp(false, ([2, 0, 0, 0, high, low], [10, 1, high, low]), B));
    }
    assert_eq!(net.end().len(), 51);
}

#[test]
fn ten_times_as_much_as_ever_is_told_once() {
    let sends = |usual: u64, then: u64| {
        let mut net = Net::new(true);
        let chunk = vec![0; 60_000];
        for bytes in [usual, then] {
            for _ in 0..bytes / 60_000 {
                net.later(SECOND / 100).send(&udp((A, 40_000), ([203, 0, 113, 9], 40_001), &chunk));
                net.send(&tcp((B, 80), (A, 999), 16, b"x"));
            }
            net.later(600 * SECOND);
        }
        rules(&net.end()).into_iter().filter(|rule| *rule == "volume").count()
    };
    assert_eq!(sends(1_000_000, 80_000_000), 1);
    assert_eq!(sends(1_000_000, 30_000_000), 0, "not so much");
    assert_eq!(sends(40_000_000, 100_000_000), 0, "not ten times");
}
