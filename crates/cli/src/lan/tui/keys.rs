//! What keys and the mouse do.

use super::pulse::Wish;
use super::state::{State, Tab};
use super::table::Hit;
use crate::screen::input;
use kernscope_lan::anomaly::Peer;
use kernscope_lan::store::Said;
use ratatui::crossterm::event::{
    Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

/// Rows that a turn of the wheel moves.
const WHEEL: isize = 3;

/// Does what an event says, and hands on what is asked of the run.
pub(super) fn take(state: &mut State, event: Event, ask: &mut dyn FnMut(Wish)) {
    match event {
        Event::Key(key) => press(state, key, ask),
        Event::Mouse(mouse) => point(state, mouse),
        _ => {}
    }
}

/// Does what a key says.
pub(super) fn press(state: &mut State, key: KeyEvent, ask: &mut dyn FnMut(Wish)) {
    state.said.clear();
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        match key.code {
            KeyCode::Char('c') => quit(state, ask),
            KeyCode::Char('l') => state.is_stale = true,
            _ => {}
        }
        return;
    }
    if state.is_typing {
        state.is_typing = input::type_query(state.query_mut(), key.code);
        return;
    }
    match key.code {
        KeyCode::Char('?' | 'h') => state.has_help = !state.has_help,
        KeyCode::Char('q') => quit(state, ask),
        KeyCode::Esc => escape(state),
        KeyCode::Char(' ' | 'p') => state.is_held = !state.is_held,
        KeyCode::Char('/') if state.tab != Tab::Notes => state.is_typing = true,
        KeyCode::Char('f') => state.next_filter(),
        KeyCode::Char('s') => sort(state, true),
        KeyCode::Char('S') => sort(state, false),
        KeyCode::Char('r') => state.table().into_iter().for_each(super::table::Table::turn),
        KeyCode::Tab | KeyCode::Right => turn_to(state, 1),
        KeyCode::BackTab | KeyCode::Left => turn_to(state, Tab::ALL.len() - 1),
        KeyCode::Char(digit @ '1'..='4') => state.show(Tab::ALL[digit as usize - '1' as usize]),
        KeyCode::Enter => enter(state),
        KeyCode::Char('d') => open(state),
        KeyCode::Char('a') => say(state, Said::Acknowledged, ask),
        KeyCode::Char('m') => say(state, Said::Muted, ask),
        KeyCode::Char('o') => say(state, Said::Open, ask),
        KeyCode::Char('[') => state.detail_top = state.detail_top.saturating_sub(5),
        KeyCode::Char(']') => state.detail_top = state.detail_top.saturating_add(5),
        code => step(state, code),
    }
}

fn quit(state: &mut State, ask: &mut dyn FnMut(Wish)) {
    state.is_left = true;
    ask(Wish::Quit);
}

fn sort(state: &mut State, forwards: bool) {
    state.table().into_iter().for_each(|table| table.sort_next(forwards));
}

fn turn_to(state: &mut State, by: usize) {
    let next = (state.tab as usize + by) % Tab::ALL.len();
    state.show(Tab::ALL[next]);
}

/// Takes back one thing at a time.
fn escape(state: &mut State) {
    if state.has_help {
        state.has_help = false;
    } else if state.has_detail {
        state.has_detail = false;
    } else {
        state.query_mut().clear();
    }
}

fn step(state: &mut State, code: KeyCode) {
    let page = state.table().map_or(10, |table| table.page());
    let Some(by) = input::step(code, page) else { return };
    move_by(state, by);
}

fn move_by(state: &mut State, by: isize) {
    if state.tab == Tab::Notes {
        let count = state.note_lines().len();
        return state.notes.step(by, count, true);
    }
    state.detail_top = 0;
    state.table().into_iter().for_each(|table| table.step(by));
}

fn enter(state: &mut State) {
    if state.tab == Tab::Flows {
        return open(state);
    }
    state.has_detail = state.tab != Tab::Notes && !state.has_detail;
    state.detail_top = 0;
}

/// The device that the chosen row is about.
fn open(state: &mut State) {
    let mac = match state.tab {
        Tab::Devices => {
            state.has_detail = true;
            return;
        }
        Tab::Flows => state.flows.chosen().map(|at| {
            let flow = &state.model.flows[at];
            // Of a flow between two the other end is looked at from the one that is open already.
            match (&flow.peer, state.model.place(&flow.mac.to_string())) {
                (Peer::Device(peer), None) => *peer,
                _ => flow.mac,
            }
        }),
        Tab::Alerts => state.alerts.chosen().and_then(|at| state.model.alerts[at].alert.mac.parse().ok()),
        Tab::Notes => None,
    };
    mac.into_iter().for_each(|mac| state.open_device(mac));
}

fn say(state: &mut State, said: Said, ask: &mut dyn FnMut(Wish)) {
    if state.tab != Tab::Alerts {
        state.said = "alerts are acknowledged and muted in their own view: 3".to_owned();
        return;
    }
    let Some(at) = state.alerts.chosen() else { return };
    ask(Wish::Say(state.model.alerts[at].alert.id.clone(), said));
    state.model.say(at, said);
    state.has_said();
    state.said = match said {
        Said::Acknowledged => "acknowledged: hidden until it is seen again; f shows those, o takes it back",
        Said::Muted => "muted: not told again; f shows those, o takes it back",
        Said::Open => "open again",
    }
    .to_owned();
}

/// Does what the mouse says.
fn point(state: &mut State, mouse: MouseEvent) {
    match mouse.kind {
        MouseEventKind::ScrollDown => move_by(state, WHEEL),
        MouseEventKind::ScrollUp => move_by(state, -WHEEL),
        MouseEventKind::Down(MouseButton::Left) if state.has_help => state.has_help = false,
        MouseEventKind::Down(MouseButton::Left) => click(state, mouse.column, mouse.row),
        _ => {}
    }
}

fn click(state: &mut State, x: u16, y: u16) {
    let tab = state.tabs.iter().find(|(_, from, wide)| y == 0 && (*from..from + wide).contains(&x));
    if let Some((tab, ..)) = tab {
        return state.show(*tab);
    }
    match state.table().map(|table| table.click(x, y)) {
        // A second click opens.
        Some(Hit::Row(true)) => enter(state),
        Some(Hit::Row(false)) => state.detail_top = 0,
        _ => {}
    }
}
