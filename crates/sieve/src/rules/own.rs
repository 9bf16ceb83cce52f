//! kernscope's own format.

use super::source::Source;
use super::{Allowlist, Expression, Pattern, Rule, RuleSet, RulesError, Severity, Target};
use kernscope_kit::compile::parse_thresholds;
use serde::Deserialize;
use toml::Spanned;
use toml::de::DeTable;

/// A file; what is not known in it is a mistake.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    rule: Vec<Spanned<Own>>,
    #[serde(default)]
    allowlist: Vec<Spanned<Allow>>,
    /// For people.
    #[serde(default, rename = "title")]
    _title: String,
    #[serde(default, rename = "description")]
    _description: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    id: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    severity: Severity,
    regex: Option<Spanned<String>>,
    literal: Option<String>,
    #[serde(default)]
    literals: Vec<String>,
    bytes: Option<Spanned<String>>,
    #[serde(default)]
    fold: bool,
    #[serde(default)]
    paths: Vec<Spanned<String>>,
    #[serde(default)]
    keywords: Vec<String>,
    secret_group: Option<usize>,
    entropy: Option<f64>,
    #[serde(default)]
    allowlist: Vec<Allow>,
    #[serde(default, rename = "match")]
    examples: Vec<String>,
    #[serde(default, rename = "no_match")]
    counter_examples: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Allow {
    /// For people.
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default)]
    condition: Condition,
    #[serde(default)]
    target: Target,
    #[serde(default)]
    regexes: Vec<Spanned<String>>,
    #[serde(default)]
    stopwords: Vec<String>,
    #[serde(default)]
    paths: Vec<Spanned<String>>,
    #[serde(default)]
    commits: Vec<String>,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Condition {
    #[default]
    Or,
    And,
}

/// Of what `is_built_in` expressions are read when they are first asked for.
pub(super) fn parse(
    text: &str,
    document: Spanned<DeTable>,
    is_built_in: bool,
) -> Result<RuleSet, RulesError> {
    let file = File::deserialize(toml::Deserializer::from(document));
    let file = file.map_err(|error| RulesError::toml(text, &error))?;
    let mut source = Source::new(text, str::to_owned);
    source.is_built_in = is_built_in;
    let source = &source;
    let mut set = RuleSet::default();
    for own in file.rule {
        let line = source.line(&own);
        let own = own.into_inner();
        let id = own.id.clone();
        set.rules.push(own.rule(source, line).map_err(|error| error.of(&id).at(line))?);
    }
    for allow in file.allowlist {
        let line = source.line(&allow);
        set.allow.push(allow.into_inner().list(source).map_err(|error| error.at(line))?);
    }
    Ok(set)
}

impl Allow {
    fn list(self, source: &Source) -> Result<Allowlist, RulesError> {
        let list = Allowlist {
            all: self.condition == Condition::And,
            regexes: source.any_of("allowlist: regexes", &self.regexes)?,
            target: self.target,
            stopwords: self.stopwords.iter().map(|word| word.to_lowercase()).collect(),
            paths: source.any_of("allowlist: paths", &self.paths)?,
            commits: self.commits,
            only: Vec::new(),
        };
        let empty = list.regexes.is_empty() && list.stopwords.is_empty();
        if empty && list.paths.is_empty() && list.commits.is_empty() {
            return Err(RulesError::new(
                "the allowlist is empty; give it regexes, stopwords, paths or commits",
            ));
        }
        Ok(list)
    }
}

impl Own {
    fn rule(self, source: &Source, line: usize) -> Result<Rule, RulesError> {
        let pattern = self.pattern(source)?;
        let rule = Rule {
            id: self.id,
            description: self.description,
            severity: self.severity,
            pattern,
            paths: source.any_of("paths", &self.paths)?,
            keywords: keywords(&self.keywords)?,
            secret_group: self.secret_group,
            entropy: self.entropy,
            allow: self.allowlist.into_iter().map(|allow| allow.list(source)).collect::<Result<_, _>>()?,
            examples: self.examples,
            counter_examples: self.counter_examples,
            line,
        };
        if !source.is_built_in {
            rule.check()?;
        }
        Ok(rule)
    }

    fn pattern(&self, source: &Source) -> Result<Pattern, RulesError> {
        let literals: Vec<&str> = self.literals.iter().chain(&self.literal).map(String::as_str).collect();
        match (literals.is_empty(), &self.regex, &self.bytes) {
            (false, None, None) => literal_pattern(&literals, self.fold),
            (true, Some(regex), None) => source.sought(regex).map(Pattern::Regex),
            (true, None, Some(spec)) => {
                let counts = parse_thresholds(spec.get_ref());
                counts.map(Pattern::Counts).map_err(|error| RulesError::new(error).at(source.line(spec)))
            }
            (true, None, None) if !self.paths.is_empty() => Ok(Pattern::Path),
            (true, None, None) => {
                Err(RulesError::new("asks for nothing; give it regex, literal, literals, bytes or paths"))
            }
            _ => Err(RulesError::new("asks for several things; make it several rules")),
        }
    }
}

fn literal_pattern(literals: &[&str], fold: bool) -> Result<Pattern, RulesError> {
    if literals.iter().any(|literal| literal.is_empty()) {
        return Err(RulesError::new("an empty literal is everywhere; leave it out"));
    }
    let parts: Vec<String> = literals.iter().map(|literal| ascii_only(literal)).collect();
    let flags = if fold { "i-u" } else { "-u" };
    let expression = Expression::new(&format!("(?{flags}:{})", parts.join("|"))).map_err(RulesError::new)?;
    let list = literals.iter().map(|literal| literal.as_bytes().to_vec()).collect();
    Ok(Pattern::Literals { list, fold, expression })
}

/// The bytes of a literal as an expression that needs no Unicode.
fn ascii_only(literal: &str) -> String {
    let one = |c: char| match c.is_ascii() {
        true => regex_syntax::escape(c.encode_utf8(&mut [0; 4])),
        false => c.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("\\x{byte:02x}")).collect(),
    };
    literal.chars().map(one).collect()
}

/// Keywords in lower case.
pub(super) fn keywords(list: &[String]) -> Result<Vec<Vec<u8>>, RulesError> {
    if list.iter().any(String::is_empty) {
        return Err(RulesError::new("an empty keyword is everywhere; leave it out"));
    }
    Ok(list.iter().map(|word| word.to_ascii_lowercase().into_bytes()).collect())
}

impl Rule {
    /// What neither format allows.
    pub(super) fn check(&self) -> Result<(), RulesError> {
        if self.id.is_empty() {
            return Err(RulesError::new("has no id; give it one"));
        }
        if self.entropy.is_some_and(|bits| !bits.is_finite()) {
            return Err(RulesError::new("entropy: is no finite number; leave it out for none"));
        }
        let groups = self.pattern.expression().map_or(0, Expression::groups);
        match self.secret_group {
            Some(group) if group > groups => Err(RulesError::new(format_args!(
                "secret_group: there is no group {group}; the expression has {groups}"
            ))),
            _ => Ok(()),
        }
    }
}
