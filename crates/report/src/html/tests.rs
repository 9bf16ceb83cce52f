use super::*;
use crate::sink::End;
use crate::{Coverage, Entry, Ledger, Summary, samples};
use flate2::read::GzDecoder;
use serde_json::Value;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("kernscope-html-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("make a folder");
        Self(dir)
    }

    fn names(&self) -> Vec<String> {
        let files = std::fs::read_dir(&self.0).expect("list").filter_map(Result::ok);
        files.map(|file| file.file_name().to_string_lossy().into_owned()).collect()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

fn about() -> About {
    let text = str::to_owned;
    About { what: text("true"), offset_ns: 0, host: text("h"), kernel: text("6"), version: text("0") }
}

fn write(path: &Path, entries: &[Entry]) -> Ledger {
    let mut report = Report::start(path, about()).expect("start");
    for entry in entries {
        report.take(entry.clone());
    }
    let (summary, coverage) = (Summary::default(), Coverage::default());
    let count = entries.len() as u64;
    let ledger = Ledger { seen: count, emitted: count, ..Default::default() }.close();
    let end = End { ts_ns: 9, summary: &summary, coverage: &coverage, ledger: &ledger };
    report.finish(&end).expect("finish")
}

/// The lines in a page.
fn lines(page: &str) -> Vec<Value> {
    let (_, rest) = page.split_once("id=\"data\">").expect("data");
    let (data, _) = rest.split_once('<').expect("an end");
    let mut text = String::new();
    GzDecoder::new(&decode(data)[..]).read_to_string(&mut text).expect("compressed");
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// The way back from base64.
fn decode(text: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let mut out = Vec::new();
    for group in text.trim_end_matches('=').as_bytes().chunks(4) {
        let bits = group
            .iter()
            .enumerate()
            .fold(0, |bits, (at, byte)| bits | u32::from(value(*byte)) << (18 - 6 * at));
        out.extend(bits.to_be_bytes()[1..].iter().take(group.len() - 1));
    }
    out
}

#[test]
fn a_page_holds_every_record_and_is_for_its_owner_alone() {
    let dir = Dir::new("whole");
    let path = dir.0.join("run.html");
    let entries = samples::entries();
    let ledger = write(&path, &entries);
    let page = std::fs::read_to_string(&path).expect("read");
    let lines = lines(&page);
    assert_eq!(lines[0]["about"]["what"], "true");
    let records: Vec<_> = lines.iter().filter(|line| line["kind"].is_string()).collect();
    assert_eq!(records.len(), entries.len());
    let procs: Vec<_> =
        lines.iter().filter(|line| line["kind"].is_null() && line["proc"].is_object()).collect();
    for (record, entry) in records.iter().zip(&entries) {
        let body = serde_json::to_value(&entry.body).expect("serialises");
        for (name, value) in body.as_object().expect("an object") {
            assert_eq!(&record[name], value, "{record}");
        }
        let proc = record["p"].as_u64().map(|number| procs[number as usize]["proc"].clone());
        let told = entry.proc.as_ref().map(|proc| serde_json::to_value(proc).expect("serialises"));
        assert_eq!(proc, told);
    }
    let end = &lines.last().expect("end")["end"];
    assert_eq!(end["ledger"], serde_json::to_value(ledger).expect("serialises"));
    assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    assert_eq!(dir.names(), ["run.html"], "nothing is left beside it");
}

#[test]
fn a_page_asks_for_nothing_and_runs_only_its_own_script() {
    let dir = Dir::new("policy");
    let path = dir.0.join("run.html");
    write(&path, &samples::entries());
    let page = std::fs::read_to_string(&path).expect("read");
    assert!(page.contains("default-src 'none'; script-src 'sha256-"), "{}", &page[..600]);
    for request in
        ["http://", "https://", "src=", "@import", "url(", "fetch(", "XMLHttpRequest", "innerHTML", "eval("]
    {
        assert!(!page.contains(request), "{request}");
    }
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script>").count(), 2);
}

#[test]
fn what_is_there_stays_until_the_new_page_is_whole() {
    let dir = Dir::new("replace");
    let path = dir.0.join("run.html");
    std::fs::write(&path, "an older page").expect("write");
    let report = Report::start(&path, about()).expect("start");
    drop(report);
    assert_eq!(std::fs::read_to_string(&path).expect("read"), "an older page");
    assert_eq!(dir.names(), ["run.html"]);
    write(&path, &samples::entries());
    assert!(std::fs::read_to_string(&path).expect("read").starts_with("<!doctype html>"));
}

#[test]
fn a_place_that_is_none_is_refused_in_one_line() {
    let dir = Dir::new("refuse");
    for (place, why) in
        [("none/run.html", "make its directory first"), (".", "no regular file"), ("..", "it is no file")]
    {
        let error = Report::start(&dir.0.join(place), about()).expect_err("refused").to_string();
        assert!(error.contains(why) && !error.contains('\n'), "{place}: {error}");
    }
}
