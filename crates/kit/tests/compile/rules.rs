//! Rule sets: nothing that a rule matches is lost, whatever the condition for all of them lets through beside it. Real
//! rule sets are held in `crates/sieve/tests/conditions`, whose crate reads files of them.

use crate::support::{Random, agree, inputs};
use kernscope_kit::compile::rules::{Pattern, Rule, Rules};
use kernscope_kit::compile::{
    Content, Filter, Host, LoopShape, Options, Regex, Target, compile, oracle, parse_thresholds,
};

fn rule(id: &str, keywords: &[&str], content: Content) -> Rule {
    let keywords = keywords.iter().map(|word| word.as_bytes().to_vec()).collect();
    Rule { id: id.to_owned(), keywords, pattern: Pattern::Content(content) }
}

#[test]
fn what_a_rule_says_exactly_is_asked_exactly() {
    let keys = [b"deploy-key:".to_vec(), b"deploy_key=".to_vec()];
    let rules = vec![
        rule("deploy key", &[], Content::Literals { list: keys.to_vec(), fold: true }),
        rule("padding", &["base64"], parse_thresholds("=>=3,A>=2;window=8").expect("counts")),
    ];
    let content = Rules { rules, paths_only: vec![] }.content();
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
fn texts_count_with_what_follows_them() {
    let assigned = r#"(?i)(?:key|token)[ \t\w.-]{0,20}\s{0,3}[=:][\s'"=]{0,5}[\w.=-]{10,150}(?:["\s;]|$)"#;
    let patterns = [(assigned, "key token"), (r"\bs\.(?i:[a-z0-9]{24})(?:[\s;]|$)", "s.")];
    let rules = patterns.map(|(pattern, words)| Rule {
        id: words.to_owned(),
        keywords: words.split(' ').map(|word| word.as_bytes().to_vec()).collect(),
        pattern: Pattern::Regex(pattern.to_owned()),
    });
    let content = Rules { rules: rules.to_vec(), paths_only: vec![] }.content();
    assert!(matches!(&content, Content::Any(parts) if matches!(parts[..], [Content::Anchored(_)])));
    let planted =
        ["Key x = 0123456789;", "token:\"abcdefghijk", "s.0123456789abcdefghijABCD\n", "the key: none"];
    let mut random = Random(5);
    let data: Vec<Vec<u8>> = planted
        .iter()
        .flat_map(|planted| inputs(&mut random, b"key=:tokn\"01a .s;\n", planted.as_bytes(), 24))
        .collect();
    for (pattern, _) in patterns {
        let regex = Regex::new(pattern).expect(pattern);
        for data in data.iter().filter(|data| regex.is_match(data)) {
            assert!(oracle::matches(&content, data), "{pattern} on {}", data.escape_ascii());
        }
    }
    for data in [&b"the key to it is a token: none of them"[..], b"keys.map(x); items.iter().map(token)"] {
        assert!(!oracle::matches(&content, data), "{}", data.escape_ascii());
    }
    agree(&content, &data);
}

fn expression(pattern: &str, word: &str) -> Content {
    let rule = Rule {
        id: pattern.to_owned(),
        keywords: vec![word.as_bytes().to_vec()],
        pattern: Pattern::Regex(pattern.to_owned()),
    };
    Rules { rules: vec![rule], paths_only: vec![] }.content()
}

#[test]
fn a_tail_that_any_bytes_go_on_with_waits_for_the_end() {
    let content = expression(r"key=[0-9](?:(?s-u:.)*|b)$", "key");
    let data = [&b"key=7"[..], b"a key=1\0 and more", b"key=x", b"key: 7"].map(<[u8]>::to_vec);
    for (data, right) in data.iter().zip([true, true, false, false]) {
        assert_eq!(oracle::matches(&content, data), right, "{}", data.escape_ascii());
    }
    agree(&content, &data);
}

#[test]
fn words_of_classes_do_not_multiply_each_other() {
    let content = expression("(?:ab|ba)[a-h]{40}(?:;a){2}", "a");
    let options = Options::new(Target::Xdp, Host::new(LoopShape::Bounded));
    let compiled = compile(&Filter::content(content), &options).expect("compiles");
    assert!(compiled.table_bytes() < 1 << 20, "{} bytes", compiled.table_bytes());
}

#[test]
fn an_expression_that_no_automaton_fits_is_widened_and_says_so() {
    let wide = r"(?i)[\w.-]{0,50}?(?:access|auth|key)[ \t\w.-]{0,20}=[a-z0-9]{30,60}\b.{40}(?:x|y){20}";
    let content =
        Content::Regex(std::sync::Arc::new(kernscope_kit::compile::Regex::new(wide).expect("parses")));
    let options = Options::new(Target::Xdp, Host::new(LoopShape::MayGoto));
    assert!(!compile(&Filter::content(content), &options).expect("compiles").exact());
}
