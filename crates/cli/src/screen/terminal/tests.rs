//! A panic on a terminal that `script(1)` makes: this test binary runs itself there.

use super::Screen;
use crate::screen::Capture;
use std::process::{Command, Stdio};

const WHERE: &str = "KERNSCOPE_TEST_PANICS";

#[test]
fn a_panic_is_readable_and_leaves_a_terminal_that_works() {
    let has = |program: &str| Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok();
    if !has("script") || !has("stty") {
        eprintln!("skipped: a panic on a terminal: script or stty is not installed");
        return;
    }
    let me = std::env::current_exe().expect("a path");
    for place in ["drawing", "main"] {
        let test = "screen::terminal::tests::panics_on_a_terminal";
        let script = format!(
            "stty rows 30 cols 100; {} --exact {test} --ignored --nocapture; echo; stty -a",
            me.display()
        );
        let output = Command::new("script")
            .args(["-qfec", &script, "/dev/null"])
            .env(WHERE, place)
            .env("TERM", "xterm")
            .stdin(Stdio::null())
            .output()
            .expect("runs");
        let text = String::from_utf8_lossy(&output.stdout);
        let (on_screen, after) = text.split_once("\x1b[?1049l").expect("the screen is left");
        assert!(on_screen.contains("\x1b[?1000h") && on_screen.contains("picture"), "{on_screen}");
        assert!(on_screen.contains("\x1b[?1000l"), "the mouse is given back: {on_screen}");
        assert!(after.contains("a bug: ") && after.contains("it broke"), "{after}");
        assert!(after.contains(" icanon") && after.contains(" echo "), "{after}");
    }
}

#[test]
#[ignore = "is run by the one above, on a terminal"]
fn panics_on_a_terminal() {
    let Ok(place) = std::env::var(WHERE) else { return };
    let mut screen = Screen::take(true).expect("a terminal");
    let _capture = Capture::start().expect("streams");
    screen.draw(|frame| frame.render_widget("a picture", frame.area())).expect("drawn");
    if place == "main" {
        panic!("it broke");
    }
    let broken = std::thread::spawn(move || {
        let _screen = screen;
        panic!("it broke");
    });
    assert!(broken.join().is_err());
}
