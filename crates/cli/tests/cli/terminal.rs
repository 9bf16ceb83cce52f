//! Colours and the tree are for terminals, and `NO_COLOR` is obeyed there.

use crate::run::{stderr, watch};
use nix::pty::openpty;
use std::fs::File;
use std::io::Read;
use std::process::Stdio;

const SCRIPT: &str = "/bin/true; exit 0";

/// What a terminal is sent, with this environment.
fn on_terminal(options: &[&str], env: &[(&str, &str)]) -> String {
    let pty = openpty(None, None).expect("a pseudo terminal");
    let reader = std::thread::spawn({
        let mut master = File::from(pty.master);
        move || {
            let mut bytes = Vec::new();
            // The read ends with EIO when the last writer has closed the terminal.
            let _ = master.read_to_end(&mut bytes);
            bytes
        }
    });
    let mut command = watch(options, SCRIPT);
    command.envs(env.iter().copied()).stdout(Stdio::from(pty.slave)).stderr(Stdio::piped());
    let output = command.spawn().expect("starts").wait_with_output().expect("ends");
    drop(command);
    assert!(output.status.success(), "{}", stderr(&output));
    String::from_utf8_lossy(&reader.join().expect("reader")).into_owned()
}

#[test]
fn a_terminal_gets_colours_and_a_tree() {
    let text = on_terminal(&[], &[]);
    assert!(text.contains("\x1b["), "{text}");
    assert!(text.contains("│ "), "the child is indented: {text}");
    assert!(text.contains("summary"), "{text}");
}

#[test]
fn no_color_and_dumb_terminals_get_none() {
    for env in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let text = on_terminal(&[], &[env]);
        assert!(!text.contains('\x1b'), "{env:?}: {text}");
        assert!(text.contains("│ "), "{text}");
    }
    assert!(on_terminal(&[], &[("NO_COLOR", "")]).contains("\x1b["), "an empty NO_COLOR says nothing");
}

#[test]
fn records_have_no_colours_on_a_terminal_either() {
    assert!(!on_terminal(&["--format", "jsonl"], &[]).contains('\x1b'));
}

#[test]
fn a_pipe_gets_plain_lines() {
    let output = watch(&[], SCRIPT).output().expect("runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(!text.contains('\x1b') && !text.contains("│ "), "{text}");
    assert!(text.contains("exec     /bin/true"), "{text}");
    assert!(text.contains("--- summary"), "{text}");
}

#[test]
fn verbose_shows_what_is_left_out_otherwise() {
    let count = |options: &[&str]| {
        let output = watch(options, SCRIPT).output().expect("runs");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        (text.lines().filter(|line| line.contains(" mmap ")).count(), text.contains("-v shows them"))
    };
    assert_eq!(count(&[]), (0, true));
    let (mmaps, hint) = count(&["-v"]);
    assert!(mmaps > 0 && !hint);
}
