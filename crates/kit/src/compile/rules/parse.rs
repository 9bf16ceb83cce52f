//! Files of rules, as TOML.

use super::{Pattern, Rule, Rules, RulesError};
use crate::compile::content::Content;
use crate::compile::thresholds;
use serde::Deserialize;

/// A file; what is not known in it is for other programs.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    rule: Vec<Own>,
    #[serde(default)]
    rules: Vec<Gitleaks>,
}

/// A rule of ours; what is not known in it is a mistake.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    id: String,
    literal: Option<String>,
    #[serde(default)]
    literals: Vec<String>,
    regex: Option<String>,
    bytes: Option<String>,
    #[serde(default)]
    fold: bool,
    #[serde(default)]
    keywords: Vec<String>,
    /// For people.
    #[serde(default, rename = "description")]
    _description: String,
}

#[derive(Deserialize)]
struct Gitleaks {
    id: String,
    regex: Option<String>,
    path: Option<String>,
    #[serde(default)]
    keywords: Vec<String>,
}

pub(super) fn parse(text: &str) -> Result<Rules, RulesError> {
    let file: File = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        RulesError { cause: format!("line {at}: {}", error.message().replace('\n', ", ")) }
    })?;
    let mut rules = Rules::default();
    for own in file.rule {
        rules.rules.push(own.rule()?);
    }
    for gitleaks in file.rules {
        match gitleaks.regex {
            Some(regex) => rules.rules.push(Rule {
                id: gitleaks.id,
                keywords: bytes(gitleaks.keywords),
                pattern: Pattern::Regex(regex),
            }),
            None if gitleaks.path.is_some() => rules.paths_only.push(gitleaks.id),
            None => return Err(nothing(&gitleaks.id, "regex or path")),
        }
    }
    if rules.rules.is_empty() && rules.paths_only.is_empty() {
        return Err(RulesError { cause: "there is no [[rule]] and no [[rules]] in it".to_owned() });
    }
    Ok(rules)
}

fn bytes(list: Vec<String>) -> Vec<Vec<u8>> {
    list.into_iter().map(String::into_bytes).collect()
}

fn nothing(id: &str, wanted: &str) -> RulesError {
    RulesError { cause: format!("rule {id:?} asks for nothing; give it {wanted}") }
}

impl Own {
    fn rule(self) -> Result<Rule, RulesError> {
        let mut literals = self.literals;
        literals.extend(self.literal);
        let pattern = match (literals.is_empty(), self.regex, self.bytes) {
            (false, None, None) => {
                Pattern::Content(Content::Literals { list: bytes(literals), fold: self.fold })
            }
            (true, Some(regex), None) => Pattern::Regex(regex),
            (true, None, Some(spec)) => {
                let counts = thresholds::parse(&spec)
                    .map_err(|error| RulesError { cause: format!("rule {:?}: {error}", self.id) })?;
                Pattern::Content(counts)
            }
            (true, None, None) => return Err(nothing(&self.id, "literal, literals, regex or bytes")),
            _ => {
                let cause = format!("rule {:?} asks for several things; make it several rules", self.id);
                return Err(RulesError { cause });
            }
        };
        Ok(Rule { id: self.id, keywords: bytes(self.keywords), pattern })
    }
}
