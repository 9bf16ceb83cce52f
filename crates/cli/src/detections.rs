//! `kernscope detections`: the rules of `watch` for alerts, listed and tried on their examples.

use crate::failure::{BROKEN, Failure, Outcome};
use crate::stream::{note, print};
use clap::{Args, Subcommand};
use kernscope_watch::detect::Detections;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// List the rules that raise alerts in `watch`, or try rules on their examples
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kernscope detections list
  kernscope detections test own.toml")]
pub(crate) struct DetectionsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    List(ListArgs),
    Test(TestArgs),
}

/// List the built-in detections, and those of files
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kernscope detections list own.toml | grep credentials")]
struct ListArgs {
    /// Files of rules that are read beside the built-in ones
    files: Vec<PathBuf>,
}

/// Try the rules of files on the examples that are with them
///
/// Each rule must raise an alert on every example under `match` and none under `near`; docs/DETECTIONS.md has the format.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  kernscope detections test own.toml

Status: 0 when all examples hold; 1 when one does not; 2 when a file cannot be
read.")]
struct TestArgs {
    /// Files of rules
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

pub(crate) fn run(args: &DetectionsArgs) -> Outcome {
    match &args.action {
        Action::List(args) => list(&args.files),
        Action::Test(args) => test(&args.files),
    }
}

/// The built-in rules and those of files, without the muted ones.
pub(crate) fn read(files: &[PathBuf], muted: &[String]) -> Result<Detections, Failure> {
    let mut all = Detections::builtin();
    for file in files {
        all.extend_with(Detections::read(file).map_err(Failure::usage)?);
    }
    for id in muted {
        all.mute(id).map_err(|_| {
            Failure::usage(format_args!(
                "watch --mute {id}: no such detection; see kernscope detections list"
            ))
        })?;
    }
    Ok(all)
}

fn list(files: &[PathBuf]) -> Outcome {
    let all = read(files, &[])?;
    let width = all.rules.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    for rule in &all.rules {
        let (severity, message) = (rule.severity.word(), &rule.message);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:width$}  {severity:6}  {message}", rule.id);
    }
    print(text.as_bytes())
}

fn test(files: &[PathBuf]) -> Outcome {
    let mut failed = false;
    for file in files {
        let rules = Detections::read(file).map_err(Failure::usage)?;
        let (count, faults) = rules.verify();
        for fault in &faults {
            note(format_args!("{}: {fault}", file.display()));
        }
        for rule in rules.rules.iter().filter(|rule| rule.examples().0 == 0 || rule.examples().1 == 0) {
            note(format_args!(
                "{}: rule {:?}: no example of each sort, match and near",
                file.display(),
                rule.id
            ));
        }
        note(format_args!(
            "{}: {} rules, {count} examples, {} that do not hold",
            file.display(),
            rules.rules.len(),
            faults.len()
        ));
        failed |= !faults.is_empty();
    }
    Ok(if failed { ExitCode::from(BROKEN) } else { ExitCode::SUCCESS })
}
