//! What is told of a run: lines for people, or records.
//!
//! Packets are counted, not told one by one: in the ledger each is seen, and set aside by what was decided of it. What is
//! told are the counts.

use super::hook::Hooked;
use super::{AttachArgs, Source, Target, Way};
use crate::args::Format;
use crate::failure::Failure;
use crate::filter::wrong;
use kernscope_kit::attach::{Decided, Interface};
use kernscope_report::pretty::{clean, equation};
use kernscope_report::{Body, Coverage, Entry, FilterCounts, Hook, Ledger, Sequencer, State, clock};
use std::io::{ErrorKind, Write};
use std::time::Duration;

/// What a match means.
#[derive(Clone, Copy)]
enum Meaning {
    /// Nothing happens to it.
    Counted,
    Dropped,
    Passed,
    /// The program decides for itself.
    Own,
}

/// Writes to standard output, and counts what it wrote.
pub(super) struct Teller {
    meaning: Meaning,
    interface: String,
    hook: &'static str,
    direction: &'static str,
    /// How it is attached, and why not better.
    attached: String,
    coverage: Coverage,
    wider: Vec<String>,
    records: Option<Sequencer>,
    last: Decided,
    emitted: u64,
    deaf: bool,
}

impl Teller {
    pub(super) fn new(args: &AttachArgs, interface: &Interface, hooked: &Hooked, source: &Source) -> Self {
        let meaning = match (source, args.pass, args.drop) {
            (Source::Bytecode(_), ..) => Meaning::Own,
            (_, true, _) => Meaning::Passed,
            (_, _, true) => Meaning::Dropped,
            _ => Meaning::Counted,
        };
        let hook = if args.target == Target::Xdp { "xdp" } else { "tc" };
        let direction = if args.direction == Way::Ingress { "ingress" } else { "egress" };
        let wider = source.wider();
        let (tier, why) = hooked.tier();
        let state = if wider.is_empty() { State::Idle } else { State::Partial };
        let name = format!("packets of {interface}, {direction}");
        let hooks = vec![Hook { name, tier, state, why: wider.join("; ") }];
        Self {
            meaning,
            interface: interface.to_string(),
            hook,
            direction,
            attached: hooked.told(),
            coverage: Coverage { backend: "ebpf".to_owned(), why, hooks, ..Coverage::default() },
            wider,
            records: (args.format == Format::Jsonl).then(|| Sequencer::new(clock::realtime_offset_ns())),
            last: Decided::default(),
            emitted: 0,
            deaf: false,
        }
    }

    /// Whether nobody reads any more.
    pub(super) fn is_deaf(&self) -> bool {
        self.deaf
    }

    /// What is attached, and how well it looks; of records, the first counts, which are none.
    pub(super) fn begin(&mut self) -> Result<(), Failure> {
        if self.records.is_some() {
            return self.told(Duration::ZERO, self.last);
        }
        let head = format!("attached to {}: {}", self.interface, self.attached);
        let lines: Vec<_> = [&head].into_iter().chain(&self.wider).map(|line| clean::text(line)).collect();
        self.write(&(lines.join("\n") + "\n"))
    }

    /// The counts after so long, if they have changed.
    pub(super) fn counts(&mut self, after: Duration, decided: Decided) -> Result<(), Failure> {
        if decided == self.last {
            return Ok(());
        }
        self.told(after, decided)
    }

    /// The counts at the end, what was covered, and the account.
    pub(super) fn end(&mut self, decided: Decided) -> Result<(), Failure> {
        self.emitted += 1;
        let hook = &mut self.coverage.hooks[0];
        if hook.state == State::Idle && decided.entered > 0 {
            hook.state = State::Attached;
        }
        let ledger = self.ledger(decided);
        if self.records.is_some() {
            let bodies = [
                Body::FilterCounts(self.filter_counts(decided)),
                Body::Coverage(self.coverage.clone()),
                Body::Ledger(ledger),
            ];
            return bodies.into_iter().try_for_each(|body| self.record(body));
        }
        let words = self.words(decided);
        let wider = self.wider.iter().map(|why| format!("; {why}")).collect::<String>();
        let text = format!(
            "{}: {words}\ncoverage {}{wider}\nledger {}\n",
            self.interface,
            self.attached,
            equation(&ledger)
        );
        self.write(&text)
    }

    fn told(&mut self, after: Duration, decided: Decided) -> Result<(), Failure> {
        (self.last, self.emitted) = (decided, self.emitted + 1);
        match self.records {
            Some(_) => self.record(Body::FilterCounts(self.filter_counts(decided))),
            None => self.write(&format!("{:>6} s  {}\n", after.as_secs(), self.words(decided))),
        }
    }

    fn matched(&self, decided: Decided) -> Option<u64> {
        match self.meaning {
            Meaning::Own => None,
            Meaning::Passed => Some(decided.passed),
            Meaning::Dropped | Meaning::Counted => Some(decided.dropped),
        }
    }

    fn filter_counts(&self, decided: Decided) -> FilterCounts {
        let Decided { passed, dropped, other, .. } = decided;
        let watched = matches!(self.meaning, Meaning::Counted);
        let (passed, dropped) = if watched { (passed + dropped, 0) } else { (passed, dropped) };
        FilterCounts {
            interface: self.interface.clone(),
            hook: self.hook.to_owned(),
            direction: self.direction.to_owned(),
            packets: passed + dropped + other,
            matched: self.matched(decided),
            passed,
            dropped,
            other,
        }
    }

    /// Packets were counted when they came, and again when they were decided: the equation is a check.
    fn ledger(&self, decided: Decided) -> Ledger {
        let all = decided.passed + decided.dropped + decided.other;
        let by = match self.matched(decided) {
            Some(matched) => vec![("matched", matched), ("not_matched", all - matched)],
            None => {
                vec![("passed", decided.passed), ("dropped", decided.dropped), ("other", decided.other)]
            }
        };
        let own = |list: &[(&str, u64)]| {
            let some = list.iter().filter(|(_, count)| *count > 0);
            some.map(|(name, count)| ((*name).to_owned(), *count)).collect()
        };
        let ledger = Ledger {
            seen: decided.entered + self.emitted,
            emitted: self.emitted,
            filtered: all,
            filtered_by: own(&by),
            seen_by: own(&[("packet", decided.entered), ("filter_counts", self.emitted)]),
            ..Ledger::default()
        };
        ledger.close()
    }

    /// In the words of the condition, or of what was decided.
    fn words(&self, decided: Decided) -> String {
        let Decided { passed, dropped, other, .. } = decided;
        let packets = passed + dropped + other;
        match self.meaning {
            Meaning::Own => {
                format!("{packets} packets = {passed} passed + {dropped} dropped + {other} other")
            }
            Meaning::Passed => format!("{packets} packets = {passed} matched + {dropped} others, dropped"),
            Meaning::Dropped => format!("{packets} packets = {dropped} matched, dropped + {passed} others"),
            Meaning::Counted => {
                format!("{packets} packets = {dropped} matched + {passed} others, all passed")
            }
        }
    }

    fn record(&mut self, body: Body) -> Result<(), Failure> {
        let Some(sequencer) = &mut self.records else { return Ok(()) };
        let entry = Entry { ts_ns: clock::monotonic_ns(), proc: None, body, escaped: Vec::new() };
        let line = serde_json::to_string(&sequencer.stamp(&entry))
            .map_err(|cause| wrong(format_args!("write a record: {cause}")))?;
        self.write(&(line + "\n"))
    }

    /// Writes to standard output, unless nobody reads it any more.
    fn write(&mut self, text: &str) -> Result<(), Failure> {
        if self.deaf {
            return Ok(());
        }
        let mut stdout = std::io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(()),
            Err(cause) if cause.kind() == ErrorKind::BrokenPipe => {
                self.deaf = true;
                Ok(())
            }
            Err(cause) => Err(wrong(format_args!("write standard output: {cause}"))),
        }
    }
}
