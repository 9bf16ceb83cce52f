//! Pictures of screens for tests, and keys pressed there.

#[path = "../../tests/cli/golden.rs"]
mod kept;

pub(crate) use kept::golden;

use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{Frame, Terminal};

/// What is on a screen of this size.
pub(crate) fn picture(width: u16, height: u16, draw: impl FnOnce(&mut Frame<'_>)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a screen");
    terminal.draw(draw).expect("drawn");
    let buffer = terminal.backend().buffer();
    let row =
        |y: u16| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned() + "\n";
    (0..height).map(row).collect()
}

/// A key for each character; a newline is Enter, a backspace Escape.
pub(crate) fn keys(text: &str) -> impl Iterator<Item = KeyEvent> {
    text.chars().map(|key| {
        let code = match key {
            '\n' => KeyCode::Enter,
            '\t' => KeyCode::Tab,
            '\u{8}' => KeyCode::Esc,
            other => KeyCode::Char(other),
        };
        KeyEvent::new(code, KeyModifiers::NONE)
    })
}
