//! Help, completions and man pages. `KERNSCOPE_BLESS=1 cargo test` writes the golden texts anew.

use crate::golden::golden;
use crate::run::{run, stderr};
use std::process::Output;

const COMMANDS: [&str; 10] =
    ["watch", "scan", "lan", "filter", "sessions", "show", "query", "doctor", "completions", "man"];
const LAN: [&str; 7] = ["run", "replay", "serve", "list", "device", "alerts", "export"];
const FILTER: [&str; 6] = ["asm", "disasm", "exec", "compile", "test", "attach"];

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

#[test]
fn help_of_every_level() {
    let top = text(&run(&["--help"]));
    golden("help.txt", &top);
    for command in COMMANDS {
        assert!(top.contains(&format!("\n  {command} ")), "{top}");
        let help = text(&run(&[command, "--help"]));
        assert!(help.contains("Example") && help.contains(&format!("kernscope {command}")), "{help}");
        golden(&format!("help-{command}.txt"), &help);
    }
    for command in LAN {
        let help = text(&run(&["lan", command, "--help"]));
        assert!(help.contains("Example") && help.contains("kernscope lan"), "{help}");
        golden(&format!("help-lan-{command}.txt"), &help);
    }
    for command in FILTER {
        let help = text(&run(&["filter", command, "--help"]));
        assert!(help.contains("Example") && help.contains("kernscope filter"), "{help}");
        golden(&format!("help-filter-{command}.txt"), &help);
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
    assert!(text(&run(&["man"])).contains(".TH kernscope 1"));
    for command in COMMANDS {
        let page = text(&run(&["man", command]));
        assert!(page.contains(&format!(".TH kernscope-{command} 1")), "{page}");
        assert!(page.contains("SYNOPSIS"), "{page}");
    }
    for command in FILTER {
        assert!(
            text(&run(&["man", "filter", command])).contains(&format!(".TH kernscope-filter-{command} 1"))
        );
    }
}

#[test]
fn the_version_is_told() {
    assert_eq!(text(&run(&["--version"])), concat!("kernscope ", env!("CARGO_PKG_VERSION"), "\n"));
}
