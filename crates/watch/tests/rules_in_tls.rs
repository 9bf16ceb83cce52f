//! Every built-in rule finds its example in the plain text of TLS, wherever two calls split it, and nothing of the secret is shown.

use kernscope_abi as abi;
use kernscope_report::{Body, Entry};
use kernscope_sieve::matcher::{Matcher, Place};
use kernscope_sieve::rules::RuleSet;
use kernscope_watch::core::{Config, Core};
use kernscope_watch::raw::{Body as Raw, Builder};

/// Splits of an example, at most: of longer ones not every place is tried.
const SPLITS_MAX: usize = 96;

/// What a program says in two calls on a connection of its own.
fn say(core: &mut Core, conn: u64, parts: [&[u8]; 2]) -> Vec<Entry> {
    let (mut out, mut offset) = (Vec::new(), 0);
    let tls = abi::Tls { handle: 1, born_ns: conn, direction: abi::TLS_OUT, ..Default::default() };
    for part in parts {
        let body = Raw::Tls(abi::Tls { offset, call_bytes: part.len() as u64, ..tls });
        let header = abi::Header { pid: 7, tid: 7, ts_ns: conn, ..Default::default() };
        core.step(&Builder::new(header, body).section(abi::SEC_DATA, 0, part).finish(), &mut out);
        offset += part.len() as u64;
    }
    let end = Raw::Tls(abi::Tls { direction: abi::TLS_END, ..tls });
    core.step(
        &Builder::new(abi::Header { pid: 7, tid: 7, ts_ns: conn, ..Default::default() }, end).finish(),
        &mut out,
    );
    out
}

#[test]
fn every_rule_finds_its_example_however_it_is_split() {
    let matcher = Matcher::new(RuleSet::builtin());
    let mut scratch = matcher.scratch();
    let mut core = Core::new(Config::default());
    let (mut rules, mut conn) = (0, 0);
    for (index, rule) in matcher.rules().iter().enumerate() {
        let text = format!("\n{}\n", rule.examples.first().expect("every rule has one"));
        let found = matcher.find(text.as_bytes(), &Place::default(), &mut scratch);
        // Rules that ask for a path have none here.
        let Some(found) = found.iter().find(|found| found.rule == index) else {
            assert!(!rule.paths.is_empty(), "{}: its example is not found", rule.id);
            continue;
        };
        rules += 1;
        let hidden = String::from_utf8_lossy(&found.secret[found.secret.len() / 2..]).into_owned();
        for split in (1..text.len()).step_by(text.len().div_ceil(SPLITS_MAX)) {
            conn += 1;
            let told = say(&mut core, conn, [&text.as_bytes()[..split], &text.as_bytes()[split..]]);
            let finds =
                |entry: &&Entry| matches!(&entry.body, Body::ContentMatch(found) if found.rule == rule.id);
            assert_eq!(told.iter().filter(finds).count(), 1, "{} split at {split}", rule.id);
            let shown: String = told.iter().filter_map(data).collect();
            assert!(hidden.len() < 8 || !shown.contains(&hidden), "{} split at {split}: {shown}", rule.id);
        }
    }
    assert!(rules >= 200, "only {rules} rules");
    assert!(core.tally().balanced());
}

fn data(entry: &Entry) -> Option<&str> {
    match &entry.body {
        Body::TlsData(said) => Some(&said.data),
        _ => None,
    }
}
