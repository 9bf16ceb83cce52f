//! Rule sets: nothing that a rule matches is lost, whatever the condition for all of them lets through beside it.

use crate::support::{Random, Running, privileged};
use kernscope_kit::compile::rules::{Pattern, Rules};
use kernscope_kit::compile::{Content, Filter, Host, LoopShape, Options, Target, compile, oracle};
use regex_syntax::hir::{Class, Hir, HirKind};
use std::path::PathBuf;

/// Samples of each rule.
const SAMPLES: usize = 6;

/// The real rule set, if it is here.
fn gitleaks() -> Option<Rules> {
    let data =
        std::env::var_os("KERNSCOPE_DATA").map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.join(data).join("rules/gitleaks.toml");
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(Rules::parse(&text).expect("gitleaks' own file is read")),
        Err(error) => {
            eprintln!("skipped: rules/gitleaks.toml: {error}");
            None
        }
    }
}

/// Something that the expression probably matches: only what it looks around at is not heeded.
fn sample(hir: &Hir, random: &mut Random, text: &mut String) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(Class::Unicode(class)) => {
            let range = class.ranges()[random.below(class.ranges().len().min(6))];
            let span = range.end() as usize - range.start() as usize + 1;
            text.push(
                char::from_u32(range.start() as u32 + random.below(span) as u32).unwrap_or(range.start()),
            );
        }
        HirKind::Class(Class::Bytes(class)) => text.push(char::from(class.ranges()[0].start() & 0x7f)),
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(repetition.min + 4) - repetition.min;
            for _ in 0..repetition.min as usize + random.below(most.min(4) as usize + 1) {
                sample(&repetition.sub, random, text);
            }
        }
        HirKind::Capture(capture) => sample(&capture.sub, random, text),
        HirKind::Concat(parts) => parts.iter().for_each(|part| sample(part, random, text)),
        HirKind::Alternation(parts) => sample(&parts[random.below(parts.len())], random, text),
    }
}

/// Data that the rule's expression and a keyword of it match, by the `regex` crate.
fn matching(pattern: &str, keywords: &[Vec<u8>], random: &mut Random) -> Vec<Vec<u8>> {
    let regex = regex::bytes::RegexBuilder::new(pattern)
        .size_limit(100 << 20)
        .build()
        .expect("the regex crate reads it");
    let hir = regex_syntax::parse(pattern).expect("parses");
    let samples = (0..4 * SAMPLES).map(|_| {
        let mut text = String::from("let x = \"");
        sample(&hir, random, &mut text);
        text.push_str("\"; // nothing else");
        text.into_bytes()
    });
    let keyword = |data: &[u8]| {
        let lower = data.to_ascii_lowercase();
        keywords.is_empty()
            || keywords.iter().any(|word| lower.windows(word.len()).any(|here| here == &word[..]))
    };
    samples.filter(|data| regex.is_match(data) && keyword(data)).take(SAMPLES).collect()
}

#[test]
fn nothing_that_gitleaks_rules_match_is_lost() {
    let Some(rules) = gitleaks() else { return };
    let content = rules.content();
    let running = privileged().then(|| Running::new(&content, Target::Xdp, Host::running()));
    let mut random = Random(11);
    let (mut samples, mut sampled) = (0, 0);
    for (rule, (id, condition)) in rules.rules.iter().zip(rules.conditions()) {
        let Pattern::Regex(pattern) = &rule.pattern else { panic!("{id}: gitleaks has expressions only") };
        let data = matching(pattern, &rule.keywords, &mut random);
        sampled += usize::from(!data.is_empty());
        for data in data {
            samples += 1;
            assert!(oracle::matches(&condition, &data), "{id}: {}", data.escape_ascii());
            assert!(oracle::matches(&content, &data), "all, {id}: {}", data.escape_ascii());
            if let Some(running) = running.as_ref().filter(|_| data.len() < 3000) {
                assert!(running.is_match(&data), "in the kernel, {id}: {}", data.escape_ascii());
            }
        }
    }
    eprintln!("{samples} samples of {sampled} rules of {}", rules.rules.len());
    assert!(sampled > 200, "samples for {sampled} rules only");
}

#[test]
fn the_whole_of_gitleaks_is_one_small_program() {
    let Some(rules) = gitleaks() else { return };
    assert_eq!(rules.rules.len() + rules.paths_only.len(), 222);
    if !privileged() {
        return;
    }
    let running = Running::new(&rules.content(), Target::Xdp, Host::running());
    let info = running.loaded.info().expect("info");
    if Host::running().shape == LoopShape::MayGoto {
        assert!(info.verified_insns < 1_000, "{info:?}");
    }
    assert!(!running.is_match(b"an ordinary line of text that holds nothing"));
}

#[test]
fn own_rules_are_exact() {
    let text = r#"
        [[rule]]
        id = "deploy key"
        literals = ["deploy-key:", "deploy_key="]
        fold = true
        [[rule]]
        id = "padding"
        bytes = "=>=3,A>=2;window=8"
        keywords = ["base64"]
    "#;
    let content = Rules::parse(text).expect("parses").content();
    for (data, right) in [
        (&b"DEPLOY-key: 1"[..], true),
        (b"deploy key", false),
        (b"base64 AA===.", true),
        (b"AA===.", false),
        (b"Base64 A=..=..A...=", false),
    ] {
        assert_eq!(oracle::matches(&content, data), right, "{}", data.escape_ascii());
    }
}

#[test]
fn bad_rules_say_what_and_where() {
    for (text, message) in [
        ("[[rule]]\nid = 3", "read rules: line 2: invalid type: integer `3`, expected a string"),
        (
            "[[rule]]\nid = \"x\"",
            "read rules: rule \"x\" asks for nothing; give it literal, literals, regex or bytes",
        ),
        ("[[rules]]\nid = \"x\"", "read rules: rule \"x\" asks for nothing; give it regex or path"),
        ("title = \"x\"", "read rules: there is no [[rule]] and no [[rules]] in it"),
        (
            "[[rule]]\nid = \"x\"\nbytes = \"a>3;window=2\"",
            "read rules: rule \"x\": parse thresholds \"a>3;window=2\": \"a>3\" is not BYTE>=COUNT",
        ),
        (
            "[[rule]]\nid = \"x\"\nliteral = \"a\"\nregex = \"b\"",
            "read rules: rule \"x\" asks for several things; make it several rules",
        ),
    ] {
        assert_eq!(Rules::parse(text).expect_err("bad").to_string(), message);
    }
}

#[test]
fn an_expression_that_no_automaton_fits_is_widened_and_says_so() {
    let wide = r"(?i)[\w.-]{0,50}?(?:access|auth|key)[ \t\w.-]{0,20}=[a-z0-9]{30,60}\b.{40}(?:x|y){20}";
    let content =
        Content::Regex(std::sync::Arc::new(kernscope_kit::compile::Regex::new(wide).expect("parses")));
    let options = Options::new(Target::Xdp, Host::new(LoopShape::MayGoto));
    assert!(!compile(&Filter::content(content), &options).expect("compiles").exact());
}
