//! A real terminal, which `script(1)` makes, with a program on it: what it shows, and a way to type.

use crate::lan_daemons::have;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub(crate) const LEAVE_SCREEN: &str = "\x1b[?1049l";
const SIZE: (u16, u16) = (30, 100);

/// A terminal, what was written to it, and a way to type.
pub(crate) struct Terminal {
    child: Child,
    seen: Arc<Mutex<Seen>>,
    /// Its device, and the process on it, once the script said so.
    tty: String,
    pid: String,
}

/// The bytes that came, and the picture that they make.
struct Seen {
    bytes: Vec<u8>,
    picture: vt100::Parser,
}

impl Terminal {
    /// Runs a shell script on a terminal of its own; `exec_it` in it runs a program that can be sent signals.
    pub(crate) fn run(script: &str) -> Option<Self> {
        if !have("a screen on a terminal", &["script", "stty"]) {
            return None;
        }
        let (rows, cols) = SIZE;
        let exec_it = "exec_it() { sh -c 'echo PID=$$=; exec \"$@\"' - \"$@\"; }";
        // Ctrl-C reaches the shell as well, as it would on any terminal.
        let script =
            format!("trap : INT QUIT; {exec_it}; stty rows {rows} cols {cols}; echo TTY=$(tty)=; {script}");
        let mut child = Command::new("script")
            .args(["-qfec", &script, "/dev/null"])
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let seen = Seen { bytes: Vec::new(), picture: vt100::Parser::new(rows, cols, 0) };
        let seen = Arc::new(Mutex::new(seen));
        let mut from = child.stdout.take().expect("output");
        std::thread::spawn({
            let seen = Arc::clone(&seen);
            move || {
                let mut bytes = [0; 4096];
                while let Ok(count @ 1..) = from.read(&mut bytes) {
                    let mut seen = seen.lock().expect("lock");
                    seen.bytes.extend_from_slice(&bytes[..count]);
                    seen.picture.process(&bytes[..count]);
                }
            }
        });
        let mut terminal = Self { child, seen, tty: String::new(), pid: String::new() };
        terminal.wait("PID=");
        terminal.wait("=\r\n");
        let between = |text: &str, head: &str| {
            text.split_once(head).and_then(|(_, rest)| rest.split_once('=')).map(|(word, _)| word.to_owned())
        };
        let text = terminal.text();
        terminal.tty = between(&text, "TTY=").expect("a terminal");
        terminal.pid = between(&text, "PID=").expect("a process");
        Some(terminal)
    }

    /// All that was written to it.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().expect("lock").bytes).into_owned()
    }

    /// Waits until something was written to it.
    pub(crate) fn wait(&self, text: &str) {
        self.until(|| self.text().contains(text), text);
    }

    /// Waits until the picture on it is as wanted.
    pub(crate) fn wait_screen(&self, is_so: impl Fn(&str) -> bool) {
        self.until(|| is_so(&self.screen()), "the picture");
    }

    /// What a person sees on it.
    pub(crate) fn screen(&self) -> String {
        self.seen.lock().expect("lock").picture.screen().contents()
    }

    fn until(&self, is_so: impl Fn() -> bool, what: &str) {
        let until = Instant::now() + Duration::from_secs(60);
        while !is_so() {
            if Instant::now() >= until {
                let text = self.text();
                let last = text.char_indices().rev().nth(1000).map_or(0, |(at, _)| at);
                panic!("{what:?} does not come: {}\n{:?}", self.screen(), &text[last..]);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Makes it of another size, as dragging its corner does.
    pub(crate) fn resize(&self, rows: u16, cols: u16) {
        self.seen.lock().expect("lock").picture.screen_mut().set_size(rows, cols);
        let (rows, cols) = (rows.to_string(), cols.to_string());
        let done = Command::new("stty").args(["-F", &self.tty, "rows", &rows, "cols", &cols]).status();
        assert!(done.expect("runs").success(), "{}", self.tty);
    }

    /// Sends a signal to the program.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("/bin/kill").args([&format!("-{name}"), &self.pid]).status();
        assert!(sent.expect("runs").success(), "{}", self.pid);
    }

    /// Takes the terminal away, as closing its window does, and waits until the program has ended.
    pub(crate) fn hang_up(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ends");
        let stat = format!("/proc/{}/stat", self.pid);
        let has_ended = || std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
        self.until(has_ended, "the end of the program");
    }

    pub(crate) fn type_in(&mut self, keys: &str) {
        self.child.stdin.as_mut().expect("input").write_all(keys.as_bytes()).expect("typed");
    }

    /// What it has shown, once all has ended.
    pub(crate) fn end(mut self) -> String {
        self.wait("END-OF-TEST");
        drop(self.child.stdin.take());
        self.child.wait().expect("ends");
        self.text()
    }
}

/// The terminal is one that a shell can use.
pub(crate) fn is_sane(after: &str) {
    assert!(after.contains(" icanon") && after.contains(" echo ") && after.contains("isig"), "{after}");
}
