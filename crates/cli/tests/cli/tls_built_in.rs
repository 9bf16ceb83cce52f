//! `watch` on programs that have OpenSSL or BoringSSL built in and no symbols of it: every byte, both ways (root).

use crate::run::Dir;
use crate::tls::{certificate, coverage, sha256, streams, watch};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

const SIZES: [&str; 6] = ["1", "100", "16384", "16385", "100001", "1000000"];

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli").join(name)
}

/// Everything that was said is whole, by programs that all were followed.
fn assert_whole(records: &[Value]) {
    let ledger = records.last().expect("the ledger");
    assert_eq!((&ledger["closes"], &ledger["lost"]), (&Value::Bool(true), &serde_json::json!({})));
    let tls = coverage(records)["tls"].as_array().expect("a list").clone();
    assert!(!tls.is_empty());
    for speaker in tls {
        assert_eq!((&speaker["state"], &speaker["library"]), (&"attached".into(), &"openssl".into()));
    }
}

#[test]
fn every_byte_of_a_stripped_program_with_openssl_built_in() {
    let dir = Dir::new("tls-static");
    let Some(certificate) = certificate(&dir) else { return };
    for options in [&["-no-pie"][..], &["-pie", "-fPIE"]] {
        let program = dir.text("talk");
        let build = |libraries: &[&str]| {
            let mut cc = Command::new("cc");
            cc.args(options).args(["-s", "-O2", "-o", &program]).arg(source("talk.c"));
            cc.args(["-l:libssl.a", "-l:libcrypto.a", "-ldl", "-lpthread"]).args(libraries);
            cc.output().is_ok_and(|built| built.status.success())
        };
        if !build(&[]) && !build(&["-lz"]) && !build(&["-lz", "-lzstd"]) {
            return eprintln!("skipped: no compiler, or no libssl.a");
        }
        let command = [&[program.as_str(), &certificate][..], &SIZES].concat();
        let Some((records, _)) = watch(&dir, &["--no-redact"], &command) else { return };
        let (mut sent, mut answered) = (Vec::new(), Vec::new());
        for size in SIZES {
            let len: usize = size.parse().expect("a number");
            let piece: Vec<u8> = (0..len).map(|at| (7 * at + len) as u8).collect();
            sent.extend(&piece);
            answered.extend(piece.iter().rev());
        }
        let mut told: Vec<String> = streams(&records).values().map(|data| sha256(data)).collect();
        let mut wanted = [sha256(&sent), sha256(&sent), sha256(&answered), sha256(&answered)];
        told.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(told, wanted, "two ends, two ways: {options:?}");
        assert_whole(&records);
    }
}

/// The bodies of the messages that follow one another on a connection, each with its length, or without and empty.
pub(crate) fn bodies(mut data: &[u8]) -> Vec<&[u8]> {
    let mut bodies = Vec::new();
    while let Some(end) = data.windows(4).position(|four| four == b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&data[..end]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
        let (start, length) = (end + 4, length.trim().parse::<usize>().expect("a number"));
        bodies.push(&data[start..start + length]);
        data = &data[start + length..];
    }
    assert!(data.is_empty(), "{} bytes behind the last message", data.len());
    bodies
}

/// bun, from `KERNSCOPE_BUN` or the search path; `None`, said aloud, where there is none.
fn bun() -> Option<String> {
    let bun = std::env::var("KERNSCOPE_BUN").unwrap_or_else(|_| "bun".to_owned());
    match Command::new(&bun).arg("--version").output() {
        Ok(output) if output.status.success() => Some(bun),
        _ => {
            eprintln!("skipped: no bun (`npm pack @oven/bun-linux-x64` brings one; KERNSCOPE_BUN names it)");
            None
        }
    }
}

/// Every body of `sizes` is told by both ends, both ways.
fn assert_told(records: &[Value], printed: &str, sizes: &[&str]) {
    let streams = streams(records);
    let told: Vec<String> = streams.values().flat_map(|data| bodies(data)).map(sha256).collect();
    assert_eq!(printed.lines().count(), sizes.len());
    for line in printed.lines() {
        let [_, sent, got] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        // A single byte is itself reversed.
        let times = if sent == got { 4 } else { 2 };
        for wanted in [sent, got] {
            assert_eq!(told.iter().filter(|sum| *sum == wanted).count(), times, "both ends: {line}");
        }
    }
    assert_eq!(told.len(), sizes.len() * 4);
    assert_whole(records);
}

/// What `bun build --compile` makes of the program.
fn compiled(bun: &str, dir: &Dir) -> String {
    let program = dir.text("talk");
    let mut build = Command::new(bun);
    build.args(["build", "--compile", "--outfile", &program]).arg(source("talk.ts"));
    let built = build.output().expect("bun runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    program
}

#[test]
fn every_byte_of_a_program_made_by_bun() {
    let Some(bun) = bun() else { return };
    let dir = Dir::new("tls-bun");
    let Some(certificate) = certificate(&dir) else { return };
    let program = compiled(&bun, &dir);
    let command = [&[program.as_str(), &certificate][..], &SIZES].concat();
    let Some((records, printed)) = watch(&dir, &["--no-redact"], &command) else { return };
    assert_told(&records, &printed, &SIZES);
    let connections = streams(&records).len();
    assert!(connections > 4, "some requests had a connection of their own: {connections}");
}

#[test]
fn every_byte_of_ten_million_in_a_program_made_by_bun() {
    let Some(bun) = bun() else { return };
    let dir = Dir::new("tls-bun-long");
    let Some(certificate) = certificate(&dir) else { return };
    let program = compiled(&bun, &dir);
    let sizes = ["10000000"];
    let Some((records, printed)) = watch(&dir, &["--no-redact"], &[&program, &certificate, sizes[0]]) else {
        return;
    };
    assert_told(&records, &printed, &sizes);
}

#[test]
fn every_byte_of_bun_and_of_what_it_makes_below_a_shell() {
    let Some(bun) = bun() else { return };
    let dir = Dir::new("tls-bun-shell");
    let Some(certificate) = certificate(&dir) else { return };
    let program = compiled(&bun, &dir);
    let (script, source) = (dir.text("script.sh"), source("talk.ts"));
    let by_bun = format!("{bun} {} {certificate} 1000; true", source.display());
    let by_itself = format!("{program} {certificate} 1000; true");
    std::fs::write(&script, format!("#!/bin/sh\ncd /tmp\n{by_itself}\n")).expect("written");
    for command in [["sh", "-c", &by_bun], ["sh", "-c", &by_itself], ["sh", &script, "x"]] {
        let Some((records, printed)) = watch(&dir, &["--no-redact"], &command) else { return };
        assert_told(&records, &printed, &["1000"]);
    }
}
