//! `kernscope sessions`.

use super::{SessionsArgs, default_path, forget, read};
use crate::args::Format;
use crate::failure::{BROKEN, Failure, Outcome};
use crate::records::table::Table;
use crate::stream::{note, print};
use kernscope_report::pretty::{clean, units};
use kernscope_report::records::{Records, Session};
use serde_json::json;
use std::path::Path;

pub(super) fn run(args: &SessionsArgs) -> Outcome {
    let path = args.db.clone().map_or_else(default_path, Ok)?;
    if args.prune || !args.remove.is_empty() {
        remove(args, &path)?;
    }
    let sessions = read(Some(&path))?.sessions().map_err(broken)?;
    match args.format {
        Format::Pretty => print(pretty(&sessions).as_bytes()),
        Format::Jsonl => {
            let lines: String = sessions.iter().map(|session| object(session) + "\n").collect();
            print(lines.as_bytes())
        }
    }
}

fn remove(args: &SessionsArgs, path: &Path) -> Result<(), Failure> {
    let mut records = Records::open(path).map_err(Failure::usage)?;
    let known = records.sessions().map_err(broken)?;
    if let Some(none) = args.remove.iter().find(|id| known.iter().all(|session| session.id != **id)) {
        return Err(Failure::usage(format_args!(
            "sessions --remove {none}: there is no such session; see kernscope sessions"
        )));
    }
    records.remove(&args.remove).map_err(broken)?;
    if let Some(days) = args.keep_days {
        forget(path, days)?;
    }
    if let Some(bytes) = args.keep_bytes {
        records.remove_beyond(bytes).map_err(broken)?;
    }
    let left = records.sessions().map_err(broken)?.len();
    note(format_args!(
        "{} removed, {left} left",
        units::plural((known.len() - left) as u64, "session", "sessions")
    ));
    Ok(())
}

fn broken(error: impl std::fmt::Display) -> Failure {
    Failure::with_status(BROKEN, error)
}

fn pretty(sessions: &[Session]) -> String {
    let head = ["session", "started", "state", "records", "lost", "back end", "watched"];
    let mut table = Table::new(head.map(str::to_owned).to_vec());
    for session in sessions {
        table.row(vec![
            session.id.to_string(),
            session.started.get(..19).unwrap_or_default().replace('T', " "),
            session.standing.word().to_owned(),
            session.records.to_string(),
            session.lost.map_or_else(|| "?".to_owned(), |lost| lost.to_string()),
            session.backend.clone().unwrap_or_else(|| "?".to_owned()),
            clean::cut_end(&session.what, 80).into_owned(),
        ]);
    }
    table.text()
}

fn object(session: &Session) -> String {
    json!({
        "session": session.id,
        "started": session.started,
        "ended": session.ended,
        "state": session.standing.word(),
        "records": session.records,
        "lost": session.lost,
        "backend": session.backend,
        "what": session.what,
        "kernel": session.kernel,
        "version": session.version,
    })
    .to_string()
}
