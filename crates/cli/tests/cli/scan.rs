//! `kernscope scan`: findings, statuses, and what is said of what was not scanned.

use crate::run::{Dir, checked, kernscope, refused, run, stderr};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::process::{Output, Stdio};

/// Fits the rule below, and nothing that anyone uses.
const TOKEN: &str = "acme_0a1b2c3d4e5f6071";
const RULES: &str = "[[rule]]\nid = 'acme'\nregex = 'acme_[0-9a-f]{16}'\n";

/// A tree with two findings, four files and a link, and rules beside it.
fn tree(name: &str) -> Dir {
    let dir = Dir::new(name);
    let write = |name: &str, text: &[u8]| std::fs::write(dir.path(name), text).expect("write");
    write("rules.toml", RULES.as_bytes());
    for folder in ["tree", "tree/.hidden", "tree/.git"] {
        std::fs::create_dir(dir.path(folder)).expect("a folder");
    }
    write("tree/.git/config", TOKEN.as_bytes());
    write("tree/.gitignore", b"ignored\n");
    write("tree/ignored", TOKEN.as_bytes());
    write("tree/.hidden/env", format!("a\n\nkey={TOKEN}\n").as_bytes());
    write("tree/clean", b"nothing");
    std::os::unix::fs::symlink("clean", dir.path("tree/link")).expect("a link");
    let name = std::ffi::OsStr::from_bytes(b"tree/odd\xff\n");
    std::fs::write(dir.path("").join(name), format!("\0\u{1}{TOKEN}")).expect("write");
    dir
}

fn scan(dir: &Dir, args: &[&str]) -> Output {
    let rules = dir.text("rules.toml");
    run(&[&["scan", "--rules", &rules], args].concat())
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

#[test]
fn records_of_a_tree_fit_the_schema_and_add_up() {
    let dir = tree("scan-records");
    let output = scan(&dir, &["--format", "jsonl", &dir.text("tree")]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let records = checked(&stdout(&output));
    let [hidden, odd, coverage, ledger] = &records[..] else { panic!("{records:?}") };
    assert_eq!(hidden["path"], dir.text("tree/.hidden/env"));
    assert_eq!((&hidden["rule"], &hidden["line"], &hidden["column"]), (&"acme".into(), &3.into(), &5.into()));
    assert_eq!((&hidden["start"], &hidden["end"]), (&7.into(), &28.into()));
    assert_eq!((&odd["start"], &odd["secret_bytes"]), (&2.into(), &TOKEN.len().into()));
    assert!(!stdout(&output).contains(TOKEN), "redacted");
    assert!(coverage["why"].as_str().is_some_and(|why| why.contains("git history")), "{coverage}");
    assert_eq!(ledger["seen_by"], serde_json::json!({"file": 5, "match": 2}));
    assert_eq!(ledger["filtered_by"], serde_json::json!({"scanned": 4, "symlink": 1}));
}

#[test]
fn lines_are_the_same_whatever_the_threads() {
    let dir = tree("scan-lines");
    let one = stdout(&scan(&dir, &["--threads", "1", &dir.text("tree")]));
    assert_eq!(one, stdout(&scan(&dir, &["--threads", "7", &dir.text("tree")])));
    let [hidden, odd, _, ledger] = one.lines().collect::<Vec<_>>()[..] else { panic!("{one}") };
    assert_eq!(hidden, format!("{}:3:5 acme acme[17 bytes more]", dir.text("tree/.hidden/env")));
    assert!(odd.contains(":1:3 acme "), "{odd}");
    let sum = "ledger seen 7 (file 5, match 2) = emitted 2 + filtered 5 (scanned 4, symlink 1) + lost 0";
    assert_eq!(ledger, sum);
    let bare = stdout(&scan(&dir, &["--no-redact", "--no-ignore", &dir.text("tree")]));
    assert_eq!(bare.matches(TOKEN).count(), 4, "{bare}");
}

#[test]
fn standard_input_is_scanned() {
    let dir = tree("scan-stdin");
    for (text, status, findings) in [(TOKEN, 1, 1), ("clean", 0, 0), ("", 0, 0)] {
        let rules = dir.text("rules.toml");
        let mut child = kernscope(&["scan", "--rules", &rules, "--format", "jsonl", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("runs");
        child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("written");
        let output = child.wait_with_output().expect("ends");
        assert_eq!(output.status.code(), Some(status), "{text}");
        let records = checked(&stdout(&output));
        assert_eq!(records.iter().filter(|record| record["path"] == "-").count(), findings, "{text}");
    }
}

#[test]
fn what_cannot_be_scanned_is_told_and_counted() {
    let dir = tree("scan-lost");
    let (clean, missing) = (dir.text("tree/clean"), dir.text("missing"));
    assert_eq!(scan(&dir, &[&clean]).status.code(), Some(0));
    let output = scan(&dir, &["--format", "jsonl", &missing, &dir.text("tree/.hidden"), &clean]);
    assert_eq!(output.status.code(), Some(2));
    let line = stderr(&output);
    assert!(line.starts_with(&format!("kernscope: read {missing}: No such file")), "{line}");
    assert_eq!(line.matches('\n').count(), 1, "{line}");
    let records = checked(&stdout(&output));
    assert_eq!(records.len(), 3, "the others are scanned: {records:?}");
    assert_eq!(records[2]["lost"], serde_json::json!({"unreadable": 1}));
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a full device");
    let rules = dir.text("rules.toml");
    let output = kernscope(&["scan", "--rules", &rules, &clean]).stdout(full).output().expect("runs");
    assert_eq!(output.status.code(), Some(2), "unwritten is not clean: {}", stderr(&output));
}

#[test]
fn wrong_rules_and_options_give_2_and_one_line() {
    let dir = tree("scan-usage");
    let write = |name: &str, text: &str| std::fs::write(dir.path(name), text).expect("write");
    write("counts.toml", "[[rule]]\nid = 'counts'\nbytes = 'a>=3;window=8'\n");
    write("bad.toml", "[[rule]]\nid = 'bad'\nregex = '('\n");
    let (rules, clean) = (dir.text("rules.toml"), dir.text("tree/clean"));
    let (counts, bad, missing) = (dir.text("counts.toml"), dir.text("bad.toml"), dir.text("none.toml"));
    let cases: [(&[&str], &str); 6] = [
        (&[&clean], "--rules"),
        (&["--rules", &rules], "required"),
        (&["--rules", &missing, &clean], "No such file"),
        (&["--rules", &bad, &clean], "line 3: rule \"bad\""),
        (&["--rules", &rules, "--rules", &counts, &clean], "rule \"counts\": bytes is for filters"),
        (&["--rules", &rules, "--threads", "0", &clean], "--threads"),
    ];
    for (args, said) in cases {
        refused(&[&["scan"], args].concat(), said);
    }
}

#[test]
fn a_file_of_gitleaks_can_build_on_the_built_in_rules() {
    let dir = tree("scan-extend");
    let rules = "[extend]\nuseDefault = true\n[[rules]]\nid = 'acme'\nregex = 'acme_[0-9a-f]{16}'\n";
    std::fs::write(dir.path("rules.toml"), rules).expect("write");
    // The characters of base64 in a jumble, twice: no key, but as varied as one.
    let all: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['+', '/']).collect();
    let body: String = (0..128).map(|at| all[at * 27 % 64]).collect();
    let text = format!("{TOKEN}\n{} RSA PRIVATE KEY-----\n{body}\n", "-----BEGIN");
    std::fs::write(dir.path("tree/clean"), text).expect("write");
    let output = scan(&dir, &["--format", "jsonl", &dir.text("tree/clean")]);
    let records = checked(&stdout(&output));
    let rules: Vec<_> = records.iter().filter_map(|record| record["rule"].as_str()).collect();
    assert_eq!(rules, ["acme", "rsa-private-key"]);
}
