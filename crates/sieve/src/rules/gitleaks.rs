//! gitleaks' format. Keys that are not known here are for other programs; their case does not matter.

use super::source::Source;
use super::{
    Allowlist, AnyOf, Extends, Pattern, Rule, RuleSet, RulesError, Severity, Target, dialect, keys, own,
};
use crate::parallel;
use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;
use toml::de::DeTable;

/// Whether a file is gitleaks'; one without any rule is not, unless it builds on another.
pub(super) fn is_meant(document: &DeTable) -> Result<bool, RulesError> {
    let is_theirs =
        |key: &str| ["rules", "extend", "allowlists"].iter().any(|own| own.eq_ignore_ascii_case(key));
    let theirs = document.keys().any(|key| is_theirs(key.get_ref()));
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
struct Extend {
    path: Option<String>,
    #[serde(default, rename = "usedefault")]
    use_default: bool,
    #[serde(default, rename = "disabledrules")]
    disabled_rules: Vec<String>,
}

#[derive(Deserialize)]
struct Theirs {
    id: String,
    #[serde(default)]
    description: String,
    regex: Option<Spanned<String>>,
    path: Option<Spanned<String>>,
    #[serde(default)]
    entropy: f64,
    #[serde(default, rename = "secretgroup")]
    secret_group: usize,
    #[serde(default)]
    keywords: Vec<String>,
    #[serde(default, rename = "skipreport")]
    skip_report: bool,
    allowlist: Option<Allow>,
    #[serde(default)]
    allowlists: Vec<Allow>,
    required: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Allow {
    #[serde(default)]
    condition: String,
    #[serde(default, rename = "regextarget")]
    regex_target: String,
    #[serde(default)]
    regexes: Vec<Spanned<String>>,
    #[serde(default)]
    stopwords: Vec<String>,
    #[serde(default)]
    paths: Vec<Spanned<String>>,
    #[serde(default)]
    commits: Vec<String>,
    #[serde(default, rename = "targetrules")]
    target_rules: Vec<String>,
}

pub(super) fn parse(text: &str, document: Spanned<DeTable>) -> Result<RuleSet, RulesError> {
    let document = Spanned::new(document.span(), keys::lower(document.into_inner()));
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
    let builds = set.extends.path.is_some() || set.extends.default;
    for theirs in file.rules.iter().map(Spanned::get_ref).filter(|theirs| theirs.required.is_some()) {
        set.notes.push(format!(
            "rule {:?}: [[rules.required]] is not heeded; findings are told without asking for the other rule",
            theirs.id
        ));
    }
    // To read the expressions is most of the work.
    let rules = parallel::map(file.rules.len(), |number| {
        let theirs = &file.rules[number];
        let line = source.line(theirs);
        let theirs = theirs.get_ref();
        let read = || theirs.rule(source, line, builds).map_err(|error| error.of(&theirs.id).at(line));
        (!theirs.skip_report).then(read)
    });
    set.rules = rules.into_iter().flatten().collect::<Result<_, _>>()?;
    for allow in file.allowlist.into_iter().chain(file.allowlists) {
        let line = source.line(&allow);
        set.allow.push(allow.get_ref().list(source).map_err(|error| error.at(line))?);
    }
    Ok(set)
}

impl Allow {
    fn list(&self, source: &Source) -> Result<Allowlist, RulesError> {
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
            commits: self.commits.clone(),
            only: self.target_rules.clone(),
        })
    }
}

impl Theirs {
    /// `builds`: the file builds on another, which may say what the rule looks for.
    fn rule(&self, source: &Source, line: usize, builds: bool) -> Result<Rule, RulesError> {
        let paths = self.path.iter().map(|path| source.expression("path", path)).collect::<Result<_, _>>()?;
        let pattern = match &self.regex {
            Some(regex) => Pattern::Regex(source.sought(regex)?),
            None if self.path.is_some() => Pattern::Path,
            None if builds => Pattern::Inherited,
            None => return Err(RulesError::new("asks for nothing; give it regex or path")),
        };
        let lists = self.allowlist.iter().chain(&self.allowlists);
        let secret_group = Some(self.secret_group).filter(|group| *group > 0);
        let rule = Rule {
            id: self.id.clone(),
            description: self.description.clone(),
            severity: Severity::default(),
            // Groups are those of an expression, which another file may have.
            secret_group: secret_group.filter(|_| pattern.expression().is_some()),
            pattern,
            paths: AnyOf::new(paths),
            keywords: own::keywords(&self.keywords)?,
            entropy: Some(self.entropy).filter(|bits| *bits != 0.0),
            allow: lists.map(|allow| allow.list(source)).collect::<Result<_, _>>()?,
            examples: Vec::new(),
            counter_examples: Vec::new(),
            line,
        };
        rule.check()?;
        Ok(Rule { secret_group, ..rule })
    }
}
