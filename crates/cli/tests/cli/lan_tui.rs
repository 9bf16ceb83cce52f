//! `lan run` on a real terminal.

use crate::lan_live::{on_a_cable, tap};
use crate::run::Dir;
use crate::screen::{LEAVE_SCREEN, Terminal, is_sane};
use kernscope_lan::store::Store;

const PRINTER: &str = "00:17:88:01:02:03";

/// A device that says its address to all.
fn announcement() -> Vec<u8> {
    let mac = [0, 0x17, 0x88, 1, 2, 3];
    let mut frame = [[0xff; 6], mac].concat();
    frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend([mac.as_slice(), &[10, 9, 8, 7], &[0; 6], &[10, 9, 8, 7]].concat());
    frame.resize(60, 0);
    frame
}

/// Looks at a cable, then says how the terminal is.
fn run(options: &str) -> Option<Terminal> {
    let program = env!("CARGO_BIN_EXE_kernscope");
    let run = format!("{program} lan run --interface right --backend packet {options}");
    Terminal::run(&format!("exec_it {run}; echo status $?; stty -a; echo END-OF''-TEST"))
}

#[test]
fn a_screen_shows_the_network_and_gives_the_terminal_back() {
    on_a_cable("a_screen_shows_the_network", || {
        let dir = Dir::new("lan-tui");
        let left = tap("left");
        let Some(mut terminal) = run(&format!("--db {}", dir.text("lan.db"))) else { return };
        terminal.wait_screen(|screen| screen.contains("no device was seen yet"));
        nix::unistd::write(&left, &announcement()).expect("sent");
        terminal.wait_screen(|screen| screen.contains("10.9.8.7"));
        terminal.type_in("/10.9.8.7\r\r");
        terminal.wait_screen(|screen| screen.contains(PRINTER) && screen.contains("Talks most with"));
        terminal.type_in("2");
        terminal.wait_screen(|screen| screen.contains("everyone") && screen.contains("arp"));
        terminal.resize(10, 40);
        terminal.wait_screen(|screen| screen.contains("talks to") && !screen.contains("received"));
        // A key is not lost that comes at once with a change of size.
        for wider in 1..=20 {
            terminal.resize(10, 40 + wider);
            terminal.type_in(if wider % 2 == 0 { "2" } else { "1" });
            terminal.wait_screen(|screen| screen.contains("talks to") == (wider % 2 == 0));
        }
        terminal.type_in("q");
        let text = terminal.end();
        let (on_screen, after) = text.split_once(LEAVE_SCREEN).expect("left");
        assert!(on_screen.contains("\x1b[?1049h"), "{on_screen}");
        // What is told without a screen at the end is told here as well, and what was said behind it.
        for said in [PRINTER, "coverage ", "ledger ", "status 0", "looking by packet socket"] {
            assert!(after.contains(said), "{said}: {after}");
        }
        is_sane(after);
        assert_eq!(Store::open(&dir.path("lan.db")).and_then(|db| db.devices(0)).expect("read").len(), 1);
    });
}

#[test]
fn signals_and_lines_on_a_terminal() {
    on_a_cable("signals_and_lines_on_a_terminal", || {
        for signal in ["TERM", "HUP", "INT"] {
            let Some(terminal) = run("--no-db") else { return };
            terminal.wait_screen(|screen| screen.contains("Devices"));
            terminal.signal(signal);
            let text = terminal.end();
            let (_, after) = text.split_once(LEAVE_SCREEN).expect("left");
            assert!(after.contains("ledger ") && after.contains("status 0"), "{signal}: {after}");
            is_sane(after);
        }
        let terminal = run("--no-db --duration 0.2 --format pretty").expect("as before");
        let text = terminal.end();
        assert!(!text.contains('\x1b') && text.contains("ledger "), "{text}");
    });
}

/// A window is closed, a connection breaks off: the run ends, and what it saw is kept.
#[test]
fn when_the_terminal_goes_the_run_ends_and_keeps_what_it_saw() {
    on_a_cable("when_the_terminal_goes_the_run_ends", || {
        let dir = Dir::new("lan-tui-gone");
        let left = tap("left");
        let Some(terminal) = run(&format!("--db {}", dir.text("lan.db"))) else { return };
        terminal.wait_screen(|screen| screen.contains("no device was seen yet"));
        nix::unistd::write(&left, &announcement()).expect("sent");
        terminal.wait_screen(|screen| screen.contains("10.9.8.7"));
        terminal.hang_up();
        assert_eq!(Store::open(&dir.path("lan.db")).and_then(|db| db.devices(0)).expect("read").len(), 1);
    });
}
