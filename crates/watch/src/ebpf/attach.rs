//! Loading the programs, tier by tier, and attaching them.

use super::{Options, call_table, judge, tls};
use crate::backend::BackendError;
use kernscope_abi::layout::{
    CONFIG_CAST, CONFIG_EXIT_GROUP_DEAD, CONFIG_PREEMPTIBLE, CONFIG_TASK_BTF, CONFIG_URING_CQE, Config,
    HOOK_EXEC, HOOK_EXIT, HOOK_FORK, HOOK_SECURITY_PATH, HOOK_SYS_ENTER, HOOK_SYS_EXIT, HOOK_TLS,
    HOOK_URING_COMPLETE, HOOK_URING_SUBMIT, VERDICTS, enter_call, exit_call, window,
};
use kernscope_kit::btf::{Btf, Named};
use kernscope_kit::compile::Compiled;
use kernscope_kit::load::{self, KernelTypes, LoadError, Loaded, Object, Opening};
use kernscope_kit::probe::{self, verdict_line};

/// The eBPF object, built from `kernel/watch`.
pub(super) const OBJECT: &[u8] = load::include_bytes_aligned!(env!("KERNSCOPE_WATCH_OBJECT"));

/// A hook that is attached, or why it is not.
#[derive(Clone, Debug)]
pub(super) struct Attached {
    /// What it covers, as the coverage statement names it.
    pub(super) name: &'static str,
    /// `fentry`, `kprobe`, `tp_btf` or `none`.
    pub(super) tier: &'static str,
    /// The counters that show whether it fired.
    pub(super) fired: &'static [usize],
    /// What is missing and why; empty when nothing is.
    pub(super) why: String,
}

/// Handlers behind `sys_exit` and `sys_enter`, by index.
const EXIT_HANDLERS: &[(u32, &str)] = &[
    (exit_call::OPEN, "exit_open"),
    (exit_call::IO, "exit_io"),
    (exit_call::IO2, "exit_io2"),
    (exit_call::PATH, "exit_path"),
    (exit_call::PATH2, "exit_path2"),
    (exit_call::FD, "exit_fd"),
    (exit_call::MMAP, "exit_mmap"),
    (exit_call::NET, "exit_net"),
    (exit_call::MSG, "exit_msg"),
    (exit_call::EXEC, "exit_exec"),
];
const ENTER_HANDLERS: &[(u32, &str)] = &[
    (enter_call::CLOSE, "enter_close"),
    (enter_call::CLOSE_RANGE, "enter_close_range"),
    (enter_call::DUP, "enter_dup"),
    (enter_call::EXEC, "enter_exec"),
];

/// Functions before which the kernel asks its security modules about a path, and the programs for them.
const PATH_HOOKS: &[&str] =
    &["unlink", "rmdir", "mkdir", "mknod", "symlink", "truncate", "chmod", "chown", "rename", "link"];

/// Ways in which names are asked for and not seen.
const NOT_ASKED: &str = "port 53 is seen; names asked for over TLS, HTTPS, multicast, D-Bus or varlink (systemd-resolved), nscd, \
                         io_uring and by 32-bit programs are not";

/// First kernel whose tracepoints leave preemption on while programs run.
const PREEMPTIBLE_FROM: (u32, u32) = (7, 0);

/// Fields without which `io_uring` is not seen and everything else is; and those of which a kernel has one or the other.
fn is_optional(path: &str) -> bool {
    path.starts_with("io_") || path.starts_with("filename.") || OTHER_MOUNTS.contains(&path)
}

/// How a file system's mounts hang together: before 6.18, and from then on.
const OTHER_MOUNTS: [&str; 2] = ["mount.mnt_instance", "mount.mnt_next_for_sb"];

/// What the running kernel looks like to the programs.
pub(super) struct Kernel {
    pub(super) types: KernelTypes,
    pub(super) flags: u32,
    /// Names of the `io_uring` tracepoints to attach to, or why there are none.
    uring: Result<&'static str, String>,
    /// The id of the type that programs at `sys_exit` are loaded for.
    sys_exit: Option<u32>,
}

/// Reads the kernel's type information.
///
/// # Errors
/// When it is missing, or lacks a field that the programs need.
pub(super) fn examine() -> Result<Kernel, BackendError> {
    let btf = Btf::vmlinux().map_err(|error| BackendError {
        act: "read",
        object: "kernel type information".into(),
        cause: error.to_string(),
        fix: "use --backend ptrace".into(),
    })?;
    let (types, missing) = load::kernel_types(&btf);
    if let Some(field) = missing.iter().find(|field| !is_optional(field)) {
        return Err(BackendError {
            act: "find",
            object: format!("kernel field {field}"),
            cause: "this kernel has none of that name".into(),
            fix: "use --backend ptrace, and report the kernel version".into(),
        });
    }
    let mut flags = 0;
    if btf.tracepoint("sched_process_exit").is_some_and(|arguments| arguments.len() > 1) {
        flags |= CONFIG_EXIT_GROUP_DEAD;
    }
    if btf.has_function("bpf_get_current_task_btf") {
        flags |= CONFIG_TASK_BTF;
    }
    if types.rdonly_cast.is_some() {
        flags |= CONFIG_CAST;
    }
    let release = probe::release();
    if release >= PREEMPTIBLE_FROM {
        flags |= CONFIG_PREEMPTIBLE;
    }
    let complete = btf.tracepoint("io_uring_complete").unwrap_or_default();
    if complete.get(2).is_some_and(|(_, name)| name == "io_uring_cqe") {
        flags |= CONFIG_URING_CQE;
    }
    let uring = uring_tracepoint(&btf, &complete, &missing);
    let sys_exit = btf.id(Named::Typedef, "btf_trace_sys_exit");
    Ok(Kernel { types, flags, uring, sys_exit })
}

/// The name of the tracepoint that passes a submitted request, if completions pass theirs as well.
fn uring_tracepoint(
    btf: &Btf,
    complete: &[(bool, String)],
    missing: &[&str],
) -> Result<&'static str, String> {
    if complete.is_empty() {
        return Err("the kernel has no io_uring tracepoints".into());
    }
    // From 5.19 on: (ring, request, ...); before that there is no way from a completion to its request.
    if !complete.get(1).is_some_and(|(pointer, _)| *pointer) {
        return Err(
            "io_uring_complete does not pass the request on this kernel (it does from 5.19 on)".into()
        );
    }
    // `io_uring_cqe.res` and `file_slot` may be missing on their own only where they are not used.
    if let Some(field) = missing.iter().find(|field| is_optional(field) && !OTHER_MOUNTS.contains(field)) {
        return Err(format!("kernel field {field} is missing"));
    }
    ["io_uring_submit_req", "io_uring_submit_sqe"]
        .into_iter()
        .find(|name| {
            btf.tracepoint(name).is_some_and(|args| args.first().is_some_and(|(_, ty)| ty == "io_kiocb"))
        })
        .ok_or_else(|| "no tracepoint passes a submitted request on this kernel".into())
}

fn failed(error: LoadError) -> BackendError {
    let denied = error.cause.contains("Operation not permitted") || error.cause.contains("os error 1)");
    let fix = if denied {
        "needs root, or CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE"
    } else {
        "see kernscope doctor"
    };
    BackendError { act: error.act, object: error.object, cause: error.cause, fix: fix.into() }
}

/// Which tracepoints carry system calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyscallHooks {
    /// `tp_btf`; plain tracepoints where the others' programs may be preempted (from 7.0 on).
    #[default]
    Auto,
    /// `tp_btf`: the cheapest, from 5.5 on.
    TpBtf,
    /// `raw_syscalls:sys_enter` and `sys_exit`, whose programs are never preempted; from 5.15 on.
    Tracepoint,
}

/// All that is in the kernel.
pub(super) struct SetUp {
    pub(super) object: Object,
    pub(super) hooks: Vec<Attached>,
    /// The program made from rules.
    pub(super) judge: Option<Loaded>,
}

/// Creates the maps, then loads and attaches everything that this kernel takes.
///
/// # Errors
/// When the kernel refuses a map, or a program that nothing can stand in for.
pub(super) fn set_up(
    kernel: &Kernel,
    config: &Config,
    options: &Options,
    judge: Option<&Result<Compiled, String>>,
) -> Result<SetUp, BackendError> {
    let with = |hooks| {
        let judge_made = judge.and_then(|judge| judge.as_ref().ok());
        let mut object = open(kernel, config, options, judge_made, hooks)?;
        let judge = judge.map(|judge| add_judge(&mut object, kernel, judge, hooks));
        let (judge, content) = judge.map_or((None, None), |(judge, hook)| (judge, Some(hook)));
        let mut hooks = attach(&mut object, kernel, hooks, options.stdio)?;
        hooks.extend(content);
        Ok(SetUp { object, hooks, judge })
    };
    match options.syscalls {
        SyscallHooks::Auto if kernel.flags & CONFIG_PREEMPTIBLE == 0 => with(SyscallHooks::TpBtf),
        SyscallHooks::Auto => {
            with(SyscallHooks::Tracepoint).or_else(|_: BackendError| with(SyscallHooks::TpBtf))
        }
        asked_for => with(asked_for),
    }
}

fn open(
    kernel: &Kernel,
    config: &Config,
    options: &Options,
    judge: Option<&Compiled>,
    hooks: SyscallHooks,
) -> Result<Object, BackendError> {
    let plain_tracepoints = hooks == SyscallHooks::Tracepoint;
    let (windows, streams) = judge.map_or((1, 1), |judge| (judge.options().cpus, window::CARRY_STREAMS));
    let opening = Opening {
        kernel: &kernel.types,
        config,
        ring_bytes: options.ring_bytes,
        plain_tracepoints,
        windows,
        streams,
        slots: options.policy.slots(),
        buffers: options.policy.buffers(),
        verdicts: if options.agents.is_some() { VERDICTS } else { 1 },
    };
    let mut object = Object::open(OBJECT, &opening).map_err(failed)?;
    object.fill_array::<_, 4>("CALLS", call_table::entries()).map_err(failed)?;
    Ok(object)
}

fn attach(
    object: &mut Object,
    kernel: &Kernel,
    hooks: SyscallHooks,
    with_stdio: bool,
) -> Result<Vec<Attached>, BackendError> {
    let hints = path_hints(object);
    let uring = uring(object, kernel);
    let plain = hooks == SyscallHooks::Tracepoint;
    for (handlers, map, tracepoint) in
        [(EXIT_HANDLERS, "EXIT_CALLS", "sys_exit"), (ENTER_HANDLERS, "ENTER_CALLS", "sys_enter")]
    {
        for &(index, name) in handlers {
            let loaded = load_handler(object, name, tracepoint, plain);
            loaded.and_then(|()| object.set_tail_call(map, index, name)).map_err(failed)?;
        }
    }
    let dns = dns(object, plain);
    let stdio = with_stdio.then(|| stdio(object, plain));
    // Attached in this order no event has a cause that was not seen: a process is known before its calls are.
    for (name, plain_event) in [
        ("sched_process_exit", Some("sched/sched_process_exit")),
        ("sched_process_fork", None),
        ("sched_process_exec", None),
        ("sys_enter", Some("raw_syscalls/sys_enter")),
        ("sys_exit", Some("raw_syscalls/sys_exit")),
    ] {
        match plain_event.filter(|_| plain) {
            Some(event) => attach_plain(object, name, event),
            None => attach_tp_btf(object, name),
        }
        .map_err(failed)?;
    }
    let tp = |name, fired| Attached { name, tier: "tp_btf", fired, why: String::new() };
    let tier = if plain { "tracepoint" } else { "tp_btf" };
    let call = |name, fired| Attached { name, tier, fired, why: String::new() };
    let calls_32 = Attached { why: call_table::LEFT_OUT_32.into(), ..call("calls_32", &[HOOK_SYS_EXIT]) };
    let mut all = vec![
        tp("fork", &[HOOK_FORK]),
        tp("exec", &[HOOK_EXEC]),
        call("exit", &[HOOK_EXIT]),
        call("open", &[HOOK_SYS_EXIT]),
        call("io_counts", &[HOOK_SYS_EXIT]),
        call("close", &[HOOK_SYS_ENTER]),
        call("net", &[HOOK_SYS_EXIT]),
        dns,
        hints,
        uring,
        calls_32,
    ];
    all.extend(stdio);
    Ok(all)
}

/// Loads what a dispatcher at a tracepoint jumps to.
fn load_handler(object: &mut Object, name: &str, tracepoint: &str, plain: bool) -> Result<(), LoadError> {
    if plain { object.load_tracepoint(name) } else { object.load_tp_btf(name, tracepoint) }
}

/// What goes through standard input, output and error. Without it the rest works, and the hook says so.
fn stdio(object: &mut Object, plain: bool) -> Attached {
    let loaded = load_handler(object, "exit_stdio", "sys_exit", plain)
        .and_then(|()| object.set_tail_call("EXIT_CALLS", exit_call::STDIO, "exit_stdio"));
    let (tier, why) = match loaded {
        Ok(()) => (if plain { "tracepoint" } else { "tp_btf" }, String::new()),
        Err(error) => ("none", format!("{} {}: {}", error.act, error.object, brief(&error.cause))),
    };
    Attached { name: "stdio", tier, fired: &[HOOK_SYS_EXIT], why }
}

/// What goes to name servers. Without it the rest works, and the hook says so.
fn dns(object: &mut Object, plain: bool) -> Attached {
    let loaded = load_handler(object, "exit_dns", "sys_exit", plain)
        .and_then(|()| object.set_tail_call("EXIT_CALLS", exit_call::DNS, "exit_dns"));
    let (tier, why) = match loaded {
        Ok(()) => (if plain { "tracepoint" } else { "tp_btf" }, NOT_ASKED.to_owned()),
        Err(error) => ("none", format!("{} {}: {}", error.act, error.object, brief(&error.cause))),
    };
    Attached { name: "dns", tier, fired: &[HOOK_SYS_EXIT], why }
}

/// Adds the program made from rules, before any call can jump to it.
fn add_judge(
    object: &mut Object,
    kernel: &Kernel,
    judge: &Result<Compiled, String>,
    hooks: SyscallHooks,
) -> (Option<Loaded>, Attached) {
    let plain = hooks == SyscallHooks::Tracepoint;
    let tracepoint = kernel.sys_exit.filter(|_| !plain);
    let mut load = |object: &mut Object, name: &str| load_handler(object, name, "sys_exit", plain);
    judge::attach(object, judge.as_ref(), tracepoint, &mut load)
}

fn attach_tp_btf(object: &mut Object, name: &str) -> Result<(), LoadError> {
    object.load_tp_btf(name, name)?;
    object.attach_tp_btf(name)
}

fn attach_plain(object: &mut Object, name: &str, event: &str) -> Result<(), LoadError> {
    let program = format!("tracepoint_{name}");
    object.load_tracepoint(&program)?;
    object.attach_tracepoint(&program, event)
}

/// Exact paths by fentry, else by kprobes, else none.
fn path_hints(object: &mut Object) -> Attached {
    let mut reasons = Vec::new();
    for tier in ["fentry", "kprobe"] {
        let result = PATH_HOOKS.iter().try_for_each(|hook| {
            let (program, function) = (format!("{tier}_path_{hook}"), format!("security_path_{hook}"));
            match tier {
                "fentry" => object.attach_fentry(&program, &function),
                _ => object.attach_kprobe(&program, &function),
            }
        });
        match result {
            Ok(()) => {
                return Attached {
                    name: "path_calls",
                    tier,
                    fired: &[HOOK_SECURITY_PATH],
                    why: reasons.join("; "),
                };
            }
            Err(error) => {
                reasons.push(format!("no {tier}: {} {}: {}", error.act, error.object, brief(&error.cause)))
            }
        }
    }
    Attached {
        name: "path_calls",
        tier: "tp_btf",
        fired: &[HOOK_SYS_EXIT],
        why: format!(
            "symbolic links in the directories of unlink, rename, mkdir, ... are followed by the monitor right after \
             the call (path_source says so): {}",
            reasons.join("; ")
        ),
    }
}

fn uring(object: &mut Object, kernel: &Kernel) -> Attached {
    let blind = |why: String| Attached { name: "io_uring", tier: "none", fired: &[], why };
    let tracepoint = match &kernel.uring {
        Ok(name) => name,
        Err(why) => return blind(why.clone()),
    };
    let result = object
        .load_tp_btf("io_uring_submit", tracepoint)
        .and_then(|()| object.load_tp_btf("io_uring_complete", "io_uring_complete"))
        .and_then(|()| object.attach_tp_btf("io_uring_submit"))
        .and_then(|()| object.attach_tp_btf("io_uring_complete"));
    match result {
        Ok(()) => Attached {
            name: "io_uring",
            tier: "tp_btf",
            fired: &[HOOK_URING_SUBMIT, HOOK_URING_COMPLETE],
            why: "splice requests are not counted".into(),
        },
        Err(error) => blind(format!("{error}")),
    }
}

/// What hooks TLS libraries. Without it TLS goes by unseen, which the hook says.
pub(super) fn libraries(
    object: &mut Object,
    cache: Option<&std::path::Path>,
) -> (Option<tls::Libraries>, Attached) {
    let hook = |tier, why| Attached { name: "tls", tier, fired: &[HOOK_TLS], why };
    match tls::Libraries::new(object, cache) {
        Ok(libraries) => (Some(libraries), hook("uprobe", String::new())),
        Err(error) => (None, hook("none", error.to_string())),
    }
}

/// An error in one line: of a verifier's log, the line that says what is wrong.
pub(super) fn brief(cause: &str) -> String {
    match cause.split_once('\n') {
        Some((first, log)) => format!("{first} {}", verdict_line(log)),
        None => cause.to_owned(),
    }
}
