//! Alerts told elsewhere: none is lost when who is told is down and the run is killed.

use crate::lan::ARP;
use crate::lan_live::{end, on_a_cable, start, tap};
use crate::run::{Dir, refused};
use kernscope_lan::store::Store;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::time::{Duration, Instant};

/// Waits until something is so.
fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn an_alert_arrives_though_who_is_told_was_down_and_the_run_was_killed() {
    on_a_cable("an_alert_arrives_though_who_is_told_was_down_and_the_run_was_killed", || {
        let dir = Dir::new("lan-notify");
        let (db, open, told) = (dir.text("lan.db"), dir.text("open"), dir.text("told"));
        // Down until there is a file.
        let script = format!("test -e {open} && cat >> {told}");
        let mut args = vec!["--backend", "packet", "--db", &db, "--learn", "0"];
        for word in ["/bin/sh", "-c", &script] {
            args.extend(["--notify-command", word]);
        }
        let mut run = start(&args);
        let left = tap("left");
        nix::unistd::write(&left, &ARP).expect("send");
        let waits = || {
            let store = Store::open(&dir.path("lan.db")).expect("open");
            store.due(u64::MAX / 2, 9).expect("read").first().is_some_and(|letter| letter.tries > 0)
        };
        wait("the alert is in the outbox, and was tried", waits);
        kill(Pid::from_raw(run.id() as i32), Signal::SIGKILL).expect("kill");
        run.wait().expect("wait");
        assert!(!dir.path("told").exists());
        std::fs::write(&open, "").expect("write");
        // Nothing is sent on the cable: what is told is what was kept.
        let run = start(&args);
        wait("the alert arrives", || std::fs::read_to_string(&told).is_ok_and(|text| text.ends_with('\n')));
        end(run);
        let text = std::fs::read_to_string(&told).expect("told");
        let alerts: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        assert!(
            alerts.iter().any(|alert| alert["rule"] == "new_device" && alert["mac"] == "00:17:88:01:02:03"),
            "{text}"
        );
        let store = Store::open(&dir.path("lan.db")).expect("open");
        assert!(store.due(u64::MAX / 2, 9).expect("read").is_empty(), "what arrived is taken out");
    });
}

#[test]
fn who_cannot_be_told_is_refused_before_the_run_begins() {
    for (url, said) in [
        ("http://127.0.0.1:1/", "leave --no-db out"),
        ("https://hooks.example/", "no TLS"),
        ("hooks.example", "give http://HOST/PATH"),
    ] {
        refused(&["lan", "run", "--interface", "lo", "--no-db", "--notify-url", url], said);
    }
}
