//! `kernscope doctor`: what this kernel, these privileges and this machine allow, proven by trying it.
//!
//! Tells what the probes of [`kernscope_kit::probe`] find, as it is found, and then the verdicts. Whatever it
//! finds, it succeeds; it fails only when nobody can be told.

mod backends;
mod pretty;

use crate::args::{Format, colors_allowed};
use crate::failure::{Failure, Outcome};
use crate::stream::print;
use kernscope_kit::probe::{self, Answer, Cause, Finding};
use kernscope_report::{Body, Entry, Ledger, Probe, Sequencer, Verdict, clock};
use std::io::IsTerminal;
use std::process::ExitCode;

/// Tries everything and tells it in this format.
pub(crate) fn run(format: Format) -> Outcome {
    match format {
        Format::Pretty => people(),
        Format::Jsonl => lines(),
    }
}

fn people() -> Outcome {
    let color = std::io::stdout().is_terminal() && colors_allowed();
    let mut page = pretty::Page::new(color);
    let mut outcome = Ok(ExitCode::SUCCESS);
    let mut say = |text: String| {
        if outcome.is_ok() && !text.is_empty() {
            outcome = print(text.as_bytes());
        }
    };
    probe::all(|finding| say(page.finding(finding)));
    let (findings, verdicts) = conclude();
    findings.into_iter().for_each(|finding| say(page.finding(finding)));
    say(page.end(&verdicts));
    outcome
}

/// The last findings, the back ends, and what all of them mean.
fn conclude() -> (Vec<Finding>, Vec<probe::Verdict>) {
    let (ebpf, ptrace) = (backends::ebpf(), backends::ptrace());
    let mut verdicts = probe::verdicts(&ebpf.finding.answer, &ptrace.finding.answer);
    let hooks = if ebpf.finding.answer.is_yes() { &ebpf.hooks } else { &ptrace.hooks };
    verdicts.splice(1..1, backends::verdicts(hooks));
    (vec![ebpf.finding, ptrace.finding], verdicts)
}

fn lines() -> Outcome {
    let mut stream = Stream { sequencer: Sequencer::new(clock::realtime_offset_ns()), outcome: Ok(0) };
    probe::all(|finding| stream.tell(Body::Probe(record(finding))));
    let (findings, verdicts) = conclude();
    findings.into_iter().for_each(|finding| stream.tell(Body::Probe(record(finding))));
    for verdict in verdicts {
        stream.tell(Body::Verdict(Verdict {
            feature: verdict.feature,
            tier: verdict.tier,
            why: verdict.why,
            lost: verdict.lost,
        }));
    }
    if let Ok(told) = stream.outcome {
        stream.tell(Body::Ledger(Ledger { seen: told, emitted: told, ..Ledger::default() }.close()));
    }
    stream.outcome.map(|_| ExitCode::SUCCESS)
}

/// Records on standard output, one at a time, so that what is known is there whatever a probe brings about.
struct Stream {
    sequencer: Sequencer,
    /// Records told, or why nobody can be told.
    outcome: Result<u64, Failure>,
}

impl Stream {
    fn tell(&mut self, body: Body) {
        let Ok(told) = self.outcome else { return };
        let entry = Entry { ts_ns: clock::monotonic_ns(), proc: None, body, escaped: Vec::new() };
        let line = serde_json::to_string(&self.sequencer.stamp(&entry));
        let written = match line {
            Ok(line) => print(format!("{line}\n").as_bytes()),
            Err(cause) => {
                Err(Failure::with_status(crate::failure::BROKEN, format_args!("write a record: {cause}")))
            }
        };
        self.outcome = written.map(|_| told + 1);
    }
}

fn record(finding: Finding) -> Probe {
    use kernscope_report::{Answer as Word, Cause as Sort};
    let (answer, cause) = match &finding.answer {
        Answer::Yes => (Word::Yes, None),
        Answer::Unknown(_) => (Word::Unknown, None),
        Answer::No(no) => {
            let cause = match no.cause {
                Cause::Unsupported => Sort::Unsupported,
                Cause::Forbidden => Sort::Forbidden,
                Cause::Off => Sort::Off,
            };
            (Word::No, Some(cause))
        }
    };
    Probe {
        why: finding.answer.why().to_owned(),
        name: finding.name,
        group: finding.group.to_string(),
        answer,
        cause,
        detail: finding.detail,
        costs: finding.costs,
        fix: finding.fix,
    }
}
