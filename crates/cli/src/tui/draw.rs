//! What it looks like.

use super::state::{Row, State, Tab, is_alert};
use crate::screen::look::{badge, bold, chosen, dim, frame_of, popup};
use kernscope_report::pretty::clean;
use kernscope_report::pretty::units::plural;
use kernscope_report::{Body, Entry};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};
use serde_json::Value;

/// From this width on there is room for the tree beside the list.
const TREE_FROM: u16 = 100;
/// Lines of what is known of a record.
const DETAIL_LINES: usize = 60;

const HELP: &str = "\
Tab          the tree of processes, or the list
↑ ↓ PgUp PgDn g G   move; at the end the list follows
Enter        details; in the tree: only this process
1 2 3        records, alerts, what the command wrote
f            all, processes, files, network, finds
/            only lines with these words; Esc clears
Space        hold the picture; what comes waits
Esc          take back: details, words, process
Ctrl-C       to the command, as on any terminal
Ctrl-L       draw anew
q            end the watch; then leave";

/// Draws everything.
pub(super) fn all(frame: &mut Frame<'_>, state: &mut State) {
    let area = frame.area();
    let [head, middle, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(1), Constraint::Length(2)]).areas(area);
    frame.render_widget(top(state, usize::from(area.width)), head);
    if area.width >= TREE_FROM {
        let [left, right] =
            Layout::horizontal([Constraint::Percentage(34), Constraint::Percentage(66)]).areas(middle);
        tree(frame, state, left);
        list(frame, state, right);
    } else if state.in_tree {
        tree(frame, state, middle);
    } else {
        list(frame, state, middle);
    }
    frame.render_widget(bottom(state), foot);
    if state.has_help {
        popup(frame, " keys ", HELP);
    }
}

fn top(state: &State, width: usize) -> Line<'static> {
    let (word, color) = match (&state.ended, &state.paused) {
        (Some(_), _) => (" ended ", Color::Blue),
        (None, Some(_)) => (" held ", Color::Yellow),
        (None, None) => (" live ", Color::Green),
    };
    let alerts =
        if state.alerts > 0 { Style::new().fg(Color::Red).add_modifier(Modifier::BOLD) } else { dim() };
    let counts = format!(
        " {}, {}, ",
        plural(state.seen, "record", "records"),
        plural(state.processes.len() as u64, "process", "processes")
    );
    let finds = plural(state.alerts, "find", "finds");
    // The counts stay, however long the command is.
    let room = width.saturating_sub(word.len() + counts.len() + finds.len() + 3).max(8);
    let title = clean::cut_end(&clean::text(&state.title), room).into_owned();
    Line::from(vec![
        badge(word, color),
        Span::styled(format!(" {title} "), bold()),
        Span::styled(counts, dim()),
        Span::styled(finds, alerts),
    ])
}

fn bottom(state: &State) -> Paragraph<'static> {
    let filters = [
        (state.family.word() != "all").then(|| state.family.word().to_owned()),
        state.pid.map(|pid| format!("pid {pid}")),
        (!state.query.is_empty() || state.is_typing).then(|| format!("/{}", clean::text(&state.query))),
    ];
    let filters: Vec<_> = filters.into_iter().flatten().collect();
    let waiting = state.paused.as_ref().map_or(0, Vec::len);
    let first = match (&state.ended, waiting) {
        _ if !state.said.is_empty() => Line::from(state.said.clone()),
        (Some(last), _) => Line::from(clean::text(last).into_owned()),
        (None, 1..) => Line::from(format!("{waiting} records wait; Space goes on")),
        _ if filters.is_empty() => Line::from(""),
        _ => Line::from(Span::styled(format!("only {}", filters.join(", ")), Style::new().fg(Color::Yellow))),
    };
    let keys = "? help  / search  f kinds  Tab tree  1 records  2 alerts  3 output  Space hold  q ";
    let keys = format!("{keys}{}", if state.has_ended() { "leave" } else { "end" });
    Paragraph::new(vec![first, Line::from(Span::styled(keys, dim()))])
}

fn tree(frame: &mut Frame<'_>, state: &mut State, area: Rect) {
    let block = frame_of(" processes ".to_owned(), state.in_tree);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let rows = state.processes.rows();
    let shown = state.tree.fit(rows.len(), usize::from(inner.height));
    let lines: Vec<Line<'_>> = shown
        .map(|at| {
            let (depth, process) = rows[at];
            let style = if process.ended.is_some() { dim() } else { Style::new() };
            let style = if state.pid == Some(process.pid) { style.fg(Color::Yellow) } else { style };
            let ended = process.ended.as_ref().filter(|ended| *ended != "0");
            let line = Line::from(vec![
                Span::styled(format!("{:>7} {}", process.pid, "  ".repeat(depth)), dim()),
                Span::styled(process.name.clone(), style),
                Span::styled(
                    ended.map_or_else(String::new, |ended| format!(" {ended}")),
                    Style::new().fg(Color::Red),
                ),
            ]);
            chosen(line, state.in_tree && at == state.tree.at)
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

fn list(frame: &mut Frame<'_>, state: &mut State, area: Rect) {
    let (area, detail) = match state.has_detail && state.tab != Tab::Output {
        true => {
            let [list, detail] =
                Layout::vertical([Constraint::Percentage(50), Constraint::Percentage(50)]).areas(area);
            (list, Some(detail))
        }
        false => (area, None),
    };
    let title = match state.tab {
        Tab::Records => " records ",
        Tab::Alerts => " alerts and finds ",
        Tab::Output => " what the command wrote ",
    };
    let block = frame_of(title.to_owned(), !state.in_tree);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    state.page = usize::from(inner.height);
    let mut view = state.list;
    if state.tab == Tab::Output {
        let lines = state.output();
        let shown = view.fit(lines.len(), state.page);
        let lines: Vec<_> = lines[shown].iter().map(|line| Line::from(line.clone())).collect();
        frame.render_widget(Paragraph::new(lines), inner);
    } else {
        let rows = state.shown();
        let shown = view.fit(rows.len(), state.page);
        let line = |at: usize| chosen(record(rows[at]), !state.in_tree && at == view.at);
        frame.render_widget(Paragraph::new(shown.map(line).collect::<Vec<_>>()), inner);
        if let (Some(area), Some(row)) = (detail, rows.get(view.at)) {
            frame.render_widget(details(&row.entry), area);
        }
    }
    state.list = view;
}

fn record(row: &Row) -> Line<'static> {
    let proc = row.entry.proc.as_ref();
    let name = proc.map_or_else(String::new, |proc| clean::text(&proc.comm).into_owned());
    let failed = row.entry.body.outcome().is_some_and(|(ret, _)| ret < 0);
    let style = if failed { Style::new().fg(Color::Red) } else { color(&row.entry.body) };
    Line::from(vec![
        Span::styled(format!("{} ", row.time.trim_start()), dim()),
        Span::raw(format!("{name:<12} ")),
        Span::styled(row.text.clone(), style),
    ])
}

fn color(body: &Body) -> Style {
    let kind = body.kind();
    match () {
        () if is_alert(body) => Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
        () if kind.starts_with("process_") => Style::new().fg(Color::Magenta),
        () if kind.starts_with("net_") || matches!(kind, "dns" | "http" | "tls_data" | "stdio") => {
            Style::new().fg(Color::Cyan)
        }
        () => Style::new(),
    }
}

/// Every field of a record.
fn details(entry: &Entry) -> Paragraph<'static> {
    let proc = entry.proc.as_ref().map(|proc| {
        let exe = proc.exe.as_deref().unwrap_or("?");
        format!(
            "pid {} (thread {}, parent {}), user {}, {}",
            proc.pid,
            proc.tid,
            proc.ppid,
            proc.uid,
            clean::text(exe)
        )
    });
    let fields = serde_json::to_value(&entry.body).unwrap_or_default();
    let fields = fields.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let lines = fields.flat_map(|(name, value)| field(name, value)).take(DETAIL_LINES);
    let text: Vec<_> = proc.map(Line::from).into_iter().chain(lines).collect();
    Paragraph::new(text).wrap(Wrap { trim: false }).block(frame_of(" details ".to_owned(), false))
}

/// A field of a record as lines: its name, and its value as it is; what holds more than words as JSON.
fn field(name: &str, value: &Value) -> Vec<Line<'static>> {
    let line = |head: &str, text: &str| {
        Line::from(vec![
            Span::styled(format!("{head:<14} "), dim()),
            Span::raw(clean::text(text).into_owned()),
        ])
    };
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match value {
        Value::Array(all) if all.is_empty() => vec![line(name, "none")],
        Value::Array(all) => {
            let lines = all.iter().enumerate();
            lines.map(|(at, one)| line(if at == 0 { name } else { "" }, &word(one))).collect()
        }
        other => vec![line(name, &word(other))],
    }
}
