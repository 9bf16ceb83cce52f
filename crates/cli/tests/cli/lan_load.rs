//! A run that serves its page and its metrics to hundreds of clients, some of whom never ask: nobody waits for them, and no
//! frame is lost. `cargo xtask bench page` does the same with a thousand.

use crate::lan_live::{on_a_cable, set_up, tap};
use crate::run::{Dir, checked, kernscope};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Clients that connect and say nothing, and those that say a letter now and then.
const SILENT: usize = 200;
const SLOW: usize = 100;
/// Clients that ask, half of them for the page.
const QUICK: usize = 300;
const FRAMES: u64 = 3_000;

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("connect");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time-out");
    stream
}

/// Asks for a path; whether that was answered.
fn is_answered(address: &str, path: &str) -> bool {
    let mut stream = connect(address);
    let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("send");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("UTF-8");
    answer.starts_with("HTTP/1.1 200 ")
}

/// A small datagram of one of many devices.
fn frame(n: u64) -> Vec<u8> {
    let [.., a, b] = (n % 300 + 1).to_be_bytes();
    let mut frame = vec![2, 0, 0, 9, 9, 9, 2, 0, 0, 0, a, b, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1];
    frame.extend([2, 0, 0, 0, a, b, 10, 0, a, b, 0, 0, 0, 0, 0, 0, 10, 0, a, b]);
    frame.resize(60, 0);
    frame
}

#[test]
fn many_clients_and_slow_ones_hold_nobody_up_and_lose_no_frame() {
    on_a_cable("many_clients_and_slow_ones", || {
        set_up("lo", true);
        let dir = Dir::new("lan-load");
        let (db, local) = (dir.text("lan.db"), "127.0.0.1:0");
        let args = ["lan", "run", "--interface", "right", "--mode", "span", "--format", "jsonl"];
        let args = [&args[..], &["--db", &db, "--serve", local, "--metrics", local]].concat();
        let mut child =
            kernscope(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("kernscope runs");
        let mut said = BufReader::new(child.stderr.take().expect("piped"));
        let mut address = || {
            let mut line = String::new();
            said.read_line(&mut line).expect("a line");
            let (_, rest) = line.split_once("http://").expect(&line);
            rest.split('/').next().expect("an address").to_owned()
        };
        let (metrics, page) = (address(), address());
        let mut line = String::new();
        said.read_line(&mut line).expect("a line");
        assert!(line.contains("looking"), "{line}");
        let silent: Vec<_> = (0..SILENT).map(|_| connect(&page)).collect();
        let mut slow: Vec<_> = (0..SLOW).map(|n| connect([&page, &metrics][n % 2])).collect();
        let left = tap("left");
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for letter in b"GET / HTTP/1.1\r\nHost: ".iter().cycle().take(10_000) {
                    // One that was let go already takes nothing more.
                    slow.iter_mut().for_each(|stream| drop(stream.write_all(&[*letter])));
                    if done.load(Ordering::Relaxed) {
                        return;
                    }
                    std::thread::sleep(Duration::from_millis(100));
                }
            });
            scope.spawn(move || {
                for n in 0..FRAMES {
                    nix::unistd::write(&left, &frame(n)).expect("sent");
                    if n % 100 == 99 {
                        std::thread::sleep(Duration::from_millis(10));
                    }
                }
            });
            let quick: Vec<_> = (0..10)
                .map(|_| {
                    scope.spawn(|| {
                        let asked = (0..QUICK / 20).flat_map(|_| {
                            [is_answered(&page, "/api/devices"), is_answered(&metrics, "/metrics")]
                        });
                        asked.filter(|answered| *answered).count()
                    })
                })
                .collect();
            let answered: usize = quick.into_iter().map(|asker| asker.join().expect("asks")).sum();
            done.store(true, Ordering::Relaxed);
            assert_eq!(answered, QUICK);
        });
        drop(silent);
        kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).expect("kill");
        let mut text = String::new();
        child.stdout.take().expect("piped").read_to_string(&mut text).expect("UTF-8");
        assert_eq!(child.wait().expect("wait").code(), Some(0));
        let records = checked(&text);
        let ledger = records.last().expect("a ledger");
        assert_eq!((&ledger["closes"], &ledger["lost"]), (&true.into(), &serde_json::json!({})), "{ledger}");
        // `tap` sends some of its own until the cable is up.
        assert!(ledger["seen_by"]["frame"].as_u64() >= Some(FRAMES), "{ledger}");
    });
}
