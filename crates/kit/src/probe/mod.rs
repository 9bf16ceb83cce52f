//! What this kernel, these privileges and this machine allow, proven by trying it.
//!
//! A version number says little: kernels are built without parts, sandboxes refuse calls, lockdown withholds
//! helpers. So a program type counts when a program of that type was loaded, a helper when a program that calls
//! it was, and a hook only once a program on it was *seen to run*. Each probe answers [`Answer::Yes`],
//! [`Answer::No`] with its cause, or [`Answer::Unknown`]; unknown is never taken for no.
//!
//! Probes change nothing: programs count and let everything pass, links live as long as a descriptor of this
//! process, and the network is a namespace of the probe's own. Answers are remembered for the life of the
//! process.
//!
//! ```
//! use kernscope_kit::probe::{self, Answer, Hook};
//! match probe::hook(Hook::Fentry) {
//!     Answer::Yes => println!("fentry was seen to fire"),
//!     Answer::No(no) => println!("no fentry, {}: {}", no.cause, no.why),
//!     Answer::Unknown(why) => println!("could not tell: {why}"),
//! }
//! ```

mod act;
mod answer;
mod caps;
mod helper;
mod hook;
mod host;
mod insn;
mod loops;
mod map;
mod net;
mod prog;
mod settings;
mod table;
mod trace;
mod uring;
mod verdict;

pub use answer::{Answer, Cause, No, verdict_line};
pub use helper::Helper;
pub use hook::Hook;
pub use host::{Tracefs, cgroup_root, release};
pub use loops::{LoopShape, kfunc, loop_shape, loops};
pub use map::MapType;
pub use prog::ProgType;
pub use verdict::{Verdict, verdicts, watch_ebpf};

use hook::Fired;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use table::Entry;

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The kernel and its settings.
    Kernel,
    /// What this process may do.
    Privilege,
    /// Other mechanisms of the machine.
    Machine,
    /// eBPF program types.
    Program,
    /// eBPF map types.
    Map,
    /// eBPF helpers, kernel functions and language features.
    Helper,
    /// eBPF hooks, seen to fire.
    Hook,
    /// The back ends of an instrument, seen to work.
    Backend,
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kernel => "kernel",
            Self::Privilege => "privilege",
            Self::Machine => "machine",
            Self::Program => "program",
            Self::Map => "map",
            Self::Helper => "helper",
            Self::Hook => "hook",
            Self::Backend => "backend",
        })
    }
}

/// The costs of a no to something that kernscope does without.
pub const NOTHING: &str = "nothing that kernscope uses";

/// One answer, with what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub group: Group,
    /// What was probed.
    pub name: String,
    /// The answer.
    pub answer: Answer,
    /// What was found beside it: a value, a place, a count; may be empty.
    pub detail: String,
    /// What kernscope loses if the answer is not yes ([`NOTHING`] is possible); empty for a yes.
    pub costs: String,
    /// What would help; empty for a yes.
    pub fix: String,
}

impl Finding {
    /// Fills in costs and fix, unless the answer is yes.
    fn no_means(mut self, costs: &str, fix: impl Into<String>) -> Self {
        if !self.answer.is_yes() {
            self.costs = if costs.is_empty() { NOTHING } else { costs }.to_owned();
            self.fix = fix.into();
        }
        self
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    Prog(ProgType),
    Map(MapType),
    Helper(Helper),
    Hook(Hook),
    Loop(LoopShape),
    Ptrace,
    PacketSocket,
}

/// The answer to `key`, from this process's memory or by trying it now.
fn remembered(key: Key) -> (Answer, u64) {
    static KNOWN: Mutex<Option<HashMap<Key, (Answer, u64)>>> = Mutex::new(None);
    let known = |found: Option<(Answer, u64)>| {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get_or_insert_default();
        if let Some(found) = found {
            known.insert(key, found);
        }
        known.get(&key).cloned()
    };
    if let Some(found) = known(None) {
        return found;
    }
    let _raised = crate::memlock::Raised::for_bpf();
    let found = match key {
        Key::Prog(kind) => (prog::probe(kind), 0),
        Key::Map(kind) => (map::probe(kind), 0),
        Key::Helper(kind) => (helper::probe(kind), 0),
        Key::Hook(kind) => {
            let Fired { answer, count } = hook::probe(kind);
            (answer, count)
        }
        Key::Loop(shape) => (loops::probe(shape), 0),
        Key::Ptrace => (trace::probe(), 0),
        Key::PacketSocket => (settings::packet_socket(), 0),
    };
    known(Some(found.clone())).unwrap_or(found)
}

/// Whether a program of this type loads.
pub fn prog_type(kind: ProgType) -> Answer {
    remembered(Key::Prog(kind)).0
}

/// Whether a map of this type can be made.
pub fn map_type(kind: MapType) -> Answer {
    remembered(Key::Map(kind)).0
}

/// Whether a program that uses this helper, kernel function or feature loads.
pub fn helper(kind: Helper) -> Answer {
    remembered(Key::Helper(kind)).0
}

/// Whether a program on this hook was seen to run.
pub fn hook(kind: Hook) -> Answer {
    remembered(Key::Hook(kind)).0
}

/// Whether typed tracepoints fire (`sched_process_fork`).
pub fn tp_btf() -> Answer {
    hook(Hook::TpBtfFork)
}

/// Whether fentry programs fire (`security_file_open`).
pub fn fentry() -> Answer {
    hook(Hook::Fentry)
}

/// Whether kprobes fire (`security_file_open`).
pub fn kprobe() -> Answer {
    hook(Hook::Kprobe)
}

/// Whether LSM programs fire (`file_open`).
pub fn lsm() -> Answer {
    hook(Hook::LsmFileOpen)
}

/// Whether uprobes fire, on a function of this program.
pub fn uprobe() -> Answer {
    hook(Hook::Uprobe)
}

/// Whether a child can be traced with a seccomp filter that stops only some calls.
pub fn ptrace() -> Answer {
    remembered(Key::Ptrace).0
}

/// Whether a packet socket can be opened.
pub fn packet_socket() -> Answer {
    remembered(Key::PacketSocket).0
}

/// What helps a process that holds the capabilities and is refused all the same.
pub(crate) fn what_helps_against_eperm() -> String {
    table::forbidden()
}

/// Tries everything and tells each finding as it comes.
pub fn all(mut tell: impl FnMut(Finding)) {
    // Held so that the kernel's BTF is read once.
    let _btf = prog::shared_btf();
    settings::kernel().into_iter().for_each(&mut tell);
    settings::privilege().into_iter().for_each(&mut tell);
    settings::machine().into_iter().for_each(&mut tell);
    rows(Group::Program, prog::PROGS, Key::Prog, &mut tell);
    rows(Group::Map, map::MAPS, Key::Map, &mut tell);
    rows(Group::Helper, helper::HELPERS, Key::Helper, &mut tell);
    rows(Group::Hook, hook::HOOKS, Key::Hook, &mut tell);
}

fn times(count: u64) -> String {
    match count {
        0 => String::new(),
        1 => "fired once".to_owned(),
        _ => format!("fired {count} times"),
    }
}

fn rows<K: Copy>(group: Group, entries: &[Entry<K>], key: impl Fn(K) -> Key, tell: &mut impl FnMut(Finding)) {
    for entry in entries {
        let (answer, count) = remembered(key(entry.key));
        let detail = times(count);
        let fix = entry.fix(&answer);
        let finding = Finding {
            group,
            name: entry.name.to_owned(),
            answer,
            detail,
            costs: String::new(),
            fix: String::new(),
        };
        tell(finding.no_means(entry.costs, fix));
    }
}
