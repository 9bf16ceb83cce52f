//! How detectors are set. The defaults are matters of how protocols and people work; each detector's file says of which.

/// How detectors are set; [`Options::default`] suits most networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long a network is learnt before what is new on it is told.
    pub learn_ns: u64,
    /// So many ports of a target on this network, or targets of a service, tried in vain are a scan.
    pub scan_vain: usize,
    /// The same of targets on the internet.
    pub scan_vain_far: usize,
    /// Replies within ten minutes, for an address that another has and that nobody asked for, that are spoofing.
    pub arp_unasked: u32,
    /// Turns in which two say that they have one address that are a conflict.
    pub arp_turns: u32,
    /// Connections a minute to a service that asks for passwords, or refusals of a web server, that are guessing.
    pub guesses: usize,
    /// Contacts in a rhythm with an address that nobody looked up that are a beacon.
    pub beacon_strange: usize,
    /// The same of an address that was looked up, or is on this network.
    pub beacon_named: usize,
    /// How far the middle half of the gaps may be spread, in percent of their median.
    pub beacon_spread_percent: u32,
    /// Payload sent within five minutes that is much, whoever sends it.
    pub volume_bytes: u64,
    /// And so many times as much as ever before.
    pub volume_factor: u64,
    /// More new devices within an hour than this are told as one.
    pub new_devices: u64,
    /// How long each device is learnt before its model tells what is unusual.
    pub unusual_learn_ns: u64,
    /// So many intervals of five minutes running that are far out are unusual.
    pub unusual_intervals: usize,
}

impl Default for Options {
    /// An hour of learning: most devices that are there say something within it.
    fn default() -> Self {
        Self {
            learn_ns: 3_600_000_000_000,
            scan_vain: 15,
            scan_vain_far: 30,
            arp_unasked: 5,
            arp_turns: 2,
            guesses: 20,
            beacon_strange: 10,
            beacon_named: 20,
            beacon_spread_percent: 50,
            volume_bytes: 50_000_000,
            volume_factor: 10,
            new_devices: 50,
            unusual_learn_ns: 86_400_000_000_000,
            unusual_intervals: 3,
        }
    }
}

/// Names of the rules that alerts are raised by, in the order of docs/LAN.md.
pub const RULES: [&str; 17] = [
    "port_scan_vertical",
    "port_scan_horizontal",
    "port_scan_slow",
    "arp_conflict",
    "arp_spoof",
    "gateway_change",
    "rogue_dhcp",
    "rogue_ra",
    "brute_force",
    "beacon",
    "volume",
    "dns_resolver",
    "new_device",
    "profile",
    "pattern",
    "unusual",
    "model",
];

#[cfg(test)]
mod tests {
    use super::RULES;

    /// Who reads a record looks its rule up there.
    #[test]
    fn every_rule_stands_in_the_documentation() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/LAN.md");
        let text = std::fs::read_to_string(path).expect("docs/LAN.md");
        let missing: Vec<_> = RULES.iter().filter(|rule| !text.contains(&format!("| `{rule}` |"))).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
