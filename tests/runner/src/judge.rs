//! A stream of records against the patterns of a case, and the smallest useful report when they differ.

use crate::case::{Backend, Case, Expect};
use crate::leave_out::Admitted;
use crate::matcher::{Want, field, plain};
use crate::stream::Schema;
use crate::vars::Vars;
use serde_json::Value;

/// Nearest records shown with a pattern that did not match.
const NEAREST_SHOWN: usize = 3;

/// What is judged.
#[derive(Debug)]
pub struct Judge<'a> {
    /// All records.
    pub records: &'a [Value],
    /// The back end that made them.
    pub backend: Backend,
    /// What it leaves out and admits.
    pub admitted: Admitted<'a>,
}

impl Judge<'_> {
    /// Checks all patterns of `case`; `vars` takes up what they bind.
    pub fn check(&self, case: &Case, vars: &mut Vars, problems: &mut Vec<String>) {
        let mut last = 0;
        for expect in case.must.iter().filter(|expect| self.applies(expect)) {
            let from = if expect.after { last } else { 0 };
            let found: Vec<usize> = (from..self.records.len())
                .filter(|&index| self.misses(expect, &self.records[index], vars).is_empty_match())
                .collect();
            let right = expect.count.map_or(!found.is_empty(), |count| found.len() == count);
            if !right {
                problems.push(self.report_missing(expect, &found, from, vars));
            }
            if let Some(&first) = found.first() {
                last = first + 1;
                self.bind(expect, first, vars);
            }
        }
        for expect in case.never.iter().filter(|expect| self.applies(expect)) {
            for record in self.records {
                if self.misses(expect, record, vars).is_empty_match() {
                    problems.push(format!(
                        "must not appear: {}\n    but: {}",
                        show(expect, vars),
                        brief(record)
                    ));
                    break;
                }
            }
        }
    }

    fn applies(&self, expect: &Expect) -> bool {
        expect.only.is_none_or(|only| only == self.backend)
            && !self.admitted.pattern(&expect.kind, &expect.fields)
    }

    fn bind(&self, expect: &Expect, index: usize, vars: &mut Vars) {
        for (path, want) in &expect.fields {
            if let (Some(name), Some(value)) = (want.bind(), field(&self.records[index], path)) {
                vars.set(name, plain(value));
            }
        }
    }

    fn misses<'e>(&self, expect: &'e Expect, record: &Value, vars: &Vars) -> Misses<'e> {
        if record["kind"] != expect.kind.as_str() {
            return Misses { kind: true, fields: Vec::new() };
        }
        let wrong = |(path, want): &(&'e String, &'e Want)| {
            let actual = field(record, path);
            let left_out = actual.is_none_or(Value::is_null) && self.admitted.field(path);
            !left_out && !want.holds(actual, vars)
        };
        let fields = expect.fields.iter().filter(wrong).map(|(path, _)| path.as_str()).collect();
        Misses { kind: false, fields }
    }

    fn report_missing(&self, expect: &Expect, found: &[usize], from: usize, vars: &Vars) -> String {
        let mut text = match expect.count {
            Some(count) => format!("wanted {count}, found {}: {}", found.len(), show(expect, vars)),
            None => format!("missing: {}", show(expect, vars)),
        };
        let mut near: Vec<(usize, &Value, Misses<'_>)> = self.records[from..]
            .iter()
            .map(|record| (record, self.misses(expect, record, vars)))
            .filter(|(_, misses)| !misses.kind)
            .map(|(record, misses)| (misses.fields.len(), record, misses))
            .collect();
        near.sort_by_key(|(misses, ..)| *misses);
        if near.is_empty() {
            text.push_str(&format!("\n    no {} record at all", expect.kind));
        }
        for (_, record, misses) in near.into_iter().take(NEAREST_SHOWN) {
            text.push_str(&format!(
                "\n    near (differs in {}): {}",
                misses.fields.join(", "),
                brief(record)
            ));
        }
        text
    }
}

/// Why a record does not match a pattern.
struct Misses<'a> {
    kind: bool,
    fields: Vec<&'a str>,
}

impl Misses<'_> {
    fn is_empty_match(&self) -> bool {
        !self.kind && self.fields.is_empty()
    }
}

/// Fields named by a pattern that no record has: a slip of the pen that would let `never` pass for ever.
pub fn unknown_fields(case: &Case, schema: &Schema) -> Vec<String> {
    let patterns = case.must.iter().chain(&case.never);
    patterns
        .flat_map(|expect| expect.fields.keys())
        .filter(|path| !path.split('.').next().is_some_and(|name| schema.knows(name)))
        .map(|path| format!("no record has a field {path}"))
        .collect()
}

fn show(expect: &Expect, vars: &Vars) -> String {
    let fields: Vec<String> = expect
        .fields
        .iter()
        .map(|(path, want)| match want {
            Want::Exact(value) => format!("{path}={}", vars.expand(&value.to_string())),
            Want::Tests(tests) => format!("{path}~{}", vars.expand(&shorten(&format!("{tests:?}")))),
        })
        .collect();
    format!("{} {}", expect.kind, fields.join(" "))
}

/// Drops the tests that are not asked for from a debug text.
fn shorten(debug: &str) -> String {
    let inner = debug.trim_start_matches("Tests {").trim_end_matches('}');
    let asked: Vec<&str> =
        inner.split(", ").map(str::trim).filter(|part| !part.ends_with(": None")).collect();
    asked.join(", ")
}

/// One record on one line, cut where it is long.
pub fn brief(record: &Value) -> String {
    let mut text = record.to_string();
    if text.len() > 700 {
        let cut = (0..=700).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(cut);
        text.push_str("...");
    }
    text
}
