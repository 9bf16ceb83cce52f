//! The database of `kernscope lan`: written by a replay, listed, corrected, exported, and what ends a write early.

use crate::lan::{ARP, capture};
use crate::run::{Dir, checked, kernscope, refused, run, stderr};
use nix::mount::{MsFlags, mount, umount};
use nix::sched::{CloneFlags, unshare};
use serde_json::Value;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

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
        let mut writer = kernscope(&args).stdout(Stdio::null()).spawn().expect("runs");
        std::thread::sleep(std::time::Duration::from_millis(20 + round * 15));
        let _ended = writer.kill();
        writer.wait().expect("ends");
        let records = checked(&text(run(&["lan", "list", "--db", &db, "--format", "jsonl"])));
        assert!(records[0]["frames"].as_u64().is_some_and(|frames| frames >= 2), "{}", records[0]);
    }
}

/// Another process holds the lock of writers: a replay tells its devices, says in a line that it cannot write, and loses nothing
/// that was there; readers do not wait.
#[test]
fn a_database_that_another_process_keeps_locked_is_told_and_read() {
    let dir = remembered("lan-locked");
    let db = dir.text("lan.db");
    let hold = "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1], isolation_level=None)\nc.execute('BEGIN IMMEDIATE')\n\
                print('held', flush=True)\nsys.stdin.read()";
    let mut python = Command::new("python3");
    python.args(["-c", hold, &db]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut holder) = python.spawn() else {
        eprintln!("skipped: a_database_that_another_process_keeps_locked_is_told_and_read: no python3");
        return;
    };
    let mut held = [0; 5];
    holder.stdout.as_mut().expect("piped").read_exact(&mut held).expect("held");
    std::fs::write(dir.path("b.pcap"), capture(1, &[&ARP, &ARP, &ARP])).expect("write");
    let output = run(&["lan", "replay", "--format", "jsonl", "--db", &db, &dir.text("b.pcap")]);
    let line = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{line}");
    assert!(line.contains("another process keeps it locked") && line.matches('\n').count() == 1, "{line}");
    assert_eq!(checked(&String::from_utf8(output.stdout).expect("UTF-8"))[0]["frames"], 3);
    let frames =
        || checked(&text(run(&["lan", "list", "--db", &db, "--format", "jsonl"])))[0]["frames"].clone();
    assert_eq!(frames(), 2, "readers do not wait");
    drop(holder.stdin.take());
    holder.wait().expect("ends");
    text(run(&["lan", "replay", "--db", &db, &dir.text("b.pcap")]));
    assert_eq!(frames(), 5);
}

/// On a file system of its own that is full: what was written stays, and when there is room again it goes on.
#[test]
fn a_full_disk_is_told_and_loses_no_more_than_the_last_batch() {
    let thread = std::thread::spawn(|| {
        if let Err(err) = unshare(CloneFlags::CLONE_NEWNS) {
            eprintln!(
                "skipped: a_full_disk_is_told_and_loses_no_more_than_the_last_batch: make a mount namespace: {err}"
            );
            return;
        }
        let dir = remembered("lan-full");
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(None::<&str>, "/", None::<&str>, private, None::<&str>).expect("private mounts");
        std::fs::create_dir(dir.path("small")).expect("make a folder");
        let small = dir.path("small");
        mount(Some("small"), &small, Some("tmpfs"), MsFlags::empty(), Some("size=8m")).expect("mount");
        let db = dir.text("small/lan.db");
        text(run(&["lan", "replay", "--db", &db, &dir.text("a.pcap")]));
        let mut filler = std::fs::File::create(small.join("filler")).expect("create");
        let full = std::io::copy(&mut std::io::repeat(1), &mut filler).expect_err("full");
        assert_eq!(full.raw_os_error(), Some(nix::libc::ENOSPC));
        let files: Vec<_> = (0..60).map(|n| dir.text(&format!("{n}.pcap"))).collect();
        files.iter().for_each(|file| std::fs::write(file, capture(1, &[&ARP])).expect("write"));
        let mut args = vec!["lan", "replay", "--db", &db];
        args.extend(files.iter().map(String::as_str));
        let refused = || {
            let output = run(&args);
            let line = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{line}");
            assert!(!line.is_empty() && line.lines().all(|line| line.contains("full")), "{line}");
        };
        // No room for its log, then room for some of it.
        refused();
        let bytes = filler.metadata().expect("metadata").len();
        filler.set_len(bytes - (128 << 10)).expect("shorter");
        refused();
        let frames =
            || checked(&text(run(&["lan", "list", "--db", &db, "--format", "jsonl"])))[0]["frames"].clone();
        assert!(frames().as_u64().is_some_and(|frames| (2..62).contains(&frames)), "{}", frames());
        filler.set_len(0).expect("empty");
        text(run(&args));
        assert_eq!(frames(), 62);
        drop(filler);
        umount(&small).expect("unmount");
    });
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}
