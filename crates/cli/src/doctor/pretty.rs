//! Findings for people: by group, each no with what it costs, the fixes once at the end.

use kernscope_kit::probe::{Answer, Finding, Group, NOTHING, Verdict};
use std::fmt::Write;

/// Width of a line in which names are listed.
const WIDTH: usize = 100;
/// Width of the names in front of a detail.
const NAME: usize = 42;

/// The page so far.
pub(super) struct Page {
    color: bool,
    group: Option<Group>,
    /// Names of the group that got a plain yes, not told yet.
    yes: Vec<String>,
    /// Fixes in the order in which they were met.
    fixes: Vec<String>,
    counts: [usize; 3],
}

impl Page {
    pub(super) fn new(color: bool) -> Self {
        Self { color, group: None, yes: Vec::new(), fixes: Vec::new(), counts: [0; 3] }
    }

    /// What to print for this finding.
    pub(super) fn finding(&mut self, finding: Finding) -> String {
        let mut out = String::new();
        if self.group != Some(finding.group) {
            out.push_str(&self.list());
            self.group = Some(finding.group);
            let _ = write!(out, "\n{}\n", self.paint("1", heading(finding.group)));
        }
        match &finding.answer {
            Answer::Yes => {
                self.counts[0] += 1;
                if finding.detail.is_empty() {
                    self.yes.push(finding.name);
                } else {
                    let mark = self.paint("32", "yes");
                    let _ = writeln!(out, "  {mark}  {:<NAME$} {}", finding.name, finding.detail);
                }
            }
            Answer::No(no) => {
                self.counts[1] += 1;
                let why = format!("{}: {}", no.cause, no.why);
                self.refusal(&mut out, "31", "no ", &finding, &why);
            }
            Answer::Unknown(why) => {
                self.counts[2] += 1;
                self.refusal(&mut out, "33", "?  ", &finding, &format!("could not tell: {why}"));
            }
        }
        out
    }

    fn refusal(&mut self, out: &mut String, color: &str, mark: &str, finding: &Finding, why: &str) {
        let fix = self.fix(&finding.fix);
        let _ = writeln!(out, "  {}  {:<NAME$} {why}{fix}", self.paint(color, mark), finding.name);
        if finding.costs != NOTHING {
            let _ = writeln!(out, "       {}", self.paint("2", &format!("costs  {}", finding.costs)));
        }
    }

    /// The number of this fix, in brackets.
    fn fix(&mut self, fix: &str) -> String {
        if fix.is_empty() {
            return String::new();
        }
        let known = self.fixes.iter().position(|other| other == fix);
        let at = known.unwrap_or_else(|| {
            self.fixes.push(fix.to_owned());
            self.fixes.len() - 1
        });
        format!(" [{}]", at + 1)
    }

    /// The names with a plain yes, wrapped.
    fn list(&mut self) -> String {
        let mut out = String::new();
        let mut line = String::new();
        for name in self.yes.drain(..) {
            if !line.is_empty() && line.len() + name.len() + 2 > WIDTH {
                let _ = writeln!(out, "{line},");
                line = String::new();
            }
            let lead = if line.is_empty() { "       " } else { ", " };
            let _ = write!(line, "{lead}{name}");
        }
        if line.is_empty() {
            return out;
        }
        let _ = writeln!(out, "{line}");
        let mark = self.paint("32", "yes");
        format!("  {mark}  {}", out.trim_start())
    }

    /// The verdicts, the fixes and the count.
    pub(super) fn end(&mut self, verdicts: &[Verdict]) -> String {
        let mut out = self.list();
        let _ = write!(out, "\n{}\n", self.paint("1", "What this means"));
        for verdict in verdicts {
            let color = if verdict.tier == "none" { "31" } else { "32" };
            let tier = self.paint(color, &format!("{:<12}", verdict.tier));
            let _ = writeln!(out, "  {:<28} {tier} {}", verdict.feature, verdict.why);
            for lost in &verdict.lost {
                let _ = writeln!(out, "       {}", self.paint("2", &format!("lost  {lost}")));
            }
        }
        if !self.fixes.is_empty() {
            let _ = write!(out, "\n{}\n", self.paint("1", "What would help"));
            for (index, fix) in self.fixes.iter().enumerate() {
                let _ = writeln!(out, "  {:>4} {fix}", format!("[{}]", index + 1));
            }
        }
        let [yes, no, unknown] = self.counts;
        let _ = writeln!(out, "\n{yes} yes, {no} no, {unknown} could not tell");
        out
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

fn heading(group: Group) -> &'static str {
    match group {
        Group::Kernel => "Kernel and settings",
        Group::Privilege => "Privileges",
        Group::Machine => "Without eBPF",
        Group::Program => "eBPF program types (loaded)",
        Group::Map => "eBPF map types (made)",
        Group::Helper => "eBPF helpers and features (loaded)",
        Group::Hook => "eBPF hooks (seen to fire)",
        Group::Backend => "Back ends of watch (seen to watch a command)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernscope_kit::probe::{Cause, No};

    fn finding(name: &str, answer: Answer, costs: &str, fix: &str) -> Finding {
        Finding {
            group: Group::Map,
            name: name.to_owned(),
            answer,
            detail: String::new(),
            costs: costs.to_owned(),
            fix: fix.to_owned(),
        }
    }

    #[test]
    fn every_name_cost_and_fix_is_told_and_a_fix_once() {
        let no = |why: &str| Answer::No(No { cause: Cause::Forbidden, why: why.to_owned() });
        let mut page = Page::new(false);
        let mut text = String::new();
        text += &page.finding(finding("hash", Answer::Yes, "", ""));
        text += &page.finding(finding("array", Answer::Yes, "", ""));
        text += &page.finding(finding("arena", no("EPERM"), "speed", "run as root"));
        text += &page.finding(finding("queue", Answer::Unknown("ENOMEM".to_owned()), "", "run as root"));
        text += &page.end(&[]);
        assert!(text.contains("yes  hash, array\n"), "{text}");
        assert!(text.contains("forbidden: EPERM [1]"), "{text}");
        assert!(text.contains("costs  speed"), "{text}");
        assert!(text.contains("could not tell: ENOMEM [1]"), "{text}");
        assert_eq!(text.matches("run as root").count(), 1, "{text}");
        assert!(text.ends_with("2 yes, 1 no, 1 could not tell\n"), "{text}");
        assert!(!text.contains('\x1b'), "{text}");
    }
}
