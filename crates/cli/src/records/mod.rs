//! `kernscope sessions`, `show` and `query`: the records that `watch --db` kept.

mod ask;
mod list;
mod page;
mod show;
mod table;

use crate::args::Format;
use crate::failure::{Failure, Outcome};
use crate::state;
use clap::Args;
use kernscope_report::clock::{self, Clock};
use kernscope_report::records::Records;
use std::path::{Path, PathBuf};

const DAY_NS: u64 = 86_400_000_000_000;

/// List the runs whose records are kept, and remove old ones
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kernscope sessions
  kernscope sessions --prune --keep-days 30 --keep-bytes 1000000000
  kernscope sessions --remove 3 --remove 4

A session has ended, is running, or was cut off: its kernscope was killed, and
what it had not written in the last fifth of a second is missing.

Status: 0; 1 when the database could not be read or changed to the end, or
nothing more could be written; 2 when there is no such database or session.")]
pub(crate) struct SessionsArgs {
    /// The database; $XDG_STATE_HOME/kernscope/records.db where nothing is said
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// Remove sessions, as --keep-days and --keep-bytes say; those that run stay
    #[arg(long, requires = "limits")]
    prune: bool,
    /// Sessions that began at most DAYS ago stay
    #[arg(long, value_name = "DAYS", requires = "prune", group = "limits")]
    keep_days: Option<u32>,
    /// The oldest sessions go until the records take at most BYTES; the newest stays
    #[arg(long, value_name = "BYTES", requires = "prune", group = "limits")]
    keep_bytes: Option<u64>,
    /// Remove this session; may be given several times
    #[arg(long, value_name = "SESSION", conflicts_with = "prune")]
    remove: Vec<i64>,
    /// How to tell: lines for people, or one JSON object a line
    #[arg(long, value_enum, value_name = "NAME", default_value_t)]
    format: Format,
}

/// Tell the records of a session again
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kernscope show last
  kernscope show 3 --kind process_exec --kind net_connect
  kernscope show 3 --report run.html
  kernscope show 3 --format jsonl | jq 'select(.ret < 0)'

Numbers (seq) are those of the run; where some are missing, they were lost, as
the ledger at the end says.

Status: 0; 1 when the database could not be read to the end, or nothing more
could be written; 2 when there is no such database, session or kind.")]
pub(crate) struct ShowArgs {
    /// Its number in `kernscope sessions`, or `last`
    #[arg(value_name = "SESSION", value_parser = which)]
    session: Which,
    /// The database; $XDG_STATE_HOME/kernscope/records.db where nothing is said
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// Only records of this kind (docs/SCHEMA.md); may be given several times
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,
    /// Write FILE instead, a page for a browser that needs nothing beside it and makes no request
    #[arg(long, value_name = "FILE", conflicts_with_all = ["format", "verbose"])]
    report: Option<PathBuf>,
    /// How to tell: lines for people, or the records as they were told, one JSON object a line
    #[arg(long, value_enum, value_name = "NAME", default_value_t)]
    format: Format,
    /// Show every record (mappings and closes too), and nothing shortened
    #[arg(short, long)]
    verbose: bool,
}

/// Ask the records of all sessions in SQL
///
/// SQLite's SQL over the tables `session` and `record`, and over a view for each kind of record, with a column a field, as
/// `process_exec` or `net_connect`; `process` has a row a process. The database is only read.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kernscope query 'SELECT ts, comm, argv FROM process_exec WHERE session = 3'
  kernscope query \"SELECT path, count(*) AS opens FROM file_open GROUP BY path
                   ORDER BY opens DESC LIMIT 10\"
  kernscope query \"SELECT name, remote, comm FROM net_connect WHERE ret < 0\"
  kernscope query 'SELECT name FROM sqlite_schema'

Ctrl-C stops a question that takes too long (status 130).

Status: 0; 1 when nothing more could be written; 2 when there is no such
database, or the question cannot be answered.")]
pub(crate) struct QueryArgs {
    /// One statement that reads
    #[arg(value_name = "SQL")]
    sql: String,
    /// The database; $XDG_STATE_HOME/kernscope/records.db where nothing is said
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// How to tell: a table, or one JSON object a row
    #[arg(long, value_enum, value_name = "NAME", default_value_t)]
    format: Format,
}

/// Which session is meant.
#[derive(Clone, Copy, Debug)]
enum Which {
    Last,
    Number(i64),
}

fn which(text: &str) -> Result<Which, String> {
    match text {
        "last" => Ok(Which::Last),
        _ => text.parse().map(Which::Number).map_err(|_| "not a number; see kernscope sessions".to_owned()),
    }
}

pub(crate) fn sessions(args: &SessionsArgs) -> Outcome {
    list::run(args)
}

pub(crate) fn show(args: &ShowArgs) -> Outcome {
    show::run(args)
}

pub(crate) fn query(args: &QueryArgs) -> Outcome {
    ask::run(args)
}

/// Where records are kept when no option says.
pub(crate) fn default_path() -> Result<PathBuf, Failure> {
    state::file("records.db")
}

/// Removes sessions that began more than so many days ago.
pub(crate) fn forget(path: &Path, days: u32) -> Result<Vec<i64>, Failure> {
    let mut records = Records::open(path).map_err(Failure::usage)?;
    let now_ns = clock::monotonic_ns().saturating_add_signed(clock::realtime_offset_ns());
    let oldest_ns = now_ns.saturating_sub(u64::from(days).saturating_mul(DAY_NS));
    let oldest = Clock::new(0).rfc3339(oldest_ns).to_owned();
    records.remove_before(&oldest).map_err(Failure::usage)
}

/// Opens the database of `--db`, or the usual one, for reading.
fn read(path: Option<&Path>) -> Result<Records, Failure> {
    Records::read(&path.map_or_else(default_path, |path| Ok(path.to_owned()))?).map_err(Failure::usage)
}
