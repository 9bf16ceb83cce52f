//! `watch --tui` on a real terminal, which `script(1)` makes.

use crate::lan_daemons::have;
use crate::run::{Dir, refused};
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A terminal, what was written to it, and a way to type.
struct Terminal {
    child: Child,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    /// Runs a shell script on a terminal of its own.
    fn run(script: &str) -> Option<Self> {
        if !have("a screen on a terminal", &["script", "stty"]) {
            return None;
        }
        // Ctrl-C reaches the shell as well, as it would on any terminal.
        let script = format!("trap : INT QUIT; stty rows 30 cols 100; {script}");
        let mut child = Command::new("script")
            .args(["-qfec", &script, "/dev/null"])
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let seen = Arc::<Mutex<Vec<u8>>>::default();
        let mut from = child.stdout.take().expect("output");
        std::thread::spawn({
            let seen = Arc::clone(&seen);
            move || {
                let mut bytes = [0; 4096];
                while let Ok(count @ 1..) = from.read(&mut bytes) {
                    seen.lock().expect("lock").extend_from_slice(&bytes[..count]);
                }
            }
        });
        Some(Self { child, seen })
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().expect("lock")).into_owned()
    }

    fn wait(&self, text: &str) {
        let until = Instant::now() + Duration::from_secs(60);
        while !self.text().contains(text) {
            assert!(Instant::now() < until, "{text:?} does not come: {:?}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn type_in(&mut self, keys: &str) {
        self.child.stdin.as_mut().expect("input").write_all(keys.as_bytes()).expect("typed");
    }

    /// What it has shown, once all has ended.
    fn end(mut self) -> String {
        self.wait("END-OF-TEST");
        drop(self.child.stdin.take());
        self.child.wait().expect("ends");
        self.text()
    }
}

const LEAVE_SCREEN: &str = "\x1b[?1049l";

/// Watches a script, then says how the terminal is.
fn watched(options: &str, command: &str) -> String {
    let program = env!("CARGO_BIN_EXE_kernscope");
    format!(
        "{program} watch --backend ptrace --tui {options} -- /bin/sh -c '{command}'; echo status $?; stty -a; echo END-OF''-TEST"
    )
}

fn is_sane(after: &str) {
    assert!(after.contains(" icanon") && after.contains(" echo ") && after.contains("isig"), "{after}");
}

#[test]
fn a_screen_shows_the_run_and_gives_the_terminal_back() {
    let dir = Dir::new("tui");
    let options = format!("--db {} --report {}", dir.text("records.db"), dir.text("run.html"));
    let Some(mut terminal) = Terminal::run(&watched(&options, "cat /nothing; echo from the command; exit 3"))
    else {
        return;
    };
    terminal.wait("processes");
    terminal.wait("leave");
    terminal.type_in("3");
    terminal.wait("from the command");
    terminal.type_in("q");
    let text = terminal.end();
    let (on_screen, after) = text.split_once(LEAVE_SCREEN).expect("left");
    assert!(on_screen.contains("\x1b[?1049h") && on_screen.contains("ENOENT"), "{on_screen}");
    assert!(after.contains("--- summary") && after.contains("status 3"), "{after}");
    assert!(after.contains("kept as session 1"), "what is said behind the screen is told after it: {after}");
    is_sane(after);
    assert!(dir.path("run.html").exists());
}

#[test]
fn ctrl_c_goes_to_the_command_and_q_ends_the_watch() {
    // With ptrace the tree ends with the watch.
    for (keys, status) in [("\x03", "status 7"), ("q", "status 137")] {
        // The word is not in the command's own text, which is on the screen before its trap is set.
        let command = "trap \"exit 7\" INT; echo rea\"\"dy; while :; do sleep 0.1; done";
        let Some(mut terminal) = Terminal::run(&watched("", command)) else { return };
        terminal.wait("/bin/sh");
        terminal.type_in("3");
        terminal.wait("ready");
        terminal.type_in(keys);
        terminal.wait("leave");
        terminal.type_in("q");
        let text = terminal.end();
        let (_, after) = text.split_once(LEAVE_SCREEN).expect("left");
        assert!(after.contains(status), "{keys:?}: {after}");
        is_sane(after);
    }
}

#[test]
fn without_a_terminal_there_is_one_clear_line() {
    refused(&["watch", "--tui", "--", "true"], "standard input and output must be a terminal");
    refused(&["watch", "--tui", "--format", "jsonl", "--", "true"], "--format");
}
