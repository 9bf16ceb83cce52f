//! Secrets that are read from a file and sent.

use super::*;
use kernscope_sieve::matcher::Matcher;
use kernscope_sieve::rules::RuleSet;
use serde_json::{Value, json};

const RULES: &str = "[[rule]]\nid = 'token'\nregex = '\\btok_[0-9a-f]{8}\\b'\nseverity = 'critical'";

fn bench() -> Bench {
    let mut bench = Bench::new();
    let matcher = Matcher::new(RuleSet::parse(RULES).expect("rules"));
    bench.core = Core::new(Config::default()).with_rules(matcher);
    bench
}

/// The same process, or a child that it makes.
fn fork(bench: &mut Bench, child_pid: u32, comm: &[u8; 4]) -> Vec<Value> {
    let fork = abi::Fork {
        child_pid,
        child_tid: child_pid,
        child_ppid: bench.header.pid,
        child_start_ns: 8_000,
        pad: 0,
    };
    let told = bench.send(Raw::Fork(fork), &[]).iter().map(json).collect();
    (bench.header.ppid, bench.header.pid, bench.header.tid) = (bench.header.pid, child_pid, child_pid);
    bench.header.start_ns = 8_000;
    bench.header.comm[..4].copy_from_slice(comm);
    told
}

fn moved(bench: &mut Bench, source: u32, st_mode: u32, path: &[u8], data: &[u8]) -> Vec<Value> {
    bench.header.ts_ns += 10;
    if !path.is_empty() {
        let hint = abi::PathHint { op: abi::OP_CONTENT, dev: 0, ino: 1 };
        assert!(bench.send(Raw::PathHint(hint), &[(abi::SEC_PATH, 0, path)]).is_empty());
    }
    let remote = match st_mode {
        0o140_777 => abi::Endpoint { addr: [9; 16], port: 25, version: 4, scope: 0 },
        _ => abi::Endpoint::default(),
    };
    let content =
        abi::Content { file: abi::FileId { st_mode, ..file(1) }, remote, source, ..Default::default() };
    bench.send(Raw::Content(content), &[(abi::SEC_DATA, 0, data)]).iter().map(json).collect()
}

#[test]
fn who_reads_and_a_child_who_sends_are_one_alert() {
    let mut bench = bench();
    bench.header.comm[..4].copy_from_slice(b"read");
    let read = moved(&mut bench, abi::CONTENT_IN, 0o100_600, b"key\0home\0", b"tok_01234567");
    assert_eq!((read.len(), bench.core.tally().emitted), (1, 1));
    fork(&mut bench, 21, b"send");
    let told = moved(&mut bench, abi::CONTENT_OUT, 0o140_777, b"", b"=tok_01234567&");
    assert_eq!((told.len(), &told[0]["source"]), (2, &json!("net_send")));
    let alert = &told[1];
    assert_eq!(
        (&alert["kind"], &alert["rule"], &alert["severity"]),
        (&json!("alert"), &json!("secret_sent"), &json!("high"))
    );
    assert_eq!(alert["evidence"], json!([0, 1, 2]), "the read, the fork, the send");
    let message = "secret (token) read from /home/key by read (20) and sent to 9.9.9.9:25 by send (21)";
    assert_eq!(alert["message"], message);
    assert!(!alert.to_string().contains("01234567"));
    let again = moved(&mut bench, abi::CONTENT_OUT, 0o140_777, b"", b"=tok_01234567&");
    assert_eq!(again.len(), 1, "told once");
    let other = moved(&mut bench, abi::CONTENT_OUT, 0o140_777, b"", b"=tok_99999999&");
    assert_eq!(other.len(), 1, "never read from a file");
}

#[test]
fn what_goes_through_a_pipe_is_evidence() {
    let mut bench = bench();
    let shell = bench.header;
    fork(&mut bench, 21, b"cats");
    moved(&mut bench, abi::CONTENT_IN, 0o100_600, b"key\0home\0", b"tok_01234567");
    moved(&mut bench, abi::CONTENT_OUT, 0o010_600, b"", b"tok_01234567");
    bench.header = abi::Header { ts_ns: bench.header.ts_ns, ..shell };
    fork(&mut bench, 22, b"curl");
    moved(&mut bench, abi::CONTENT_IN, 0o010_600, b"", b"tok_01234567");
    bench.header.ts_ns += 10;
    let remote = abi::Endpoint { addr: [9; 16], port: 443, version: 4, scope: 0 };
    let text = b"tok_01234567 ";
    let tls = abi::Tls {
        remote,
        joined: abi::TLS_SOCKET_USED,
        direction: abi::TLS_OUT,
        call_bytes: 13,
        ..Default::default()
    };
    let told = bench.send(Raw::Tls(tls), &[(abi::SEC_DATA, 0, text)]);
    let alert = told.iter().map(json).find(|one| one["kind"] == "alert").expect("an alert");
    // Forks 0 and 3; the read, the write into the pipe and the read from it, and what was said by TLS.
    assert_eq!(alert["evidence"], json!([0, 1, 2, 3, 4, 5]));
    let said = told.iter().map(json).find(|one| one["kind"] == "content_match").expect("a find");
    assert_eq!(said["source"], "tls");
    assert_eq!(
        alert["message"],
        "secret (token) read from /home/key by cats (21) and sent to 9.9.9.9:443 by curl (22)"
    );
}

#[test]
fn a_copy_goes_back_to_what_was_copied_whatever_it_is_called_then() {
    let mut bench = bench();
    let shell = bench.header;
    fork(&mut bench, 21, b"copy");
    let find = |bench: &mut Bench, source, ino, path: &[u8]| {
        bench.header.ts_ns += 10;
        let hint = abi::PathHint { op: abi::OP_CONTENT, dev: 0, ino };
        bench.send(Raw::PathHint(hint), &[(abi::SEC_PATH, 0, path)]);
        let file = abi::FileId { st_mode: 0o100_600, ino, ..file(1) };
        let content = abi::Content { file, source, ..Default::default() };
        bench.send(Raw::Content(content), &[(abi::SEC_DATA, 0, b"tok_01234567")]).len()
    };
    assert_eq!(find(&mut bench, abi::CONTENT_IN, 7, b"key\0home\0"), 1);
    assert_eq!(find(&mut bench, abi::CONTENT_OUT, 8, b"copy\0tmp\0"), 1);
    bench.header = abi::Header { ts_ns: bench.header.ts_ns, ..shell };
    fork(&mut bench, 22, b"curl");
    assert_eq!(find(&mut bench, abi::CONTENT_IN, 8, b"moved\0tmp\0"), 1);
    let told = moved(&mut bench, abi::CONTENT_OUT, 0o140_777, b"", b"=tok_01234567&");
    let alert = told.last().expect("an alert");
    let message = "secret (token) read from /home/key by copy (21) and sent to 9.9.9.9:25 by curl (22)";
    assert_eq!(alert["message"], message);
    assert_eq!(alert["evidence"], json!([0, 1, 2, 3, 4, 5]), "forks, read, write, read and send");
}
