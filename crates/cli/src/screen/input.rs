//! Keys that mean the same on every screen, and waiting for them.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::sync::OnceLock;
use std::time::Duration;

/// How long a key is waited for before the screen is drawn anew.
const WAIT: Duration = Duration::from_millis(80);
/// What is there is read in that time; in none, nothing is read at all.
const AT_ONCE: Duration = Duration::from_millis(1);
/// Letters of a query; more are not typed by hand.
const QUERY_LETTERS_MAX: usize = 200;

/// Waits a moment for keys and the like, and hands on all that are there: a key that is held down comes faster than the
/// screen is drawn.
///
/// # Errors
/// When the terminal is gone.
pub(crate) fn wait(mut each: impl FnMut(Event)) -> io::Result<()> {
    wait_for_terminal()?;
    let mut is_there = event::poll(AT_ONCE)?;
    while is_there {
        match event::read()? {
            Event::Key(key) if key.kind == KeyEventKind::Release => {}
            event => each(event),
        }
        is_there = event::poll(AT_ONCE)?;
    }
    Ok(())
}

/// Waits until the terminal has something, or a moment. What reads keys never comes back from a terminal that has gone, so that it
/// is not asked then.
fn wait_for_terminal() -> io::Result<()> {
    static TERMINAL: OnceLock<Option<File>> = OnceLock::new();
    let Some(terminal) = TERMINAL.get_or_init(|| File::open("/dev/tty").ok()) else {
        std::thread::sleep(WAIT);
        return Ok(());
    };
    let mut asked = [PollFd::new(terminal.as_fd(), PollFlags::POLLIN)];
    match poll(&mut asked, PollTimeout::try_from(WAIT).unwrap_or(PollTimeout::ZERO)) {
        Err(Errno::EINTR) => return Ok(()),
        other => other?,
    };
    let gone = PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL;
    match asked[0].revents() {
        Some(said) if said.intersects(gone) => Err(io::Error::other("the terminal is gone")),
        _ => Ok(()),
    }
}

/// By how many rows a key moves in a list of which `page` rows are in view.
pub(crate) fn step(code: KeyCode, page: usize) -> Option<isize> {
    let page = isize::try_from(page.max(2) - 1).unwrap_or(1);
    match code {
        KeyCode::Up | KeyCode::Char('k') => Some(-1),
        KeyCode::Down | KeyCode::Char('j') => Some(1),
        KeyCode::PageUp => Some(-page),
        KeyCode::PageDown => Some(page),
        KeyCode::Home | KeyCode::Char('g') => Some(isize::MIN),
        KeyCode::End | KeyCode::Char('G') => Some(isize::MAX),
        _ => None,
    }
}

/// Types at a query; whether it is still being typed.
pub(crate) fn type_query(query: &mut String, code: KeyCode) -> bool {
    match code {
        KeyCode::Char(letter) if query.chars().count() < QUERY_LETTERS_MAX => query.push(letter),
        KeyCode::Backspace => drop(query.pop()),
        KeyCode::Enter => return false,
        KeyCode::Esc => {
            query.clear();
            return false;
        }
        _ => {}
    }
    true
}
