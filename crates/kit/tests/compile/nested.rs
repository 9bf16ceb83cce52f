//! Runs of a socket filter that come in between another one, on the same CPU.

use crate::support::{Running, privileged};
use kernscope_kit::attach::SocketFilter;
use kernscope_kit::compile::{Compiled, Content, Host, Target, window};
use kernscope_kit::load::Map;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use std::os::unix::net::UnixDatagram;

/// Windows of a CPU.
const WINDOWS: u32 = 4;
/// What an interrupted run has in its window.
const MARK: u8 = 0xee;
/// Threads that send on one CPU; fewer than windows, so that there is one for each.
const SENDERS: usize = 3;
/// Datagrams of each.
const DATAGRAMS: usize = 20_000;

/// As if runs were under way in the first windows of every CPU.
fn take(windows: &Map, taken: u32) {
    for index in 0..windows.max_entries() {
        let mut value = vec![MARK; windows.value_size()];
        let wanted = u64::from(index % WINDOWS < taken);
        value[window::WANTED as usize..][..8].copy_from_slice(&wanted.to_ne_bytes());
        windows.update(&index.to_ne_bytes(), &value).expect("written");
    }
}

#[test]
fn an_interrupted_run_keeps_its_window() {
    if !privileged() {
        return;
    }
    let running = Running::new(&Content::literal("passw0rd"), Target::Socket, Host::running());
    let windows = running.loaded.map(Compiled::WINDOW);
    for taken in 0..=WINDOWS {
        take(windows, taken);
        assert!(running.is_match(b"the passw0rd is here"), "{taken}");
        // Without a window nobody knows, and what nobody knows is a match.
        assert_eq!(running.is_match(b"there is nothing here"), taken == WINDOWS, "{taken}");
        let mut used = 0;
        for index in 0..windows.max_entries() {
            let value = windows.lookup(&index.to_ne_bytes()).expect("read").expect("an array has it");
            let (wanted, rest) = (u64::from(index % WINDOWS < taken), value[..64].iter());
            assert_eq!(value[window::WANTED as usize..][..8], wanted.to_ne_bytes(), "{taken}: {index}");
            let touched = rest.chain(&value[window::DATA as usize..]).any(|&byte| byte != MARK);
            assert!(!touched || index % WINDOWS == taken, "{taken}: {index}");
            used += usize::from(touched);
        }
        assert_eq!(used > 0, taken < WINDOWS, "{taken}");
    }
}

#[test]
fn senders_that_interrupt_one_another_are_judged_right() {
    if !privileged() {
        return;
    }
    // Data of a local socket is judged while its sender runs, and the sender may be put off in the middle.
    let running = Running::new(&Content::literal("passw0rd"), Target::Socket, Host::running());
    std::thread::scope(|scope| {
        for number in 0..SENDERS {
            let loaded = &running.loaded;
            scope.spawn(move || {
                let mut cpu = CpuSet::new();
                cpu.set(0).expect("a CPU");
                sched_setaffinity(Pid::from_raw(0), &cpu).expect("onto one CPU");
                let (sender, receiver) = UnixDatagram::pair().expect("a pair");
                receiver.set_nonblocking(true).expect("flag");
                let _filter = SocketFilter::attach(&receiver, loaded).expect("attach");
                for round in 0..DATAGRAMS {
                    let matches = (round + number).is_multiple_of(2);
                    let word = if matches { "passw0rd" } else { "password" };
                    let text = format!("{number} {}{word}", ".".repeat(100 * number + round % 900));
                    sender.send(text.as_bytes()).expect("send");
                    let mut bytes = [0; 2048];
                    let came = receiver.recv(&mut bytes).map(|len| bytes[..len] == *text.as_bytes());
                    // What matches is dropped; the rest comes whole.
                    assert_eq!(came.ok(), (!matches).then_some(true), "{number}: {round}");
                }
            });
        }
    });
}
