//! The built-in rules on code that should hold no secret: the sources of everything that the project is built with.
//!
//! Which sources those are is in Cargo.lock, so what is found in them is the same everywhere. What of them cargo has not
//! fetched is skipped by name.

use kernscope_scan::{Options, Progress, scan};
use kernscope_sieve::matcher::Matcher;
use kernscope_sieve::rules::RuleSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// Core dumps that were published by mistake: the environment of a build is in them, and a real token in that.
const DUMPS: [&str; 2] = ["tract-linalg-0.23.9/core.331", "tract-linalg-0.23.9/core.347"];

/// Tells archives apart that are broken on purpose.
const BROKEN: &str = "broken_archive";

/// Names and versions of packages that come from a registry.
fn packages() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
    let lock = std::fs::read_to_string(path).expect("Cargo.lock");
    let packages = lock.split("[[package]]").filter(|package| package.contains("source = \"registry+"));
    let field = |package: &str, key: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""));
        line.map(|rest| rest.trim_end_matches('"').to_owned()).expect("a package has it")
    };
    packages.map(|package| format!("{}-{}", field(package, "name"), field(package, "version"))).collect()
}

/// Where cargo keeps sources.
fn registries() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo"))).unwrap_or_default();
    let found = std::fs::read_dir(home.join("registry/src")).into_iter().flatten();
    found.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect()
}

#[test]
fn nothing_is_found_in_the_sources_of_dependencies() {
    let (registries, mut roots) = (registries(), Vec::new());
    for package in packages() {
        match registries.iter().map(|registry| registry.join(&package)).find(|path| path.is_dir()) {
            Some(path) => roots.push(path),
            None => println!("skipped: {package} is not among cargo's sources; run cargo fetch"),
        }
    }
    let matcher = Matcher::new(RuleSet::builtin());
    let options = Options { roots, ignore: false, ..Options::default() };
    let (mut found, mut lost, mut files) = (Vec::new(), Vec::<&str>::new(), 0);
    scan(&options, &matcher, &AtomicBool::new(false), &Progress::default(), &mut |outcome| {
        files += outcome.tally.seen_by.get("file").copied().unwrap_or(0);
        lost.extend(outcome.tally.lost_by.keys().filter(|cause| **cause != BROKEN));
        for finding in outcome.found {
            let (path, rule) = (String::from_utf8_lossy(&finding.path).into_owned(), finding.at.rule);
            if !DUMPS.iter().any(|dump| path.ends_with(dump)) {
                found.push(format!("{path}:{} {}", finding.at.line, matcher.rules()[rule].id));
            }
        }
    });
    println!("{files} files of {} packages", options.roots.len());
    assert!(found.is_empty() && lost.is_empty(), "{} {lost:?}", found.join("\n"));
    assert!(files > 0 || options.roots.is_empty(), "nothing was looked at");
}
