//! Help, completions and man pages. `KERNSCOPE_BLESS=1 cargo test` writes the golden texts anew.

use crate::golden::golden;
use crate::run::{run, stderr};
use std::process::Output;

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// A command by the names that lead to it, none for the program itself, and its help.
struct Level {
    names: Vec<String>,
    help: String,
}

/// Every command: each level's help names those below it.
fn levels() -> Vec<Level> {
    let mut levels = Vec::new();
    let mut names_left = vec![Vec::new()];
    while let Some(names) = names_left.pop() {
        let help = text(&run(&[&["help".to_owned()], &names[..]].concat()));
        let list = help.split_once("\nCommands:\n").map_or("", |(_, behind)| behind);
        // A name is two blanks in, the next line of what is said of it further.
        let below = list.lines().take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
        let below = below.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
        names_left.extend(below.map(|name| [&names[..], &[name.to_owned()]].concat()));
        levels.push(Level { names, help });
    }
    levels
}

#[test]
fn help_of_every_level() {
    let levels = levels();
    for known in ["watch", "lan run", "filter asm", "detections test", "watch ctl add"] {
        assert!(levels.iter().any(|level| level.names.join(" ") == known), "{known}");
    }
    for Level { names, help } in &levels {
        // A value may stand before the third name; then `help` alone leads there.
        let begin = &names[..names.len().min(2)];
        assert!(help.contains("Example"), "{names:?}: {help}");
        assert!(help.contains(["kernscope", &begin.join(" ")].join(" ").trim_end()), "{names:?}: {help}");
        if begin == names {
            assert_eq!(&text(&run(&[begin, &["--help".to_owned()]].concat())), help, "{names:?}");
        }
        golden(&format!("{}.txt", [&["help".to_owned()], &names[..]].concat().join("-")), help);
    }
}

#[test]
fn a_pipe_gets_no_escapes() {
    assert!(!text(&run(&["watch", "--help"])).contains('\x1b'));
}

#[test]
fn completions_of_every_shell_know_the_options() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = text(&run(&["completions", shell]));
        assert!(script.contains("no-redact"), "{shell}");
    }
}

#[test]
fn man_pages_of_every_command() {
    for Level { names, .. } in levels() {
        let page = text(&run(&[&["man".to_owned()], &names[..]].concat()));
        let title = [&["kernscope".to_owned()], &names[..]].concat().join("-");
        assert!(page.contains(&format!(".TH {title} 1")), "{page}");
        assert!(page.contains("SYNOPSIS"), "{page}");
    }
}

#[test]
fn the_version_is_told() {
    assert_eq!(text(&run(&["--version"])), concat!("kernscope ", env!("CARGO_PKG_VERSION"), "\n"));
}
