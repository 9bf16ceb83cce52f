//! `kernscope scan`: rules over files, trees and standard input.

mod tell;

use crate::args::Format;
use crate::failure::{Failure, Outcome, USAGE};
use crate::stream::note;
use clap::Args;
use kernscope_scan::{Options, Progress, Tally};
use kernscope_sieve::matcher::Matcher;
use kernscope_sieve::rules::{Extends, RuleSet};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use tell::Teller;

/// Find what rules match in files, trees and standard input
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  kernscope scan --rules gitleaks.toml --format jsonl .

Hidden files are looked at; what .gitignore names and .git itself are not.
Of rules of one name in several files the first is used.
Status: 0 nothing found; 1 findings; 2 something could not be scanned, or a
wrong command line.")]
pub(crate) struct ScanArgs {
    /// Rules: kernscope's TOML or gitleaks' (docs/RULES.md)
    #[arg(long, value_name = "FILE", required = true)]
    rules: Vec<PathBuf>,
    /// How to tell: lines for people, or one JSON object a line (docs/SCHEMA.md)
    #[arg(long, value_enum, value_name = "NAME", default_value_t)]
    format: Format,
    /// Threads that scan; one a core where nothing is said
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Leave out larger files; they are in the ledger
    #[arg(long, value_name = "BYTES")]
    max_file_size: Option<u64>,
    /// Look at what .gitignore names as well
    #[arg(long)]
    no_ignore: bool,
    /// Show secrets as they are
    #[arg(long)]
    no_redact: bool,
    /// Files and directories; - is standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

pub(crate) fn run(args: ScanArgs) -> Outcome {
    let matcher = Matcher::new(rules(&args.rules)?);
    let mut options = Options {
        roots: args.paths,
        max_file_bytes: args.max_file_size,
        ignore: !args.no_ignore,
        ..Options::default()
    };
    options.threads = args.threads.map_or(options.threads, NonZeroUsize::get);
    let mut teller = Teller::new(args.format, args.no_redact);
    let (mut tally, mut troubles) = (Tally::default(), 0);
    kernscope_scan::scan(&options, &matcher, &AtomicBool::new(false), &Progress::default(), &mut |outcome| {
        outcome.found.iter().for_each(|found| teller.found(&matcher.rules()[found.at.rule], found));
        outcome.troubles.iter().for_each(|trouble| note(&trouble.line));
        troubles += outcome.troubles.len();
        tally.add(&outcome.tally);
    });
    teller.end(&tally);
    match (teller.broken, troubles, teller.emitted) {
        (Some(failure), ..) => {
            failure.tell();
            Ok(ExitCode::from(USAGE))
        }
        (None, 1.., _) => Ok(ExitCode::from(USAGE)),
        (None, 0, found) => Ok(ExitCode::from(u8::from(found > 0))),
    }
}

fn rules(files: &[PathBuf]) -> Result<RuleSet, Failure> {
    let mut all = RuleSet::default();
    for file in files {
        let mut set = RuleSet::read(file).map_err(Failure::usage)?;
        if set.extends.default {
            set.extend_with(RuleSet::builtin());
        }
        // What one file leaves out is no word about the next.
        set.extends = Extends::default();
        let fit = set.for_matching();
        all.extend_with(fit.map_err(|why| Failure::usage(format_args!("{}: {why}", file.display())))?);
    }
    all.notes.iter().for_each(note);
    Ok(all)
}
