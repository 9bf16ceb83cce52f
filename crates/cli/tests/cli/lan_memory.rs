//! What `kernscope lan` learns of a network, from run to run: in the database, and what ends a write early.

use crate::lan_live::{on_a_cable, set_up, tap};
use crate::run::{Dir, checked, kernscope, refused, run, stderr};
use nix::mount::{MsFlags, mount, umount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::fs::File;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// An ARP announcement of 192.0.2.N by a device whose address ends in N.
fn announces(n: u8) -> Vec<u8> {
    let mut frame = crate::lan::ARP.to_vec();
    for at in [11, 27, 31, 41] {
        frame[at] = n;
    }
    frame
}

/// A capture that begins at a second of the day, with a frame of each of these devices every ten seconds, six times.
fn capture(start_s: u32, devices: &[u8]) -> Vec<u8> {
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0];
    for beat in 0..6 {
        for frame in devices.iter().map(|n| announces(*n)) {
            for word in [1_700_000_000 + start_s + beat * 10, 0, frame.len() as u32, frame.len() as u32] {
                file.extend(word.to_le_bytes());
            }
            file.extend(frame);
        }
    }
    file
}

/// Rules of the alerts of a replay that goes on with a network, and what it said on standard error.
fn replayed(dir: &Dir, more: &[&str], file: &str) -> (Vec<String>, String) {
    let (db, file) = (dir.text("lan.db"), dir.text(file));
    let args =
        [&["lan", "replay", "--format", "jsonl", "--learn", "90", "--db", &db], more, &[&file]].concat();
    let output = run(&args);
    let records = checked(&String::from_utf8(output.stdout.clone()).expect("UTF-8"));
    let alerts = records.iter().filter(|record| record["kind"] == "alert");
    (alerts.map(|alert| alert["rule"].as_str().unwrap_or_default().to_owned()).collect(), stderr(&output))
}

#[test]
fn a_replay_goes_on_with_what_was_learnt_of_its_network() {
    let dir = Dir::new("lan-network");
    for (file, start_s, devices) in
        [("1", 0, &[7][..]), ("2", 600, &[7]), ("3", 1200, &[7, 8]), ("4", 1800, &[7, 9])]
    {
        std::fs::write(dir.path(file), capture(start_s, devices)).expect("write");
    }
    let office = ["--network", "office"];
    let (alerts, said) = replayed(&dir, &office, "1");
    assert!(
        alerts.is_empty() && said.contains("nothing is known of it yet; learning ends after 90 seconds"),
        "{said}"
    );
    let (alerts, said) = replayed(&dir, &office, "2");
    assert!(alerts.is_empty() && said.contains("known since 2023-11-14T22:13:20"), "{said}");
    assert!(said.contains("learning ends after 40 seconds"), "{said}");
    let (alerts, said) = replayed(&dir, &office, "3");
    assert!(alerts == ["new_device"] && said.contains("learning is over"), "{alerts:?} {said}");
    let (alerts, said) = replayed(&dir, &[], "4");
    assert!(
        alerts.is_empty() && said.is_empty(),
        "without a name every file is a network of its own: {said}"
    );
    let (alerts, said) = replayed(&dir, &["--network", "elsewhere"], "4");
    assert!(alerts.is_empty() && said.contains("nothing is known of it yet"), "{said}");
    let output = run(&["lan", "alerts", "--db", &dir.text("lan.db")]);
    let told = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(
        told.contains("new_device") && told.contains("network office: known since 2023-11-14T22:13:20"),
        "{told}"
    );
    refused(&["lan", "replay", "--network", "office", &dir.text("1")], "--db");
}

/// What a device is known to do is told with it.
#[test]
fn whom_a_device_talks_to_is_told_with_it() {
    let Some(files) = crate::lan::shared("iot-sentinel/HueBridge") else { return };
    let dir = Dir::new("lan-usual");
    let db = dir.text("lan.db");
    let mut args =
        vec!["lan".to_owned(), "replay".into(), "--db".into(), db.clone(), "--network".into(), "home".into()];
    args.extend(files.iter().take(3).map(|file| file.display().to_string()));
    let output = run(&args);
    assert!(output.status.success(), "{}", stderr(&output));
    let told = run(&["lan", "device", "00:17:88:24:76:ff", "--db", &db]);
    let told = String::from_utf8(told.stdout).expect("UTF-8");
    assert!(told.contains("here since ") && told.contains("(on home)"), "{told}");
    assert!(told.contains("talks to   tcp port 80 ") || told.contains("talks to   tcp port 443 "), "{told}");
}

/// A replay that is killed while it writes leaves what was learnt before, and the next one goes on with it.
#[test]
fn a_writer_that_is_killed_leaves_what_was_learnt() {
    let dir = Dir::new("lan-memory-killed");
    let files: Vec<_> = (0..40u32).map(|n| dir.text(&n.to_string())).collect();
    for (n, file) in (0u32..).zip(&files) {
        std::fs::write(file, capture(n * 600, &[7])).expect("write");
    }
    let learnt_s = |args: &[&str]| {
        let output = run(&[&["lan", "replay", "--learn", "100000", "--network", "office"], args].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        stderr(&output)
    };
    let db = dir.text("lan.db");
    learnt_s(&["--db", &db, &files[0]]);
    for round in 0..8 {
        let mut args = vec!["lan", "replay", "--db", &db, "--network", "office"];
        args.extend(files.iter().map(String::as_str));
        let mut writer = kernscope(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("runs");
        std::thread::sleep(std::time::Duration::from_millis(20 + round * 25));
        let _ended = writer.kill();
        writer.wait().expect("ends");
    }
    let said = learnt_s(&["--db", &db, &files[39]]);
    assert!(said.contains("known since 2023-11-14T22:13:20"), "{said}");
}

/// Another process holds the lock of writers: it is said once, and what was learnt is what it was.
#[test]
fn a_database_that_is_locked_keeps_what_was_learnt() {
    let dir = Dir::new("lan-memory-locked");
    std::fs::write(dir.path("1"), capture(0, &[7])).expect("write");
    std::fs::write(dir.path("2"), capture(600, &[7])).expect("write");
    let (_, _) = replayed(&dir, &["--network", "office"], "1");
    let db = rusqlite::Connection::open(dir.path("lan.db")).expect("open");
    db.execute_batch("BEGIN IMMEDIATE").expect("lock");
    let before: Value = rows(&db).into();
    let (_, said) = replayed(&dir, &["--network", "office"], "2");
    assert_eq!(said.matches("another process keeps it locked").count(), 1, "{said}");
    assert_eq!(Value::from(rows(&db)), before);
    db.execute_batch("ROLLBACK").expect("unlock");
    replayed(&dir, &["--network", "office"], "2");
    assert_ne!(Value::from(rows(&db)), before, "free again");
}

/// What was learnt, as it stands in the file.
fn rows(db: &rusqlite::Connection) -> Vec<String> {
    let mut query = db.prepare("SELECT what || key || value FROM learnt ORDER BY 1").expect("prepare");
    query.query_map([], |row| row.get(0)).expect("query").map(|row| row.expect("text")).collect()
}

/// A run on an interface says at its start what an earlier one learnt; killed, it loses no more than its last batch.
#[test]
fn a_run_says_what_an_earlier_one_learnt() {
    let dir = Dir::new("lan-memory-run");
    let db = dir.text("lan.db");
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("bind");
    let run_for = |seconds: &str, network: &[&str]| {
        let args = [
            "lan",
            "run",
            "--interface",
            "lo",
            "--backend",
            "packet",
            "--db",
            &db,
            "--learn",
            "0",
            "--duration",
            seconds,
        ];
        let args = [&args[..], network].concat();
        let child = kernscope(&args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("runs");
        for _ in 0..10 {
            socket.send_to(b"hello", "127.0.0.1:9").expect("send");
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        String::from_utf8(child.wait_with_output().expect("ends").stderr).expect("UTF-8")
    };
    let said = run_for("1", &[]);
    if said.contains("CAP_NET_RAW") {
        eprintln!("skipped: a_run_says_what_an_earlier_one_learnt: {said}");
        return;
    }
    assert!(said.contains("network lo: nothing is known of it yet; learning is over"), "{said}");
    assert!(run_for("1", &[]).contains("network lo: known since 20"), "by the interface");
    assert!(run_for("1", &["--network", "cafe"]).contains("network cafe: nothing is known"), "by its name");
}

/// A datagram of IPv4 from 10.0.0.N by a device whose hardware address ends in N.
fn speaks(n: u8) -> Vec<u8> {
    let link = [[0, 0x17, 0x88, 1, 2, 99], [0, 0x17, 0x88, 1, 2, n]].concat();
    let ip = [0x45, 0, 0, 28, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, n, 10, 0, 0, 99];
    let udp = [0x13, 0x88, 0x13, 0x89, 0, 8, 0, 0];
    [&link[..], &[8, 0], &ip, &udp, &[0; 18]].concat()
}

/// Waits until something holds; it never takes that long.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The disk of the database fills up while a run writes what it learns: that is said once, the run goes on, what was written stays;
/// and what waited is written when there is room again.
#[test]
fn a_full_disk_has_what_is_learnt_wait() {
    on_a_cable("a_full_disk_has_what_is_learnt_wait", || {
        unshare(CloneFlags::CLONE_NEWNS).expect("a mount namespace");
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(None::<&str>, "/", None::<&str>, private, None::<&str>).expect("private mounts");
        let dir = Dir::new("lan-memory-full");
        let small = dir.path("small");
        std::fs::create_dir(&small).expect("make a folder");
        mount(Some("small"), &small, Some("tmpfs"), MsFlags::empty(), Some("size=4m")).expect("mount");
        set_up("lo", true);
        let (db, said) = (dir.text("small/lan.db"), dir.path("said"));
        let left = tap("left");
        let args = [
            "lan",
            "run",
            "--interface",
            "right",
            "--backend",
            "packet",
            "--format",
            "jsonl",
            "--learn",
            "3600",
        ];
        // With a page it writes every two seconds.
        let mut run = kernscope(&args);
        run.args(["--network", "office", "--serve", "127.0.0.1:0", "--db", &db]).stdout(Stdio::null());
        let mut run = run.stderr(File::create(&said).expect("a file")).spawn().expect("kernscope runs");
        let known = || {
            let db = rusqlite::Connection::open_with_flags(&db, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY);
            let read = |db: rusqlite::Connection| {
                let mut query =
                    db.prepare("SELECT mac FROM learnt WHERE network = 'office' AND what = 'device'")?;
                query.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()
            };
            db.and_then(read).unwrap_or_default()
        };
        let mac = |n: u8| format!("00:17:88:01:02:{n:02x}");
        let announce = |n| nix::unistd::write(&left, &speaks(n)).expect("sent");
        until("the first is learnt", || {
            announce(7);
            known().contains(&mac(7))
        });
        let mut filler = File::create(small.join("filler")).expect("create");
        let full = std::io::copy(&mut std::io::repeat(1), &mut filler).expect_err("full");
        assert_eq!(full.raw_os_error(), Some(nix::libc::ENOSPC));
        let said = || std::fs::read_to_string(&said).expect("what it said");
        until("that the disk is full is said", || {
            announce(8);
            said().contains("the disk is full")
        });
        // Some more times in vain.
        std::thread::sleep(Duration::from_secs(5));
        assert!(run.try_wait().expect("a run").is_none(), "it goes on: {}", said());
        assert!(known().contains(&mac(7)) && !known().contains(&mac(8)), "{:?}", known());
        assert_eq!(said().matches("the disk is full").count(), 1, "{}", said());
        filler.set_len(0).expect("empty");
        until("what waited is written", || known().contains(&mac(8)));
        until("and what is new", || {
            announce(9);
            known().contains(&mac(9))
        });
        kill(Pid::from_raw(run.id() as i32), Signal::SIGINT).expect("kill");
        assert!(run.wait().expect("its end").success(), "{}", said());
        drop(filler);
        umount(&small).expect("unmount");
    });
}
