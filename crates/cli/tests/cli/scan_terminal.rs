//! How far a scan is: one line on a terminal, never between others, gone at the end.

use crate::run::{Dir, kernscope};
use nix::pty::openpty;
use std::fs::File;
use std::io::{Read, Write};
use std::process::Stdio;

const TOKEN: &str = "acme_0a1b2c3d4e5f6071";
const RULES: &str = "[[rule]]\nid = 'acme'\nregex = 'acme_[0-9a-f]{16}'\n";

/// What a terminal shows that was sent this: it knows how to go back and how to clear a line.
fn screen(sent: &str) -> Vec<String> {
    let (mut lines, mut column, mut rest) = (vec![String::new()], 0, sent);
    while let Some(next) = rest.chars().next() {
        let line = lines.last_mut().expect("a line");
        if let Some(behind) = rest.strip_prefix("\x1b[K") {
            line.truncate(column);
            rest = behind;
            continue;
        }
        rest = &rest[next.len_utf8()..];
        match next {
            '\r' => column = 0,
            '\n' => lines.push(String::new()),
            _ => {
                assert!(next.is_ascii() && !next.is_ascii_control(), "{sent:?}");
                line.truncate(line.len().max(column));
                line.replace_range(column..(column + 1).min(line.len()), next.encode_utf8(&mut [0; 4]));
                column += 1;
            }
        }
    }
    lines
}

/// Scans standard input on a terminal: what that was sent until the scan said how far it is, and in all. Without a word
/// from the scan the input ends after a while.
fn on_terminal(dir: &Dir, env: &[(&str, &str)], is_shown: bool) -> (String, String) {
    std::fs::write(dir.path("rules.toml"), RULES).expect("written");
    let pty = openpty(None, None).expect("a pseudo terminal");
    let (mut master, slave) = (File::from(pty.master), pty.slave);
    let mut command = kernscope(&["scan", "--rules", &dir.text("rules.toml"), "-"]);
    command.envs(env.iter().copied()).stdin(Stdio::piped());
    command.stdout(slave.try_clone().expect("a terminal")).stderr(slave);
    let mut child = command.spawn().expect("starts");
    drop(command);
    let (mut sent, mut piece) = (Vec::new(), [0; 4096]);
    while is_shown && !sent.windows(6).any(|six| six == b"scan: ") {
        let bytes = master.read(&mut piece).expect("the scan says how far it is");
        sent.extend_from_slice(&piece[..bytes]);
    }
    if !is_shown {
        std::thread::sleep(std::time::Duration::from_millis(700));
    }
    let meanwhile = String::from_utf8(sent.clone()).expect("UTF-8");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(format!("{TOKEN}\nand {TOKEN}\n").as_bytes()).expect("it reads");
    drop(stdin);
    // Reading ends with EIO when the last writer has closed the terminal.
    while let Ok(bytes @ 1..) = master.read(&mut piece) {
        sent.extend_from_slice(&piece[..bytes]);
    }
    assert_eq!(child.wait().expect("ends").code(), Some(1));
    (meanwhile, String::from_utf8(sent).expect("UTF-8"))
}

#[test]
fn the_line_is_shown_and_leaves_nothing_behind() {
    let dir = Dir::new("scan-terminal");
    for env in [&[][..], &[("NO_COLOR", "1")]] {
        let (meanwhile, all) = on_terminal(&dir, env, true);
        let shown = screen(&meanwhile);
        assert!(shown[0].starts_with("scan: 0 files, 0 MiB, 0 findings, "), "{shown:?}");
        let lines = screen(&all);
        let [first, second, coverage, ledger, end] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!(first, "-:1:1 acme acme[17 bytes more]");
        assert_eq!(second, "-:2:5 acme acme[17 bytes more]");
        assert!(
            coverage.starts_with("coverage ") && ledger.starts_with("ledger ") && end.is_empty(),
            "{lines:?}"
        );
    }
}

#[test]
fn a_terminal_that_takes_nothing_back_gets_no_line() {
    let dir = Dir::new("scan-dumb");
    let (_, all) = on_terminal(&dir, &[("TERM", "dumb")], false);
    assert!(!all.contains("scan: ") && !all.contains('\x1b'), "{all:?}");
}
