//! Reads what a guest wrote: which steps ran, how they ended, what they said.

use crate::tally::Tally;

/// A step that the guest began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The step's name.
    pub(crate) name: String,
    /// Its exit status; `None` when the guest did not get to its end.
    pub(crate) status: Option<i32>,
    /// How long it took, by the guest's clock.
    pub(crate) took_s: Option<u64>,
    /// What it wrote.
    pub(crate) output: String,
}

impl Outcome {
    /// Passed, failed and skipped: what a test runner's closing line says, else the step itself.
    pub(crate) fn tally(&self) -> Tally {
        let told = self.output.lines().rev().find_map(Tally::parse);
        let ended_well = self.status == Some(0);
        match told {
            Some(tally) if ended_well || tally.failed > 0 => tally,
            Some(tally) => tally + Tally::failed(1),
            None if ended_well => Tally::passed(1),
            None => Tally::failed(1),
        }
    }
}

/// What a guest wrote on its results port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Results {
    /// The running kernel, as `uname -r` says it.
    pub(crate) kernel: Option<String>,
    /// Steps, in order.
    pub(crate) outcomes: Vec<Outcome>,
    /// The guest got to its end.
    pub(crate) done: bool,
}

impl Results {
    /// Reads marked lines: `@@ kernel R`, `@@ begin NAME`, `@@ end NAME STATUS SECONDS`, `@@ done`.
    pub(crate) fn parse(text: &str) -> Results {
        let mut results = Results::default();
        for line in text.lines() {
            let Some(mark) = line.strip_prefix("@@ ") else {
                if let Some(outcome) = results.outcomes.last_mut().filter(|outcome| outcome.status.is_none())
                {
                    outcome.output.push_str(line);
                    outcome.output.push('\n');
                }
                continue;
            };
            match mark.split(' ').collect::<Vec<_>>()[..] {
                ["kernel", release] => results.kernel = Some(release.to_owned()),
                ["begin", name] => {
                    results.outcomes.push(Outcome {
                        name: name.to_owned(),
                        status: None,
                        took_s: None,
                        output: String::new(),
                    });
                }
                ["end", name, status, took_s] => {
                    if let Some(outcome) = results.outcomes.last_mut().filter(|outcome| outcome.name == name)
                    {
                        outcome.status = status.parse().ok();
                        outcome.took_s = took_s.parse().ok();
                    }
                }
                ["done"] => results.done = true,
                _ => {}
            }
        }
        results
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_told_apart() {
        let text = "@@ kernel 6.1.0\nnoise\n@@ begin a\none\n@@ end a 0 2\n@@ begin b\ncases: 3 passed, 1 failed, 2 skipped\n@@ end b 1 3\n@@ done\n";
        let results = Results::parse(text);
        assert_eq!(results.kernel.as_deref(), Some("6.1.0"));
        assert!(results.done);
        let tallies: Vec<_> = results.outcomes.iter().map(Outcome::tally).collect();
        assert_eq!(tallies, [Tally::passed(1), Tally { passed: 3, failed: 1, skipped: 2 }]);
    }

    #[test]
    fn a_step_without_an_end_has_failed() {
        let results = Results::parse("@@ begin a\ncases: 3 passed, 0 failed, 0 skipped\n");
        assert!(!results.done);
        assert_eq!(results.outcomes[0].tally(), Tally { passed: 3, failed: 1, skipped: 0 });
    }
}
