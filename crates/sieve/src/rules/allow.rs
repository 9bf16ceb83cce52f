//! What is no finding.

use super::AnyOf;
use serde::Deserialize;

/// What a list's expressions look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The secret.
    #[default]
    Secret,
    /// All that the rule matched.
    Match,
    /// The lines that the match is on.
    Line,
}

/// One list of what is no finding.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Allowlist {
    /// All kinds that are given must hold, not just one.
    pub all: bool,
    /// Expressions, any of which excuses a finding.
    pub regexes: AnyOf,
    /// What they look at.
    pub target: Target,
    /// Lower-case words of which the secret contains one.
    pub stopwords: Vec<String>,
    /// Expressions for the path.
    pub paths: AnyOf,
    /// Commits, as whole hashes.
    pub commits: Vec<String>,
    /// Only for these rules; for all where there are none.
    pub only: Vec<String>,
}

/// A finding, as far as lists look at it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim<'a> {
    pub(crate) secret: &'a [u8],
    pub(crate) whole: &'a [u8],
    pub(crate) line: &'a [u8],
    pub(crate) path: &'a [u8],
    pub(crate) commit: Option<&'a str>,
}

impl Allowlist {
    /// Whether it holds for this rule.
    pub(crate) fn concerns(&self, rule: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == rule)
    }

    /// Whether it excuses everything at this place, whatever is found there.
    pub(crate) fn excuses_place(&self, path: &[u8], commit: Option<&str>) -> bool {
        let (by_path, by_commit) = (self.paths.is_match(path), self.has_commit(commit));
        if !self.all {
            return by_path || by_commit;
        }
        let asks = !self.paths.is_empty() || !self.commits.is_empty();
        asks && self.regexes.is_empty()
            && self.stopwords.is_empty()
            && (self.paths.is_empty() || by_path)
            && (self.commits.is_empty() || by_commit)
    }

    /// Whether it excuses this finding.
    pub(crate) fn excuses(&self, claim: &Claim<'_>) -> bool {
        let target = match self.target {
            Target::Secret => claim.secret,
            Target::Match => claim.whole,
            Target::Line => claim.line,
        };
        if !self.all {
            return self.regexes.is_match(target) || self.has_stopword(claim.secret);
        }
        let checks = [
            (!self.regexes.is_empty()).then(|| self.regexes.is_match(target)),
            (!self.stopwords.is_empty()).then(|| self.has_stopword(claim.secret)),
            (!self.paths.is_empty()).then(|| self.paths.is_match(claim.path)),
            (!self.commits.is_empty()).then(|| self.has_commit(claim.commit)),
        ];
        let mut asked = checks.into_iter().flatten().peekable();
        asked.peek().is_some() && asked.all(|holds| holds)
    }

    fn has_commit(&self, commit: Option<&str>) -> bool {
        commit.is_some_and(|commit| self.commits.iter().any(|own| own.eq_ignore_ascii_case(commit)))
    }

    fn has_stopword(&self, secret: &[u8]) -> bool {
        if self.stopwords.is_empty() {
            return false;
        }
        let secret = String::from_utf8_lossy(secret).to_lowercase();
        self.stopwords.iter().any(|word| secret.contains(word.as_str()))
    }
}
