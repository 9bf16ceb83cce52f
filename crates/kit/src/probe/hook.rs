//! Hooks, proven by being seen to fire: a program that counts is attached, the thing is done, the count is read.
//!
//! A link is a descriptor. It goes away with this process, whatever becomes of it, so nothing stays attached.
//! The program counts every firing on the machine, not only our own; it changes nothing.

use super::answer::Answer;
use super::host::Tracefs;
use super::insn::map_value;
use super::prog::{self, Failed, ProgType, Spec};
use super::table::Entry;
use super::{act, map, net, uring};
use crate::asm::Reg::{R0, R1, R2};
use crate::asm::{Atomic, Insn, Size};
use crate::btf::Named;
use crate::sys::{self, LinkTarget, PerfEvent};
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

const KPROBE_MULTI: u32 = 42;
const UPROBE_MULTI: u32 = 48;
/// A function that every kernel has and that opening a file calls.
const OPEN_FUNC: &str = "security_file_open";
const OPEN_SYMBOL: &CStr = c"security_file_open";

/// Hooks, each with what makes it fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the kernel's")]
pub enum Hook {
    TpBtfFork,
    TpBtfExec,
    TpBtfExit,
    TpBtfSysEnter,
    TpBtfSysExit,
    TpBtfUringSubmit,
    TpBtfUringComplete,
    SyscallTracepoint,
    RawTracepoint,
    Kprobe,
    KprobeMulti,
    Fentry,
    FentryPath,
    Fexit,
    FmodRet,
    LsmFileOpen,
    IterTask,
    Uprobe,
    Uretprobe,
    UprobeMulti,
    SocketFilter,
    XdpTestRun,
    XdpGeneric,
    TcTestRun,
    Tcx,
    Clsact,
    CgroupSkb,
    CgroupConnect,
}

const TREE: &str = "watch: the eBPF back end cannot follow the tree; ptrace is used";
const CALLS: &str = "watch: the eBPF back end sees no system calls; ptrace is used";
const URING: &str = "watch: what a program does through io_uring is not seen by eBPF; coverage says so";
const HINTS: &str =
    "watch: paths of unlink, rename, mkdir ... are resolved by the monitor, not by the kernel";
const TLS: &str = "uprobes: functions of programs and libraries, such as those of TLS, cannot be watched";
const DENY: &str = "enforcement: an action cannot be denied before it happens";

/// Every hook, the kernel that brought it, what it is built with, and what kernscope loses without it.
pub(super) const HOOKS: &[Entry<Hook>] = &[
    Entry::new(Hook::TpBtfFork, "tp_btf sched_process_fork", (5, 5), "CONFIG_DEBUG_INFO_BTF", TREE),
    Entry::new(Hook::TpBtfExec, "tp_btf sched_process_exec", (5, 5), "CONFIG_DEBUG_INFO_BTF", TREE),
    Entry::new(Hook::TpBtfExit, "tp_btf sched_process_exit", (5, 5), "CONFIG_DEBUG_INFO_BTF", TREE),
    Entry::new(Hook::TpBtfSysEnter, "tp_btf sys_enter", (5, 5), "CONFIG_HAVE_SYSCALL_TRACEPOINTS", CALLS),
    Entry::new(Hook::TpBtfSysExit, "tp_btf sys_exit", (5, 5), "CONFIG_HAVE_SYSCALL_TRACEPOINTS", CALLS),
    Entry::new(Hook::TpBtfUringSubmit, "tp_btf io_uring submit", (5, 5), "CONFIG_IO_URING", URING),
    Entry::new(Hook::TpBtfUringComplete, "tp_btf io_uring_complete", (5, 5), "CONFIG_IO_URING", URING),
    Entry::new(Hook::SyscallTracepoint, "tracepoint sys_enter_getppid", (4, 7), "CONFIG_FTRACE_SYSCALLS", ""),
    Entry::new(Hook::RawTracepoint, "raw_tp sys_enter", (4, 17), "CONFIG_BPF_EVENTS", ""),
    Entry::new(
        Hook::Kprobe,
        "kprobe security_file_open",
        (4, 17),
        "CONFIG_KPROBE_EVENTS",
        "watch: no kprobe tier below fentry",
    ),
    Entry::new(Hook::KprobeMulti, "kprobe.multi security_file_open", (5, 18), "CONFIG_FPROBE", ""),
    Entry::new(
        Hook::Fentry,
        "fentry security_file_open",
        (5, 5),
        "CONFIG_FUNCTION_TRACER and CONFIG_DEBUG_INFO_BTF",
        HINTS,
    ),
    Entry::new(Hook::FentryPath, "fentry security_path_unlink", (5, 5), "CONFIG_SECURITY_PATH", HINTS),
    Entry::new(
        Hook::Fexit,
        "fexit security_file_open",
        (5, 5),
        "CONFIG_FUNCTION_TRACER and CONFIG_DEBUG_INFO_BTF",
        "",
    ),
    Entry::new(
        Hook::FmodRet,
        "fmod_ret security_file_open",
        (5, 7),
        "CONFIG_FUNCTION_TRACER and CONFIG_DEBUG_INFO_BTF",
        DENY,
    ),
    Entry::new(
        Hook::LsmFileOpen,
        "lsm file_open",
        (5, 7),
        "CONFIG_BPF_LSM, and bpf in the lsm= list at boot",
        DENY,
    ),
    Entry::new(Hook::IterTask, "iter task", (5, 8), "CONFIG_DEBUG_INFO_BTF", ""),
    Entry::new(Hook::Uprobe, "uprobe on own function", (4, 17), "CONFIG_UPROBE_EVENTS", TLS),
    Entry::new(Hook::Uretprobe, "uretprobe on own function", (4, 17), "CONFIG_UPROBE_EVENTS", TLS),
    Entry::new(
        Hook::UprobeMulti,
        "uprobe.multi on own function",
        (6, 6),
        "CONFIG_UPROBES",
        "uprobes: are attached one by one",
    ),
    Entry::new(
        Hook::SocketFilter,
        "socket filter on a socket pair",
        (3, 19),
        "CONFIG_NET",
        "packets: sockets cannot be filtered",
    ),
    Entry::new(
        Hook::XdpTestRun,
        "xdp test run",
        (4, 12),
        "CONFIG_NET",
        "packets: XDP programs cannot be tested in the kernel",
    ),
    Entry::new(
        Hook::XdpGeneric,
        "xdp generic on lo of a new netns",
        (5, 9),
        "CONFIG_NET",
        "packets: frames are read from packet sockets, not by XDP",
    ),
    Entry::new(
        Hook::TcTestRun,
        "tc test run",
        (4, 12),
        "CONFIG_NET",
        "packets: tc programs cannot be tested in the kernel",
    ),
    Entry::new(
        Hook::Tcx,
        "tcx on lo of a new netns",
        (6, 6),
        "CONFIG_NET_XGRESS",
        "packets: tc programs need a qdisc of their own",
    ),
    Entry::new(
        Hook::Clsact,
        "tc filter on lo of a new netns",
        (4, 5),
        "CONFIG_NET_SCH_INGRESS and CONFIG_NET_CLS_BPF",
        "packets: before 6.6 tc programs cannot be attached",
    ),
    Entry::new(Hook::CgroupSkb, "cgroup_skb in a new cgroup", (5, 7), "CONFIG_CGROUP_BPF and cgroup v2", ""),
    Entry::new(
        Hook::CgroupConnect,
        "cgroup connect4 in a new cgroup",
        (5, 7),
        "CONFIG_CGROUP_BPF and cgroup v2",
        "",
    ),
];

/// A program that adds one to a counter each time it runs.
#[derive(Debug)]
pub(super) struct Counter {
    map: OwnedFd,
    /// The program.
    pub(super) prog: OwnedFd,
}

impl Counter {
    pub(super) fn load(spec: Spec) -> Result<Self, Failed> {
        let map = map::array(1).map_err(|err| Failed::Target(Answer::from_bpf(&err)))?;
        let prog = prog::load(spec, &Self::insns(map.as_fd(), spec.pass()))?;
        Ok(Self { map, prog })
    }

    fn insns(map: BorrowedFd<'_>, returns: i32) -> Vec<Insn> {
        let mut insns = map_value(R1, map).to_vec();
        insns.extend([
            Insn::mov(R2, 1),
            Insn::atomic(Atomic::Add, Size::Dw, R1, 0, R2),
            Insn::mov(R0, returns),
            Insn::EXIT,
        ]);
        insns
    }

    /// How often it ran.
    pub(super) fn count(&self) -> io::Result<u64> {
        sys::array_first(self.map.as_fd())
    }
}

/// What came of attaching and doing.
#[derive(Debug)]
pub(super) struct Fired {
    pub(super) answer: Answer,
    /// How often it fired.
    pub(super) count: u64,
}

impl From<Answer> for Fired {
    fn from(answer: Answer) -> Self {
        Self { answer, count: 0 }
    }
}

impl From<Failed> for Fired {
    fn from(failed: Failed) -> Self {
        Answer::from(failed).into()
    }
}

/// Loads, attaches, does, reads, detaches.
pub(super) fn fire<L>(
    spec: Spec,
    attach: impl FnOnce(BorrowedFd<'_>) -> io::Result<L>,
    act: impl FnOnce() -> io::Result<()>,
) -> Result<Fired, Fired> {
    let counter = Counter::load(spec)?;
    let link = attach(counter.prog.as_fd()).map_err(|err| Answer::from_bpf(&err))?;
    act().map_err(|err| Answer::Unknown(format!("attached, but could not make it fire: {err}")))?;
    drop(link);
    let count = counter.count().map_err(|err| Answer::from_bpf(&err))?;
    let answer = if count > 0 { Answer::Yes } else { Answer::off("attached, but did not fire") };
    Ok(Fired { answer, count })
}

/// Proves one hook.
pub(super) fn probe(hook: Hook) -> Fired {
    prove(hook).unwrap_or_else(|fired| fired)
}

fn tracing(prog: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    sys::raw_tracepoint_open(None, prog)
}

/// The tracepoint of submission changed its name with 6.4.
fn uring_submit() -> Result<Fired, Fired> {
    let btf = prog::btf()?;
    let known = |name: &str| btf.id(Named::Typedef, &format!("btf_trace_{name}")).is_some();
    let name = if known("io_uring_submit_req") { "io_uring_submit_req" } else { "io_uring_submit_sqe" };
    fire(Spec::tp_btf(name), tracing, uring::nop)
}

fn prove(hook: Hook) -> Result<Fired, Fired> {
    use Hook as H;
    match hook {
        H::TpBtfFork => fire(Spec::tp_btf("sched_process_fork"), tracing, act::fork_and_wait),
        H::TpBtfExec => fire(Spec::tp_btf("sched_process_exec"), tracing, act::run_a_program),
        H::TpBtfExit => fire(Spec::tp_btf("sched_process_exit"), tracing, act::fork_and_wait),
        H::TpBtfSysEnter => fire(Spec::tp_btf("sys_enter"), tracing, act::system_call),
        H::TpBtfSysExit => fire(Spec::tp_btf("sys_exit"), tracing, act::system_call),
        H::TpBtfUringSubmit => uring_submit(),
        H::TpBtfUringComplete => fire(Spec::tp_btf("io_uring_complete"), tracing, uring::nop),
        H::SyscallTracepoint => syscall_tracepoint(),
        H::RawTracepoint => fire(
            Spec::new(ProgType::RawTracepoint),
            |prog| sys::raw_tracepoint_open(Some(c"sys_enter"), prog),
            act::system_call,
        ),
        H::Kprobe => kprobe(),
        H::KprobeMulti => fire(
            Spec::new(ProgType::Kprobe).attach(KPROBE_MULTI),
            |prog| sys::link_create(prog, KPROBE_MULTI, 0, LinkTarget::KprobeMulti(OPEN_SYMBOL)),
            act::open_a_file,
        ),
        H::Fentry => fire(Spec::new(ProgType::Fentry).on(OPEN_FUNC), tracing, act::open_a_file),
        H::FentryPath => {
            fire(Spec::new(ProgType::Fentry).on("security_path_unlink"), tracing, act::unlink_a_file)
        }
        H::Fexit => fire(Spec::new(ProgType::Fexit).on(OPEN_FUNC), tracing, act::open_a_file),
        H::FmodRet => fire(Spec::new(ProgType::FmodRet).on(OPEN_FUNC), tracing, act::open_a_file),
        H::LsmFileOpen => fire(Spec::new(ProgType::Lsm), tracing, act::open_a_file),
        H::IterTask => iter_task(),
        H::Uprobe => uprobe(false),
        H::Uretprobe => uprobe(true),
        H::UprobeMulti => {
            let (path, offset) = own_function()?;
            fire(
                Spec::new(ProgType::Kprobe).attach(UPROBE_MULTI),
                |prog| sys::link_create(prog, UPROBE_MULTI, 0, LinkTarget::UprobeMulti(&path, offset)),
                act::call_uprobe_target,
            )
        }
        H::SocketFilter => net::socket_filter(),
        H::XdpTestRun => net::test_run(ProgType::Xdp),
        H::TcTestRun => net::test_run(ProgType::SchedCls),
        H::XdpGeneric => net::xdp_generic(),
        H::Tcx => net::tcx(),
        H::Clsact => net::clsact(),
        H::CgroupSkb | H::CgroupConnect => net::cgroup(hook),
    }
}

fn own_function() -> Result<(std::ffi::CString, u64), Fired> {
    act::uprobe_place().map_err(|err| Answer::Unknown(format!("find own code: {err}")).into())
}

fn syscall_tracepoint() -> Result<Fired, Fired> {
    let tracefs = Tracefs::open().map_err(|err| Answer::from_io(&err))?;
    let id = tracefs.event_id("syscalls/sys_enter_getppid").map_err(|err| Answer::from_io(&err))?;
    fire(
        Spec::new(ProgType::Tracepoint),
        |prog| sys::perf_attach(PerfEvent::Tracepoint(id), prog),
        act::system_call,
    )
}

/// The number of a dynamic event source, which is there only if the kernel was built with it.
fn pmu(name: &str) -> Result<u32, Fired> {
    let path = format!("/sys/bus/event_source/devices/{name}/type");
    let text = std::fs::read_to_string(&path).map_err(|err| match err.kind() {
        io::ErrorKind::NotFound => {
            Answer::unsupported(format!("the kernel was built without {name}s ({path})"))
        }
        _ => Answer::from_io(&err),
    })?;
    text.trim().parse().map_err(|_| Answer::Unknown(format!("{path} holds no number")).into())
}

fn kprobe() -> Result<Fired, Fired> {
    let pmu = pmu("kprobe")?;
    fire(
        Spec::new(ProgType::Kprobe),
        |prog| sys::perf_attach(PerfEvent::Kprobe { pmu, symbol: OPEN_SYMBOL }, prog),
        act::open_a_file,
    )
}

fn uprobe(on_return: bool) -> Result<Fired, Fired> {
    let pmu = pmu("uprobe")?;
    let (path, offset) = own_function()?;
    fire(
        Spec::new(ProgType::Kprobe),
        |prog| {
            sys::perf_attach(
                PerfEvent::Uprobe { pmu, path: &path, offset, on_return, everywhere: false },
                prog,
            )
        },
        act::call_uprobe_target,
    )
}

/// Reading the iterator runs the program once for each task.
fn iter_task() -> Result<Fired, Fired> {
    let counter = Counter::load(Spec::new(ProgType::Iter))?;
    let run = || -> io::Result<u64> {
        let link = sys::link_create(counter.prog.as_fd(), 28, 0, LinkTarget::Iterator)?;
        let mut iterator = std::fs::File::from(sys::iter_create(link.as_fd())?);
        io::copy(&mut iterator, &mut io::sink())?;
        counter.count()
    };
    let count = run().map_err(|err| Answer::from_bpf(&err))?;
    let answer = if count > 0 { Answer::Yes } else { Answer::off("attached, but did not fire") };
    Ok(Fired { answer, count })
}
