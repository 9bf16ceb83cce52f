//! `cargo xtask deny`: licences, sources and banned crates of every dependency, against deny.toml.
//!
//! The file is cargo-deny's, which can be run instead; this reads the parts that the project uses, from
//! `cargo metadata`, and needs nothing installed. It knows no security advisories: they need the network.

use std::fs;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::tools;

/// How cargo marks a package that comes from a registry, and not from a repository or a folder elsewhere.
const FROM_REGISTRY: &str = "registry+";

/// The parts of deny.toml that are read here.
#[derive(Deserialize)]
struct Policy {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Banned>,
}

#[derive(Deserialize)]
struct Banned {
    name: String,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
}

/// Runs the task.
pub(crate) fn run() -> Result<()> {
    let path = tools::root().join("deny.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let policy: Policy = toml::from_str(&text).with_context(|| format!("read {}", path.display()))?;
    let mut problems = Vec::new();
    let mut count = 0;
    for workspace in [".", "kernel"] {
        let dir = tools::root().join(workspace);
        let mut metadata = tools::cargo();
        metadata.current_dir(dir).args(["metadata", "--locked", "--format-version", "1"]);
        let metadata: Metadata =
            serde_json::from_str(&tools::read(&mut metadata)?).context("read cargo's metadata")?;
        count += metadata.packages.len();
        problems.extend(metadata.packages.iter().flat_map(|package| judge(package, &policy)));
    }
    if !problems.is_empty() {
        bail!("check dependencies against deny.toml: {}", problems.join("; "));
    }
    println!("deny: {count} packages: licences, sources and bans are as deny.toml allows");
    Ok(())
}

/// What is wrong with a package.
fn judge(package: &Package, policy: &Policy) -> Vec<String> {
    let named = format!("{} {}", package.name, package.version);
    let mut problems = Vec::new();
    match &package.license {
        None => problems.push(format!("{named} names no licence")),
        Some(licence) if !allowed(licence, &policy.licenses.allow) => {
            problems.push(format!("{named} is under {licence}, which is not on the list"));
        }
        Some(_) => {}
    }
    if let Some(source) = package.source.as_ref().filter(|source| !source.starts_with(FROM_REGISTRY)) {
        problems.push(format!("{named} comes from {source}"));
    }
    if policy.bans.deny.iter().any(|banned| banned.name == package.name) {
        problems.push(format!("{named} is banned"));
    }
    problems
}

/// Whether an SPDX expression can be met with the licences on the list. `/` is an old way to write OR.
fn allowed(expression: &str, list: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    let met = either(&mut words, list);
    met && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

/// `both (OR both)*`
fn either(words: &mut Words<'_>, list: &[String]) -> bool {
    let mut met = both(words, list);
    while words.next_if_eq(&"OR").is_some() {
        met |= both(words, list);
    }
    met
}

/// `one (AND one)*`
fn both(words: &mut Words<'_>, list: &[String]) -> bool {
    let mut met = one(words, list);
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, list);
    }
    met
}

/// A licence, with or without an exception, or an expression in brackets.
fn one(words: &mut Words<'_>, list: &[String]) -> bool {
    let Some(word) = words.next() else { return false };
    if word == "(" {
        let met = either(words, list);
        return words.next() == Some(")") && met;
    }
    let name = match words.next_if_eq(&"WITH") {
        Some(_) => format!("{word} WITH {}", words.next().unwrap_or_default()),
        None => word.to_owned(),
    };
    list.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_met_or_not() {
        let list = ["MIT", "Apache-2.0", "Unicode-3.0"].map(str::to_owned);
        for met in [
            "MIT",
            "MIT/Apache-2.0",
            "LGPL-2.1-or-later OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR MIT",
        ] {
            assert!(allowed(met, &list), "{met}");
        }
        for unmet in ["GPL-2.0", "MIT AND GPL-2.0", "Apache-2.0 WITH LLVM-exception", "(MIT", "MIT MIT", ""] {
            assert!(!allowed(unmet, &list), "{unmet}");
        }
    }

    #[test]
    fn a_git_source_is_told() {
        let policy =
            Policy { licenses: Licenses { allow: vec!["MIT".into()] }, bans: Bans { deny: Vec::new() } };
        let package = Package {
            name: "a".into(),
            version: "1.0.0".into(),
            license: Some("MIT".into()),
            source: Some("git+somewhere".into()),
        };
        assert_eq!(judge(&package, &policy), ["a 1.0.0 comes from git+somewhere"]);
    }
}
