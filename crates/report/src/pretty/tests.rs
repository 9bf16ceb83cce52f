//! Golden lines, in `testdata/`; `KERNSCOPE_BLESS=1 cargo test` writes them anew.

use super::*;
use crate::samples;
use crate::summary::Summary;
use std::path::PathBuf;

fn golden(name: &str, actual: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name);
    if std::env::var_os("KERNSCOPE_BLESS").is_some() {
        std::fs::write(&path, actual).expect("write golden file");
    }
    let expected = std::fs::read_to_string(&path).expect("golden file");
    assert_eq!(actual, expected, "{name} differs; KERNSCOPE_BLESS=1 accepts it");
}

fn render(style: Style) -> String {
    let mut lines = Lines::new(style);
    let mut bytes = Vec::new();
    for entry in samples::entries() {
        let depth = lines.follow(&entry);
        if style.verbose || !is_noise(&entry.body) {
            lines.append(&mut bytes, &entry, depth);
        }
    }
    String::from_utf8(bytes).expect("text")
}

#[test]
fn plain_lines() {
    golden("plain.txt", &render(Style { verbose: true, ..Default::default() }));
}

#[test]
fn tree_lines() {
    let tree = render(Style { tree: true, color: true, verbose: false });
    golden("tree.txt", &tree);
}

#[test]
fn no_colour_means_no_escape_at_all() {
    let text = render(Style { tree: true, verbose: true, color: false });
    assert!(!text.contains('\x1b'));
}

#[test]
fn summary_lines() {
    let mut summary = Summary::default();
    for entry in samples::entries() {
        summary.entry(&entry);
    }
    let (coverage, ledger) = (samples::coverage(), samples::ledger());
    let end = End { ts_ns: 0, summary: &summary, coverage: &coverage, ledger: &ledger };
    let mut text = end::render(Paint(false), &end, &ledger, 5);
    text.push_str(&short(&summary, &coverage, &ledger));
    text.push('\n');
    golden("summary.txt", &text);
}

#[test]
fn a_hostile_name_stays_on_its_line() {
    let mut entry = samples::entries().remove(5);
    if let Some(proc) = &mut entry.proc {
        proc.comm = "\x1b[2J\nevil".into();
    }
    if let Body::FileOpen { path, .. } = &mut entry.body {
        path.path = Some("/tmp/\x1b]0;x\x07\n\u{202e}end".to_owned());
    }
    let mut bytes = Vec::new();
    Lines::new(Style::default()).append(&mut bytes, &entry, 0);
    let text = String::from_utf8(bytes).expect("text");
    assert_eq!(text.matches('\n').count(), 1);
    assert!(!text.trim_end().chars().any(char::is_control), "{text:?}");
}
