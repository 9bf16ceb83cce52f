//! The back ends of `watch`, proven by watching a command that does nothing.
//!
//! This is the whole of the real thing - its objects, its hooks, its ring - short of making records. A back end
//! works when the exec and the end of the command arrived.

use kernscope_abi::{KIND_EXEC, KIND_EXIT};
use kernscope_kit::probe::{Answer, Cause, Finding, Group, No, Verdict, verdict_line};
use kernscope_report::Hook;
use kernscope_watch::backend::{Backend, BackendError, Progress, Target};
use kernscope_watch::ebpf::{self, Ebpf};
use kernscope_watch::ptrace::{self, Ptrace, StartError};
use kernscope_watch::raw::Event;
use std::time::{Duration, Instant};

/// The command: every Linux has it, and it prints nothing.
const COMMAND: &str = "true";
/// How long the end of the command is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one look at the back end may wait.
const GLANCE: Duration = Duration::from_millis(50);

/// Tries the eBPF back end.
pub(crate) fn ebpf() -> Outcome {
    let tried = match Ebpf::new(&target(), &ebpf::Options::default()) {
        Ok(mut backend) => watch(&mut backend),
        Err(error) => Tried::refused(&error),
    };
    tried.outcome("ebpf", "watch: --all, byte counts and speed; ptrace is used")
}

/// Tries the ptrace back end.
pub(crate) fn ptrace() -> Outcome {
    let tried = match Ptrace::start(&target(), &ptrace::Options::default()) {
        Ok(mut backend) => watch(&mut backend),
        Err(StartError::Backend(error)) => Tried::refused(&error),
        Err(error) => Tried::unclear(error.to_string()),
    };
    tried.outcome("ptrace", "watch: nothing stands in for eBPF where that does not work")
}

fn target() -> Target {
    Target::Command(vec![COMMAND.into()])
}

/// What came of a back end.
pub(crate) struct Outcome {
    /// Whether it works.
    pub(crate) finding: Finding,
    /// What it covers, if it does.
    pub(crate) hooks: Vec<Hook>,
}

/// What the hooks say of themselves, one verdict each: how, why so, what is missing. Those with nothing to say
/// are left out, except for the one that comes in tiers.
pub(crate) fn verdicts(hooks: &[Hook]) -> Vec<Verdict> {
    let telling = hooks.iter().filter(|hook| !hook.why.is_empty() || hook.name == "path_calls");
    let verdict = |hook: &Hook| Verdict {
        feature: format!("watch: {}", hook.name),
        tier: hook.tier.clone(),
        why: if hook.why.is_empty() { "attached".to_owned() } else { hook.why.clone() },
        lost: Vec::new(),
    };
    telling.map(verdict).collect()
}

/// What came of trying.
struct Tried {
    answer: Answer,
    hooks: Vec<Hook>,
    detail: String,
    fix: String,
}

impl Tried {
    fn unclear(why: String) -> Self {
        Self {
            answer: Answer::Unknown(why),
            hooks: Vec::new(),
            detail: String::new(),
            fix: "run it again".to_owned(),
        }
    }

    fn refused(error: &BackendError) -> Self {
        if error.act == "run" {
            return Self::unclear(error.to_string());
        }
        let denied = ["Operation not permitted", "os error 1)", "EPERM"];
        let cause = if denied.iter().any(|word| error.cause.contains(word)) {
            Cause::Forbidden
        } else {
            Cause::Unsupported
        };
        // Of a verifier's log, the line that says what is wrong.
        let text = match error.cause.split_once('\n') {
            Some((first, log)) => format!("{first} {}", verdict_line(log)),
            None => error.cause.clone(),
        };
        let why = format!("{} {}: {text}", error.act, error.object);
        let fix = if error.fix.is_empty() { "see the answers above" } else { &error.fix };
        Self {
            answer: Answer::No(No { cause, why }),
            hooks: Vec::new(),
            detail: String::new(),
            fix: fix.to_owned(),
        }
    }

    fn outcome(self, name: &str, costs: &str) -> Outcome {
        let yes = self.answer.is_yes();
        let unless_yes = |text: String| if yes { String::new() } else { text };
        let finding = Finding {
            group: Group::Backend,
            name: name.to_owned(),
            answer: self.answer,
            detail: self.detail,
            costs: unless_yes(costs.to_owned()),
            fix: unless_yes(self.fix),
        };
        Outcome { finding, hooks: self.hooks }
    }
}

/// Polls until the command has ended, and looks at what arrived.
fn watch(backend: &mut dyn Backend) -> Tried {
    let deadline = Instant::now() + PATIENCE;
    let (mut events, mut execs, mut exits) = (0u64, 0u64, 0u64);
    loop {
        let mut count = |bytes: &[u8]| {
            let kind = Event::decode(bytes).map_or(0, |event| event.header.kind);
            events += 1;
            execs += u64::from(kind == KIND_EXEC);
            exits += u64::from(kind == KIND_EXIT);
        };
        match backend.poll(GLANCE, &mut count) {
            Ok(Progress::Ended) => break,
            Ok(Progress::Running) if Instant::now() > deadline => {
                backend.detach();
                return Tried::unclear(format!("{COMMAND} did not end in {} s", PATIENCE.as_secs()));
            }
            Ok(Progress::Running) => {}
            Err(error) => return Tried::refused(&error),
        }
    }
    backend.detach();
    if execs == 0 || exits == 0 {
        let why = format!("of {events} events, {execs} were execs and {exits} ends");
        let fix = "please report this with the output of the whole command".to_owned();
        return Tried {
            answer: Answer::No(No { cause: Cause::Off, why }),
            hooks: Vec::new(),
            detail: String::new(),
            fix,
        };
    }
    let hooks = backend.coverage().hooks;
    let detail = format!("{events} events of `{COMMAND}`; {}", tiers(&hooks));
    Tried { answer: Answer::Yes, hooks, detail, fix: String::new() }
}

/// `tp_btf: fork, exec; none: io_uring`
fn tiers(hooks: &[Hook]) -> String {
    let mut by_tier: Vec<(&str, Vec<&str>)> = Vec::new();
    for hook in hooks {
        match by_tier.iter_mut().find(|(tier, _)| *tier == hook.tier) {
            Some((_, names)) => names.push(&hook.name),
            None => by_tier.push((&hook.tier, vec![&hook.name])),
        }
    }
    let lists: Vec<_> =
        by_tier.into_iter().map(|(tier, names)| format!("{tier}: {}", names.join(", "))).collect();
    lists.join("; ")
}
