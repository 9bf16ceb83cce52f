//! `watch` on a server that speaks TLS by OpenSSL's BIOs, and calls none of the functions that the library exports for it (root).

use crate::run::Dir;
use crate::tls::{certificate, coverage, streams, watch};
use std::process::Command;

/// `openssl s_server -rev`, which sends each line back reversed, and a client of it that prints what it got.
const REVERSE: &str = r#"
import socket, ssl, subprocess, sys, time
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
server = subprocess.Popen(["openssl", "s_server", "-rev", "-quiet", "-accept", f"127.0.0.1:{port}",
    "-cert", sys.argv[1], "-key", sys.argv[1]], stdin=subprocess.DEVNULL)
def connect():
    for _ in range(600):
        try:
            return socket.create_connection(("127.0.0.1", port))
        except OSError:
            time.sleep(0.05)
try:
    with ssl._create_unverified_context().wrap_socket(connect()) as side, side.makefile("rb") as lines:
        for size in (1, 100, 5000, 16000):
            line = bytes(97 + at % 26 for at in range(size))
            side.sendall(line + b"\n")
            assert lines.readline() == line[::-1] + b"\n"
finally:
    server.kill()
    server.wait()
"#;

#[test]
fn a_server_by_bio_is_told_both_ways() {
    if !Command::new("openssl").arg("version").output().is_ok_and(|output| output.status.success()) {
        return eprintln!("skipped: no openssl");
    }
    let dir = Dir::new("tls-bio");
    let Some(certificate) = certificate(&dir) else { return };
    let command = ["python3", "-c", REVERSE, &certificate];
    let Some((records, _)) = watch(&dir, &["--no-redact"], &command) else { return };
    let (mut lines, mut reversed) = (Vec::<u8>::new(), Vec::<u8>::new());
    for size in [1, 100, 5000, 16000] {
        let line: Vec<u8> = (0..size).map(|at| 97 + (at % 26) as u8).collect();
        reversed.extend(line.iter().rev().chain(b"\n"));
        lines.extend(line.iter().chain(b"\n"));
    }
    let mut told: Vec<Vec<u8>> = streams(&records).into_values().collect();
    let mut wanted = vec![lines.clone(), lines, reversed.clone(), reversed];
    told.sort();
    wanted.sort();
    assert_eq!(told, wanted, "two ends, two ways");
    let tls = coverage(&records)["tls"].as_array().expect("a list").clone();
    assert_eq!(tls.len(), 2, "{tls:?}");
    assert!(tls.iter().all(|one| one["state"] == "attached" && one["library"] == "openssl"), "{tls:?}");
    for record in records.iter().filter(|record| record["kind"] == "tls_data") {
        assert!(record["remote"].as_str().is_some_and(|end| end.starts_with("127.0.0.1:")), "{record}");
    }
}
