//! `kernscope show`: a session's records, as they were told or as lines for people.

use super::{ShowArgs, Which, default_path, page, read};
use crate::args::{Format, colors_allowed};
use crate::failure::{BROKEN, Failure, Outcome};
use crate::stream::{note, printed};
use crate::watch::apart;
use kernscope_report::records::{Records, Session, Standing};
use kernscope_report::{Body, Coverage, End, Entry, Ledger, Output, Pretty, Record, Sink, Style, Summary};
use std::io::{BufWriter, IsTerminal, Write, stdout};

pub(super) fn run(args: &ShowArgs) -> Outcome {
    let known = kernscope_report::records::kinds();
    if let Some(kind) = args.kind.iter().find(|kind| !known.contains(kind)) {
        let known = known.join(", ");
        return Err(Failure::usage(format_args!(
            "show --kind {kind}: there is no such kind; there are {known}"
        )));
    }
    let db = args.db.clone().map_or_else(default_path, Ok)?;
    apart::check("show", &[("--report", args.report.as_deref())], &[("--db", Some(&db))])?;
    let records = read(Some(&db))?;
    let session = find(&records, args.session)?;
    if session.standing == Standing::CutOff {
        note(format_args!(
            "session {} was cut off: it has no account, and its last records may be missing",
            session.id
        ));
    }
    if let Some(path) = &args.report {
        return page::write(path, &records, &session, &args.kind);
    }
    match args.format {
        Format::Jsonl => lines(&records, &session, &args.kind),
        Format::Pretty => pretty(args, &records, &session),
    }
}

/// The session that is meant.
pub(super) fn find(records: &Records, which: Which) -> Result<Session, Failure> {
    let mut sessions = records.sessions().map_err(|error| Failure::with_status(BROKEN, error))?;
    let found = match which {
        Which::Last => sessions.pop(),
        Which::Number(id) => sessions.into_iter().find(|session| session.id == id),
    };
    found.ok_or_else(|| match which {
        Which::Last => Failure::usage("show last: no session is kept there; `watch --db FILE` keeps one"),
        Which::Number(id) => {
            Failure::usage(format_args!("show {id}: there is no such session; see kernscope sessions"))
        }
    })
}

/// Each record as it was told.
fn lines(records: &Records, session: &Session, kinds: &[String]) -> Outcome {
    let mut out = BufWriter::new(stdout());
    let mut written = Ok(());
    let mut take = |record: &str| {
        written = writeln!(out, "{record}");
        written.is_ok()
    };
    records.each(session.id, kinds, &mut take).map_err(|error| Failure::with_status(BROKEN, error))?;
    printed(written.and_then(|()| out.flush()).map_err(|cause| (cause.kind(), cause.to_string())))
}

/// What is gathered while records go by.
struct Told {
    sink: Pretty,
    summary: Summary,
    coverage: Option<Coverage>,
    ledger: Option<Ledger>,
    unreadable: u64,
    last_ns: u64,
}

impl Told {
    fn take(&mut self, text: &str) -> bool {
        match serde_json::from_str::<Record>(text).ok().and_then(entry) {
            None => self.unreadable += 1,
            Some(entry) => self.tell(entry),
        }
        // A reader that has seen enough is no failure, and needs no more.
        self.sink.fault().is_none()
    }

    fn tell(&mut self, entry: Entry) {
        self.last_ns = entry.ts_ns;
        match entry.body {
            Body::Coverage(coverage) => self.coverage = Some(coverage),
            Body::Ledger(ledger) => self.ledger = Some(ledger),
            _ => {
                self.summary.entry(&entry);
                self.sink.entry(&entry);
            }
        }
    }
}

fn pretty(args: &ShowArgs, records: &Records, session: &Session) -> Outcome {
    let broken = |error: &dyn std::fmt::Display| Failure::with_status(BROKEN, error);
    let on_terminal = stdout().is_terminal();
    let style = Style { color: on_terminal && colors_allowed(), tree: on_terminal, verbose: args.verbose };
    let output = Output::stdout().map_err(|cause| broken(&format_args!("use standard output: {cause}")))?;
    let sink = Pretty::new(output.patient(), style);
    let mut told =
        Told { sink, summary: Summary::default(), coverage: None, ledger: None, unreadable: 0, last_ns: 0 };
    records.each(session.id, &args.kind, &mut |text| told.take(text)).map_err(|error| broken(&error))?;
    if told.unreadable > 0 {
        note(format_args!(
            "{} records are of a newer kernscope, or were changed; --format jsonl shows them",
            told.unreadable
        ));
    }
    match (&told.coverage, &told.ledger) {
        (Some(coverage), Some(ledger)) => {
            let end = End { ts_ns: told.last_ns, summary: &told.summary, coverage, ledger };
            told.sink.finish(&end);
        }
        // Of a part, or of a session that was cut off, there is no account.
        _ => told.sink.finish_without_account(),
    }
    printed(told.sink.failed_by().map_or(Ok(()), |kind| Err((kind, kind.to_string()))))
}

/// The entry that a record was made of; times count from 1970.
pub(super) fn entry(record: Record) -> Option<Entry> {
    let ts_ns = kernscope_report::clock::parse_ns(&record.ts)?;
    Some(Entry { ts_ns, proc: record.proc, body: record.body, escaped: Vec::new() })
}
