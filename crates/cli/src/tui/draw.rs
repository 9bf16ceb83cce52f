//! What it looks like.

use super::state::{Row, State, Tab, is_alert};
use kernscope_report::pretty::clean;
use kernscope_report::{Body, Entry};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph, Wrap};

/// From this width on there is room for the tree beside the list.
const TREE_FROM: u16 = 80;
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
    if std::mem::take(&mut state.is_stale) {
        frame.render_widget(Clear, area);
    }
    let [head, middle, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(1), Constraint::Length(2)]).areas(area);
    frame.render_widget(top(state), head);
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
        help(frame, area);
    }
}

fn dim() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

fn bold() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

fn top(state: &State) -> Line<'static> {
    let (word, color) = match (&state.ended, &state.paused) {
        (Some(_), _) => (" ended ", Color::Blue),
        (None, Some(_)) => (" held ", Color::Yellow),
        (None, None) => (" live ", Color::Green),
    };
    let alerts =
        if state.alerts > 0 { Style::new().fg(Color::Red).add_modifier(Modifier::BOLD) } else { dim() };
    Line::from(vec![
        Span::styled(word, Style::new().bg(color).fg(Color::Black)),
        Span::styled(format!(" {} ", clean::text(&state.title)), bold()),
        Span::styled(format!(" {} records, {} processes, ", state.seen, state.processes.len()), dim()),
        Span::styled(format!("{} finds", state.alerts), alerts),
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

fn frame_of(title: String, has_keys: bool) -> Block<'static> {
    let style = if has_keys { Style::new().fg(Color::Cyan) } else { dim() };
    Block::bordered().title(title).border_style(style)
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

fn chosen(line: Line<'_>, is_chosen: bool) -> Line<'_> {
    if is_chosen { line.style(Style::new().add_modifier(Modifier::REVERSED)) } else { line }
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
        () if kind.starts_with("net_") || matches!(kind, "dns" | "http" | "tls_data") => {
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
    let fields = serde_json::to_string_pretty(&entry.body).unwrap_or_default();
    let lines =
        proc.into_iter().chain(fields.lines().take(DETAIL_LINES).map(|line| clean::text(line).into_owned()));
    let text: Vec<_> = lines.filter(|line| !matches!(line.as_str(), "{" | "}")).map(Line::from).collect();
    Paragraph::new(text).wrap(Wrap { trim: false }).block(frame_of(" details ".to_owned(), false))
}

fn help(frame: &mut Frame<'_>, area: Rect) {
    let (width, height) = (58.min(area.width), 13.min(area.height));
    let place = Rect::new((area.width - width) / 2, (area.height - height) / 2, width, height);
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(HELP).block(Block::bordered().title(" keys ")), place);
}
