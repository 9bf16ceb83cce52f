//! Pictures of screens for tests.

use ratatui::backend::TestBackend;
use ratatui::{Frame, Terminal};
use std::path::Path;

/// What is on a screen of this size.
pub(crate) fn picture(width: u16, height: u16, draw: impl FnOnce(&mut Frame<'_>)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a screen");
    terminal.draw(draw).expect("drawn");
    let buffer = terminal.backend().buffer();
    let row =
        |y: u16| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned() + "\n";
    (0..height).map(row).collect()
}

/// Holds a picture against the one that is kept; `KERNSCOPE_BLESS=1` keeps this one.
pub(crate) fn golden(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/golden").join(name);
    if std::env::var_os("KERNSCOPE_BLESS").is_some() {
        std::fs::write(&path, actual).expect("write golden file");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected, "{name} differs; KERNSCOPE_BLESS=1 accepts it");
}
