//! How fast the sieve is, beside its peers, on the same data in the same run: `cargo xtask bench scan` runs it.
//!
//! A member of the workspace that is not shipped, so that the peers are no dependencies of what is.
//! `kernscope-benches TREE MEGABYTES ROUNDS [RULES]` prints tables; `kernscope-benches patterns [RULES]` prints the
//! expressions of a file of rules, as the `regex` crate reads them. Without a file, the rules are those built in.
#![forbid(unsafe_code)]

mod corpus;
mod frequency;
mod rules;
mod timing;

use std::path::Path;

use anyhow::{Context, Result, bail};
use kernscope_sieve::rules::RuleSet;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["patterns", rules @ ..] => {
            let (_, set) = read(rules.first())?;
            let expressions = set.rules.iter().filter_map(|rule| rule.pattern.expression());
            expressions.for_each(|expression| println!("{}", plainer(expression.text())));
            Ok(())
        }
        [tree, megabytes, rounds, rules @ ..] => tables(
            Path::new(tree),
            megabytes.parse().context("read MEGABYTES")?,
            rounds.parse().context("read ROUNDS")?,
            rules.first(),
        ),
        _ => bail!("measure: arguments are missing; give TREE MEGABYTES ROUNDS [RULES]"),
    }
}

/// The same without escapes that say nothing, which older versions of the syntax refuse.
fn plainer(text: &str) -> String {
    let (mut plain, mut rest) = (String::new(), text.chars());
    while let Some(c) = rest.next() {
        match (c, rest.clone().next()) {
            ('\\', Some('/' | '"' | '=' | '_' | ',' | ':' | ';' | '%' | '@' | '!' | '\'' | '`')) => {}
            ('\\', Some(escaped)) => {
                plain.extend([c, escaped]);
                rest.next();
            }
            _ => plain.push(c),
        }
    }
    plain
}

/// A file's rules, or those built in.
fn read(path: Option<&&str>) -> Result<(String, RuleSet)> {
    let Some(path) = path.map(Path::new) else {
        return Ok(("kernscope's own".to_owned(), RuleSet::builtin()));
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok((format!("`{name}`"), RuleSet::read(path)?.for_matching()?))
}

fn tables(tree: &Path, megabytes: usize, rounds: usize, path: Option<&&str>) -> Result<()> {
    let corpus = corpus::read(tree, megabytes << 20)?;
    let (name, set) = read(path)?;
    println!(
        "{} MB in {} files below a directory, in memory; one thread; medians of {rounds} runs.",
        corpus.bytes.len() >> 20,
        corpus.files.len()
    );
    rules::tables(&name, set, &corpus, rounds)?;
    frequency::tables(&corpus.bytes, rounds)
}
