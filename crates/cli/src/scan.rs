//! `kernscope scan`: rules over files, trees and standard input.

mod accepted;
mod access;
mod account;
mod progress;
mod rules;
mod sarif;
mod sink;
mod tell;

use crate::failure::{Failure, Outcome, USAGE};
use crate::stop::Stop;
use crate::watch::apart;
use accepted::Accepted;
use clap::Args;
use kernscope_scan::{Access, Options, Progress, Tally};
use kernscope_sieve::matcher::Matcher;
use progress::Bar;
use rules::Sources;
use sink::Sink;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use tell::{Format, How, Teller};

/// Find secrets, and whatever else rules match, in files, archives, git history and standard input
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kernscope scan .
  kernscope scan --rules gitleaks.toml --format jsonl src
  kernscope scan --baseline .kernscope-baseline --format sarif . > scan.sarif
  kernscope scan --git
  git diff --cached | kernscope scan -
  sudo kernscope scan --on-access /srv/upload

Hidden files are looked at; what .gitignore names and .git itself are not.
Of rules of one name in several files the first is used. Of a history a secret
is told once for each path, with the oldest commit that has it there.
Ctrl-C ends the scan and tells what it has; Ctrl-C again ends it at once. With
--on-access, for which root is needed, Ctrl-C is the end that is expected: what
was used before is still looked at, and the status is 0, 1 or 2.
Status: 0 nothing found; 1 findings; 2 something could not be scanned, or a
wrong command line; 130 stopped by Ctrl-C (143 by SIGTERM, 129 by SIGHUP).")]
pub(crate) struct ScanArgs {
    /// Rules to go by instead of the built-in ones: kernscope's TOML or gitleaks' (docs/RULES.md)
    #[arg(long, value_name = "FILE")]
    rules: Vec<PathBuf>,
    /// Go by the built-in rules beside those of --rules
    #[arg(long, conflicts_with = "no_builtin")]
    builtin: bool,
    /// Never go by the built-in rules, not even where a file of rules says so
    #[arg(long)]
    no_builtin: bool,
    /// Try the examples of the rules first; status 2 when one does not hold
    #[arg(long)]
    verify_rules: bool,
    /// Look at the whole history of the git repository at REPO, or here: every blob that a reference reaches, once
    #[arg(long, visible_alias = "git-history", value_name = "REPO", num_args = 0..=1, default_missing_value = ".")]
    git: Vec<PathBuf>,
    /// Look at files below DIR as they are opened and written, until Ctrl-C; each once, and again when it has changed
    #[arg(long, value_name = "DIR", conflicts_with_all = ["git", "paths"])]
    on_access: Vec<PathBuf>,
    /// Findings that are accepted, and not told
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write all findings of this scan to FILE, for --baseline
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,
    /// How to tell: lines for people, one JSON object a line (docs/SCHEMA.md), or SARIF 2.1.0
    #[arg(long, value_enum, value_name = "NAME", default_value_t)]
    format: Format,
    /// Write to FILE, which only you can read, instead of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Threads that scan, 1 to 256; one a core where nothing is said
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// Leave out larger files; they are in the ledger
    #[arg(long, value_name = "BYTES")]
    max_file_size: Option<u64>,
    /// Look at what .gitignore names as well
    #[arg(long)]
    no_ignore: bool,
    /// Look at archives and compressed files as the bytes they are
    #[arg(long)]
    no_archives: bool,
    /// Show secrets as they are
    #[arg(long)]
    no_redact: bool,
    /// Files and directories; - is standard input
    #[arg(required_unless_present_any = ["verify_rules", "git", "on_access"], value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// What is written is apart from what is read; only a baseline may be written anew.
fn check_files(args: &ScanArgs) -> Result<(), Failure> {
    let output = ("--output", args.output.as_deref());
    let rules = args.rules.iter().map(|path| ("--rules", Some(path.as_path())));
    let paths = args.paths.iter().map(|path| ("PATH", Some(path.as_path())));
    let read: Vec<_> = rules.chain(paths).collect();
    apart::check("scan", &[output, ("--write-baseline", args.write_baseline.as_deref())], &read)?;
    apart::check("scan", &[output], &[("--baseline", args.baseline.as_deref())])
}

pub(crate) fn run(args: ScanArgs) -> Outcome {
    check_files(&args)?;
    let sources = Sources::read(&args.rules, args.builtin, args.no_builtin)?;
    if args.verify_rules && !sources.verify() {
        return Ok(ExitCode::from(USAGE));
    }
    if args.paths.is_empty() && args.git.is_empty() && args.on_access.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let accepted = Accepted::open(args.baseline.as_deref(), args.write_baseline.as_deref())?;
    // It lasts as long as the process, and takes longer to free than a short scan.
    let matcher: &Matcher = Box::leak(Box::new(Matcher::new(sources.merged())));
    let mut how = How {
        format: args.format,
        bare: args.no_redact,
        archives: !args.no_archives,
        history: !args.git.is_empty(),
        watched: Vec::new(),
    };
    let mut options = Options {
        roots: args.paths,
        histories: args.git,
        max_file_bytes: args.max_file_size,
        ignore: !args.no_ignore,
        archives: !args.no_archives,
        ..Options::default()
    };
    options.threads = args.threads.map_or(options.threads, usize::from);
    let sink = Sink::open(args.output.as_deref())?;
    options.own.extend(sink.own());
    let (stop, mut source) = (Stop::listen()?, Source::Named);
    if !args.on_access.is_empty() {
        let access = access::open(&args.on_access)?;
        how.watched = access.watched().to_vec();
        source = Source::Used(access);
    }
    let teller = Teller::new(how, sink, accepted, matcher.rules());
    scan(source, &options, matcher, teller, &stop)
}

/// Where files are from.
enum Source {
    /// The command line names them.
    Named,
    /// Programs use them.
    Used(Access),
}

fn scan(source: Source, options: &Options, matcher: &Matcher, mut teller: Teller, stop: &Stop) -> Outcome {
    let (mut tally, mut troubles) = (Tally::default(), 0);
    let (progress, bar) = (Progress::default(), Bar::new());
    stop.wanted.fetch_or(teller.is_in_vain(), Ordering::Relaxed);
    // Until Ctrl-C is how long files that are used are looked at: to stop is no failure there.
    let has_end = matches!(source, Source::Named);
    let mut take = |mut outcome: kernscope_scan::Outcome| {
        teller.begin(outcome.user.take());
        bar.without(|| {
            outcome.found.iter().for_each(|found| teller.found(&matcher.rules()[found.at.rule], found));
            outcome.troubles.iter().for_each(|trouble| teller.trouble(&trouble.line));
        });
        troubles += outcome.troubles.len();
        tally.add(&outcome.tally);
        stop.wanted.fetch_or(teller.is_in_vain(), Ordering::Relaxed);
    };
    bar.shown(&progress, || match source {
        Source::Named => kernscope_scan::scan(options, matcher, &stop.wanted, &progress, &mut take),
        Source::Used(access) => access.run(options, matcher, &stop.wanted, &progress, &mut take),
    });
    let stopped = stop.status().filter(|_| has_end);
    let is_cut_short = stop.wanted.load(Ordering::Relaxed) && has_end;
    teller.end(&tally, is_cut_short);
    if let Some(failure) = teller.failure() {
        failure.tell();
        return Ok(ExitCode::from(USAGE));
    }
    Ok(match (stopped, troubles, teller.emitted) {
        (Some(status), ..) => ExitCode::from(status),
        (None, 1.., _) => ExitCode::from(USAGE),
        // The reader has gone before there was anything to be told.
        (None, 0, 0) if is_cut_short => ExitCode::from(USAGE),
        (None, 0, found) => ExitCode::from(u8::from(found > 0)),
    })
}
