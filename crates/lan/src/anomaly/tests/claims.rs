//! Who says whose address, gateway, server or router it is.

use super::*;

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
pub(in crate::anomaly) fn offer(server: [u8; 4], gateway: [u8; 4]) -> Vec<u8> {
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
