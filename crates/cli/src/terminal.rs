//! A terminal as a screen: taken over, and given back as it was, however the program ends (but by SIGKILL).

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
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
    pub(crate) terminal: Terminal<Backend>,
    restore: File,
}

impl Screen {
    /// Takes the terminal on standard output.
    ///
    /// # Errors
    /// When it is none, or refuses.
    pub(crate) fn take() -> io::Result<Self> {
        let mut restore = duplicate()?;
        let backend = CrosstermBackend::new(BufWriter::new(duplicate()?));
        give_back_on_panic();
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        let taken = execute!(restore, EnterAlternateScreen).and_then(|()| Terminal::new(backend));
        match taken {
            Ok(terminal) => Ok(Self { terminal, restore }),
            Err(cause) => {
                give_back(&mut restore);
                Err(cause)
            }
        }
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

/// Gives the terminal back, once; there is nobody to tell when that fails.
fn give_back(to: &mut impl Write) {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(to, LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

/// What a panic says should be readable, on a terminal that works.
fn give_back_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let Ok(mut to) = duplicate() else { return };
        let before = std::panic::take_hook();
        let lock = std::sync::Mutex::new(move || give_back(&mut to));
        std::panic::set_hook(Box::new(move |panic| {
            if let Ok(mut give_back) = lock.lock() {
                give_back();
            }
            before(panic);
        }));
    });
}
