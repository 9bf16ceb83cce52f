//! Detections: rules about what processes do, over the records of a run.
//!
//! A [`Detections`] is what files of rules say, checked; a [`Detector`] holds every record against them and gives alerts.
//! It is a function of the records and of the process table: a recording gives the same alerts as the run it is of.
//! docs/DETECTIONS.md has the format and the rules that come with kernscope.
//!
//! Rules are looked up by the record's kind, so that a record costs what the rules of its kind cost. All that is kept is
//! bounded, and what did not fit is counted ([`Counts`]).

mod builtin;
mod condition;
mod error;
mod example;
mod message;
mod needs;
mod pattern;
mod provenance;
mod retold;
mod rule;
mod scene;
mod sequence;
pub mod shell;
mod test;
mod told;
mod value;

pub use builtin::builtin_files;
pub use error::DetectionsError;
pub use example::ExampleFault;
pub use rule::Detection;
pub use told::Counts;

use crate::core::Table;
use kernscope_report::{Alert, Entry};
use provenance::Provenance;
use rule::Step;
use scene::Scene;
use sequence::Sequences;
use std::collections::HashMap;
use std::path::Path;
use told::Told;

/// Most bytes of a file of rules.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// In the place of a step's number: what ends a sequence.
const UNLESS: usize = usize::MAX;

/// Rules, checked.
#[derive(Clone, Debug, Default)]
pub struct Detections {
    /// The rules, in the order of the files.
    pub rules: Vec<Detection>,
}

impl Detections {
    /// Reads rules from text.
    ///
    /// # Errors
    /// What is not TOML, or a rule that does not hold water: with the rule, the key and what would be right.
    pub fn parse(text: &str) -> Result<Self, DetectionsError> {
        let all = Self::parse_lazy(text)?;
        for rule in &all.rules {
            rule.compile().map_err(|why| DetectionsError::of(&rule.id, why))?;
        }
        Ok(all)
    }

    /// Reads rules whose expressions and examples are known to be good; they are made ready when they are asked for.
    fn parse_lazy(text: &str) -> Result<Self, DetectionsError> {
        let mut table: toml::Table =
            toml::from_str(text).map_err(|error| DetectionsError::toml(text, &error))?;
        if let Some(key) = table.keys().find(|key| *key != "detection") {
            return Err(DetectionsError::new(format_args!(
                "{key} is no key of a file; there is [[detection]]"
            )));
        }
        let Some(toml::Value::Array(list)) = table.remove("detection") else {
            return Err(DetectionsError::new("no rules; there must be a [[detection]]"));
        };
        let mut all = Self::default();
        for value in list {
            let rule = match value {
                toml::Value::Table(table) => Detection::parse(table)?,
                _ => return Err(DetectionsError::new("detection: must be a table, [[detection]]")),
            };
            if all.rules.iter().any(|known| known.id == rule.id) {
                return Err(DetectionsError::of(
                    &rule.id,
                    "there is another rule of this id; name one of them anew",
                ));
            }
            all.rules.push(rule);
        }
        Ok(all)
    }

    /// Reads a file of rules.
    ///
    /// # Errors
    /// As [`Detections::parse`], and when the file cannot be read; the file is named.
    pub fn read(file: &Path) -> Result<Self, DetectionsError> {
        let named =
            |cause: &dyn std::fmt::Display| DetectionsError::new(format_args!("{}: {cause}", file.display()));
        let about = std::fs::metadata(file).map_err(|cause| named(&cause))?;
        if !about.is_file() || about.len() > MAX_FILE_BYTES {
            return Err(named(&format_args!("must be a file of at most {MAX_FILE_BYTES} bytes")));
        }
        let text = kernscope_sieve::text_file::read(file).map_err(|cause| named(&cause))?;
        Self::parse(&text).map_err(|mut error| {
            error.cause = format!("{}: {}", file.display(), error.cause);
            error
        })
    }

    /// Adds the rules of another file; where both have a rule of one id, the other's is taken.
    pub fn extend_with(&mut self, other: Detections) {
        for rule in other.rules {
            match self.rules.iter_mut().find(|known| known.id == rule.id) {
                Some(known) => *known = rule,
                None => self.rules.push(rule),
            }
        }
    }

    /// Leaves out a rule.
    ///
    /// # Errors
    /// When there is none of this id.
    pub fn mute(&mut self, id: &str) -> Result<(), DetectionsError> {
        let before = self.rules.len();
        self.rules.retain(|rule| rule.id != id);
        match self.rules.len() < before {
            true => Ok(()),
            false => {
                Err(DetectionsError::new(format_args!("no rule has the id {id:?}; see docs/DETECTIONS.md")))
            }
        }
    }
}

/// Holds records against rules.
#[derive(Debug)]
pub struct Detector {
    rules: Vec<Detection>,
    /// Rule and step, by the kind of the step; later steps first, so that a record does not follow on itself.
    index: HashMap<&'static str, Vec<(usize, usize)>>,
    sequences: Sequences,
    told: Told,
    /// Where commands come from, if a rule asks.
    provenance: Option<Provenance>,
}

impl Detector {
    /// A detector that has seen nothing.
    pub fn new(detections: Detections) -> Self {
        let rules = detections.rules;
        let mut index: HashMap<&'static str, Vec<(usize, usize)>> = HashMap::new();
        for (at, rule) in rules.iter().enumerate() {
            let unless = rule.unless.iter().map(|step| (UNLESS, step));
            for (number, step) in rule.steps.iter().enumerate().rev().chain(unless) {
                let meant = |kind: &&str| match step.kind.as_str() {
                    value::WRITTEN => value::WRITES.contains(kind),
                    own => *kind == own,
                };
                for kind in value::kinds().filter(meant) {
                    index.entry(kind).or_default().push((at, number));
                }
            }
        }
        let sequences = Sequences::new(rules.len());
        let told = Told::new(rules.len());
        let asks = rules.iter().flat_map(|rule| &rule.steps).any(|step| step.condition.asks("from"));
        Self { rules, index, sequences, told, provenance: asks.then(Provenance::default) }
    }

    /// As if nothing had been seen: rules need not be compiled again.
    #[cfg(test)]
    fn forget(&mut self) {
        self.sequences = Sequences::new(self.rules.len());
        self.told = Told::new(self.rules.len());
    }

    /// The rules.
    pub fn rules(&self) -> &[Detection] {
        &self.rules
    }

    /// What was told, what was not told again, and what did not fit.
    pub fn counts(&self) -> Counts {
        Counts { rules: self.rules.len(), forgotten: self.sequences.forgotten(), ..self.told.counts() }
    }

    /// Takes a record and gives the alerts that it completes. `seq`: its number in the output.
    pub fn see(&mut self, table: &Table, seq: u64, entry: &Entry) -> Vec<Alert> {
        let (origin, late) = match &mut self.provenance {
            Some(provenance) => provenance.take(table, seq, entry),
            None => (None, Vec::new()),
        };
        let mut alerts = self.hold(&Scene::new(entry, seq, table).from(origin), false);
        for (entry, seq, origin) in late {
            alerts.extend(self.hold(&Scene::new(&entry, seq, table).from(Some(origin)), true));
        }
        alerts
    }

    /// Holds a record against the rules of its kind. `late`: against those alone that ask where it comes from.
    fn hold(&mut self, scene: &Scene<'_>, late: bool) -> Vec<Alert> {
        let Some(steps) = self.index.get(scene.entry.body.kind()) else { return Vec::new() };
        let seq = scene.seq;
        let mut alerts = Vec::new();
        for &(at, number) in steps {
            let rule = &self.rules[at];
            let Some(step) = rule.steps.get(number).or_else(|| rule.unless.first()) else { continue };
            if (late && !step.condition.asks("from")) || !meets(step, scene) {
                continue;
            }
            if number == UNLESS {
                self.sequences.end(at, scene);
                continue;
            }
            let evidence = match rule.steps.len() {
                1 => vec![seq],
                _ => match self.sequences.step(at, rule, number, scene) {
                    Some(evidence) => evidence,
                    None => continue,
                },
            };
            alerts.extend(self.told.tell(at, rule, scene, evidence));
        }
        alerts
    }
}

/// Whether a record is what a step asks for.
fn meets(step: &Step, scene: &Scene<'_>) -> bool {
    let happened = step.any_outcome
        || scene.entry.body.outcome().is_none_or(|(ret, errno)| {
            // What the kernel refused was meant all the same.
            ret >= 0 || matches!(errno, Some("EACCES" | "EPERM" | "EROFS"))
        });
    happened && step.condition.holds(scene)
}

#[cfg(test)]
mod held_out;
#[cfg(test)]
mod tests;
