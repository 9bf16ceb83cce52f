//! Dumps of the real bpftool: read, and printed again as they were.
//!
//! The kernel changes a program as it loads it, so the dump is compared with itself: what is read from it must print as
//! the same text. bpftool writes the names of functions behind calls, which are left out. It does not know instructions that
//! are newer than itself, so cases with those are left out too. Without bpftool the test says so.

use crate::case::{Outcome, all};
use crate::kernel::wrapped;
use crate::needs::{Release, needs};
use kernscope_kit::asm::{Listing, parse};
use kernscope_kit::load::Loaded;
use kernscope_kit::probe::{self, ProgType};
use std::process::Command;

/// Instructions up to this kernel are known to every bpftool about.
const OLD: Release = (6, 1);

#[test]
fn dumps_of_bpftool_are_read_and_printed_again() {
    let version = Command::new("bpftool").arg("version").output();
    if !version.is_ok_and(|output| output.status.success()) || !probe::prog_type(ProgType::Xdp).is_yes() {
        eprintln!("skipped: dumps of bpftool: it is not here, or XDP programs cannot be loaded");
        return;
    }
    let mut same = 0;
    // bpftool reads all symbols of the kernel each time.
    for case in all().into_iter().step_by(8) {
        let old = needs(&case.insns).is_none_or(|(since, _)| since <= OLD);
        if !old || !matches!(case.outcome, Outcome::Result(_)) {
            continue;
        }
        let Ok(loaded) = Loaded::load(&wrapped(&case)) else { continue };
        let id = loaded.info().expect("a program has information").id;
        let output = Command::new("bpftool").args(["prog", "dump", "xlated", "id", &id.to_string()]).output();
        let dump = String::from_utf8(output.expect("bpftool runs").stdout).expect("a dump is text");
        let insns = parse(&dump).unwrap_or_else(|error| panic!("{}: {error}\n{dump}", case.name));
        assert_eq!(Listing(&insns).to_string(), without_names(&dump), "{}", case.name);
        same += 1;
    }
    eprintln!("{same} dumps of bpftool printed again as they were");
    assert!(same > 10, "{same}");
}

/// Without headings and the names of called functions of the program.
fn without_names(dump: &str) -> String {
    let lines = dump.lines().filter(|line| !line.ends_with(':') && !line.trim().is_empty());
    lines
        .map(|line| match line.split_once("call pc") {
            Some((start, rest)) => format!("{start}call pc{}\n", rest.split('#').next().unwrap_or(rest)),
            None => format!("{line}\n"),
        })
        .collect()
}
