//! `kernscope filter attach` on the loopback interface of a network namespace of the test's own.

use crate::run::{Dir, kernscope, run, stderr};
use kernscope_kit::netlink::{Netlink, Request};
use kernscope_kit::probe;
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::process::{Child, Stdio};
use std::time::Duration;

/// Runs a test on a thread with a namespace of its own, in which the loopback interface is up.
fn in_own_network(test: &str, inside: impl FnOnce() + Send + 'static) {
    let answer = probe::prog_type(probe::ProgType::Xdp);
    if !answer.is_yes() {
        eprintln!("skipped: {test}: {}", answer.why());
        return;
    }
    let thread = std::thread::spawn(move || {
        if let Err(err) = unshare(CloneFlags::CLONE_NEWNET) {
            eprintln!("skipped: make a network namespace: {err}");
            return;
        }
        // `struct ifinfomsg`: the first interface, to be up.
        const RTM_NEWLINK: u16 = 16;
        let header = [0u32, 1, 1, 1].map(u32::to_ne_bytes).concat();
        Netlink::open()
            .and_then(|mut netlink| netlink.ask(&Request::new(RTM_NEWLINK, 0, &header)))
            .expect("lo up");
        inside();
    });
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

/// A run that has attached, and what it writes from then on.
fn start(args: &[&str]) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut all = vec!["filter", "attach", "--interface", "lo"];
    all.extend(args);
    let mut child = kernscope(&all).stdout(Stdio::piped()).spawn().expect("kernscope runs");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    assert!(first.starts_with("attached to lo: "), "{first}");
    (child, lines)
}

/// A pair of sockets; what is sent on one comes to the other, unless it is dropped.
fn sockets() -> (UdpSocket, UdpSocket) {
    let receiver = UdpSocket::bind("127.0.0.1:0").expect("bind");
    receiver.set_read_timeout(Some(Duration::from_millis(80))).expect("time-out");
    let sender = UdpSocket::bind("127.0.0.1:0").expect("bind");
    sender.connect(receiver.local_addr().expect("address")).expect("connect");
    (sender, receiver)
}

/// Sends nine datagrams with the word and six without; how many of each come.
fn traffic() -> (usize, usize) {
    let (sender, receiver) = sockets();
    let mut come = (0, 0);
    for n in 0..15 {
        let text = if n % 5 < 3 { "some SESAME here" } else { "something else" };
        // On the way out, the sender is told of a drop.
        let _dropped = sender.send(text.as_bytes());
        let mut bytes = [0; 64];
        if let Ok(len) = receiver.recv(&mut bytes) {
            *(if bytes[..len].starts_with(b"some S") { &mut come.0 } else { &mut come.1 }) += 1;
        }
    }
    come
}

/// Ends a run as Ctrl-C does; the counts at its end, behind which come what was covered and an account that closes.
fn interrupt(child: &mut Child, lines: impl Iterator<Item = String>) -> String {
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).expect("kill");
    assert_eq!(child.wait().expect("wait").code(), Some(0));
    counts(lines)
}

fn counts(lines: impl Iterator<Item = String>) -> String {
    let lines: Vec<_> = lines.collect();
    let [.., counts, coverage, ledger] = &lines[..] else { panic!("three lines: {lines:?}") };
    assert!(coverage.starts_with("coverage "), "{coverage}");
    assert!(ledger.starts_with("ledger closes: seen "), "{ledger}");
    counts.clone()
}

#[test]
fn without_an_action_all_is_counted_and_passes() {
    in_own_network("without_an_action_all_is_counted_and_passes", || {
        let (mut child, lines) = start(&["--literal", "sesame", "--ignore-case"]);
        assert_eq!(traffic(), (9, 6));
        assert_eq!(interrupt(&mut child, lines), "lo: 15 packets = 9 matched + 6 others, all passed");
    });
}

#[test]
fn what_matches_is_dropped_and_nothing_is_left_afterwards() {
    in_own_network("what_matches_is_dropped_and_nothing_is_left_afterwards", || {
        for target in
            [&["--target", "xdp"][..], &["--target", "tc"], &["--target", "tc", "--direction", "egress"]]
        {
            let (mut child, lines) = start(&[&["--regex", "S[E]SAM.", "--drop"], target].concat());
            assert_eq!(traffic(), (0, 6), "{target:?}");
            let told = interrupt(&mut child, lines);
            assert_eq!(told, "lo: 15 packets = 9 matched, dropped + 6 others", "{target:?}");
            assert_eq!(traffic(), (9, 6), "{target:?}");
        }
    });
}

#[test]
fn records_are_counts_coverage_and_a_ledger_that_closes() {
    in_own_network("records_are_counts_coverage_and_a_ledger_that_closes", || {
        let args =
            ["filter", "attach", "--interface", "lo", "--literal", "SESAME", "--drop", "--format", "jsonl"];
        let mut child = kernscope(&args).stdout(Stdio::piped()).spawn().expect("kernscope runs");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let first = lines.next().unwrap_or_default();
        assert_eq!(traffic(), (0, 6));
        kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM).expect("kill");
        assert_eq!(child.wait().expect("wait").code(), Some(0));
        let records: Vec<Value> = [first]
            .into_iter()
            .chain(lines)
            .map(|line| serde_json::from_str(&line).expect("a record"))
            .collect();
        assert!(records.iter().zip(0..).all(|(record, seq)| record["seq"] == seq), "{records:?}");
        let [counting @ .., counts, coverage, ledger] = &records[..] else { panic!("{records:?}") };
        assert!(counting.iter().chain([counts]).all(|record| record["kind"] == "filter_counts"));
        for (field, value) in [("packets", 15), ("matched", 9), ("passed", 6), ("dropped", 9), ("other", 0)] {
            assert_eq!(counts[field], value, "{field} in {counts}");
        }
        assert_eq!(coverage["hooks"][0]["state"], "attached", "{coverage}");
        let told = counting.len() + 1;
        assert_eq!((&ledger["kind"], &ledger["closes"]), (&"ledger".into(), &true.into()));
        assert_eq!((&ledger["seen"], &ledger["emitted"]), (&(15 + told).into(), &told.into()), "{ledger}");
        assert_eq!(ledger["filtered_by"], serde_json::json!({ "matched": 9, "not_matched": 6 }));
    });
}

#[test]
fn only_what_matches_passes() {
    in_own_network("only_what_matches_passes", || {
        let (mut child, lines) = start(&["--literal", "SESAME", "--literal", "OPEN", "--pass"]);
        assert_eq!(traffic(), (9, 0));
        assert_eq!(interrupt(&mut child, lines), "lo: 15 packets = 9 matched + 6 others, dropped");
    });
}

#[test]
fn bytecode_decides_for_itself() {
    in_own_network("bytecode_decides_for_itself", || {
        let dir = Dir::new("attach");
        // r0 = XDP_DROP; exit
        std::fs::write(dir.path("drop.hex"), "b700000001000000 9500000000000000").expect("write");
        let (mut child, lines) = start(&["--bytecode", &dir.text("drop.hex")]);
        assert_eq!(traffic(), (0, 0));
        let told = interrupt(&mut child, lines);
        assert_eq!(told, "lo: 15 packets = 0 passed + 15 dropped + 0 other");
    });
}

#[test]
fn a_second_xdp_program_is_refused_in_one_line() {
    in_own_network("a_second_xdp_program_is_refused_in_one_line", || {
        let (mut child, lines) = start(&["--literal", "a"]);
        let second = run(&["filter", "attach", "--literal", "b", "--interface", "lo"]);
        let told = stderr(&second);
        assert_eq!(second.status.code(), Some(2), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(
            told.ends_with("another XDP program is there; find it with: ip -d link show dev lo\n"),
            "{told}"
        );
        interrupt(&mut child, lines);
    });
}

#[test]
fn a_run_ends_with_its_duration() {
    in_own_network("a_run_ends_with_its_duration", || {
        let (mut child, lines) = start(&["--literal", "a", "--duration", "0.2"]);
        assert_eq!(child.wait().expect("wait").code(), Some(0));
        assert_eq!(counts(lines), "lo: 0 packets = 0 matched + 0 others, all passed");
    });
}

#[test]
fn what_is_wrong_is_told_in_one_line() {
    for (args, told) in [
        (&["--literal", "a", "--interface", "no-such-if0"][..], "find interface no-such-if0: "),
        (&["--interface", "lo"], "required"),
        (
            &["--literal", "a", "--interface", "lo", "--drop", "--pass"],
            "'--drop' cannot be used with '--pass'",
        ),
        (&["--literal", "a", "--interface", "lo", "--direction", "egress"], "add --target tc"),
        (&["--regex", "a(", "--interface", "lo"], "unclosed group"),
        (&["--bytecode", "/nowhere/x", "--interface", "lo"], "read /nowhere/x: "),
        (&["--literal", "a", "--interface", "lo", "--duration=-1"], "--duration"),
    ] {
        let output = run(&[&["filter", "attach"], args].concat());
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.lines().count() == 1 && text.contains(told), "{text}");
    }
}
