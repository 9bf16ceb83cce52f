//! Who scans, and who only works.

use super::*;

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
