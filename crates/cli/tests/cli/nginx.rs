//! `watch` on nginx and those who ask it: both ends of each connection (root, and `nginx` and `curl` on the search path).

use crate::run::Dir;
use crate::tls::{certificate, coverage, sha256, streams, watch};
use crate::tls_built_in::bodies;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Connections at once.
const CONNECTIONS: usize = 200;

/// What `nginx.py` says and what is told of it; `None`, said aloud, where something is missing.
fn nginx(dir: &Dir, options: &[&str], what: &[&str]) -> Option<(Vec<Value>, String)> {
    for program in ["nginx", "curl"] {
        if Command::new(program).arg("-V").output().is_err() {
            eprintln!("skipped: no {program} (apt-get install nginx-light curl)");
            return None;
        }
    }
    let certificate = certificate(dir)?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/nginx.py");
    let script = script.to_str().expect("UTF-8");
    let folder = dir.text("nginx");
    std::fs::create_dir(&folder).expect("a folder");
    let command = [&["python3", script, &folder, &certificate], what].concat();
    let (records, printed) = watch(dir, options, &command)?;
    let ledger = records.last().expect("the ledger");
    assert_eq!((&ledger["closes"], &ledger["lost"]), (&Value::Bool(true), &json!({})));
    for speaker in coverage(&records)["tls"].as_array().expect("a list") {
        assert_eq!(
            (&speaker["state"], &speaker["library"]),
            (&"attached".into(), &"openssl".into()),
            "{speaker}"
        );
    }
    Some((records, printed))
}

#[test]
fn every_body_of_many_connections_at_once_at_both_ends() {
    let dir = Dir::new("nginx-many");
    let sizes: Vec<String> = (0..CONNECTIONS).map(|number| (number * 150 + 1).to_string()).collect();
    let sizes: Vec<&str> = sizes.iter().map(String::as_str).collect();
    let Some((records, printed)) = nginx(&dir, &["--no-redact"], &[&["many"], &sizes[..]].concat()) else {
        return;
    };
    let streams = streams(&records);
    assert_eq!(streams.len(), 4 * CONNECTIONS, "two ends, two ways");
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    for body in streams.values().flat_map(|data| bodies(data)).filter(|body| !body.is_empty()) {
        *told.entry(sha256(body)).or_default() += 1;
    }
    assert_eq!((printed.lines().count(), told.len()), (CONNECTIONS, CONNECTIONS));
    for line in printed.lines() {
        let (size, sum) = line.split_once(' ').expect("a size and a sum");
        assert_eq!(told.get(sum), Some(&4), "put and got, at both ends: {size} bytes");
    }
}

#[test]
fn packed_bodies_events_and_websockets_are_told_by_both_ends() {
    let dir = Dir::new("nginx-kinds");
    // In two parts, so that no scanner finds a token here.
    let token = ["ghp_", "0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R"].concat();
    let Some((records, _)) = nginx(&dir, &[], &["kinds", &token]) else { return };
    let told: Vec<&Value> = records.iter().filter(|record| record["kind"] == "http").collect();
    let ways = |fits: &dyn Fn(&Value) -> bool| {
        let mut ways: Vec<_> =
            told.iter().filter(|one| fits(one)).map(|one| one["direction"].as_str()).collect();
        ways.sort_unstable();
        ways
    };
    let both = [Some("recv"), Some("send")];
    let json = json!({"some": "json ".repeat(400)});
    for version in ["1.1", "2"] {
        let is_packed = |one: &Value| {
            one["version"] == version && one["content_encoding"] == "gzip" && one["body"] == json
        };
        assert_eq!(ways(&is_packed), both, "{version}: {told:#?}");
    }
    for number in 0..3 {
        let is_event = |one: &Value| {
            one["message"] == "event" && one["version"] == "2" && one["body"] == json!({"number": number})
        };
        assert_eq!(ways(&is_event), both, "{told:#?}");
    }
    let frames = |fits: &dyn Fn(&str) -> bool| {
        ways(&|one: &Value| {
            let text = one["body"].as_str().map_or_else(|| one["body"].to_string(), str::to_owned);
            let is_frame = one["message"] == "frame" && one["event"] == "text";
            is_frame && one["path"] == "/behind/chat" && fits(&text)
        })
    };
    for said in [r#"{"say":"hello"}"#, r#"{"SAY":"HELLO"}"#] {
        assert_eq!(frames(&|text| text == said), both, "{told:#?}");
    }
    assert_eq!(frames(&|text| text.starts_with("ghp_[") && !text.contains("0a1B")), both, "{told:#?}");
    assert_eq!(frames(&|text| text.starts_with("GHP_0A")), both, "in capitals it is no token: {told:#?}");
}
