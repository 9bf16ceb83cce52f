//! The screen as it is drawn, in `tests/cli/golden`; `KERNSCOPE_BLESS=1 cargo test` writes it anew.

use super::draw;
use super::keys::press;
use super::state::State;
use crate::screen::Lines;
use crate::screen::testing::{self, golden, picture};
use kernscope_report::{Alert, Body, Entry, NetCall, OpenMode, PathInfo, Proc, Severity};

fn entry(pid: u32, ppid: u32, comm: &str, at_ms: u64, body: Body) -> Entry {
    let proc = Proc {
        pid,
        tid: pid,
        ppid,
        uid: 0,
        comm: comm.into(),
        exe: Some("/bin/x".into()),
        start_ns: 1,
        agent: None,
    };
    Entry { ts_ns: at_ms * 1_000_000, proc: Some(proc), body, escaped: Vec::new() }
}

fn exec(argv: &[&str]) -> Body {
    Body::ProcessExec {
        argv: argv.iter().map(|arg| (*arg).to_owned()).collect(),
        argv_truncated: false,
        argc: argv.len() as u32,
        cwd: None,
        exe: None,
        filename: None,
        interpreter: None,
        dev: 0,
        inode: 0,
        sha256: None,
        env: None,
        env_truncated: false,
    }
}

fn open(path: &str, ret: i64) -> Body {
    Body::FileOpen {
        path: PathInfo { path: Some(path.to_owned()), ..Default::default() },
        raw_path: None,
        dirfd: -100,
        flags: Vec::new(),
        mode: OpenMode::Read,
        dev: None,
        inode: None,
        ret,
        errno: (ret < 0).then(|| "ENOENT".to_owned()),
        io_uring: false,
    }
}

fn fork(child_pid: u32) -> Body {
    Body::ProcessFork { child_pid, child_start_ns: 1, child_ppid: None }
}

fn sample() -> State {
    let lines = Lines::default();
    lines.lock().expect("lock").extend(["compiling".to_owned(), "bad \u{1b}[2J line".to_owned()]);
    let mut state = State::new("make all".to_owned(), lines);
    let net =
        NetCall { proto: "tcp".to_owned(), remote: Some("192.0.2.1:443".to_owned()), ..NetCall::default() };
    let alert = Alert {
        rule: "r".to_owned(),
        severity: Severity::High,
        message: "it is bad".to_owned(),
        ..Alert::default()
    };
    let exit =
        Body::ProcessExit { code: Some(2), signal: None, core_dumped: false, duration_ns: Some(1_000_000) };
    for entry in [
        entry(10, 1, "make", 0, exec(&["make", "all"])),
        entry(10, 1, "make", 1, fork(11)),
        entry(11, 10, "cc", 2, exec(&["cc", "-c", "a.c"])),
        entry(11, 10, "cc", 3, open("/usr/include/stdio.h", 3)),
        entry(11, 10, "cc", 4, open("/usr/include/\u{1b}[31mnone.h", -2)),
        entry(11, 10, "cc", 5, exit),
        entry(10, 1, "make", 6, fork(12)),
        entry(12, 10, "curl", 7, exec(&["curl", "https://example.org/"])),
        entry(12, 10, "curl", 8, Body::NetConnect(net)),
        entry(12, 10, "curl", 9, Body::Alert(alert)),
    ] {
        state.take(entry);
    }
    state
}

/// What is on a screen of this size.
fn screen(state: &mut State, width: u16, height: u16) -> String {
    picture(width, height, |frame| draw::all(frame, state))
}

fn keys(state: &mut State, keys: &str) {
    testing::keys(keys).for_each(|key| press(state, key));
}

#[test]
fn a_run_as_a_screen() {
    let mut state = sample();
    golden("tui-live.txt", &screen(&mut state, 100, 20));
    keys(&mut state, "gjjj\n");
    golden("tui-details.txt", &screen(&mut state, 100, 30));
    keys(&mut state, "\u{8}?");
    golden("tui-keys.txt", &screen(&mut state, 100, 20));
}

#[test]
fn lists_show_what_is_asked_for() {
    let mut state = sample();
    keys(&mut state, "/stdio\n");
    let text = screen(&mut state, 60, 12);
    assert!(
        text.contains("stdio.h") && !text.contains("192.0.2.1") && text.contains("only /stdio"),
        "{text}"
    );
    keys(&mut state, "\u{8}ffff");
    let text = screen(&mut state, 60, 12);
    assert!(text.contains("it is bad") && !text.contains("stdio.h") && text.contains("only finds"), "{text}");
    keys(&mut state, "f3");
    let text = screen(&mut state, 60, 12);
    assert!(text.contains("compiling") && text.contains("bad \\u{1b}[2J line"), "{text}");
    // The second process of the tree alone.
    keys(&mut state, "\tgj\n\t");
    let text = screen(&mut state, 60, 12);
    assert!(
        text.contains("only pid 11") && text.contains("stdio.h") && !text.contains("192.0.2.1"),
        "{text}"
    );
}

#[test]
fn a_picture_that_is_held_stays_and_nothing_is_lost() {
    let mut state = sample();
    keys(&mut state, " ");
    state.take(entry(12, 10, "curl", 10, open("/tmp/later", 3)));
    let text = screen(&mut state, 100, 20);
    assert!(
        text.contains(" held ") && text.contains("1 records wait") && !text.contains("/tmp/later"),
        "{text}"
    );
    keys(&mut state, " ");
    assert!(screen(&mut state, 100, 20).contains("/tmp/later"));
    assert!(!state.is_left());
    state.end("the end".to_owned());
    keys(&mut state, "q");
    assert!(state.is_left() && screen(&mut state, 100, 20).contains("the end"));
}

#[test]
fn no_size_is_too_small() {
    let mut state = sample();
    keys(&mut state, "?\n");
    for (width, height) in [(1, 1), (2, 2), (10, 3), (79, 5), (80, 4), (300, 100)] {
        screen(&mut state, width, height);
    }
}
