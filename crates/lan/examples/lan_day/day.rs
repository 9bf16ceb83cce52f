//! A day of fifty devices, made up: what each kind does by itself or by its people, and ten things that are wrong. **Synthetic**: it shows
//! that detectors find what they are for in a network that is at work, and not how well they do on yours.
//!
//! Computers and phones talk to sites by chance (gaps as of a random process) in their hours, cameras and plugs call home in their
//! rhythm from the first minute on, all look up names, renew their leases and set their clocks. The same seed gives the same day.

use super::frames::{Host, arp, dhcp_ack, dns, tcp, udp};

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;
/// Midnight of the day, 1 June 2026.
const MIDNIGHT: u64 = 1_780_272_000 * SECOND;
const HOUR: u64 = 3_600;
const SITES: u64 = 60;
pub(super) const DEVICES: u64 = 50;
const GATEWAY: Host = Host { mac: [0x00, 0x17, 0x88, 1, 0, 1], ip: [192, 168, 7, 1] };

/// Something that is wrong: who does it, and by which rules it may be told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wrong {
    pub(super) mac: [u8; 6],
    pub(super) rules: &'static [&'static str],
}

/// The day: frames in their order, and what is wrong among them.
pub(super) struct Day {
    pub(super) frames: Vec<(u64, Vec<u8>)>,
    pub(super) wrong: Vec<Wrong>,
    state: u64,
    /// When this day begins, since the first one did.
    start_ms: u64,
}

impl Day {
    /// The day of a seed, behind so many days on which nothing is wrong.
    pub(super) fn of(seed: u64, quiet_days: u64) -> Self {
        let mut day = Self { frames: Vec::new(), wrong: Vec::new(), state: seed, start_ms: 0 };
        for _ in 0..quiet_days {
            (0..DEVICES).for_each(|n| day.live(n));
            day.start_ms += 24 * HOUR * 1000;
        }
        (0..DEVICES).for_each(|n| day.live(n));
        day.go_wrong();
        day.frames.sort_by_key(|(at_ns, _)| *at_ns);
        day
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014).
    fn chance(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.chance() % most.max(1)
    }

    /// A gap of a random process, in milliseconds.
    fn gap_ms(&mut self, mean_s: u64) -> u64 {
        let share = (self.below(1_000_000) + 1) as f64 / 1_000_001.0;
        (-share.ln() * mean_s as f64 * 1000.0) as u64 + 100
    }

    fn send(&mut self, at_ms: u64, frame: Vec<u8>) {
        self.frames.push((MIDNIGHT + (self.start_ms + at_ms) * 1_000_000, frame));
    }

    /// What a device does by itself or by its people.
    fn live(&mut self, n: u64) {
        let host = host(n);
        let mut at_ms = self.below(120_000);
        while at_ms < 24 * HOUR * 1000 {
            self.send(at_ms, dhcp_ack(GATEWAY, host, GATEWAY.ip));
            at_ms += 6 * HOUR * 1000;
        }
        let mut at_ms = self.below(60_000);
        while at_ms < 24 * HOUR * 1000 {
            self.send(at_ms, arp(1, host, Host { mac: [0; 6], ..GATEWAY }, [0xff; 6]));
            self.send(at_ms + 1, arp(2, GATEWAY, host, host.mac));
            self.send(at_ms + 2, udp((host, 123), (beyond([198, 51, 100, 123]), 123), &[0x23; 48]));
            at_ms += 300_000 + self.below(20_000);
        }
        match n {
            0..20 => self.people(n, 90, 8..18),
            20..35 => self.people(n, 240, 7..23),
            35..42 => self.calls_home(n, "cam.vendor-a.example", [198, 51, 100, 10], 60),
            _ => self.calls_home(n, "plug.vendor-b.example", [198, 51, 100, 11], 300),
        }
    }

    fn people(&mut self, n: u64, mean_s: u64, hours: std::ops::Range<u64>) {
        let mut at_ms = hours.start * HOUR * 1000;
        while at_ms < hours.end * HOUR * 1000 {
            at_ms += self.gap_ms(mean_s);
            // A few sites are most of what people look at.
            let site = self.below(SITES).min(self.below(SITES));
            let up = 500 + self.below(3_000);
            let down = 2_000 + self.below(40_000);
            self.talk(at_ms, n, &format!("www.site-{site}.example"), [203, 0, 113, site as u8], (up, down));
        }
    }

    fn calls_home(&mut self, n: u64, name: &str, ip: [u8; 4], every_s: u64) {
        let mut at_ms = self.below(every_s * 1000);
        while at_ms < 24 * HOUR * 1000 {
            self.talk(at_ms, n, name, ip, (400, 300));
            at_ms += every_s * 1000 + self.below(2_000);
        }
    }

    /// A name is looked up, and something said to whom it leads to.
    fn talk(&mut self, at_ms: u64, n: u64, name: &str, ip: [u8; 4], (up, down): (u64, u64)) {
        let (host, port) = (host(n), 40_000 + self.below(20_000) as u16);
        self.send(at_ms, udp((host, port), (GATEWAY, 53), &dns(name, None)));
        self.send(at_ms + 5, udp((GATEWAY, 53), (host, port), &dns(name, Some(ip))));
        self.connect(at_ms + 8, host, beyond(ip), 443, (up, down));
    }

    /// A connection that is accepted.
    fn connect(&mut self, at_ms: u64, from: Host, to: Host, service: u16, (up, down): (u64, u64)) {
        let here = (from, 40_000 + self.below(20_000) as u16);
        let there = (to, service);
        self.send(at_ms, tcp(here, there, 2, &[]));
        self.send(at_ms + 10, tcp(there, here, 18, &[]));
        let mut at_ms = at_ms + 12;
        for (bytes, one, other) in [(up, here, there), (down, there, here)] {
            for start in (0..bytes).step_by(1_400) {
                let piece = vec![0x17; (bytes - start).min(1_400) as usize];
                at_ms += 1;
                self.send(at_ms, tcp(one, other, 24, &piece));
            }
        }
        self.send(at_ms + 3, tcp(here, there, 17, &[]));
    }

    /// Ten things, each by another device.
    fn go_wrong(&mut self) {
        self.scans();
        self.takes_over();
        self.beacons();
        let (guesser, victim) = (self.wrong(25, &["brute_force"]), host(6));
        for n in 0..40 {
            self.connect((15 * HOUR + n) * 1000, guesser, victim, 22, (40, 60));
        }
        let thief = self.wrong(26, &["volume"]);
        self.connect(16 * HOUR * 1000, thief, beyond([203, 0, 113, 200]), 443, (80_000_000, 100));
        let asker = self.wrong(27, &["dns_resolver"]);
        for n in 0..5 {
            let stranger = beyond([203, 0, 113, 253]);
            self.send(
                (17 * HOUR + 60 * n) * 1000,
                udp((asker, 50_000), (stranger, 53), &dns("a.example", None)),
            );
        }
    }

    fn wrong(&mut self, n: u64, rules: &'static [&'static str]) -> Host {
        self.wrong.push(Wrong { mac: host(n).mac, rules });
        host(n)
    }

    fn scans(&mut self) {
        let all = &["port_scan_vertical", "port_scan_horizontal", "port_scan_slow"][..];
        let (vertical, horizontal, slow) = (self.wrong(1, all), self.wrong(2, all), self.wrong(3, all));
        for n in 0..100u64 {
            let port = (1_000 + n * 7) as u16;
            for (at_ms, from, to, port) in [
                (10 * HOUR * 1000 + n * 50, vertical, host(40), port),
                (11 * HOUR * 1000 + n * 50, horizontal, host(n % DEVICES), 445),
                (12 * HOUR * 1000 + n * 60_000, slow, host(41), port),
            ] {
                if from != to {
                    self.send(at_ms, tcp((from, 50_000), (to, port), 2, &[]));
                    self.send(at_ms + 1, tcp((to, port), (from, 50_000), 20, &[]));
                }
            }
        }
    }

    fn takes_over(&mut self) {
        let spoofer = self.wrong(4, &["arp_spoof", "gateway_change", "arp_conflict"]);
        for n in 0..20 {
            let lie = Host { ip: GATEWAY.ip, ..spoofer };
            self.send((13 * HOUR + 2 * n) * 1000, arp(2, lie, host(5), host(5).mac));
        }
        let server = self.wrong(7, &["rogue_dhcp"]);
        self.send(14 * HOUR * 1000, dhcp_ack(server, host(8), server.ip));
    }

    /// One that begins on a network that is known, and one within the hour of learning.
    fn beacons(&mut self) {
        for (n, from_s, ip) in [(21, 9 * HOUR, [203, 0, 113, 201]), (36, 2_400, [203, 0, 113, 202])] {
            let bot = self.wrong(n, &["beacon"]);
            let mut at_ms = from_s * 1000;
            while at_ms < (from_s + 3 * HOUR) * 1000 {
                self.connect(at_ms, bot, beyond(ip), 8_443, (200, 100));
                at_ms += 45_000 + self.below(30_000);
            }
        }
    }
}

/// The hardware address of a device.
pub(super) fn mac(n: u64) -> [u8; 6] {
    host(n).mac
}

/// The sort of a device.
pub(super) fn sort(n: u64) -> &'static str {
    match n {
        0..20 => "computer",
        20..35 => "phone",
        35..42 => "camera",
        _ => "plug",
    }
}

/// A device of the network.
fn host(n: u64) -> Host {
    Host { mac: [0x00, 0x17, 0x88, 2, 0, n as u8 + 10], ip: [192, 168, 7, n as u8 + 10] }
}

/// Somebody on the internet, as the gateway passes it on.
fn beyond(ip: [u8; 4]) -> Host {
    Host { mac: GATEWAY.mac, ip }
}
