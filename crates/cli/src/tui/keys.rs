//! What keys do.

use super::state::{State, Tab};
use crate::screen::input;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

/// Does what an event says.
pub(super) fn take(state: &mut State, event: Event) {
    if let Event::Key(key) = event {
        press(state, key);
    }
}

/// Does what a key says.
pub(super) fn press(state: &mut State, key: KeyEvent) {
    state.said.clear();
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return control(state, key.code);
    }
    if state.is_typing {
        state.is_typing = input::type_query(&mut state.query, key.code);
        return;
    }
    match key.code {
        KeyCode::Char('?' | 'h') => state.has_help = !state.has_help,
        KeyCode::Esc => escape(state),
        KeyCode::Char('q') => quit(state),
        KeyCode::Char(' ' | 'p') if !state.has_ended() => state.pause(state.paused.is_none()),
        KeyCode::Char('/') => state.is_typing = true,
        KeyCode::Char('f') => state.family = state.family.next(),
        KeyCode::Char('1') => state.tab = Tab::Records,
        KeyCode::Char('2') => state.tab = Tab::Alerts,
        KeyCode::Char('3') => state.tab = Tab::Output,
        KeyCode::Tab => state.in_tree = !state.in_tree,
        KeyCode::Enter => choose(state),
        code => step(state, code),
    }
}

fn control(state: &mut State, code: KeyCode) {
    match code {
        KeyCode::Char('c') if state.has_ended() => state.leave(),
        KeyCode::Char('c') => interrupt(state),
        KeyCode::Char('l') => state.is_stale = true,
        _ => {}
    }
}

/// As a terminal would: to the command, its descendants, and to kernscope itself.
fn interrupt(state: &mut State) {
    if kill(Pid::from_raw(0), Signal::SIGINT).is_err() {
        state.said = "the signal could not be sent".to_owned();
    }
}

/// Takes back one thing at a time.
fn escape(state: &mut State) {
    if state.has_help {
        state.has_help = false;
    } else if state.has_detail {
        state.has_detail = false;
    } else if !state.query.is_empty() {
        state.query.clear();
    } else {
        state.pid = None;
    }
}

fn quit(state: &mut State) {
    if state.has_ended() {
        state.leave();
        return;
    }
    // The second signal of any sort ends the watch; each sort is counted once at a time.
    let stopped = kill(Pid::this(), Signal::SIGINT).and_then(|()| kill(Pid::this(), Signal::SIGQUIT));
    state.said = match stopped {
        Ok(()) => "the watch ends".to_owned(),
        Err(cause) => format!("the watch cannot be ended: {cause}"),
    };
}

fn choose(state: &mut State) {
    if !state.in_tree {
        state.has_detail = !state.has_detail;
        return;
    }
    let chosen = state.processes.rows().get(state.tree.at).map(|(_, process)| process.pid);
    state.pid = if state.pid == chosen { None } else { chosen };
    state.tab = Tab::Records;
}

fn step(state: &mut State, code: KeyCode) {
    let Some(by) = input::step(code, state.page) else { return };
    if state.in_tree {
        state.tree.step(by, state.processes.len(), false);
        return;
    }
    let len = if state.tab == Tab::Output { state.output().len() } else { state.shown().len() };
    state.list.step(by, len, true);
}
