//! The list of alerts.

use super::model::{Model, Warning};
use super::table::{Cell, Column};
use super::text::{ago, short};
use crate::screen::look::{bold, dim};
use kernscope_lan::store::Said;
use kernscope_report::Severity;
use ratatui::style::{Color, Style};
use std::cmp::Ordering;

const fn column(title: &'static str, width: u16, grows: u16, rank: u8) -> Column {
    Column { title, width, grows, right: false, rank, down: false }
}

/// Its columns.
pub(super) const COLUMNS: [Column; 6] = [
    Column { title: "severity", width: 9, grows: 0, right: false, rank: 0, down: true },
    column("what", 20, 4, 1),
    column("device", 14, 1, 4),
    column("rule", 20, 0, 5),
    Column { title: "seen", width: 6, grows: 0, right: true, rank: 2, down: true },
    column("state", 6, 0, 3),
];

/// Which column shows when.
pub(super) const SEEN: usize = 4;

/// What the list leaves out.
pub(super) const FILTERS: [&str; 3] = ["open", "all", "acknowledged or muted"];

/// Whether a filter lets an alert through.
pub(super) fn is_wanted(model: &Model, warning: &Warning, filter: u8, words: &[String]) -> bool {
    let is_open = warning.said == Said::Open;
    let passes = match filter {
        0 => is_open,
        2 => !is_open,
        _ => true,
    };
    passes && (words.is_empty() || has_words(model, warning, words))
}

fn has_words(model: &Model, warning: &Warning, words: &[String]) -> bool {
    let alert = &warning.alert;
    let text = format!("{} {} {} {}", alert.message, alert.rule, alert.mac, device(model, warning));
    let text = text.to_lowercase();
    words.iter().all(|word| text.contains(word.as_str()))
}

/// The order by a column.
pub(super) fn compare(model: &Model, a: &Warning, b: &Warning, column: usize) -> Ordering {
    match column {
        0 => (a.alert.severity, a.last_ns).cmp(&(b.alert.severity, b.last_ns)),
        1 => a.alert.message.cmp(&b.alert.message),
        2 => device(model, a).cmp(&device(model, b)),
        3 => a.alert.rule.cmp(&b.alert.rule),
        SEEN => a.last_ns.cmp(&b.last_ns),
        _ => word(a.said).cmp(word(b.said)),
    }
}

/// A field.
pub(super) fn cell(model: &Model, warning: &Warning, column: usize) -> Cell {
    let is_open = warning.said == Said::Open;
    let faint = if is_open { Style::new() } else { dim() };
    match column {
        0 if is_open => Cell::styled(warning.alert.severity.word(), color(warning.alert.severity)),
        0 => Cell::styled(warning.alert.severity.word(), dim()),
        1 => Cell::styled(short(&warning.alert.message), faint),
        2 => Cell::styled(device(model, warning), faint),
        3 => Cell::styled(warning.alert.rule.clone(), dim()),
        SEEN => Cell::styled(ago(model.now_ns, warning.last_ns), dim()),
        _ => Cell::styled(word(warning.said), dim()),
    }
}

/// How a severity looks.
pub(super) fn color(severity: Severity) -> Style {
    match severity {
        Severity::High => bold().fg(Color::Red),
        Severity::Medium => Style::new().fg(Color::Yellow),
        Severity::Low => dim(),
    }
}

/// What an alert is about.
pub(super) fn device(model: &Model, warning: &Warning) -> String {
    model.place(&warning.alert.mac).map_or_else(String::new, |at| model.devices[at].title.clone())
}

/// What was said of it.
pub(super) fn word(said: Said) -> &'static str {
    match said {
        Said::Open => "open",
        Said::Acknowledged => "seen",
        Said::Muted => "muted",
    }
}
