//! A detection as people write it, checked.
//!
//! ```toml
//! [[detection]]
//! id = "shadow-read"
//! severity = "high"
//! message = "{process} read {path}"
//! technique = "T1003.008"
//! [detection.when]
//! kind = "file_open"
//! path = "/etc/shadow"
//! ```
//!
//! In place of `when` a `sequence` has steps that must follow one another.

use super::condition::Condition;
use super::error::DetectionsError;
use super::example::Given;
use super::value;
use kernscope_report::Severity;

/// Keys of a rule.
const KEYS: [&str; 9] =
    ["id", "severity", "message", "technique", "tags", "when", "sequence", "match", "near"];
/// Steps of a sequence.
const MAX_STEPS: usize = 8;
/// Longest time that a sequence may take: what waits longer would fill memory.
const MAX_WITHIN_S: u64 = 86_400;

/// One rule.
#[derive(Clone, Debug)]
pub struct Detection {
    /// Its name.
    pub id: String,
    /// How bad it is.
    pub severity: Severity,
    /// What is told, with fields of the (last) record in braces.
    pub message: String,
    /// Techniques of MITRE ATT&CK, as `T1059.004`.
    pub technique: Vec<String>,
    /// What it is about, in words.
    pub tags: Vec<String>,
    pub(super) steps: Vec<Step>,
    pub(super) within_ns: u64,
    pub(super) by: By,
    /// The two steps may come in either order.
    pub(super) any_order: bool,
    /// What, done by who did the first step, ends a sequence before its second.
    pub(super) unless: Vec<Step>,
    pub(super) examples: Given,
    pub(super) near: Given,
}

/// What one record must be.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) kind: String,
    pub(super) condition: Condition,
    /// Any of these: this record's field is that field of the first record that had it.
    pub(super) same: Vec<(String, String)>,
    /// A call that the kernel neither did nor refused for lack of permission counts too.
    pub(super) any_outcome: bool,
}

/// How the processes of a sequence belong together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum By {
    /// One process.
    #[default]
    Same,
    /// Each the process of the step before or a descendant of it.
    Descendant,
    /// Children of one parent.
    Siblings,
    /// Watched descendants of one process.
    Tree,
}

impl Detection {
    pub(super) fn parse(table: toml::Table) -> Result<Self, DetectionsError> {
        let id = table.get("id").and_then(toml::Value::as_str).unwrap_or_default().to_owned();
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            return Err(DetectionsError::new(format_args!(
                "a [[detection]] has the id {id:?}; it must be of small letters, digits and -"
            )));
        }
        Self::checked(&id, table).map_err(|why| DetectionsError::of(&id, why))
    }

    fn checked(id: &str, mut table: toml::Table) -> Result<Self, String> {
        if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(format!("{key} is no key of a detection; there are {}", KEYS.join(", ")));
        }
        let severity = match table.get("severity").and_then(toml::Value::as_str) {
            Some("high") => Severity::High,
            Some("medium") => Severity::Medium,
            Some("low") => Severity::Low,
            _ => return Err("severity: must be high, medium or low".to_owned()),
        };
        let message = table.get("message").and_then(toml::Value::as_str).filter(|text| !text.is_empty());
        let message = message.ok_or("message: must say what happened, in one sentence")?.to_owned();
        let Order { steps, within_ns, by, any_order, unless } =
            match (table.get("when"), table.get("sequence")) {
                (Some(toml::Value::Table(when)), None) => {
                    let step = Step::parse(when, true).map_err(|why| format!("when: {why}"))?;
                    Order { steps: vec![step], ..Order::default() }
                }
                (None, Some(toml::Value::Table(sequence))) => {
                    parse_sequence(sequence).map_err(|why| format!("sequence: {why}"))?
                }
                _ => return Err("needs one of the tables when and sequence".to_owned()),
            };
        super::message::check(&message, &steps.last().ok_or("sequence: no steps")?.kind)?;
        Ok(Self {
            id: id.to_owned(),
            severity,
            message,
            technique: words(&table, "technique")?,
            tags: words(&table, "tags")?,
            steps,
            within_ns,
            by,
            any_order,
            unless,
            examples: Given::new(table.remove("match")),
            near: Given::new(table.remove("near")),
        })
    }

    /// Makes ready what is else made ready when it is asked for.
    ///
    /// # Errors
    /// An expression or an example that is wrong, and why.
    pub(super) fn compile(&self) -> Result<(), String> {
        let place = if self.steps.len() > 1 { "sequence" } else { "when" };
        for step in self.steps.iter().chain(&self.unless) {
            step.condition.compile().map_err(|why| format!("{place}: {why}"))?;
        }
        self.examples.read().map_err(|why| format!("match: {why}"))?;
        self.near.read().map(drop).map_err(|why| format!("near: {why}"))
    }
}

impl Step {
    fn parse(table: &toml::Table, first: bool) -> Result<Self, String> {
        let kind = table.get("kind").and_then(toml::Value::as_str).unwrap_or_default();
        if !value::kinds().any(|known| known == kind) {
            let known: Vec<_> = value::kinds().collect();
            return Err(format!("kind: {kind:?} is none; there are {}", known.join(", ")));
        }
        let mut rest = table.clone();
        let same = match rest.remove("same") {
            None => Vec::new(),
            Some(_) if first => return Err("same: there is no step before it".to_owned()),
            Some(toml::Value::Table(table)) => parse_same(kind, &table)?,
            Some(_) => return Err("same: must be a table such as { exe = \"path\" }".to_owned()),
        };
        let condition = Condition::parse(kind, &rest)?;
        let any_outcome =
            kind.starts_with("net_") || ["ret", "errno"].iter().any(|field| condition.asks(field));
        Ok(Self { kind: kind.to_owned(), condition, same, any_outcome })
    }
}

fn parse_same(kind: &str, table: &toml::Table) -> Result<Vec<(String, String)>, String> {
    let pair = |(own, other): (&String, &toml::Value)| {
        if !value::fields(kind).any(|known| known == own) {
            return Err(format!("same: {own} is no field of {kind}"));
        }
        let other =
            other.as_str().ok_or_else(|| format!("same: {own}: must name a field of a step before it"))?;
        Ok((own.clone(), other.to_owned()))
    };
    table.iter().map(pair).collect()
}

/// What a sequence says.
#[derive(Default)]
struct Order {
    steps: Vec<Step>,
    within_ns: u64,
    by: By,
    any_order: bool,
    unless: Vec<Step>,
}

fn parse_sequence(table: &toml::Table) -> Result<Order, String> {
    const KEYS: [&str; 5] = ["within_s", "by", "order", "step", "unless"];
    if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(format!("{key} is no key of a sequence; there are {}", KEYS.join(", ")));
    }
    let within_s = table.get("within_s").and_then(toml::Value::as_integer);
    let within_s = within_s.and_then(|s| u64::try_from(s).ok()).filter(|s| (1..=MAX_WITHIN_S).contains(s));
    let within_s =
        within_s.ok_or_else(|| format!("within_s: must be a number of seconds up to {MAX_WITHIN_S}"))?;
    let by = match table.get("by").and_then(toml::Value::as_str) {
        Some("same") => By::Same,
        Some("descendant") => By::Descendant,
        Some("siblings") => By::Siblings,
        Some("tree") => By::Tree,
        _ => return Err("by: must be same, descendant, siblings or tree".to_owned()),
    };
    let steps = table.get("step").and_then(toml::Value::as_array);
    let steps = steps.filter(|steps| (2..=MAX_STEPS).contains(&steps.len()));
    let steps = steps.ok_or_else(|| format!("step: there must be 2 to {MAX_STEPS}"))?;
    let step = |(at, value): (usize, &toml::Value)| {
        let table = value.as_table().ok_or_else(|| "must be a table".to_owned());
        table.and_then(|table| Step::parse(table, at == 0)).map_err(|why| format!("step {}: {why}", at + 1))
    };
    let steps: Vec<Step> = steps.iter().enumerate().map(step).collect::<Result<_, _>>()?;
    let any_order = match table.get("order").map(toml::Value::as_str) {
        None | Some(Some("given")) => false,
        Some(Some("any")) if steps.len() == 2 && steps[1].same.is_empty() => true,
        _ => return Err("order: must be given, or any for two steps without same".to_owned()),
    };
    let unless = match table.get("unless") {
        None => Vec::new(),
        Some(toml::Value::Table(table)) => {
            vec![Step::parse(table, true).map_err(|why| format!("unless: {why}"))?]
        }
        Some(_) => return Err("unless: must be a table such as a step".to_owned()),
    };
    for (at, step) in steps.iter().enumerate() {
        for (_, other) in &step.same {
            if !steps[..at].iter().any(|before| value::fields(&before.kind).any(|known| known == other)) {
                return Err(format!("step {}: same: {other} is no field of a step before it", at + 1));
            }
        }
    }
    Ok(Order { steps, within_ns: within_s * 1_000_000_000, by, any_order, unless })
}

fn words(table: &toml::Table, key: &str) -> Result<Vec<String>, String> {
    let wrong = || format!("{key}: must be a text or a list of texts");
    match table.get(key) {
        None => Ok(Vec::new()),
        Some(toml::Value::String(one)) => Ok(vec![one.clone()]),
        Some(toml::Value::Array(all)) => {
            all.iter().map(|one| one.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}
