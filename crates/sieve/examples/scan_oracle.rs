//! Matches in files, by the matcher and by each expression alone: they must be the same.
//!
//! `scan_oracle RULES PATH...`; `builtin` instead of a file of rules takes those that come with kernscope. The other side
//! is as plain as can be: the `regex` crate over the whole of each file, for every rule that has no keywords or one of
//! them in the file. What rules say about entropy and allowlists is the same code on both sides, and left out.

use kernscope_sieve::matcher::Matcher;
use kernscope_sieve::rules::RuleSet;
use regex::bytes::Regex;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A larger file is looked at as far as this.
const FILE_BYTES: usize = 64 << 20;
/// Automata that the `regex` crate may make of an expression, bytes.
const REGEX_BYTES: usize = 500 << 20;

/// What has been compared.
#[derive(Default)]
struct Sum {
    files: u64,
    bytes: u64,
    matches: u64,
    differences: u64,
}

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let Some(rules) = args.next() else {
        eprintln!("scan_oracle: no rules; give RULES PATH...");
        return ExitCode::from(2);
    };
    let set = match rules.to_str() {
        Some("builtin") => RuleSet::builtin(),
        _ => match RuleSet::read(Path::new(&rules)).map(RuleSet::for_matching) {
            Ok(Ok(set)) => set,
            Ok(Err(error)) => return refused(&error),
            Err(error) => return refused(&error),
        },
    };
    let matcher = Matcher::new(set);
    let plain: Vec<Option<Regex>> =
        matcher.rules().iter().map(|rule| Some(plain(rule.pattern.expression()?.text()))).collect();
    let mut sum = Sum::default();
    let mut scratch = matcher.scratch();
    let mut left: Vec<PathBuf> = args.map(PathBuf::from).collect();
    while let Some(path) = left.pop() {
        let Ok(found) = path.symlink_metadata() else { continue };
        if found.is_dir() {
            left.extend(std::fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        }
        let Some(data) = found.is_file().then(|| std::fs::read(&path).ok()).flatten() else { continue };
        let data = &data[..data.len().min(FILE_BYTES)];
        let mut own = matcher.spans(data, &mut scratch);
        own.sort_by_key(|(rule, span)| (*rule, span.start));
        let right = all(&matcher, &plain, data);
        sum.files += 1;
        sum.bytes += data.len() as u64;
        sum.matches += right.len() as u64;
        if own != right {
            sum.differences += 1;
            println!("{}: {own:?} instead of {right:?}", path.display());
        }
    }
    println!(
        "{} files, {} bytes, {} matches of {} rules, {} files differ",
        sum.files,
        sum.bytes,
        sum.matches,
        matcher.rules().len(),
        sum.differences
    );
    ExitCode::from(u8::from(sum.differences > 0))
}

fn refused(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("scan_oracle: {error}");
    ExitCode::from(2)
}

fn plain(text: &str) -> Regex {
    let built = regex::bytes::RegexBuilder::new(text).size_limit(REGEX_BYTES).build();
    built.unwrap_or_else(|error| panic!("the regex crate refuses {text}: {error}"))
}

/// What each expression finds by itself.
fn all(matcher: &Matcher, plain: &[Option<Regex>], data: &[u8]) -> Vec<(usize, Range<usize>)> {
    let lower = data.to_ascii_lowercase();
    let mut found = Vec::new();
    for (number, (rule, regex)) in matcher.rules().iter().zip(plain).enumerate() {
        let Some(regex) = regex else { continue };
        let asks = |word: &Vec<u8>| memchr::memmem::find(&lower, word).is_some();
        if rule.keywords.is_empty() || rule.keywords.iter().any(asks) {
            found.extend(regex.find_iter(data).map(|matched| (number, matched.range())));
        }
    }
    found
}
