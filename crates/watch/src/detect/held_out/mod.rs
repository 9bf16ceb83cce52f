//! How much the shipped rules find in attacks that were written down before the rules were looked at, and how often they cry wolf.
//!
//! Each list in tests/shell has `injections.txt` (put into every line of `hosts.txt` with the same quotes around the `@`),
//! `attacks.txt` (one command a line), `scripts.txt` (files that bash runs) and `honest.txt`. `<LF>` and `<TAB>` stand for
//! the characters. No ancestor has the attack among its arguments, so place and shape must tell. [`play`] says what
//! is made of a text.

mod corpora;
mod play;

use super::{Detections, Detector};
use crate::core::Table;
use std::collections::BTreeMap;

/// A list of texts.
struct List {
    name: &'static str,
    injections: &'static str,
    hosts: &'static str,
    attacks: &'static str,
    scripts: &'static str,
    honest: &'static str,
}

/// A list without entries, for what others lack.
const NOTHING: List = List { name: "", injections: "", hosts: "", attacks: "", scripts: "", honest: "" };

const FIRST: List = List {
    name: "held-out-1",
    injections: include_str!("../../../tests/shell/held-out-1/injections.txt"),
    hosts: include_str!("../../../tests/shell/held-out-1/hosts.txt"),
    attacks: include_str!("../../../tests/shell/held-out-1/attacks.txt"),
    scripts: include_str!("../../../tests/shell/held-out-1/scripts.txt"),
    honest: include_str!("../../../tests/shell/held-out-1/honest.txt"),
};

const SECOND: List = List {
    name: "held-out-2",
    injections: include_str!("../../../tests/shell/held-out-2/injections.txt"),
    hosts: include_str!("../../../tests/shell/held-out-2/hosts.txt"),
    attacks: include_str!("../../../tests/shell/held-out-2/attacks.txt"),
    honest: include_str!("../../../tests/shell/held-out-2/honest.txt"),
    ..NOTHING
};

const THIRD: List = List {
    name: "held-out-3",
    attacks: include_str!("../../../tests/shell/held-out-3/attacks.txt"),
    honest: include_str!("../../../tests/shell/held-out-3/honest.txt"),
    ..NOTHING
};

const FOURTH: List = List {
    name: "held-out-4",
    attacks: include_str!("../../../tests/shell/held-out-4/attacks.txt"),
    honest: include_str!("../../../tests/shell/held-out-4/honest.txt"),
    ..NOTHING
};

/// What became of texts: how many raised an alert, and which did not.
#[derive(Default)]
struct Tally {
    alerts: usize,
    quiet: Vec<String>,
    loud: Vec<String>,
}

impl Tally {
    fn add(&mut self, text: &str, rules: &[String]) {
        if rules.is_empty() {
            self.quiet.push(text.to_owned());
        } else {
            self.alerts += 1;
            self.loud.push(format!("{text}    [{}]", rules.join(" ")));
        }
    }

    fn all(&self) -> usize {
        self.alerts + self.quiet.len()
    }

    fn percent(&self) -> f64 {
        100.0 * self.alerts as f64 / self.all() as f64
    }
}

/// The lines of a file by the headings (`## heading`) that they stand under.
fn sections(text: &str) -> Vec<(&str, Vec<String>)> {
    let mut all: Vec<(&str, Vec<String>)> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("## "), all.last_mut()) {
            (Some(heading), _) => all.push((heading, Vec::new())),
            (None, Some((_, lines))) => lines.push(line.replace("<LF>", "\n").replace("<TAB>", "\t")),
            (None, None) => panic!("a line before the first heading: {line}"),
        }
    }
    all
}

/// The rules that raise an alert when this is played.
fn alerts(detector: &mut Detector, play: &[super::example::Played]) -> Vec<String> {
    detector.forget();
    let mut table = Table::default();
    let mut rules = Vec::new();
    for ((entry, sketch), seq) in play.iter().zip(0..) {
        table.sketch(sketch);
        rules.extend(detector.see(&table, seq, entry).into_iter().map(|alert| alert.rule));
    }
    rules.sort();
    rules.dedup();
    rules
}

fn score(list: &List) -> BTreeMap<&'static str, Tally> {
    let mut detector = Detector::new(Detections::builtin());
    let mut tallies: BTreeMap<&'static str, Tally> = BTreeMap::new();
    let mut add = |group: &'static str, text: &str, play: Vec<super::example::Played>| {
        tallies.entry(group).or_default().add(text, &alerts(&mut detector, &play));
    };
    for (quotes, payloads) in sections(list.injections) {
        for (_, hosts) in sections(list.hosts).into_iter().filter(|(heading, _)| *heading == quotes) {
            for (payload, host) in
                payloads.iter().flat_map(|payload| hosts.iter().map(move |host| (payload, host)))
            {
                let text = host
                    .replace('@', &if quotes == "bare" { format!("x{payload}") } else { payload.clone() });
                add("injections", &text, play::of_program(&text));
            }
        }
    }
    for text in sections(list.attacks).iter().flat_map(|(_, lines)| lines) {
        add("attacks", text, play::of_program(text));
    }
    for (name, lines) in sections(list.scripts) {
        add("scripts", name, play::of_file(&lines.join("\n")));
    }
    for text in sections(list.honest).iter().flat_map(|(_, lines)| lines) {
        add("honest", text, play::of_program(text));
    }
    tallies
}

/// Recall of each sort of attack is at least so many percent, and so many honest texts in a hundred are left alone.
#[track_caller]
fn holds(list: &List, recall: &[(&str, f64)], quiet: f64) {
    let tallies = score(list);
    let mut faults = Vec::new();
    for (group, tally) in &tallies {
        println!(
            "{} {group}: {} of {}, {:.1} percent",
            list.name,
            tally.alerts,
            tally.all(),
            tally.percent()
        );
        let (bad, texts) = match *group {
            "honest" => (100.0 - tally.percent() < quiet, &tally.loud),
            group => {
                let least = recall.iter().find(|(name, _)| *name == group).map_or(100.0, |(_, least)| *least);
                (tally.percent() < least, &tally.quiet)
            }
        };
        if bad || std::env::var_os("KERNSCOPE_SHOW").is_some() {
            println!(
                "{}",
                texts.iter().map(|text| format!("{group}: {}\n", text.escape_debug())).collect::<String>()
            );
        }
        if bad {
            faults.push(*group);
        }
    }
    assert!(faults.is_empty(), "{}: {faults:?}", list.name);
}

#[test]
fn first_list() {
    holds(&FIRST, &[("attacks", 97.0), ("injections", 95.0), ("scripts", 90.0)], 99.0);
}

/// Written with the first list, and not tried until the rules found 95 of 100 of that.
#[test]
fn second_list() {
    holds(&SECOND, &[("attacks", 95.0), ("injections", 84.0)], 99.0);
}

/// By another author, who had not seen the rules.
#[test]
fn third_list() {
    holds(&THIRD, &[("attacks", 99.0)], 99.0);
}

/// By the author of the third, of incidents; not tried until the rules found 95 of 100 of that.
#[test]
fn fourth_list() {
    holds(&FOURTH, &[("attacks", 99.0)], 99.0);
}
