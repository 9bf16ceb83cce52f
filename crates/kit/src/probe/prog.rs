//! Program types, by loading the smallest program of each.

use super::answer::Answer;
use super::insn;
use super::table::Entry;
use crate::asm::Insn;
use crate::asm::Reg::R0;
use crate::btf::{Btf, BtfError, Named};
use crate::sys::{self, LoadError, Program};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// `BPF_F_SLEEPABLE`.
pub(super) const SLEEPABLE: u32 = 1 << 4;

/// Types of programs, tracing split by where they attach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the kernel's, in bpf.h")]
pub enum ProgType {
    SocketFilter,
    Kprobe,
    SchedCls,
    Tracepoint,
    Xdp,
    PerfEvent,
    CgroupSkb,
    CgroupSock,
    CgroupSockAddr,
    SockOps,
    RawTracepoint,
    TpBtf,
    Fentry,
    Fexit,
    FmodRet,
    Iter,
    Lsm,
    Ext,
    SkMsg,
    SkSkb,
    SkLookup,
    StructOps,
    Syscall,
    Netfilter,
}

/// What a program of this type is loaded against.
#[derive(Clone, Copy, Debug)]
enum Target {
    /// Nothing.
    None,
    /// A typed tracepoint.
    Tracepoint(&'static str),
    /// A kernel function.
    Func(&'static str),
    /// A member of a `struct_ops` struct.
    Member(&'static str, &'static str),
    /// A function of another program.
    Program,
}

const TPBTF: &str = "watch: the eBPF back end does not load; ptrace is used";
const HINTS: &str = "watch: paths of unlink, rename, mkdir ... come from a directory walk plus the string, not from the kernel's own objects";
const LAN: &str = "packets: frames are read from packet sockets, not by XDP";
const FILTER: &str = "packets: cannot be filtered there";
const DENY: &str = "enforcement: an action cannot be denied before it happens";

/// Every type, the kernel that brought it, what it is built with, and what kernscope loses without it.
pub(super) const PROGS: &[Entry<ProgType>] = &[
    Entry::new(ProgType::SocketFilter, "socket_filter", (3, 19), "CONFIG_NET", FILTER),
    Entry::new(
        ProgType::Kprobe,
        "kprobe",
        (4, 1),
        "CONFIG_BPF_EVENTS and CONFIG_KPROBES or CONFIG_UPROBES",
        "uprobes and kprobes cannot be used",
    ),
    Entry::new(ProgType::SchedCls, "sched_cls", (4, 1), "CONFIG_NET", FILTER),
    Entry::new(ProgType::Tracepoint, "tracepoint", (4, 7), "CONFIG_BPF_EVENTS", ""),
    Entry::new(ProgType::Xdp, "xdp", (4, 8), "CONFIG_NET", LAN),
    Entry::new(ProgType::PerfEvent, "perf_event", (4, 9), "CONFIG_BPF_EVENTS", ""),
    Entry::new(ProgType::CgroupSkb, "cgroup_skb", (4, 10), "CONFIG_CGROUP_BPF", ""),
    Entry::new(ProgType::CgroupSock, "cgroup_sock", (4, 10), "CONFIG_CGROUP_BPF", ""),
    Entry::new(ProgType::CgroupSockAddr, "cgroup_sock_addr", (4, 17), "CONFIG_CGROUP_BPF", ""),
    Entry::new(ProgType::SockOps, "sock_ops", (4, 13), "CONFIG_CGROUP_BPF", ""),
    Entry::new(ProgType::RawTracepoint, "raw_tracepoint", (4, 17), "CONFIG_BPF_EVENTS", ""),
    Entry::new(ProgType::TpBtf, "tp_btf", (5, 5), "CONFIG_DEBUG_INFO_BTF", TPBTF),
    Entry::new(ProgType::Fentry, "fentry", (5, 5), "CONFIG_FUNCTION_TRACER and CONFIG_DEBUG_INFO_BTF", HINTS),
    Entry::new(ProgType::Fexit, "fexit", (5, 5), "CONFIG_FUNCTION_TRACER and CONFIG_DEBUG_INFO_BTF", ""),
    Entry::new(
        ProgType::FmodRet,
        "fmod_ret",
        (5, 7),
        "CONFIG_FUNCTION_TRACER and CONFIG_DEBUG_INFO_BTF",
        DENY,
    ),
    Entry::new(ProgType::Iter, "iter", (5, 8), "CONFIG_DEBUG_INFO_BTF", ""),
    Entry::new(ProgType::Lsm, "lsm", (5, 7), "CONFIG_BPF_LSM", DENY),
    Entry::new(ProgType::Ext, "ext", (5, 6), "CONFIG_DEBUG_INFO_BTF", ""),
    Entry::new(ProgType::SkMsg, "sk_msg", (4, 17), "CONFIG_BPF_STREAM_PARSER", ""),
    Entry::new(ProgType::SkSkb, "sk_skb", (4, 14), "CONFIG_BPF_STREAM_PARSER", ""),
    Entry::new(ProgType::SkLookup, "sk_lookup", (5, 9), "CONFIG_INET", ""),
    Entry::new(ProgType::StructOps, "struct_ops", (5, 6), "CONFIG_DEBUG_INFO_BTF", ""),
    Entry::new(ProgType::Syscall, "syscall", (5, 14), "CONFIG_BPF_SYSCALL", ""),
    Entry::new(ProgType::Netfilter, "netfilter", (6, 4), "CONFIG_NETFILTER_BPF_LINK", ""),
];

impl ProgType {
    /// Kernel's number of the type, expected attach type, flags, target.
    fn spec(self) -> (u32, u32, u32, Target) {
        use Target::{Func, Member, Tracepoint};
        let none = Target::None;
        match self {
            Self::SocketFilter => (1, 0, 0, none),
            Self::Kprobe => (2, 0, 0, none),
            Self::SchedCls => (3, 0, 0, none),
            Self::Tracepoint => (5, 0, 0, none),
            Self::Xdp => (6, 0, 0, none),
            Self::PerfEvent => (7, 0, 0, none),
            Self::CgroupSkb => (8, 0, 0, none),
            Self::CgroupSock => (9, 2, 0, none),
            Self::SockOps => (13, 0, 0, none),
            Self::SkSkb => (14, 0, 0, none),
            Self::SkMsg => (16, 0, 0, none),
            Self::RawTracepoint => (17, 0, 0, none),
            Self::CgroupSockAddr => (18, 10, 0, none),
            Self::TpBtf => (26, 23, 0, Tracepoint("sched_process_fork")),
            Self::Fentry => (26, 24, 0, Func("security_file_open")),
            Self::Fexit => (26, 25, 0, Func("security_file_open")),
            Self::FmodRet => (26, 26, 0, Func("security_file_open")),
            Self::Iter => (26, 28, 0, Func("bpf_iter_task")),
            Self::StructOps => (27, 0, 0, Member("tcp_congestion_ops", "ssthresh")),
            Self::Ext => (28, 0, 0, Target::Program),
            Self::Lsm => (29, 27, 0, Func("bpf_lsm_file_open")),
            Self::SkLookup => (30, 36, 0, none),
            Self::Syscall => (31, 0, SLEEPABLE, none),
            Self::Netfilter => (32, 45, 0, none),
        }
    }

    /// What the smallest program returns so that it would do nothing: let the packet, the call, the socket pass.
    pub(super) fn pass(self) -> i32 {
        match self {
            Self::Xdp => 2,
            Self::SocketFilter => -1,
            Self::SchedCls => -1,
            Self::CgroupSkb | Self::CgroupSock | Self::CgroupSockAddr => 1,
            Self::SkMsg | Self::SkSkb | Self::SkLookup | Self::Netfilter => 1,
            _ => 0,
        }
    }
}

/// A program to load: the type, and where it departs from the default of its type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec {
    kind: ProgType,
    expected: Option<u32>,
    flags: u32,
    target: Target,
}

impl Spec {
    pub(super) fn new(kind: ProgType) -> Self {
        let (_, _, flags, target) = kind.spec();
        Self { kind, expected: None, flags, target }
    }

    /// A typed tracepoint program on this tracepoint.
    pub(super) fn tp_btf(tracepoint: &'static str) -> Self {
        Self { target: Target::Tracepoint(tracepoint), ..Self::new(ProgType::TpBtf) }
    }

    /// The same type on another kernel function.
    pub(super) fn on(self, func: &'static str) -> Self {
        Self { target: Target::Func(func), ..self }
    }

    /// With another expected attach type.
    pub(super) fn attach(self, expected: u32) -> Self {
        Self { expected: Some(expected), ..self }
    }

    /// A sleepable program.
    pub(super) fn sleepable(self) -> Self {
        Self { flags: self.flags | SLEEPABLE, ..self }
    }

    /// What its type returns to change nothing.
    pub(super) fn pass(&self) -> i32 {
        self.kind.pass()
    }
}

/// Why a program could not be loaded.
#[derive(Debug)]
pub(super) enum Failed {
    /// The kernel refused it.
    Load(LoadError),
    /// What it would attach to does not exist, or cannot be looked up.
    Target(Answer),
}

impl Failed {
    /// Whether the verifier looked at the program and refused it.
    pub(super) fn is_verifiers(&self) -> bool {
        matches!(self, Self::Load(failed) if !failed.log.is_empty())
    }
}

impl From<Failed> for Answer {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Load(err) => Self::from_load(&err),
            Failed::Target(answer) => answer,
        }
    }
}

/// The kernel's type information, read once for all that hold it at the same time and given back afterwards.
pub(super) fn shared_btf() -> Result<Arc<Btf>, BtfError> {
    static SHARED: Mutex<Weak<Btf>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(btf) = shared.upgrade() {
        return Ok(btf);
    }
    let btf = Arc::new(Btf::vmlinux()?);
    *shared = Arc::downgrade(&btf);
    Ok(btf)
}

/// The same, or the answer that follows from not having it.
pub(super) fn btf() -> Result<Arc<Btf>, Failed> {
    shared_btf().map_err(|err| Failed::Target(no_btf(&err)))
}

/// The answer to everything that needs type information when there is none.
pub(super) fn no_btf(err: &BtfError) -> Answer {
    match err {
        BtfError::Read { path, source } if source.kind() == io::ErrorKind::NotFound => {
            Answer::unsupported(format!("the kernel has no BTF ({path} does not exist)"))
        }
        _ => Answer::Unknown(err.to_string()),
    }
}

/// Loads instructions as a program of this sort, with the BTF of [`insn::btf`] when `funcs` names functions.
pub(super) fn load_with(spec: Spec, insns: &[Insn], funcs: &[[u32; 2]]) -> Result<OwnedFd, Failed> {
    let (number, expected, _, _) = spec.kind.spec();
    let mut program = Program::new(number, insns);
    program.expected_attach_type = spec.expected.unwrap_or(expected);
    program.flags = spec.flags;
    let missing = |what: String| Failed::Target(Answer::unsupported(what));
    let own_btf;
    if !funcs.is_empty() {
        own_btf = sys::btf_load(&insn::btf()).map_err(|err| Failed::Target(Answer::from_bpf(&err)))?;
        program.func_info = Some((own_btf.as_fd(), funcs));
    }
    let host;
    match spec.target {
        Target::None => {}
        Target::Tracepoint(name) => {
            let found = btf()?.id(Named::Typedef, &format!("btf_trace_{name}"));
            program.attach_btf_id =
                found.ok_or_else(|| missing(format!("the kernel has no tracepoint {name}")))?;
        }
        Target::Func(name) => {
            let found = btf()?.id(Named::Function, name);
            program.attach_btf_id =
                found.ok_or_else(|| missing(format!("the kernel has no function {name}")))?;
        }
        Target::Member(of, name) => {
            let btf = btf()?;
            let found = btf.id(Named::Struct, of).zip(btf.member_index(of, name));
            (program.attach_btf_id, program.expected_attach_type) =
                found.ok_or_else(|| missing(format!("the kernel has no {of}.{name}")))?;
        }
        Target::Program => {
            host = extendable()?;
            program.attach_prog = Some(host.as_fd());
            program.attach_btf_id = insn::BTF_GLOBAL;
        }
    }
    sys::prog_load(&program).map_err(Failed::Load)
}

/// As [`load_with`], for a single function.
pub(super) fn load(spec: Spec, insns: &[Insn]) -> Result<OwnedFd, Failed> {
    load_with(spec, insns, &[])
}

/// Tries types in turn; the first that loads, else the first error in which the verifier says something.
pub(super) fn first(specs: &[Spec], insns: &[Insn], funcs: &[[u32; 2]]) -> Result<OwnedFd, Failed> {
    let mut error: Option<Failed> = None;
    for &spec in specs {
        match load_with(spec, insns, funcs) {
            Ok(prog) => return Ok(prog),
            Err(failed) if error.as_ref().is_none_or(|known| !known.is_verifiers()) => error = Some(failed),
            Err(_) => {}
        }
    }
    Err(error.unwrap_or_else(|| Failed::Target(Answer::Unknown("no program type to try it in".to_owned()))))
}

/// A program with a global function that another may replace.
fn extendable() -> Result<OwnedFd, Failed> {
    let insns = [Insn::call_local(1), Insn::EXIT, Insn::mov(R0, 0), Insn::EXIT];
    load_with(Spec::new(ProgType::SocketFilter), &insns, &[[0, insn::BTF_MAIN], [2, insn::BTF_GLOBAL]])
}

/// Loads a program of this type that does nothing, and drops it.
pub(super) fn probe(kind: ProgType) -> Answer {
    let insns = [Insn::mov(R0, kind.pass()), Insn::EXIT];
    let funcs: &[[u32; 2]] = if kind == ProgType::Ext { &[[0, insn::BTF_GLOBAL]] } else { &[] };
    match load_with(Spec::new(kind), &insns, funcs) {
        Ok(_prog) => Answer::Yes,
        Err(failed) => failed.into(),
    }
}
