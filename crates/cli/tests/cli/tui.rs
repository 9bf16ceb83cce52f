//! `watch --tui` on a real terminal, which `script(1)` makes.

use crate::run::{Dir, refused};
use crate::screen::{LEAVE_SCREEN, Terminal, is_sane};

/// Watches a script, then says how the terminal is.
fn watched(options: &str, command: &str) -> String {
    let program = env!("CARGO_BIN_EXE_kernscope");
    format!(
        "exec_it {program} watch --backend ptrace --tui {options} -- /bin/sh -c '{command}'; echo status $?; stty -a; echo END-OF''-TEST"
    )
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
fn it_is_drawn_anew_at_another_size_and_a_signal_gives_the_terminal_back() {
    let command = "echo from the command; exec sleep 100";
    let Some(mut terminal) = Terminal::run(&watched("", command)) else { return };
    terminal.wait("processes");
    terminal.resize(12, 50);
    terminal.wait_screen(|screen| screen.contains("records") && !screen.contains("processes \u{2500}"));
    terminal.type_in("3");
    terminal.wait_screen(|screen| screen.contains("from the command"));
    terminal.signal("TERM");
    let text = terminal.end();
    let (_, after) = text.split_once(LEAVE_SCREEN).expect("left");
    is_sane(after);
}

/// A window is closed, a connection breaks off.
#[test]
fn when_the_terminal_goes_the_run_ends_with_its_command_and_so_does_kernscope() {
    let dir = Dir::new("tui-gone");
    std::fs::write(dir.path("p.toml"), "[read]\ndeny = ['/nothing']").expect("a policy");
    // With a policy SIGHUP means something else.
    for options in [String::new(), format!("--policy {}", dir.text("p.toml"))] {
        let Some(terminal) = Terminal::run(&watched(&options, "echo from the command")) else { return };
        terminal.wait("leave");
        terminal.hang_up();
    }
}

#[test]
fn without_a_terminal_there_is_one_clear_line() {
    refused(&["watch", "--tui", "--", "true"], "standard input and output must be a terminal");
    refused(&["watch", "--tui", "--format", "jsonl", "--", "true"], "--format");
}
