//! `watch` on programs with rustls, as cargo builds them: every byte, both ways (root, and crates of its own: `cargo fetch`).

use crate::run::Dir;
use crate::tls::{certificate, coverage, sha256, streams, watch};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// The three ways of the program's clients to begin, and some more.
pub(crate) const CLIENTS: usize = 12;
pub(crate) const SIZES: [usize; 6] = [1, 100, 16_384, 16_385, 300_000, 2];

/// Builds the program with these options; `None`, said aloud, where its crates are not at hand.
pub(crate) fn build(options: &[&str], folder: &str) -> Option<String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/rustls-peer/Cargo.toml");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rustls-peer");
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let run = |what: &[&str]| {
        let mut cargo = Command::new(&cargo);
        cargo.args(what).arg("--locked").arg("--manifest-path").arg(&manifest);
        // Symbols as this program's own manifest says, whatever is set for the tests.
        cargo.env_remove("RUSTFLAGS").env("CARGO_TARGET_DIR", &target).output().expect("cargo runs")
    };
    let fetched = run(&["fetch"]);
    if !fetched.status.success() {
        eprintln!("skipped: {}", String::from_utf8_lossy(&fetched.stderr).trim());
        return None;
    }
    let built = run(&[&["build"][..], options].concat());
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Some(target.join(folder).join("rustls-peer").display().to_string())
}

/// What a client sends of a size: the program makes the same.
pub(crate) fn piece(number: usize, size: usize) -> Vec<u8> {
    (0..size).map(|at| (7 * at + at / 251 + size + 31 * number) as u8).collect()
}

/// Every client's bytes are told by both ends, both ways; each of the processes is followed by one of these libraries.
pub(crate) fn assert_told(
    records: &[Value],
    clients: usize,
    sizes: &[usize],
    libraries: &[&str],
    what: &str,
) {
    let ledger = records.last().expect("the ledger");
    assert_eq!((&ledger["closes"], &ledger["lost"]), (&Value::Bool(true), &serde_json::json!({})), "{what}");
    let streams = streams(records);
    let mut told: Vec<String> = streams.values().map(|data| sha256(data)).collect();
    let mut wanted = Vec::new();
    for number in 0..clients {
        let pieces: Vec<Vec<u8>> = sizes.iter().map(|size| piece(number, *size)).collect();
        let answers: Vec<Vec<u8>> =
            pieces.iter().map(|piece| piece.iter().rev().copied().collect()).collect();
        for sum in [sha256(&pieces.concat()), sha256(&answers.concat())] {
            wanted.extend([sum.clone(), sum]);
        }
    }
    told.sort_unstable();
    wanted.sort_unstable();
    let lengths: Vec<_> = streams.iter().map(|(key, data)| (key, data.len())).collect();
    assert_eq!(told, wanted, "two ends, two ways, each: {what}: {lengths:?}");
    let tls = coverage(records)["tls"].as_array().expect("a list");
    assert!(tls.iter().all(|one| one["state"] == "attached"), "{what}: {tls:?}");
    let mut told: Vec<_> = tls.iter().map(|one| one["library"].as_str().expect("a name")).collect();
    told.sort_unstable();
    assert_eq!(told, libraries, "{what}: {tls:?}");
}

#[test]
fn every_byte_of_a_program_with_rustls() {
    for (options, folder) in [(&["--release"][..], "release"), (&[], "debug")] {
        let Some(program) = build(options, folder) else { return };
        for version in ["1.3", "1.2"] {
            let dir = Dir::new("tls-rustls");
            let Some(certificate) = certificate(&dir) else { return };
            let counts: Vec<String> =
                [CLIENTS].iter().chain(&SIZES).map(|number| number.to_string()).collect();
            let mut command = vec![program.as_str(), &certificate, version];
            command.extend(counts.iter().map(String::as_str));
            let Some((records, printed)) = watch(&dir, &["--no-redact"], &command) else { return };
            assert_eq!(printed.lines().count(), CLIENTS);
            assert_told(&records, CLIENTS, &SIZES, &["rustls"], &format!("{folder}, {version}"));
        }
    }
}

#[test]
fn every_byte_of_ten_million_with_rustls() {
    let Some(program) = build(&["--release"], "release") else { return };
    let dir = Dir::new("tls-rustls-long");
    let Some(certificate) = certificate(&dir) else { return };
    let command = [program.as_str(), &certificate, "1.3", "1", "10000000"];
    let Some((records, _)) = watch(&dir, &["--no-redact"], &command) else { return };
    assert_told(&records, 1, &[10_000_000], &["rustls"], "long");
}

/// A copy without symbols, by `strip` with these options; `None`, said aloud, without it.
fn stripped(program: &str, dir: &Dir, options: &[&str]) -> Option<String> {
    let copy = dir.text("stripped");
    match Command::new("strip").args(options).args(["-o", &copy, program]).status() {
        Ok(status) if status.success() => Some(copy),
        other => {
            eprintln!("skipped: strip: {other:?}");
            None
        }
    }
}

#[test]
fn a_stripped_program_with_rustls_ends_as_blind() {
    let Some(program) = build(&["--release"], "release") else { return };
    let dir = Dir::new("tls-rustls-stripped");
    let Some(certificate) = certificate(&dir) else { return };
    // With its build id it would be known as the one that was not stripped.
    let Some(stripped) = stripped(&program, &dir, &["-R", ".note.gnu.build-id"]) else { return };
    let command = [stripped.as_str(), &certificate, "1.3", "1", "100"];
    let Some((records, _)) = watch(&dir, &[], &command) else { return };
    assert!(records.iter().all(|record| record["kind"] != "tls_data"));
    let tls = coverage(&records)["tls"].as_array().expect("a list").clone();
    assert_eq!((tls.len(), &tls[0]["state"]), (1, &"blind".into()), "{tls:?}");
}

#[test]
fn a_stripped_program_with_rustls_is_followed_where_the_one_with_symbols_is_known() {
    let Some(program) = build(&["--release"], "release") else { return };
    let dir = Dir::new("tls-rustls-copy");
    let Some(certificate) = certificate(&dir) else { return };
    let Some(stripped) = stripped(&program, &dir, &[]) else { return };
    // What is found in the one is kept by the build id, which strip leaves; so are the places of code.
    for program in [&program, &stripped] {
        let command = [program.as_str(), &certificate, "1.3", "3", "1", "16385", "300000"];
        let Some((records, _)) = watch(&dir, &["--no-redact"], &command) else { return };
        assert_told(&records, 3, &[1, 16_385, 300_000], &["rustls"], program);
    }
}
