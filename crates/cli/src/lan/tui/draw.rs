//! What it looks like.

use super::state::{State, Tab};
use super::wrap::wrap;
use super::{alerts, detail, devices, flows};
use crate::screen::look::{badge, bold, dim, frame_of, popup};
use kernscope_report::pretty::clean;
use kernscope_report::pretty::units::{bytes, plural};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph, Wrap};

/// From this width on there is room for details beside the list.
const BESIDE_FROM: u16 = 110;
/// From this width on tabs have counts, and from this on words.
const COUNTS_FROM: u16 = 70;
const WORDS_FROM: u16 = 44;

const HELP: &str = "\
1 2 3 4      devices, flows, alerts, notes; also Tab, arrows, a click
up down PgUp PgDn g G   move; also the wheel
Enter        all that is known of a row; [ ] scroll that
d            the device that an alert or a flow is about
/            only rows with these words; Esc clears
s S  r       sort by the next or last column; turn round
             (or click on its head)
f            leave out: offline, known, far, seen ...
a m o        an alert: acknowledge, mute, open again
Space        hold the picture; what comes waits
Ctrl-L       draw anew
q  Ctrl-C    end the run";

/// Draws everything.
pub(super) fn all(frame: &mut Frame<'_>, state: &mut State) {
    state.arrange();
    let area = frame.area();
    let heads = if area.height > 10 { 2 } else { 1 };
    let [head, middle, foot] =
        Layout::vertical([Constraint::Length(heads), Constraint::Min(1), Constraint::Length(1)]).areas(area);
    let [tabs, counts] = Layout::vertical([Constraint::Length(1), Constraint::Length(1)]).areas(head);
    frame.render_widget(top(state, tabs), tabs);
    if heads > 1 {
        frame.render_widget(sums(state, area.width), counts);
    }
    let (list, beside) = match state.has_detail {
        true if area.width >= BESIDE_FROM => {
            let [list, beside] = Layout::horizontal([Constraint::Percentage(50), Constraint::Percentage(50)])
                .spacing(1)
                .areas(middle);
            (Some(list), Some(beside))
        }
        true => (None, Some(middle)),
        false => (Some(middle), None),
    };
    list.into_iter().for_each(|area| self::list(frame, state, area));
    beside.into_iter().for_each(|area| details(frame, state, area));
    frame.render_widget(bottom(state, area.width), foot);
    if state.has_help {
        popup(frame, " keys ", HELP);
    }
}

/// What is looked at, and the tabs; notes where those are.
fn top(state: &mut State, area: Rect) -> Line<'static> {
    let (word, color) = if state.is_held { (" held ", Color::Yellow) } else { (" live ", Color::Green) };
    let mut spans = vec![badge(word, color)];
    if area.width >= WORDS_FROM {
        spans.push(Span::styled(format!(" {} ", clean::text(&state.title)), bold()));
    }
    spans.push(Span::raw(" "));
    state.tabs.clear();
    let unread = state.note_lines().len().saturating_sub(state.notes_read);
    for (n, tab) in Tab::ALL.into_iter().enumerate() {
        let count = match tab {
            Tab::Devices => state.model.devices.len(),
            Tab::Flows => state.model.flows.len(),
            Tab::Alerts => state.model.open_alerts(),
            Tab::Notes => unread,
        };
        let mut text = format!(" {}", n + 1);
        if area.width >= WORDS_FROM {
            text += &format!(" {}", tab.word());
        }
        if area.width >= COUNTS_FROM && count > 0 {
            text += &format!(" {count}");
        }
        text += " ";
        let style = match tab {
            _ if tab == state.tab => Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD),
            Tab::Alerts if count > 0 => bold().fg(Color::Red),
            Tab::Notes if count > 0 => Style::new().fg(Color::Yellow),
            _ => dim(),
        };
        // A line of tabs is shorter than any number of columns that fits in 16 bits.
        let wide = |spans: &[Span<'_>]| spans.iter().map(Span::width).sum::<usize>() as u16;
        let from = area.x + wide(&spans);
        let span = Span::styled(text, style);
        state.tabs.push((tab, from, span.width() as u16));
        spans.push(span);
    }
    Line::from(spans)
}

fn sums(state: &State, width: u16) -> Line<'static> {
    let model = &state.model;
    let online =
        format!(" {} of {} online", model.online(), plural(model.devices.len() as u64, "device", "devices"));
    let mut spans = vec![Span::styled(online, dim())];
    let rate = format!("  {}/s", bytes(model.rate.get()));
    spans.push(Span::styled(rate, Style::new().fg(Color::Green)));
    spans.push(Span::styled(format!("  {}", plural(model.frames, "frame", "frames")), dim()));
    if model.lost > 0 {
        spans.push(Span::styled(format!("  {} lost", model.lost), bold().fg(Color::Red)));
    }
    if model.learning {
        let words = if width >= 90 { "  learning: what is new is not told yet" } else { "  learning" };
        spans.push(Span::styled(words, Style::new().fg(Color::Yellow)));
    }
    Line::from(spans)
}

fn list(frame: &mut Frame<'_>, state: &mut State, area: Rect) {
    let buffer = frame.buffer_mut();
    let State { model, devices, flows, alerts, .. } = state;
    let shown = match state.tab {
        Tab::Devices => {
            devices.draw(area, buffer, |at, column| devices::cell(model, &model.devices[at], column));
            devices.len()
        }
        Tab::Flows => {
            flows.draw(area, buffer, |at, column| flows::cell(model, &model.flows[at], column));
            flows.len()
        }
        Tab::Alerts => {
            alerts.draw(area, buffer, |at, column| alerts::cell(model, &model.alerts[at], column));
            alerts.len()
        }
        Tab::Notes => return notes(frame, state, area),
    };
    if shown == 0 && area.height > 3 {
        let place = Rect::new(area.x, area.y + 2, area.width, area.height - 2);
        frame
            .render_widget(Paragraph::new(Line::from(Span::styled(nothing(state), dim()))).centered(), place);
    }
}

/// Why a list is empty.
fn nothing(state: &State) -> &'static str {
    let is_all = state.query().is_empty();
    match state.tab {
        _ if !is_all => "nothing is like that; Esc shows all",
        Tab::Devices if state.model.devices.is_empty() => "no device was seen yet",
        Tab::Flows if state.model.flows.is_empty() => "nobody talked yet",
        Tab::Alerts if state.model.alerts.is_empty() => "nothing was wrong so far",
        Tab::Alerts => "nothing of that sort; f shows others",
        _ => "nothing of that sort; f shows all",
    }
}

fn notes(frame: &mut Frame<'_>, state: &mut State, area: Rect) {
    let lines = state.note_lines();
    state.notes_read = lines.len();
    let mut view = state.notes;
    let shown = view.fit(lines.len(), usize::from(area.height));
    let text: Vec<_> = lines[shown].iter().map(|line| Line::from(line.clone())).collect();
    state.notes = view;
    frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: false }), area);
}

fn details(frame: &mut Frame<'_>, state: &mut State, area: Rect) {
    let Some((title, lines)) = detail::lines(state) else { return };
    let block = frame_of(format!(" {title} "), true);
    let inner = block.inner(area);
    let lines = wrap(lines, inner.width);
    let all = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    state.detail_top = state.detail_top.min(all.saturating_sub(inner.height));
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines).scroll((state.detail_top, 0)).block(block), area);
    if all > inner.height && area.width > 20 {
        let last = (state.detail_top + inner.height).min(all);
        let place = Rect::new(area.x + 2, area.bottom() - 1, area.width - 4, 1);
        let text = format!(" {}-{last} of {all}  [ ] ", state.detail_top + 1);
        frame.render_widget(Paragraph::new(Span::styled(text, dim())).right_aligned(), place);
    }
}

fn bottom(state: &State, width: u16) -> Line<'static> {
    if state.is_typing || !state.query().is_empty() {
        let cursor = if state.is_typing { "\u{2588}" } else { "  (Esc clears)" };
        let text = format!(" /{}{cursor}", clean::text(state.query()));
        return Line::from(Span::styled(text, Style::new().fg(Color::Yellow)));
    }
    if !state.said.is_empty() {
        return Line::from(Span::styled(format!(" {}", state.said), Style::new().fg(Color::Yellow)));
    }
    let keys: &[&str] = match (state.tab, state.has_detail) {
        (Tab::Alerts, _) => &["? keys", "a seen", "m mute", "Enter details", "d device", "f which", "q end"],
        (Tab::Notes, _) => &["? keys", "1 devices", "q end"],
        (_, true) => &["? keys", "Esc back", "[ ] scroll", "q end"],
        _ => &["? keys", "/ search", "s sort", "f filter", "Enter details", "Space hold", "q end"],
    };
    let mut text = String::from(" ");
    for key in keys {
        if text.chars().count() + key.len() + 2 > usize::from(width) {
            break;
        }
        text += &format!("{key}  ");
    }
    let mut spans = vec![Span::styled(text, dim())];
    if !state.filter().is_empty() {
        spans.insert(0, Span::styled(format!(" only {} ", state.filter()), Style::new().fg(Color::Yellow)));
    }
    Line::from(spans)
}
