//! The file of a learnt policy: TOML, with a comment for each entry.

use super::super::paths::Class;
use std::fmt::Write as _;

/// What is said at the head of the file.
#[derive(Clone, Debug, Default)]
pub struct About<'a> {
    /// What was watched, in words.
    pub what: &'a str,
    /// By which back end.
    pub backend: &'a str,
    /// Events that were lost: what they told is missing.
    pub lost: u64,
}

/// An entry of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) entry: String,
    /// How often what it allows was done.
    pub(super) times: u64,
    /// What else there is to say.
    pub(super) note: String,
}

impl Line {
    pub(super) fn new(entry: String) -> Self {
        Self { entry, ..Self::default() }
    }

    fn comment(&self) -> String {
        let times = if self.times == 1 { "once".to_owned() } else { format!("{} times", self.times) };
        match self.note.is_empty() {
            true => times,
            false => format!("{}, {times}", self.note),
        }
    }
}

/// The whole file.
pub(super) fn write(
    about: &About<'_>,
    files: &[Vec<Line>; 3],
    hosts: &[Line],
    truncated: u64,
    beyond: u64,
) -> String {
    let mut text = String::new();
    comment(&mut text, &format!("What this did, learnt by kernscope watch --learn ({}):", about.backend));
    comment(&mut text, &format!("  {}", about.what));
    comment(
        &mut text,
        "Everything else is denied. Read it before you rely on it: what was done once is allowed from now on.",
    );
    comment(&mut text, "Paths are here as they are: nothing in them is redacted.");
    for (count, what) in [
        (about.lost, "events were lost, so that what they told is missing here"),
        (
            truncated,
            "times a path was too long to be told, or there was none (a memfd), and it is missing here",
        ),
        (beyond, "times there was no room for another path or host, and it is missing here"),
    ] {
        if count > 0 {
            comment(&mut text, &format!("NOTE: {count} {what}."));
        }
    }
    text.push_str("mode = \"deny\"\n");
    for (class, lines) in Class::ALL.into_iter().zip(files) {
        section(&mut text, class.name(), lines);
    }
    section(&mut text, "connect", hosts);
    text
}

fn section(text: &mut String, name: &str, lines: &[Line]) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "\n[{name}]\ndefault = \"deny\"");
    if lines.is_empty() {
        return;
    }
    text.push_str("allow = [\n");
    for line in lines {
        let entry = toml::Value::String(line.entry.clone());
        let _ = writeln!(text, "    {entry}, # {}", line.comment());
    }
    text.push_str("]\n");
}

/// A line of comment, whatever is in it.
fn comment(text: &mut String, line: &str) {
    let plain: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let _ = writeln!(text, "# {plain}");
}
