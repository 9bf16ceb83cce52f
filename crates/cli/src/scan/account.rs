//! What a scan says at its end, in words.

use super::access;
use super::tell::How;
use kernscope_report::Ledger;
use kernscope_scan::Tally;
use std::collections::BTreeMap;

/// What was looked at, and what was not.
pub(super) fn coverage(tally: &Tally, how: &How, stopped: bool) -> String {
    let unopened = tally.filtered_by.get("unopened").copied().unwrap_or(0);
    let archives = match (how.archives, unopened) {
        (false, _) => "archives were scanned as the bytes they are".to_owned(),
        (true, 0) => "archives were looked into".to_owned(),
        (true, count) => {
            format!(
                "archives were looked into, but for {count} of kinds that are not opened (7z, rar, ar, lz4, compress, rpm, cab, squashfs, cpio)"
            )
        }
    };
    let shallow = tally.filtered_by.get("shallow").copied().unwrap_or(0);
    let history = match tally.seen_by.get("history").copied().unwrap_or(0) {
        _ if !how.history => "git history was not looked at",
        0 => "of git history every blob that a reference reaches was met",
        seen if seen > shallow => "of git history what could be read was met, and some could not",
        _ => {
            "of git history every blob that is there was met, but the clone is shallow: what was committed before is elsewhere"
        }
    };
    if !how.watched.is_empty() {
        return format!("{}; {archives}", access::coverage(&how.watched));
    }
    let end = if stopped { "; the scan was stopped before it had met everything" } else { "" };
    format!("{archives}; {history}{end}")
}

/// What was met and what became of it, by reason.
pub(super) fn equation(ledger: &Ledger) -> String {
    let parts = |map: &BTreeMap<String, u64>| {
        let parts: Vec<_> = map.iter().map(|(key, count)| format!("{key} {count}")).collect();
        if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
    };
    format!(
        "ledger seen {}{} = emitted {} + filtered {}{} + lost {}{}",
        ledger.seen,
        parts(&ledger.seen_by),
        ledger.emitted,
        ledger.filtered,
        parts(&ledger.filtered_by),
        ledger.lost.values().sum::<u64>(),
        parts(&ledger.lost)
    )
}
