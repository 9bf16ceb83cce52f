//! A large network that is made up: devices, flows, a day of traffic, alerts. The same every time but for when it is.

use super::super::noise::Noise;
use anyhow::{Context, Result};
use kernscope_lan::Mac;
use kernscope_lan::anomaly::{Channel, Peer, SPAN_S, Talk, Tally, Volume};
use kernscope_lan::store::Store;
use kernscope_report::clock::Clock;
use kernscope_report::{Alert, Device, DeviceName, Evidence, Severity};
use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Flows that are written in one batch, as a run writes them.
const BATCH: u32 = 50_000;
const SOURCE: &str = "made up";
const SORTS: [(&str, &str, &str); 8] = [
    ("computer", "laptop", "Intel Corporate"),
    ("phone", "phone", "Apple, Inc."),
    ("camera", "network camera", "Axis Communications AB"),
    ("plug", "smart plug", "Tuya Smart Inc."),
    ("printer", "printer", "Brother Industries"),
    ("lamp", "light bridge", "Philips Lighting BV"),
    ("sensor", "water sensor", "D-Link International"),
    ("unknown", "unknown", "Espressif Inc."),
];

/// Writes the database of a network.
pub(super) fn write(path: &Path, devices: u32, flows: u32) -> Result<()> {
    let start = Instant::now();
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).context("read the clock")?.as_secs();
    let mut store = Store::create(path).context("make the database")?;
    let all: Vec<_> = (0..devices).map(|n| device(n, now_s)).collect();
    store.put(&all).context("write devices")?;
    store.put_alerts(&(0..devices / 10).map(|n| alert(n * 7 % devices, now_s)).collect::<Vec<_>>())?;
    let mut dice = Noise(0x9e37_79b9_7f4a_7c15);
    let mut written = 0;
    while written < flows {
        let count = BATCH.min(flows - written);
        let mut tally = Tally::default();
        for n in written..written + count {
            flow(&mut tally, n, devices, now_s, &mut dice);
        }
        store.add_talks(SOURCE, &tally).context("write flows")?;
        written += count;
    }
    store.add_talks(SOURCE, &day(devices, now_s, &mut dice)).context("write traffic")?;
    println!("{devices} devices and {flows} flows written in {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

fn mac(n: u32) -> Mac {
    let [_, a, b, c] = n.to_be_bytes();
    Mac([0, 0x17, 0x88, a, b, c])
}

fn time(second: u64) -> String {
    Clock::new(0).rfc3339(second * 1_000_000_000).to_owned()
}

fn device(n: u32, now_s: u64) -> Device {
    let (category, kind, vendor) = SORTS[n as usize % SORTS.len()];
    let is_router = n == 0;
    let name = (n % 3 != 2)
        .then(|| if is_router { "router".to_owned() } else { format!("{kind}-{n:04}").replace(' ', "-") });
    let is_known = category != "unknown";
    Device {
        mac: mac(n).to_string(),
        ips: vec![
            format!("10.{}.{}.{}", n >> 16, n >> 8 & 255, n & 255),
            format!("fe80::217:88ff:fe00:{n:x}"),
        ],
        vendor: Some(vendor.to_owned()),
        names: name.iter().map(|name| DeviceName { name: name.clone(), via: "dhcp".into() }).collect(),
        hostname: name,
        device_type: if is_router { "router" } else { kind }.to_owned(),
        category: if is_router { "router" } else { category }.to_owned(),
        confidence: if is_known { 0.97 } else { 0.0 },
        evidence: (0..5)
            .map(|at| Evidence {
                fact: format!("shape udp to 53 {at}"),
                speaks_for: kind.into(),
                weight: 0.9 - 0.1 * f64::from(at),
            })
            .collect(),
        roles: if is_router { vec!["router".into(), "dhcp_server".into()] } else { Vec::new() },
        frames: u64::from(n) * 1000,
        first_seen: time(now_s - 86_400 * 30),
        last_seen: time(now_s - u64::from(n % 50) * 30),
        source: SOURCE.to_owned(),
        ..Device::default()
    }
}

fn alert(n: u32, now_s: u64) -> Alert {
    Alert {
        rule: "port_scan_vertical".into(),
        severity: [Severity::Low, Severity::Medium, Severity::High][n as usize % 3],
        message: format!(
            "vertical port scan: 10.0.0.{} tried 30 ports of 10.0.0.1 in vain within a minute",
            n & 255
        ),
        because: vec!["no answer or a refusal from tcp port 20, tcp port 21, ...".into()],
        id: format!("{n:016x}"),
        mac: mac(n).to_string(),
        count: 30,
        first_seen: time(now_s - 7200),
        last_seen: time(now_s - u64::from(n)),
        source: SOURCE.to_owned(),
        ..Alert::default()
    }
}

/// A flow: a third within the network, the rest to names elsewhere; few are large, most are small.
fn flow(tally: &mut Tally, n: u32, devices: u32, now_s: u64, dice: &mut Noise) {
    let from = n % devices;
    let peer = match n % 3 {
        0 => Peer::Device(mac(dice.below(u64::from(devices)) as u32)),
        _ => Peer::Remote(Arc::from(format!("host-{}.example{}.net", dice.below(20_000), n % 50))),
    };
    let bytes = 200 + (1 << dice.below(22)) + dice.below(1000);
    let last_ns = (now_s - dice.below(86_400)) * 1_000_000_000;
    let talk = Talk {
        connections: 1 + dice.below(20),
        frames_sent: bytes / 500 + 1,
        frames_received: bytes / 300 + 1,
        bytes_sent: bytes / 4,
        bytes_received: bytes,
        first_ns: last_ns,
        last_ns,
    };
    // A port of its own makes it a flow of its own.
    tally.talks.insert((mac(from), peer, Channel::Tcp((n / devices % 60_000) as u16 + 1)), talk);
}

/// A day of traffic of all.
fn day(devices: u32, now_s: u64, dice: &mut Noise) -> Tally {
    let mut tally = Tally::default();
    for n in 0..devices {
        for span in 0..86_400 / SPAN_S {
            let start = (now_s / SPAN_S - span) * SPAN_S;
            let volume = Volume { sent: dice.below(2_000_000), received: dice.below(9_000_000) };
            tally.volumes.insert((start, mac(n)), volume);
        }
    }
    tally
}
