//! What is out of the ordinary: rhythms, logins, name servers, newcomers, volume.

use super::*;

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
