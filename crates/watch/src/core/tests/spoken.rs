//! Plain text that waits until it is known which of it is secret.

use super::*;
use kernscope_sieve::matcher::Matcher;
use kernscope_sieve::rules::RuleSet;
use serde_json::{Value, json};

/// In two parts, so that no scanner finds a token here.
const TOKEN: [&str; 2] = ["ghp_", "0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R"];
const SECOND_NS: u64 = 1_000_000_000;

fn said(offset: u64, len: usize, direction: u32) -> abi::Tls {
    abi::Tls {
        handle: 5,
        born_ns: 9,
        offset,
        call_bytes: len as u64,
        remote: abi::Endpoint { addr: [1; 16], port: 443, version: 4, scope: 0 },
        fd: 4,
        joined: abi::TLS_SOCKET_USED,
        direction,
        ..Default::default()
    }
}

fn say(bench: &mut Bench, offset: u64, data: &[u8], direction: u32) -> Vec<Value> {
    let tls = said(offset, data.len(), direction);
    bench.send(Raw::Tls(tls), &[(abi::SEC_DATA, 0, data)]).iter().map(json).collect()
}

fn of_kind<'a>(records: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    records.iter().filter(move |record| record["kind"] == kind)
}

/// What is told of a text that is said in parts, once it is over.
fn told(bench: &mut Bench, parts: &[&[u8]], direction: u32) -> Vec<Value> {
    let (mut records, mut offset) = (Vec::new(), 0);
    for part in parts {
        records.extend(say(bench, offset, part, direction));
        offset += part.len() as u64;
    }
    let end = abi::Tls { direction: abi::TLS_END, ..said(0, 0, 0) };
    records.extend(bench.send(Raw::Tls(end), &[]).iter().map(json));
    assert_eq!(bench.core.tally().held, 0);
    records
}

#[test]
fn a_secret_is_hidden_and_found_wherever_calls_split_it() {
    let token = TOKEN.concat();
    let text = format!("Authorization: token {token}\r\n\r\n");
    let matcher =
        || Matcher::new(RuleSet::parse("[[rule]]\nid = 'pat'\nregex = 'ghp_[0-9A-Za-z]{36}'").unwrap());
    let mut bench = Bench::new();
    bench.core = Core::new(Config::default()).with_rules(matcher());
    for (way, direction) in [("send", abi::TLS_OUT), ("recv", abi::TLS_IN)] {
        for split in 1..text.len() {
            let records =
                told(&mut bench, &[&text.as_bytes()[..split], &text.as_bytes()[split..]], direction);
            let shown: String =
                of_kind(&records, "tls_data").map(|one| one["data"].as_str().unwrap()).collect();
            assert!(
                token.as_bytes().windows(5).all(|part| !shown.contains(str::from_utf8(part).unwrap())),
                "{shown}"
            );
            let found: Vec<_> = of_kind(&records, "content_match").collect();
            assert_eq!(found.len(), 1, "split at {split}: {found:?}");
            let Value::Object(found) = found[0] else { panic!("no object") };
            let expect = json!({
                "rule": "pat", "source": "tls", "remote": "1.1.1.1:443", "fd": 4, "offset": 21, "direction": way,
                "redacted": "ghp_[36 bytes more]", "secret_bytes": 40,
            });
            for (field, value) in expect.as_object().unwrap() {
                assert_eq!(&found[field], value, "{field}, split at {split}");
            }
        }
    }
}

#[test]
fn a_record_waits_for_a_second_at_most() {
    let (mut bench, token) = (Bench::new(), TOKEN.concat());
    assert_eq!(say(&mut bench, 0, b"x ghp_0a1B", abi::TLS_OUT), [] as [Value; 0]);
    assert_eq!(bench.core.tally().held, 1);
    bench.header.ts_ns += SECOND_NS - 1;
    assert_eq!(bench.send(opened(1, 3), &[]).len(), 1, "not yet");
    bench.header.ts_ns += 1;
    let records: Vec<_> = bench.send(opened(1, 3), &[]).iter().map(kind).collect();
    assert_eq!(records, ["tls_data", "file_open"]);
    // What comes later is redacted all the same.
    assert_eq!(say(&mut bench, 10, &token.as_bytes()[8..], abi::TLS_OUT), [] as [Value; 0]);
    let rest: Vec<_> = bench.finish().iter().map(json).collect();
    assert_eq!((&rest[0]["data"], &rest[0]["secrets"]), (&json!("[32 bytes]"), &json!(1)));
    assert_eq!(rest[1]["kind"], "content_match");
}

#[test]
fn a_record_waits_for_few_bytes_and_few_records() {
    let mut bench = Bench::new();
    let page = vec![b'-'; 4096];
    for number in 0..17 {
        // Rules look at the first page, and at 64 KiB behind it; the last 8 of them wait.
        let told = say(&mut bench, number * 4096, &page, abi::TLS_IN).len();
        assert_eq!(told, if number == 16 { 15 } else { 0 });
    }
    let mut told = 0;
    for number in 0..1000 {
        told += say(&mut bench, 17 * 4096 + number, b"-", abi::TLS_IN).len();
        assert!(bench.core.tally().held <= 512);
    }
    assert_eq!(told + bench.core.tally().held as usize, 1002);
    assert!(bench.core.tally().held >= 256);
}

#[test]
fn bytes_are_looked_at_once_but_for_what_may_go_on() {
    let builtin = || Matcher::new(RuleSet::builtin());
    for rules in [None, Some(builtin())] {
        let mut bench = Bench::new();
        if let Some(rules) = rules {
            bench.core = Core::new(Config::default()).with_rules(rules);
        }
        let (page, pages) = (vec![b'-'; 16 << 10], 64);
        let told: usize = (0..pages).map(|at| say(&mut bench, at << 14, &page, abi::TLS_IN).len()).sum();
        assert_eq!(told as u64 + bench.core.tally().held, pages);
        let (said, looked) = (pages << 14, bench.core.judges.looked_bytes);
        assert!(looked >= said - (64 << 10) && looked <= said + said / 8, "{looked} for {said}");
    }
}

#[test]
fn what_was_before_a_gap_is_not_kept() {
    let mut bench = Bench::new();
    let page = vec![b'-'; 16 << 10];
    for number in 0..5000 {
        say(&mut bench, number * 20_000, &page, abi::TLS_IN);
        assert_eq!(bench.core.tally().held, 1, "it waits for what follows, at gap {number}");
    }
}

#[test]
fn what_a_process_said_is_told_before_it_ends() {
    let mut bench = Bench::new();
    say(&mut bench, 0, b"bye", abi::TLS_OUT);
    let kinds: Vec<_> = bench.send(Raw::Exit(abi::Exit::default()), &[]).iter().map(kind).collect();
    assert_eq!(kinds, ["tls_data", "process_exit"]);
}

#[test]
fn a_gap_parts_what_is_on_its_sides() {
    let (mut bench, token) = (Bench::new(), TOKEN.concat());
    say(&mut bench, 0, &token.as_bytes()[..20], abi::TLS_OUT);
    let records = say(&mut bench, 30, &token.as_bytes()[20..], abi::TLS_OUT);
    assert_eq!(records.len(), 1, "nothing can be known of what waited");
    let rest: Vec<_> = bench.finish().iter().map(json).collect();
    assert_eq!((&rest[0]["truncated"], &rest[0]["missing_bytes"]), (&json!(true), &json!(10)));
    assert_eq!(rest.len(), 1, "no rule finds half a token");
    let far = abi::Tls { offset: u64::MAX - 1, ..said(0, 0, abi::TLS_OUT) };
    assert_eq!(bench.send(Raw::Tls(far), &[(abi::SEC_DATA, 0, b"abc")]), []);
    assert_eq!(bench.core.tally().undecodable, 1);
}
