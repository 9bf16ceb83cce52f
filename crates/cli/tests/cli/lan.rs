//! `kernscope lan replay`: devices, statuses, and what becomes of files that are broken.

use crate::run::{Dir, checked, run, stderr};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// An ARP announcement of 192.0.2.7 by 00:17:88:01:02:03.
pub(crate) const ARP: [u8; 42] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0x17, 0x88, 1, 2, 3, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 0, 0x17, 0x88,
    1, 2, 3, 192, 0, 2, 7, 0, 0, 0, 0, 0, 0, 192, 0, 2, 7,
];

pub(crate) fn capture(link: u8, frames: &[&[u8]]) -> Vec<u8> {
    let mut file =
        vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, link, 0, 0, 0];
    for (second, frame) in (0u32..).zip(frames) {
        for word in [1_700_000_000 + second, 0, frame.len() as u32, frame.len() as u32] {
            file.extend(word.to_le_bytes());
        }
        file.extend(*frame);
    }
    file
}

fn replay(files: &[String]) -> (Vec<Value>, Option<i32>, String) {
    let mut args = vec!["lan", "replay", "--format", "jsonl"];
    args.extend(files.iter().map(String::as_str));
    let output = run(&args);
    let text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    (checked(&text), output.status.code(), stderr(&output))
}

#[test]
fn a_device_is_told_with_the_account_of_all_frames() {
    let dir = Dir::new("lan-device");
    std::fs::write(dir.path("a.pcap"), capture(1, &[&ARP, &ARP, &ARP[..9]])).expect("write");
    let (records, status, _) = replay(&[dir.text("a.pcap")]);
    let [device, coverage, ledger] = &records[..] else { panic!("{records:?}") };
    assert_eq!((&device["mac"], &device["ips"][0]), (&"00:17:88:01:02:03".into(), &"192.0.2.7".into()));
    assert_eq!((&device["vendor"], &device["frames"]), (&"Philips Lighting BV".into(), &2.into()));
    assert_eq!(device["last_seen"], "2023-11-14T22:13:21.000000000Z");
    assert_eq!((&device["source"], &coverage["backend"]), (&dir.text("a.pcap").into(), &"replay".into()));
    assert_eq!(ledger["seen_by"], serde_json::json!({"device": 1, "frame": 3}));
    assert_eq!(ledger["filtered_by"], serde_json::json!({"frame_used": 2, "malformed_link": 1}));
    assert_eq!((status, &ledger["closes"]), (Some(0), &true.into()));
}

#[test]
fn broken_files_cost_a_line_each_and_nothing_of_the_others() {
    let dir = Dir::new("lan-broken");
    let whole = capture(1, &[&ARP]);
    std::fs::write(dir.path("cut.pcap"), &whole[..whole.len() - 1]).expect("write");
    std::fs::write(dir.path("text.pcap"), "no capture").expect("write");
    std::fs::write(dir.path("empty.pcap"), "").expect("write");
    std::fs::write(dir.path("radio.pcap"), capture(127, &[&ARP, &ARP])).expect("write");
    std::fs::write(dir.path("whole.pcap"), &whole).expect("write");
    let names = ["cut.pcap", "text.pcap", "empty.pcap", "missing.pcap", "radio.pcap", "whole.pcap"];
    let (records, status, said) = replay(&names.map(|name| dir.text(name)));
    assert_eq!(status, Some(2), "{said}");
    assert_eq!(said.lines().count(), 4, "{said}");
    assert!(names[..4].iter().zip(said.lines()).all(|(name, line)| line.contains(name)), "{said}");
    let [device, coverage, ledger] = &records[..] else { panic!("{records:?}") };
    assert_eq!(device["source"], dir.text("whole.pcap"));
    assert_eq!(ledger["lost"], serde_json::json!({"link_type_127": 2}));
    assert!(
        coverage["hooks"][0]["why"].as_str().is_some_and(|why| why.contains("link_type_127 2")),
        "{coverage}"
    );
    assert_eq!(ledger["closes"], true);
}

/// Captures of the shared data under `below`; `None`, out loud, where there are none.
pub(crate) fn shared(below: &str) -> Option<Vec<PathBuf>> {
    let root = std::env::var_os("KERNSCOPE_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let Ok(entries) = std::fs::read_dir(root.join(below)) else {
        eprintln!("skipped: no {below} in {}; set KERNSCOPE_DATA", root.display());
        return None;
    };
    Some(entries.filter_map(Result::ok).map(|entry| entry.path()).collect())
}

#[test]
pub(crate) fn captures_made_to_crash_decoders_are_read_to_their_ends() {
    for folder in ["pcap/tcpdump", "pcap/zeek", "pcap/mercury"] {
        let Some(files) = shared(folder) else { continue };
        let files: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
        let (records, status, said) = replay(&files);
        assert!(matches!(status, Some(0 | 2)), "{folder}: {said}");
        assert!(said.lines().count() < files.len() && !said.contains("panicked"), "{said}");
        let ledger = records.last().expect("a ledger");
        assert_eq!((&ledger["kind"], &ledger["closes"]), (&"ledger".into(), &true.into()), "{folder}");
        assert!(records.len() > 20, "{folder}: {}", records.len());
    }
}

#[test]
fn a_trained_device_is_named_and_the_gateway_beside_it_is_not() {
    let Some(files) = shared("iot-sentinel/Lightify") else { return };
    let file = files.first().expect("a capture").display().to_string();
    let (records, status, said) = replay(&[file]);
    assert_eq!(status, Some(0), "{said}");
    let of = |mac: &str| records.iter().find(|record| record["mac"] == mac).expect("the device");
    let gateway = of("84:18:26:7b:5f:6b");
    assert_eq!((&gateway["label"], &gateway["category"]), (&"Lightify".into(), &"hub".into()));
    assert!(gateway["confidence"].as_f64().is_some_and(|sure| sure >= 0.8), "{gateway}");
    assert!(gateway["evidence"].as_array().is_some_and(|evidence| !evidence.is_empty()), "{gateway}");
    let others =
        records.iter().filter(|record| record["kind"] == "device" && record["mac"] != gateway["mac"]);
    assert!(
        others.clone().count() > 0 && others.clone().all(|record| record["label"].is_null()),
        "{records:?}"
    );
}

#[test]
fn of_two_that_nothing_parts_it_is_told_that_it_is_one_of_them() {
    let Some(files) = shared("iot-sentinel/EdnetCam1") else { return };
    let file = files.first().expect("a capture").display().to_string();
    let (records, status, said) = replay(std::slice::from_ref(&file));
    assert_eq!(status, Some(0), "{said}");
    let camera = records.iter().find(|record| record["mac"] == "3c:49:37:03:17:db").expect("the device");
    assert_eq!(camera["one_of"], serde_json::json!(["EdnetCam1", "EdnetCam2"]), "{camera}");
    assert_eq!((&camera["label"], &camera["category"]), (&serde_json::Value::Null, &"camera".into()));
    let output = run(&["lan", "replay", "--format", "pretty", &file]);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.contains("one of EdnetCam1, EdnetCam2"), "{text}");
}

#[test]
fn rules_of_ones_own_say_what_a_device_is() {
    let dir = Dir::new("lan-rules");
    std::fs::write(dir.path("a.pcap"), capture(1, &[&ARP])).expect("write");
    let rule = "[[rule]]\nany = ['oui 001788']\ncategory = 'lamp'\ntype = 'red lamp'\nsure = 0.999\n";
    std::fs::write(dir.path("own.toml"), rule).expect("write");
    let told = |rules: &str| {
        run(&["lan", "replay", "--format", "jsonl", "--rules", &dir.text(rules), &dir.text("a.pcap")])
    };
    let output = told("own.toml");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let records = checked(&text);
    assert_eq!((&records[0]["category"], &records[0]["device_type"]), (&"lamp".into(), &"red lamp".into()));
    std::fs::write(dir.path("bad.toml"), "[[rule]]\nany = []\nsure = 2\n").expect("write");
    let output = told("bad.toml");
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("bad.toml") && stderr(&output).lines().count() == 1,
        "{}",
        stderr(&output)
    );
}
