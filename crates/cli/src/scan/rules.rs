//! Which rules a scan goes by: the built-in ones, those of files, or both.

use crate::failure::Failure;
use crate::rules;
use crate::stream::note;
use kernscope_sieve::rules::RuleSet;
use std::path::PathBuf;

/// What the built-in rules are called where a file's name would stand.
const BUILTIN: &str = "built-in rules";

/// Rules, each set with the name of where it is from, in the order of the command line.
pub(super) struct Sources(Vec<(String, RuleSet)>);

impl Sources {
    /// Reads files. The built-in rules are used where there is no file or `builtin` wants them beside; `no_builtin`: never,
    /// not even where a file says so.
    pub(super) fn read(files: &[PathBuf], builtin: bool, no_builtin: bool) -> Result<Self, Failure> {
        let mut sets = Vec::new();
        for file in files {
            sets.push((file.display().to_string(), rules::for_matching(file, !no_builtin)?));
        }
        if builtin || (files.is_empty() && !no_builtin) {
            sets.push((BUILTIN.to_owned(), RuleSet::builtin()));
        }
        if sets.iter().all(|(_, set)| set.rules.is_empty()) {
            return Err(Failure::usage("there is no rule to scan with; give some with --rules FILE"));
        }
        Ok(Self(sets))
    }

    /// Tries the examples of all rules, and says what does not hold. Whether all do.
    pub(super) fn verify(&self) -> bool {
        let mut holds = true;
        for (name, set) in &self.0 {
            let verified = set.verify();
            verified.faults.iter().for_each(|fault| note(format_args!("{name}: {fault}")));
            holds &= verified.faults.is_empty();
            let (rules, without) = (set.rules.len(), set.rules.len() - verified.rules);
            let (held, all) = (verified.examples - verified.faults.len(), verified.examples);
            note(format_args!(
                "{name}: {rules} rules, {without} without examples; {held} of {all} examples hold"
            ));
        }
        holds
    }

    /// All of them; of rules of one name the first.
    pub(super) fn merged(self) -> RuleSet {
        let mut all = RuleSet::default();
        self.0.into_iter().for_each(|(_, set)| all.extend_with(set));
        all
    }
}
