//! A terminal as a screen: taken over, and given back as it was, however the program ends (but by SIGKILL).

use crate::args::colors_allowed;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{DisableMouseCapture, EnableMouseCapture};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::style::Color;
use ratatui::{Frame, Terminal};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is drawn to: standard output as it was, whatever becomes of the descriptor later.
pub(crate) type Backend = CrosstermBackend<BufWriter<File>>;

/// Whether a screen is taken over now: a panic gives it back.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// A screen; dropped, the terminal is as it was.
pub(crate) struct Screen {
    terminal: Terminal<Backend>,
    restore: File,
    colors: bool,
}

impl Screen {
    /// Takes the terminal on standard output, and its mouse if that is wanted.
    ///
    /// # Errors
    /// When it is none, or refuses.
    pub(crate) fn take(mouse: bool) -> io::Result<Self> {
        let mut restore = duplicate()?;
        let backend = CrosstermBackend::new(BufWriter::new(duplicate()?));
        give_back_on_panic();
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        let mut taken = execute!(restore, EnterAlternateScreen);
        if mouse {
            taken = taken.and_then(|()| execute!(restore, EnableMouseCapture));
        }
        match taken.and_then(|()| Terminal::new(backend)) {
            Ok(terminal) => Ok(Self { terminal, restore, colors: colors_allowed() }),
            Err(cause) => {
                give_back(&mut restore);
                Err(cause)
            }
        }
    }

    /// Draws a picture, as large as the terminal is now.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub(crate) fn draw(&mut self, picture: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        let colors = self.colors;
        let drawn = self.terminal.draw(|frame| {
            picture(frame);
            if !colors {
                for cell in &mut frame.buffer_mut().content {
                    (cell.fg, cell.bg) = (Color::Reset, Color::Reset);
                }
            }
        });
        drawn.map(drop)
    }

    /// Has the next picture drawn from nothing: another program may have written across it.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back(&mut self.restore);
    }
}

fn duplicate() -> io::Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

/// Gives the terminal back, once; there is nobody to tell when that fails. Whether it was taken.
fn give_back(to: &mut impl Write) -> bool {
    let taken = TAKEN.swap(false, Ordering::SeqCst);
    if taken {
        let _ = execute!(to, DisableMouseCapture, LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
    taken
}

/// What a panic says should be readable, on a terminal that works. Standard error may lead elsewhere then.
fn give_back_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let Ok(to) = duplicate() else { return };
        let before = std::panic::take_hook();
        let lock = std::sync::Mutex::new(to);
        std::panic::set_hook(Box::new(move |panic| {
            if let Ok(mut to) = lock.lock()
                && give_back(&mut *to)
            {
                let _ = writeln!(to, "kernscope: a bug: {panic}");
            }
            before(panic);
        }));
    });
}

#[cfg(test)]
mod tests;
