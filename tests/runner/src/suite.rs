//! Many cases, one after the other, and the lines that tell how they went.

use crate::agree::differences;
use crate::case::{Backend, Case};
use crate::needs;
use crate::run::{Setting, Verdict, run};
use anyhow::Result;
use std::io::Write;

/// How often a case is run again when the kernel skipped a program because the same one had been preempted on that
/// CPU: possible from 7.0 on, and frequent under emulation. The ledger counts it; whether it did is judged as well.
const RETRIES: usize = 5;

/// What to run.
#[derive(Debug)]
pub struct Plan {
    /// Back ends; empty: run the programs unwatched.
    pub backends: Vec<Backend>,
    /// Only cases whose name contains this.
    pub filter: String,
    /// No cases whose name contains this.
    pub without: Option<String>,
}

impl Plan {
    /// The cases whose names it takes, in their order.
    pub fn of<'a>(&self, cases: &'a [Case]) -> impl Iterator<Item = &'a Case> {
        let is_left_out = |name: &str| self.without.as_ref().is_some_and(|without| name.contains(without));
        cases.iter().filter(move |case| case.name.contains(&self.filter) && !is_left_out(&case.name))
    }

    /// Whether a case or scenario for these back ends is run at all.
    pub fn tries(&self, backends: &[Backend]) -> bool {
        self.backends.is_empty() || self.backends.iter().any(|backend| backends.contains(backend))
    }
}

/// How it went.
#[derive(Debug, Default)]
pub struct Tally {
    /// Runs without a problem.
    pub passed: usize,
    /// Names of those with one.
    pub failed: Vec<String>,
    /// Skipped, with the reason.
    pub skipped: Vec<String>,
    /// Cases on which two back ends were compared.
    pub compared: usize,
}

/// Runs the plan, writing a line for each run to `out`.
///
/// # Errors
/// When `out` cannot be written.
pub fn run_all(setting: &Setting<'_>, plan: &Plan, out: &mut dyn Write) -> Result<Tally> {
    let mut tally = Tally::default();
    for case in plan.of(&setting.cases.cases) {
        match needs::unmet(&case.needs, setting.programs) {
            Ok(None) => run_case(setting, plan, case, out, &mut tally)?,
            Ok(Some(why)) => {
                writeln!(out, "skip {}: {why}", case.name)?;
                tally.skipped.push(format!("{}: {why}", case.name));
            }
            Err(error) => tell(out, &mut tally, &case.name, &[format!("{error:#}")])?,
        }
    }
    Ok(tally)
}

fn run_case(
    setting: &Setting<'_>,
    plan: &Plan,
    case: &Case,
    out: &mut dyn Write,
    tally: &mut Tally,
) -> Result<()> {
    if plan.backends.is_empty() {
        judge(setting, case, None, out, tally)?;
        return Ok(());
    }
    let mut streams = Vec::new();
    for &backend in plan.backends.iter().filter(|backend| case.backends.contains(backend)) {
        if let Some(verdict) = judge(setting, case, Some(backend), out, tally)? {
            streams.push((verdict.stream, backend));
        }
    }
    if let ([first, second], None) = (&streams[..], &case.disagree) {
        let differences = differences(setting.cases, (&first.0, first.1), (&second.0, second.1));
        tally.compared += 1;
        tell(out, tally, &format!("{} [{} = {}]", case.name, first.1.name(), second.1.name()), &differences)?;
    }
    Ok(())
}

fn judge(
    setting: &Setting<'_>,
    case: &Case,
    backend: Option<Backend>,
    out: &mut dyn Write,
    tally: &mut Tally,
) -> Result<Option<Verdict>> {
    let label = format!("{} [{}]", case.name, backend.map_or("unwatched", Backend::name));
    let mut result = run(setting, case, backend);
    for _ in 0..RETRIES {
        let skipped = result.as_ref().map_or(0, |verdict| verdict.stream.skipped_by_kernel());
        if skipped == 0 {
            break;
        }
        writeln!(out, "again {label}: the kernel skipped {skipped} runs of programs, as the ledger says")?;
        result = run(setting, case, backend);
    }
    match result {
        Ok(verdict) => {
            tell(out, tally, &label, &verdict.problems)?;
            Ok(Some(verdict))
        }
        Err(error) => {
            tell(out, tally, &label, &[format!("{error:#}")])?;
            Ok(None)
        }
    }
}

pub(crate) fn tell(out: &mut dyn Write, tally: &mut Tally, label: &str, problems: &[String]) -> Result<()> {
    if problems.is_empty() {
        tally.passed += 1;
        writeln!(out, "ok   {label}")?;
    } else {
        tally.failed.push(label.to_owned());
        writeln!(out, "FAIL {label}")?;
        for problem in problems {
            writeln!(out, "  {problem}")?;
        }
    }
    out.flush()?;
    Ok(())
}

/// The closing lines.
///
/// # Errors
/// When `out` cannot be written.
pub fn close(tally: &Tally, out: &mut dyn Write) -> Result<()> {
    for failed in &tally.failed {
        writeln!(out, "failed: {failed}")?;
    }
    writeln!(
        out,
        "cases: {} passed, {} failed, {} skipped, {} compared",
        tally.passed,
        tally.failed.len(),
        tally.skipped.len(),
        tally.compared
    )?;
    Ok(())
}
