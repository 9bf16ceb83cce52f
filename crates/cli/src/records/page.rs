//! `kernscope show --report`: a page of a session that is kept.

use super::show::entry;
use crate::failure::{BROKEN, Failure, Outcome};
use crate::stream::note;
use kernscope_report::html::{About, Report};
use kernscope_report::records::{Records, Session};
use kernscope_report::{Body, Coverage, End, Ledger, Record, Summary};
use std::path::Path;
use std::process::ExitCode;

/// What goes by on the way into a page.
struct Passing {
    report: Report,
    coverage: Option<Coverage>,
    ledger: Option<Ledger>,
    unreadable: u64,
    last_ns: u64,
}

impl Passing {
    fn take(&mut self, text: &str) {
        let record = serde_json::from_str::<Record>(text).ok();
        let numbered = record.and_then(|record| Some((record.seq, entry(record)?)));
        let Some((seq, entry)) = numbered else {
            self.unreadable += 1;
            return;
        };
        self.last_ns = entry.ts_ns;
        match entry.body {
            Body::Coverage(coverage) => self.coverage = Some(coverage),
            Body::Ledger(ledger) => self.ledger = Some(ledger),
            _ => self.report.take_as(seq, entry),
        }
    }
}

pub(super) fn write(path: &Path, records: &Records, session: &Session, kinds: &[String]) -> Outcome {
    let about = About {
        what: session.what.clone(),
        offset_ns: 0,
        host: session.host.clone(),
        kernel: session.kernel.clone(),
        version: session.version.clone(),
    };
    let report = Report::start(path, about).map_err(Failure::usage)?.patient();
    let mut passing = Passing { report, coverage: None, ledger: None, unreadable: 0, last_ns: 0 };
    let mut take = |text: &str| {
        passing.take(text);
        true
    };
    records.each(session.id, kinds, &mut take).map_err(broken)?;
    if passing.unreadable > 0 {
        note(format_args!(
            "{} records are of a newer kernscope, or were changed; they are not in the page",
            passing.unreadable
        ));
    }
    match (&passing.coverage, &passing.ledger) {
        (Some(coverage), Some(ledger)) => {
            let end = End { ts_ns: passing.last_ns, summary: &Summary::default(), coverage, ledger };
            passing.report.finish(&end).map_err(broken)?;
        }
        _ => passing.report.finish_without_account().map_err(broken)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn broken(error: impl std::fmt::Display) -> Failure {
    Failure::with_status(BROKEN, error)
}
