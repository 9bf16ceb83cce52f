//! gitleaks' format. Keys that are not known here are for other programs.

use super::source::Source;
use super::{Allowlist, AnyOf, Extends, Pattern, Rule, RuleSet, RulesError, Severity, Target, dialect, own};
use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;
use toml::de::DeTable;

/// Whether a file is gitleaks'; one without any rule is not, unless it builds on another.
pub(super) fn is_meant(document: &DeTable) -> Result<bool, RulesError> {
    let theirs = ["rules", "extend", "allowlists"].iter().any(|key| document.contains_key(*key));
    if theirs && document.contains_key("rule") {
        return Err(RulesError::new("[[rule]] is kernscope's and [[rules]] gitleaks'; make it two files"));
    }
    Ok(theirs)
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    rules: Vec<Spanned<Theirs>>,
    allowlist: Option<Spanned<Allow>>,
    #[serde(default)]
    allowlists: Vec<Spanned<Allow>>,
    #[serde(default)]
    extend: Extend,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Extend {
    path: Option<String>,
    #[serde(default)]
    use_default: bool,
    #[serde(default)]
    disabled_rules: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Theirs {
    id: String,
    #[serde(default)]
    description: String,
    regex: Option<Spanned<String>>,
    path: Option<Spanned<String>>,
    #[serde(default)]
    entropy: f64,
    #[serde(default)]
    secret_group: usize,
    #[serde(default)]
    keywords: Vec<String>,
    #[serde(default)]
    skip_report: bool,
    allowlist: Option<Allow>,
    #[serde(default)]
    allowlists: Vec<Allow>,
    required: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Allow {
    #[serde(default)]
    condition: String,
    #[serde(default)]
    regex_target: String,
    #[serde(default)]
    regexes: Vec<Spanned<String>>,
    #[serde(default)]
    stopwords: Vec<String>,
    #[serde(default)]
    paths: Vec<Spanned<String>>,
    #[serde(default)]
    commits: Vec<String>,
    #[serde(default)]
    target_rules: Vec<String>,
}

pub(super) fn parse(text: &str, document: Spanned<DeTable>) -> Result<RuleSet, RulesError> {
    let file = File::deserialize(toml::Deserializer::from(document));
    let file = file.map_err(|error| RulesError::toml(text, &error))?;
    let source = &Source::new(text, dialect::from_go);
    let mut set = RuleSet {
        extends: Extends {
            path: file.extend.path,
            default: file.extend.use_default,
            disabled: file.extend.disabled_rules,
        },
        ..RuleSet::default()
    };
    for theirs in file.rules {
        let line = source.line(&theirs);
        let theirs = theirs.into_inner();
        let id = theirs.id.clone();
        if theirs.required.is_some() {
            set.notes.push(format!(
                "rule {id:?}: [[rules.required]] is not heeded; findings are told without asking for the other rule"
            ));
        }
        if theirs.skip_report {
            continue;
        }
        set.rules.push(theirs.rule(source, line).map_err(|error| error.of(&id).at(line))?);
    }
    for allow in file.allowlist.into_iter().chain(file.allowlists) {
        let line = source.line(&allow);
        set.allow.push(allow.into_inner().list(source).map_err(|error| error.at(line))?);
    }
    Ok(set)
}

impl Allow {
    fn list(self, source: &Source) -> Result<Allowlist, RulesError> {
        let all = match self.condition.to_ascii_lowercase().as_str() {
            "" | "or" | "||" => false,
            "and" | "&&" => true,
            other => return Err(RulesError::new(format_args!("condition: {other:?} is neither AND nor OR"))),
        };
        let target = match self.regex_target.as_str() {
            "" | "secret" => Target::Secret,
            "match" => Target::Match,
            "line" => Target::Line,
            other => {
                let cause = format_args!("regexTarget: {other:?} is none of secret, match and line");
                return Err(RulesError::new(cause));
            }
        };
        Ok(Allowlist {
            all,
            regexes: source.any_of("allowlist: regexes", &self.regexes)?,
            target,
            stopwords: self.stopwords.iter().map(|word| word.to_lowercase()).collect(),
            paths: source.any_of("allowlist: paths", &self.paths)?,
            commits: self.commits,
            only: self.target_rules,
        })
    }
}

impl Theirs {
    fn rule(self, source: &Source, line: usize) -> Result<Rule, RulesError> {
        let paths = self.path.iter().map(|path| source.expression("path", path)).collect::<Result<_, _>>()?;
        let pattern = match &self.regex {
            Some(regex) => Pattern::Regex(source.sought(regex)?),
            None if self.path.is_some() => Pattern::Path,
            None => return Err(RulesError::new("asks for nothing; give it regex or path")),
        };
        let lists = self.allowlist.into_iter().chain(self.allowlists);
        let rule = Rule {
            id: self.id,
            description: self.description,
            severity: Severity::default(),
            pattern,
            paths: AnyOf::new(paths),
            keywords: own::keywords(self.keywords)?,
            secret_group: Some(self.secret_group).filter(|group| *group > 0),
            entropy: Some(self.entropy).filter(|bits| *bits != 0.0),
            allow: lists.map(|allow| allow.list(source)).collect::<Result<_, _>>()?,
            examples: Vec::new(),
            counter_examples: Vec::new(),
            line,
        };
        rule.check()?;
        Ok(rule)
    }
}
