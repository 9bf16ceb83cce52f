//! The database of `kernscope lan`: written by a replay, listed, corrected, exported, and what ends a write early.

use crate::lan::{ARP, capture};
use crate::run::{Dir, checked, kernscope, refused, run, stderr};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

const MAC: &str = "00:17:88:01:02:03";

fn text(output: Output) -> String {
    assert!(output.status.success(), "{}", stderr(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A capture of one device, replayed into a database.
fn remembered(name: &str) -> Dir {
    let dir = Dir::new(name);
    std::fs::write(dir.path("a.pcap"), capture(1, &[&ARP, &ARP])).expect("write");
    let args = ["lan", "replay", "--db", &dir.text("lan.db"), &dir.text("a.pcap")];
    text(run(&args));
    text(run(&args));
    dir
}

#[test]
fn what_a_replay_saw_is_listed_and_exported() {
    let dir = remembered("lan-list");
    let db = dir.text("lan.db");
    let records = checked(&text(run(&["lan", "list", "--db", &db, "--format", "jsonl"])));
    let [device, coverage, _] = &records[..] else { panic!("{records:?}") };
    assert_eq!((&device["mac"], &device["frames"]), (&MAC.into(), &2.into()), "a file counts once");
    assert_eq!((&device["online"], &coverage["backend"]), (&false.into(), &"database".into()));
    let exported: Value =
        serde_json::from_str(&text(run(&["lan", "export", "--db", &db, "--format", "json"]))).expect("JSON");
    assert_eq!((exported.as_array().map(Vec::len), &exported[0]["mac"]), (Some(1), &MAC.into()));
    let table = text(run(&["lan", "export", "--db", &db, "--format", "csv"]));
    let rows: Vec<_> = table.lines().collect();
    assert_eq!(rows.len(), 2, "{table}");
    assert_eq!(rows[0].split(',').count(), rows[1].split(',').count(), "{table}");
    assert!(rows[1].starts_with(&format!("{MAC},false,192.0.2.7,Philips Lighting BV,")), "{table}");
    let mode = std::fs::metadata(dir.path("lan.db")).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_correction_is_kept_and_used_by_the_next_replay() {
    let dir = remembered("lan-correct");
    let db = dir.text("lan.db");
    let said = ["--name", "the bridge", "--category", "lamp", "--note", "in the\x1b[31m cellar"];
    let args = [&["lan", "device", MAC, "--db", &db][..], &said].concat();
    let whole = text(run(&args));
    assert!(whole.contains("\"the bridge\" by user") && whole.contains("the user says so"), "{whole}");
    assert!(whole.contains("cellar") && !whole.contains('\x1b'), "{whole}");
    let args = ["lan", "replay", "--format", "jsonl", "--db", &db, &dir.text("a.pcap")];
    let records = checked(&text(run(&args)));
    assert_eq!((&records[0]["hostname"], &records[0]["category"]), (&"the bridge".into(), &"lamp".into()));
    text(run(&["lan", "device", MAC, "--db", &db, "--forget"]));
    let records = checked(&text(run(&["lan", "device", MAC, "--db", &db, "--format", "jsonl"])));
    assert_eq!((&records[0]["hostname"], &records[0]["category"]), (&Value::Null, &"hub".into()));
}

#[test]
fn what_cannot_be_done_with_a_database_is_told_in_one_line() {
    let dir = remembered("lan-refuse");
    let db = dir.text("lan.db");
    refused(&["lan", "list", "--db", &dir.text("none.db")], "there is none yet");
    refused(&["lan", "list", "--db", &dir.text("a.pcap")], "no database");
    refused(&["lan", "device", "--db", &db, "02:00:00:00:00:09"], "not in");
    refused(&["lan", "device", "--db", &db, "02:00"], "hardware address");
    refused(&["lan", "replay", "--db", &dir.text("."), &dir.text("a.pcap")], "no file");
    let output =
        kernscope(&["lan", "list"]).env_remove("XDG_STATE_HOME").env_remove("HOME").output().expect("runs");
    assert!(stderr(&output).contains("--db FILE"), "{}", stderr(&output));
}

#[test]
fn without_an_option_the_database_is_in_the_state_folder() {
    let dir = remembered("lan-state");
    std::fs::create_dir(dir.path("kernscope")).expect("make a folder");
    std::fs::rename(dir.path("lan.db"), dir.path("kernscope/lan.db")).expect("rename");
    let output = kernscope(&["lan", "list"]).env("XDG_STATE_HOME", dir.path("")).output().expect("runs");
    assert!(text(output).contains(MAC));
}

/// A replay that is killed while it writes loses the batch it was at, and nothing else.
#[test]
fn a_writer_that_is_killed_leaves_a_database_that_reads() {
    let dir = remembered("lan-killed");
    let db = dir.text("lan.db");
    for round in 0u64..20 {
        let mut args = vec!["lan".to_owned(), "replay".into(), "--db".into(), db.clone()];
        for file in 0..50 {
            let name = format!("{round}-{file}.pcap");
            std::fs::write(dir.path(&name), capture(1, &[&ARP])).expect("write");
            args.push(dir.text(&name));
        }
        let mut writer = kernscope(&args).stdout(std::process::Stdio::null()).spawn().expect("runs");
        std::thread::sleep(std::time::Duration::from_millis(20 + round * 15));
        let _ended = writer.kill();
        writer.wait().expect("ends");
        let records = checked(&text(run(&["lan", "list", "--db", &db, "--format", "jsonl"])));
        assert!(records[0]["frames"].as_u64().is_some_and(|frames| frames >= 2), "{}", records[0]);
    }
}
