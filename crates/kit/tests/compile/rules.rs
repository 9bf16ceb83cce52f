//! Rule sets: nothing that a rule matches is lost, whatever the condition for all of them lets through beside it. Real
//! rule sets are held in `crates/sieve/tests/conditions`, whose crate reads files of them.

use kernscope_kit::compile::rules::{Pattern, Rule, Rules};
use kernscope_kit::compile::{
    Content, Filter, Host, LoopShape, Options, Target, compile, oracle, parse_thresholds,
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
fn an_expression_that_no_automaton_fits_is_widened_and_says_so() {
    let wide = r"(?i)[\w.-]{0,50}?(?:access|auth|key)[ \t\w.-]{0,20}=[a-z0-9]{30,60}\b.{40}(?:x|y){20}";
    let content =
        Content::Regex(std::sync::Arc::new(kernscope_kit::compile::Regex::new(wide).expect("parses")));
    let options = Options::new(Target::Xdp, Host::new(LoopShape::MayGoto));
    assert!(!compile(&Filter::content(content), &options).expect("compiles").exact());
}
