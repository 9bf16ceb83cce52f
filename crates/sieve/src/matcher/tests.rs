use super::*;

fn matcher(text: &str) -> Matcher {
    Matcher::new(RuleSet::parse(text).expect("parses"))
}

/// Rule names and secrets found in `data`.
fn found<'a>(matcher: &'a Matcher, data: &[u8], place: &Place<'_>) -> Vec<(&'a str, Vec<u8>)> {
    let found = matcher.find(data, place, &mut matcher.scratch());
    found.into_iter().map(|one| (matcher.rules()[one.rule].id.as_str(), one.secret)).collect()
}

#[test]
fn the_secret_is_the_group() {
    let matcher = matcher(
        "[[rule]]\nid='one'\nregex='k1=(x)?(\\w+)'\n[[rule]]\nid='two'\nregex='k2=(\\w)(\\w+)'\nsecret_group=2\n\
         [[rule]]\nid='none'\nregex='\\nk3\\n'",
    );
    let data = b"k1=abc k1=xbc k2=abc\nk3\n";
    let expected = [("one", "abc"), ("one", "x"), ("two", "bc"), ("none", "k3")];
    assert_eq!(found(&matcher, data, &Place::default()), expected.map(|(id, secret)| (id, secret.into())));
}

#[test]
fn keywords_may_be_anywhere_and_in_any_case() {
    let matcher = matcher("[[rule]]\nid='a'\nregex='id=\\d+'\nkeywords=['Acme']");
    assert!(found(&matcher, b"id=12", &Place::default()).is_empty());
    assert_eq!(found(&matcher, b"id=12 ... ACME", &Place::default()).len(), 1);
}

#[test]
fn entropy_and_allowlists_excuse() {
    let matcher = matcher(
        "[[rule]]\nid='a'\nregex='key=(\\w+)'\nentropy=2.0\n\
         [[rule.allowlist]]\nstopwords=['Example']\n\
         [[rule.allowlist]]\ncondition='and'\npaths=['^t/']\nregexes=['^q']\n\
         [[rule.allowlist]]\npaths=['^skip/']\n\
         [[rule.allowlist]]\ntarget='line'\nregexes=['fine']\n\
         [[allowlist]]\ntarget='match'\nregexes=['^key=zz']\n\
         [[allowlist]]\ncommits=['c0ffee']",
    );
    let count = |data: &str, path: &str| {
        found(&matcher, data.as_bytes(), &Place { path: path.as_bytes(), commit: None }).len()
    };
    assert_eq!(count("key=abcdef", ""), 1);
    assert_eq!(count("key=abcd", ""), 0, "exactly the floor is not above it");
    assert_eq!(count("key=abcEXAMPLEdef", ""), 0);
    assert_eq!((count("key=qwertz", "t/x"), count("key=qwertz", "x"), count("key=wertzu", "t/x")), (0, 1, 1));
    assert_eq!(count("key=abcdef", "skip/x"), 0);
    assert_eq!(count("key=abcdef # fine\nkey=abcdef", ""), 1);
    assert_eq!(count("key=zzabcdef", ""), 0);
    assert_eq!(count("key=abcdef // gitleaks:allow\nkey=ghijkl # kernscope:allow", ""), 0);
    assert!(matcher.is_excused(&Place { path: b"", commit: Some("C0FFEE") }));
}

#[test]
fn a_generic_rule_gives_way() {
    let matcher =
        matcher("[[rule]]\nid='generic-key'\nregex='key=(\\w+)'\n[[rule]]\nid='acme'\nregex='acme_\\w+'");
    let names: Vec<&str> = found(&matcher, b"key=acme_1\nkey=other", &Place::default())
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["acme", "generic-key"]);
}

#[test]
fn look_around_sees_beyond_the_window() {
    let matcher = matcher("[[rule]]\nid='a'\nregex='\\bkey\\b'\n[[rule]]\nid='b'\nregex='(?m)^tok$'");
    for (data, count) in [
        ("key", 1),
        ("xkey", 0),
        ("ékey", 0),
        ("key\u{e9}", 0),
        ("é key é", 1),
        ("a\ntok\nb", 1),
        ("a tok", 0),
    ] {
        assert_eq!(found(&matcher, data.as_bytes(), &Place::default()).len(), count, "{data}");
    }
}

/// Without a literal, and in data where a looser expression goes ahead.
#[test]
fn look_around_is_exact_beyond_ascii() {
    let text = r"\b[0-9a-f]{8,60}\b";
    let matcher = matcher(&format!("[[rule]]\nid='a'\nregex='{text}'"));
    let plain = regex::bytes::Regex::new(text).expect("parses");
    let wrong = "é0123456789abcdef 0123456789abcdefé ".repeat(40);
    for data in [
        "é 01234567 é89abcdef 89abcdef\u{301} 0123-89abcdef".to_owned(),
        format!("{wrong}0123456789abcdef é"),
        wrong,
        format!("é {}", "0123456789".repeat(10_000)),
    ] {
        let spans = matcher.spans(data.as_bytes(), &mut matcher.scratch());
        let spans: Vec<_> = spans.into_iter().map(|(_, span)| span).collect();
        assert_eq!(spans, plain.find_iter(data.as_bytes()).map(|found| found.range()).collect::<Vec<_>>());
    }
}

#[test]
fn paths_alone_are_findings() {
    let matcher =
        matcher("[[rule]]\nid='a'\npaths=['\\.pem$']\n[[rule]]\nid='b'\nregex='x'\npaths=['\\.pem$']");
    let place = Place { path: b"a/b.pem", commit: None };
    assert_eq!(matcher.find_path(&place).collect::<Vec<_>>(), [0]);
    assert_eq!(found(&matcher, b"x", &place), [("b", b"x".to_vec())]);
    assert!(found(&matcher, b"x", &Place::default()).is_empty());
}
