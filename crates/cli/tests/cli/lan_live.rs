//! `kernscope lan run` on one end of a virtual cable: what it tells of frames is what a replay of the same frames tells.

use crate::lan::shared;
use crate::run::{Dir, checked, kernscope, refused, run, stderr};
use kernscope_kit::attach::Interface;
use kernscope_kit::netlink::{Netlink, Request};
use kernscope_kit::packet::Tap;
use kernscope_lan::capture::{Capture, LinkType};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

pub(crate) const BACKENDS: [&str; 2] = ["xdp", "packet"];
const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
/// What a frame may have on a virtual cable of the usual size, header included.
const FRAME_BYTES_MAX: usize = 1514;

/// `struct ifinfomsg`.
fn interface(index: u32, flags: u32) -> Vec<u8> {
    [0, index, flags, 1].map(u32::to_ne_bytes).concat()
}

pub(crate) fn ask(request: &Request) {
    Netlink::open().and_then(|mut netlink| netlink.ask(request)).expect("netlink");
}

pub(crate) fn index(name: &str) -> u32 {
    Interface::find(name).expect("interface").index()
}

/// Runs a test on a thread with a network of its own: a cable between `left` and `right`, and nobody who speaks on it.
pub(crate) fn on_a_cable(test: &'static str, inside: impl FnOnce() + Send + 'static) {
    let thread = std::thread::spawn(move || {
        if let Err(err) = unshare(CloneFlags::CLONE_NEWNET) {
            eprintln!("skipped: {test}: make a network namespace: {err}");
            return;
        }
        for of in ["all", "default"] {
            // Without IPv6 in the kernel there is nothing to switch off.
            let _absent = std::fs::write(format!("/proc/sys/net/ipv6/conf/{of}/disable_ipv6"), "1");
        }
        ask(&Request::new(RTM_NEWLINK, Request::CREATE, &interface(0, 0)).attr(3, b"left\0").nest(
            18,
            |info| {
                info.attr(1, b"veth\0")
                    .nest(2, |data| data.nest(1, |peer| peer.raw(&interface(0, 0)).attr(3, b"right\0")))
            },
        ));
        set_up("left", true);
        set_up("right", true);
        inside();
    });
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

pub(crate) fn set_up(name: &str, up: bool) {
    ask(&Request::new(RTM_NEWLINK, 0, &interface(index(name), u32::from(up))));
}

/// A run on `right` that has begun.
pub(crate) fn start(args: &[&str]) -> Child {
    let mut all = vec!["lan", "run", "--interface", "right", "--format", "jsonl"];
    all.extend(args);
    let mut child =
        kernscope(&all).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("kernscope runs");
    let mut said = BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    said.read_line(&mut line).expect("a line");
    assert!(line.contains("looking"), "{line}");
    child.stderr = Some(said.into_inner());
    child
}

/// What Ctrl-C does.
pub(crate) fn interrupt(child: &Child) {
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).expect("kill");
}

/// Ends a run as Ctrl-C does; its records, checked.
pub(crate) fn end(mut child: Child) -> Vec<Value> {
    interrupt(&child);
    let mut text = String::new();
    child.stdout.take().expect("piped").read_to_string(&mut text).expect("UTF-8");
    assert_eq!(child.wait().expect("wait").code(), Some(0));
    checked(&text)
}

/// A tap on an interface; one that is bound to it also sends.
pub(crate) fn tap(name: &str) -> Tap {
    let tap = Tap::open(&Interface::find(name).expect("interface"), 64, false).expect("a tap");
    let until = Instant::now() + Duration::from_secs(5);
    // The kernel lets an interface send some time after it was switched on.
    while nix::unistd::write(&tap, &[0; 60]).is_err() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    tap
}

/// The frames of captures that fit on the cable.
fn frames(path: &Path) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let Ok(mut capture) = File::open(path).map_err(drop).and_then(|file| Capture::open(file).map_err(drop))
    else {
        return frames;
    };
    while let Ok(Some(frame)) = capture.next_frame() {
        if frame.link == LinkType::Ethernet && (14..=FRAME_BYTES_MAX).contains(&frame.bytes.len()) {
            frames.push(frame.bytes.to_vec());
        }
    }
    frames
}

/// Sends frames into `left`, and gives a capture of what came out of `right`.
fn send(left: &Tap, right: &mut Tap, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut file = vec![0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0];
    let mut came = 0;
    let mut receive = |right: &mut Tap| {
        while right.drain(&mut |frame| {
            came += 1;
            let len = frame.bytes.len() as u32;
            let (seconds, rest) = (frame.ts_ns / 1_000_000_000, frame.ts_ns % 1_000_000_000);
            for word in [seconds as u32, rest as u32, len, len] {
                file.extend(word.to_le_bytes());
            }
            file.extend(frame.bytes);
        }) > 0
        {}
        came
    };
    for (sent, frame) in frames.iter().enumerate() {
        nix::unistd::write(left, frame).expect("send");
        // Slow enough for every reader to keep up.
        if sent % 256 == 255 {
            while receive(right) + 256 < sent {
                right.wait(Duration::from_millis(50));
            }
        }
    }
    let until = Instant::now() + Duration::from_secs(20);
    while receive(right) < frames.len() {
        assert!(Instant::now() < until, "{} of {} frames came", receive(right), frames.len());
        right.wait(Duration::from_millis(50));
    }
    file
}

/// The last word on each device, without its times and where it was seen.
pub(crate) fn devices(records: &[Value]) -> BTreeMap<String, Value> {
    let devices = records.iter().filter(|record| record["kind"] == "device");
    devices
        .map(|device| {
            let mut device = device.clone();
            let fields = device.as_object_mut().expect("an object");
            for field in ["seq", "ts", "first_seen", "last_seen", "online", "source"] {
                fields.remove(field);
            }
            (device["mac"].to_string(), device)
        })
        .collect()
}

/// By every back end and by replay, of the same frames. How many of them no more than counted by XDP.
fn agree(dir: &Dir, frames: &[Vec<u8>], what: &str) -> u64 {
    let (left, mut right) = (tap("left"), tap("right"));
    while right.drain(&mut |_| ()) > 0 {}
    let runs = BACKENDS.map(|backend| start(&["--backend", backend, "--no-db"]));
    let file = send(&left, &mut right, frames);
    std::fs::write(dir.path("seen.pcap"), file).expect("write");
    let replayed = run(&["lan", "replay", "--format", "jsonl", &dir.text("seen.pcap")]);
    let replayed = devices(&checked(&String::from_utf8(replayed.stdout).expect("UTF-8")));
    let mut counted = 0;
    for (child, backend) in runs.into_iter().zip(BACKENDS) {
        let records = end(child);
        let ledger = records.last().expect("a ledger");
        assert_eq!(ledger["seen_by"]["frame"], frames.len(), "{backend}: {what}: {ledger}");
        assert_eq!(ledger["lost"], serde_json::json!({}), "{backend}: {what}");
        counted += ledger["filtered_by"]["frame_counted"].as_u64().unwrap_or(0);
        let seen = devices(&records);
        assert_eq!(seen.keys().collect::<Vec<_>>(), replayed.keys().collect::<Vec<_>>(), "{backend}: {what}");
        for (mac, device) in &seen {
            assert_eq!(device, &replayed[mac], "{backend}: {what}");
        }
    }
    counted
}

#[test]
fn live_and_replayed_frames_make_the_same_devices() {
    let Some(classes) = shared("iot-sentinel") else { return };
    on_a_cable("live_and_replayed_frames_make_the_same_devices", move || {
        let dir = Dir::new("lan-agree");
        let captures = classes.iter().filter_map(|class| std::fs::read_dir(class).ok()?.next()?.ok());
        let mut counted = 0;
        for capture in captures.take(8) {
            counted += agree(&dir, &frames(&capture.path()), &capture.path().display().to_string());
        }
        assert!(counted > 100, "frames that say nothing new stay in the kernel: {counted}");
    });
}

#[test]
fn frames_made_to_crash_decoders_come_to_the_same_live() {
    let folders = ["pcap/tcpdump", "pcap/zeek", "pcap/mercury"].map(shared);
    let files: Vec<_> = folders.into_iter().flatten().flatten().collect();
    if files.is_empty() {
        return;
    }
    on_a_cable("frames_made_to_crash_decoders_come_to_the_same_live", move || {
        let dir = Dir::new("lan-agree-odd");
        let all: Vec<_> = files.iter().flat_map(|file| frames(file)).collect();
        agree(&dir, &all, "the odd captures");
    });
}

#[test]
fn an_interface_may_go_down_and_up_again_but_not_away() {
    on_a_cable("an_interface_may_go_down_and_up_again_but_not_away", || {
        let arp = crate::lan::ARP.to_vec();
        for backend in BACKENDS {
            let mut child = start(&["--backend", backend, "--no-db"]);
            for up in [false, true] {
                set_up("right", up);
                std::thread::sleep(Duration::from_millis(300));
            }
            let (left, mut right) = (tap("left"), tap("right"));
            while right.drain(&mut |_| ()) > 0 {}
            send(&left, &mut right, &[arp.clone(), arp.clone()]);
            std::thread::sleep(Duration::from_millis(1500));
            assert!(child.try_wait().expect("wait").is_none(), "{backend} goes on");
            let records = end(child);
            assert!(devices(&records).contains_key("\"00:17:88:01:02:03\""), "{backend}: {records:?}");
        }
        let child = start(&["--no-db"]);
        ask(&Request::new(RTM_DELLINK, 0, &interface(index("left"), 0)));
        let output = child.wait_with_output().expect("ends");
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains("interface right is gone"), "{}", stderr(&output));
        assert!(String::from_utf8_lossy(&output.stdout).contains("\"closes\":true"));
    });
}

#[test]
fn a_run_is_remembered_and_corrections_are_used() {
    on_a_cable("a_run_is_remembered_and_corrections_are_used", || {
        let dir = Dir::new("lan-run-db");
        let db = dir.text("lan.db");
        for round in 0..2 {
            let (left, mut right) = (tap("left"), tap("right"));
            while right.drain(&mut |_| ()) > 0 {}
            let child = start(&["--db", &db]);
            send(&left, &mut right, &[crate::lan::ARP.to_vec()]);
            let records = end(child);
            let device = &devices(&records)["\"00:17:88:01:02:03\""];
            let name = if round == 0 { Value::Null } else { "bridge".into() };
            assert_eq!(device["hostname"], name);
            assert!(
                run(&["lan", "device", "00:17:88:01:02:03", "--db", &db, "--name", "bridge"])
                    .status
                    .success()
            );
        }
        let listed = run(&["lan", "list", "--db", &db, "--format", "jsonl"]);
        let listed = checked(&String::from_utf8(listed.stdout).expect("UTF-8"));
        let device = &listed[0];
        assert_eq!((&device["frames"], &device["online"]), (&2.into(), &true.into()), "of both runs");
        assert!(
            device["source"].as_str().is_some_and(|source| source.starts_with("right from 2")),
            "{device}"
        );
    });
}

/// An effective capability of a process.
fn has(child: &Child, capability: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("status");
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:")).expect("a line");
    u64::from_str_radix(line.trim(), 16).expect("hex") >> capability & 1 == 1
}

#[test]
fn what_goes_out_is_seen_too_and_nothing_stays_behind() {
    on_a_cable("what_goes_out_is_seen_too_and_nothing_stays_behind", || {
        const CAP_NET_RAW: u32 = 13;
        const CAP_SYS_ADMIN: u32 = 21;
        for backend in BACKENDS {
            let (left, mut right) = (tap("left"), tap("right"));
            while right.drain(&mut |_| ()) > 0 {}
            let child = start(&["--backend", backend, "--no-db"]);
            assert!(!has(&child, CAP_NET_RAW) && !has(&child, CAP_SYS_ADMIN), "{backend} gives them up");
            send(&left, &mut right, &[crate::lan::ARP.to_vec()]);
            let mut out = crate::lan::ARP.to_vec();
            (out[11], out[27]) = (9, 9);
            nix::unistd::write(&right, &out).expect("send");
            std::thread::sleep(Duration::from_millis(100));
            let records = end(child);
            let seen = devices(&records);
            assert!(seen.contains_key("\"00:17:88:01:02:09\"") && seen.len() == 2, "{backend}: {records:?}");

            let mut child = start(&["--backend", backend, "--no-db"]);
            child.kill().expect("kill");
            child.wait().expect("ends");
            let free = start(&["--backend", "xdp", "--no-db"]);
            end(free);
        }
    });
}

#[test]
fn large_frames_come_whole_and_what_is_cut_is_told() {
    if kernscope_kit::probe::release() < (5, 18) {
        eprintln!("skipped: large_frames_come_whole_and_what_is_cut_is_told: the kernel is older than 5.18");
        return;
    }
    on_a_cable("large_frames_come_whole_and_what_is_cut_is_told", || {
        const IFLA_MTU: u16 = 4;
        for end in ["left", "right"] {
            let mtu = 12_000u32.to_ne_bytes();
            ask(&Request::new(RTM_NEWLINK, 0, &interface(index(end), 1)).attr(IFLA_MTU, &mtu));
        }
        let child = start(&["--backend", "xdp", "--no-db"]);
        let (left, mut right) = (tap("left"), tap("right"));
        while right.drain(&mut |_| ()) > 0 {}
        let long = |bytes: usize| [&crate::lan::ARP[..], &vec![0; bytes - crate::lan::ARP.len()]].concat();
        send(&left, &mut right, &[long(5000), long(9216), long(9217)]);
        let records = end(child);
        let coverage =
            records.iter().find(|record| record["kind"] == "coverage").expect("a coverage statement");
        let hooks = coverage["hooks"].as_array().expect("hooks");
        let of = |name: &str| hooks.iter().find(|hook| hook["name"] == name).expect(name);
        assert_eq!(of("frames that come in by right")["tier"], "XDP in driver mode");
        assert_eq!(of("ends of frames")["why"], "1 frames are cut; what stands behind is not seen");
    });
}

#[test]
fn where_xdp_is_taken_frames_come_by_a_packet_socket_and_the_reason_is_told() {
    on_a_cable("where_xdp_is_taken_frames_come_by_a_packet_socket_and_the_reason_is_told", || {
        let first = start(&["--backend", "xdp", "--no-db"]);
        let coverage = |records: &[Value]| {
            records.iter().find(|record| record["kind"] == "coverage").expect("a coverage statement").clone()
        };
        for (mode, unseen) in [
            ("host", "what other devices say to each other is not"),
            ("gateway", "beyond it"),
            ("span", "the switch"),
        ] {
            let (left, mut right) = (tap("left"), tap("right"));
            while right.drain(&mut |_| ()) > 0 {}
            let second = start(&["--no-db", "--mode", mode]);
            send(&left, &mut right, &[crate::lan::ARP.to_vec()]);
            let records = end(second);
            assert!(devices(&records).contains_key("\"00:17:88:01:02:03\""), "{records:?}");
            let told = coverage(&records);
            let why = told["why"].as_str().expect("a reason");
            assert_eq!(told["backend"], "packet", "{told}");
            assert!(why.contains("not by xdp: ") && why.contains(unseen), "{mode}: {why}");
        }
        assert_eq!(coverage(&end(first))["backend"], "xdp");
    });
}

#[test]
fn what_cannot_be_looked_at_is_told_in_one_line() {
    refused(&["lan", "run", "--no-db"], "--interface");
    refused(&["lan", "run", "--interface", "nosuch0", "--no-db"], "find interface nosuch0");
    refused(&["lan", "run", "--interface", "lo", "--no-db", "--db", "x"], "--db");
}
