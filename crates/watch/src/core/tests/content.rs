use super::*;
use kernscope_sieve::matcher::Matcher;
use kernscope_sieve::rules::RuleSet;
use serde_json::json;

const RULES: &str = "[[rule]]\nid = 'token'\nregex = '\\btok_[0-9a-f]{8}\\b'\nseverity = 'high'";

fn bench(redact: bool) -> Bench {
    let config = Config { redact, ..Config::default() };
    let mut bench = Bench::with(config);
    let matcher = Matcher::new(RuleSet::parse(RULES).expect("rules"));
    bench.core = Core::new(config).with_rules(matcher);
    bench
}

fn moved(source: u32, st_mode: u32) -> abi::Content {
    let file = abi::FileId { st_mode, ..file(1) };
    abi::Content { file, offset: 1000, source, fd: 3, ..Default::default() }
}

fn data(bytes: &[u8]) -> Sec<'_> {
    (abi::SEC_DATA, 0, bytes)
}

#[test]
fn what_a_rule_finds_is_told_with_its_file_and_without_the_secret() {
    let mut bench = bench(true);
    let hint = abi::PathHint { op: abi::OP_CONTENT, dev: 0, ino: 1 };
    assert!(bench.send(Raw::PathHint(hint), &[(abi::SEC_PATH, 0, b"key\0a\0home\0")]).is_empty());
    let entry = bench.one(Raw::Content(moved(abi::CONTENT_IN, 0o100_600)), &[data(b"x tok_01234567 y")]);
    let expect = json!({
        "kind": "content_match", "rule": "token", "description": "", "severity": "high", "source": "file_read",
        "path": "/home/a/key", "fd": 3, "offset": 1002, "redacted": "tok[9 bytes more]", "secret_bytes": 12,
    });
    assert_eq!(json(&entry), expect);
}

#[test]
fn every_way_has_its_word_and_what_is_asked_for_is_shown() {
    let mut bench = bench(false);
    for (source, st_mode, word) in [
        (abi::CONTENT_IN, 0o100_600, "file_read"),
        (abi::CONTENT_OUT, 0o010_600, "file_write"),
        (abi::CONTENT_IN, 0o140_777, "net_recv"),
        (abi::CONTENT_OUT, 0o140_777, "net_send"),
    ] {
        let entry = json(&bench.one(Raw::Content(moved(source, st_mode)), &[data(b"tok_01234567")]));
        assert_eq!((&entry["source"], &entry["redacted"]), (&json!(word), &json!("tok_01234567")));
    }
}

#[test]
fn what_the_piece_before_had_is_told_once() {
    let mut bench = bench(true);
    let piece =
        |at, overlap| Raw::Content(abi::Content { at, overlap, ..moved(abi::CONTENT_OUT, 0o100_600) });
    assert_eq!(bench.send(piece(0, 0), &[data(b"tok_01234567 tok_76543210 ")]).len(), 2);
    assert!(bench.send(piece(13, 13), &[data(b"tok_76543210 and")]).is_empty(), "it ends in the overlap");
    assert_eq!(bench.send(piece(13, 6), &[data(b"tok_76543210 and")]).len(), 1, "it reaches beyond");
    assert_eq!(bench.core.tally().filtered["no_match"], 1);
}

#[test]
fn what_ends_with_a_piece_is_told_by_the_one_that_sees_what_follows() {
    let first = [&[b' '; 308][..], b"tok_01234567"].concat();
    let piece = |at, overlap, again| {
        let data = abi::Content { at, overlap, again, call_bytes: 330, ..moved(abi::CONTENT_OUT, 0o100_600) };
        Raw::Content(data)
    };
    // The next piece begins with the last 20 bytes of 320.
    for (follows, told) in [(&b" and more."[..], 1), (b"89abcdef..", 0)] {
        let mut bench = bench(true);
        assert!(bench.send(piece(0, 0, 20), &[data(&first)]).is_empty());
        let next = [&first[300..], follows].concat();
        assert_eq!(bench.send(piece(300, 20, 0), &[data(&next)]).len(), told, "{}", follows.escape_ascii());
    }
}

#[test]
fn what_may_match_and_does_not_is_accounted_for() {
    let mut bench = bench(true);
    assert!(bench.send(Raw::Content(moved(0, 0o100_600)), &[data(b"tok_0123456 is too short")]).is_empty());
    let mut without = Bench::new();
    assert!(without.send(Raw::Content(moved(0, 0o100_600)), &[data(b"tok_01234567")]).is_empty());
    assert_eq!(without.core.tally().filtered["no_rules"], 1);
    let mut out = Vec::new();
    let unknown = event(bench.header, Raw::Content(moved(9, 0o100_600)), &[data(b"tok_01234567")]);
    bench.core.step(&unknown, &mut out);
    assert_eq!((out.len(), bench.core.tally().undecodable), (0, 1));
}
