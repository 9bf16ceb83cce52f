//! What a large network takes of memory: frames of 100,000 devices in a million flows go through the decoders into a registry
//! of the usual limits, records of all devices are made, and the most memory that the process ever had is printed. With
//! `lan_crowd watched` there are detectors.
//!
//! Each device asks for an address by DHCP, announces it, tells its name by mDNS, and opens ten connections to
//! servers of the world; so each has facts, names, addresses, shapes and what it sought. Detectors learn, so there it goes on for 27
//! hours: as many devices as can have a model of their own send something every five minutes, the others every three hours.

use kernscope_lan::anomaly::{DEVICES_MAX, INTERVAL_NS, Options, Sentry};
use kernscope_lan::capture::{Frame, LinkType};
use kernscope_lan::fingerprint::Fingerprint;
use kernscope_lan::record::records;
use kernscope_lan::replay::Account;
use kernscope_lan::{Registry, registry::Limits};
use std::error::Error;

const FLOWS_EACH: u32 = 10;
const MILLISECOND_NS: u64 = 1_000_000;
/// Intervals with detectors: 27 hours.
const INTERVALS: u64 = 324;
/// Of so many intervals a device without a model sends something in one.
const SELDOM: u64 = 36;

fn main() -> Result<(), Box<dyn Error>> {
    let is_watched = std::env::args().nth(1).is_some_and(|word| word == "watched");
    let devices = Limits::default().devices as u32;
    let (mut registry, mut account) = (Registry::default(), Account::default());
    if is_watched {
        let mut sentry = Sentry::new(Options::default());
        sentry.follow_talks();
        registry = registry.watched(sentry);
    }
    let before_mib = peak_mib()?;
    for device in 0..devices {
        for bytes in frames(device) {
            take(&bytes, u64::from(device) * MILLISECOND_NS, &mut registry, &mut account);
        }
    }
    if is_watched {
        go_on(devices, &mut registry, &mut account);
    }
    let registry_mib = peak_mib()?;
    let (known, facts) =
        (registry.devices().len(), registry.devices().iter().map(|d| d.facts().len()).sum::<usize>());
    if known != devices as usize || account.used != account.frames {
        return Err(format!("{known} devices of {devices} are known: {account:?}").into());
    }
    let told = records(&registry, &Fingerprint::built_in(), account.last_ns, "crowd");
    if told.iter().any(|device| device.sought.is_none() || device.hostname.is_none()) {
        return Err("a device is told without what it did".into());
    }
    println!(
        "| {} | {known} | {} | {} | {facts} | {before_mib:.0} MiB | {registry_mib:.0} MiB | {:.0} MiB |",
        if is_watched { "with, 27 hours" } else { "without" },
        devices * FLOWS_EACH,
        account.frames,
        peak_mib()?
    );
    Ok(())
}

/// The hours in which detectors learn, with the clock and what a run takes of them.
fn go_on(devices: u32, registry: &mut Registry, account: &mut Account) {
    for interval in 1..=INTERVALS {
        let now_ns = interval * INTERVAL_NS;
        for device in 0..devices {
            let has_model = (device as usize) < DEVICES_MAX;
            if has_model || (u64::from(device) + interval).is_multiple_of(SELDOM) {
                let bytes = again(device, interval as u32 % FLOWS_EACH);
                take(&bytes, now_ns + u64::from(device) * MILLISECOND_NS, registry, account);
            }
            if device.is_multiple_of(1_000)
                && let Some(sentry) = registry.sentry()
            {
                sentry.tick(now_ns + u64::from(device) * MILLISECOND_NS);
                sentry.take_talks();
            }
        }
        registry.sentry().map(Sentry::learnt);
    }
}

fn take(bytes: &[u8], ts_ns: u64, registry: &mut Registry, account: &mut Account) {
    let frame = Frame { ts_ns, link: LinkType::Ethernet, bytes, wire_bytes: bytes.len() as u32 };
    account.take(&frame, registry);
}

/// What a device sends.
fn frames(device: u32) -> Vec<Vec<u8>> {
    let [_, a, b, c] = device.to_be_bytes();
    let (mac, own) = ([2, 0x17, 0x88, a, b, c], [10, a, b, c]);
    let name = format!("device-{device}");
    let mut frames = vec![
        frame(mac, [0xff; 6], 0x0806, &arp(mac, own)),
        frame(mac, [0xff; 6], 0x0800, &ip([0; 4], [255; 4], 17, &udp(68, 67, &dhcp(mac, &name)))),
        frame(
            mac,
            [1, 0, 0x5e, 0, 0, 0xfb],
            0x0800,
            &ip(own, [224, 0, 0, 251], 17, &udp(5353, 5353, &mdns(&name, own))),
        ),
    ];
    for flow in 0..FLOWS_EACH {
        frames.push(segment(device, flow, 0x02, &[]));
        frames.push(again(device, flow));
    }
    frames
}

/// Something more in one of its connections.
fn again(device: u32, flow: u32) -> Vec<u8> {
    segment(device, flow, 0x18, &vec![0x17; 40 + flow as usize])
}

fn segment(device: u32, flow: u32, flags: u8, message: &[u8]) -> Vec<u8> {
    let ([_, a, b, c], [_, d, e, f]) =
        (device.to_be_bytes(), (device.wrapping_mul(FLOWS_EACH) + flow).to_be_bytes());
    let packet = ip([10, a, b, c], [93, d, e, f], 6, &tcp(40_000 + flow as u16, flags, message));
    frame([2, 0x17, 0x88, a, b, c], [2; 6], 0x0800, &packet)
}

fn frame(source: [u8; 6], target: [u8; 6], kind: u16, payload: &[u8]) -> Vec<u8> {
    [&target[..], &source, &kind.to_be_bytes(), payload].concat()
}

fn arp(mac: [u8; 6], own: [u8; 4]) -> Vec<u8> {
    [&[0, 1, 8, 0, 6, 4, 0, 1][..], &mac, &own, &[0; 6], &own].concat()
}

fn ip(source: [u8; 4], target: [u8; 4], protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = (20 + payload.len() as u16).to_be_bytes();
    let head = [0x45, 0, length[0], length[1], 0, 1, 0x40, 0, 64, protocol, 0, 0];
    [&head[..], &source, &target, payload].concat()
}

fn udp(source: u16, target: u16, payload: &[u8]) -> Vec<u8> {
    let words = [source, target, 8 + payload.len() as u16, 0].map(u16::to_be_bytes).concat();
    [words, payload.to_vec()].concat()
}

fn tcp(source: u16, flags: u8, payload: &[u8]) -> Vec<u8> {
    let ports = [source, 443].map(u16::to_be_bytes).concat();
    [&ports[..], &[0, 0, 0, 1, 0, 0, 0, 1, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0], payload].concat()
}

/// DHCPDISCOVER with a name and a list of what is asked for.
fn dhcp(mac: [u8; 6], name: &str) -> Vec<u8> {
    let mut message = [&[1, 1, 6, 0, 0, 0, 0, 1][..], &[0; 20], &mac, &[0; 202], &[99, 130, 83, 99]].concat();
    message.extend([53, 1, 1, 55, 6, 1, 3, 6, 15, 28, 42, 12, name.len() as u8]);
    message.extend(name.bytes());
    message.push(255);
    message
}

/// An mDNS answer: the address of the name.
fn mdns(name: &str, own: [u8; 4]) -> Vec<u8> {
    let mut message = vec![0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0, name.len() as u8];
    message.extend(name.bytes());
    message.extend([5, b'l', b'o', b'c', b'a', b'l', 0, 0, 1, 0x80, 1, 0, 0, 0, 120, 0, 4]);
    message.extend(own);
    message
}

/// The most memory that this process ever had.
fn peak_mib() -> Result<f64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
}
