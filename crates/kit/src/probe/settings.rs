//! The kernel, the privileges and the machine: findings that are read, or tried with one call.

use super::answer::Answer;
use super::host::{self, Tracefs};
use super::{Finding, Group, caps, prog, table, uring};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::path::PathBuf;

/// The first kernel on which the eBPF back end is tested.
pub(super) const MINIMUM: (u32, u32) = (5, 10);

fn finding(
    group: Group,
    name: &str,
    answer: Answer,
    detail: impl Into<String>,
    costs: &str,
    fix: impl Into<String>,
) -> Finding {
    Finding {
        group,
        name: name.to_owned(),
        answer,
        detail: detail.into(),
        costs: String::new(),
        fix: String::new(),
    }
    .no_means(costs, fix)
}

/// Findings about the kernel and its settings.
pub(super) fn kernel() -> Vec<Finding> {
    vec![
        release(),
        btf(),
        lockdown(),
        lsm(),
        tracefs(),
        mount("bpffs", "bpf", "", "mount -t bpf bpffs /sys/fs/bpf"),
        mount("cgroup v2", "cgroup2", "", "mount -t cgroup2 none /sys/fs/cgroup/unified"),
        jit(),
        unprivileged(),
        perf(),
        addresses(),
        ptrace_scope(),
    ]
}

fn release() -> Finding {
    let text = format!("{} {}", host::release_text(), std::env::consts::ARCH);
    let answer = if host::release() >= MINIMUM {
        Answer::Yes
    } else {
        Answer::unsupported(format!("the eBPF back end is tested from {}.{} on", MINIMUM.0, MINIMUM.1))
    };
    finding(Group::Kernel, "kernel", answer, text, "watch: eBPF may not load", "a newer kernel")
}

fn btf() -> Finding {
    let (answer, detail) = match prog::shared_btf() {
        Ok(btf) => (Answer::Yes, format!("{} types", btf.types())),
        Err(err) => (prog::no_btf(&err), String::new()),
    };
    let costs = "watch: the eBPF back end does not load; ptrace is used";
    finding(Group::Kernel, "BTF", answer, detail, costs, "a kernel built with CONFIG_DEBUG_INFO_BTF")
}

/// What securityfs says, or why nothing is known.
fn securityfs(file: &str) -> Result<String, Answer> {
    let path = format!("/sys/kernel/security/{file}");
    match host::setting(&path) {
        Ok(text) => Ok(text),
        Err(_) if host::mounted("securityfs").is_none() => {
            Err(Answer::Unknown("securityfs is not mounted".to_owned()))
        }
        Err(err) if err.kind() == io::ErrorKind::NotFound => Err(Answer::unsupported(format!("no {path}"))),
        Err(err) => Err(Answer::Unknown(format!("{path}: {err}"))),
    }
}

const MOUNT_SECURITYFS: &str = "mount -t securityfs securityfs /sys/kernel/security";

fn lockdown() -> Finding {
    let (answer, detail) = match securityfs("lockdown") {
        Ok(_) => {
            let mode = host::lockdown().unwrap_or_default();
            match mode.as_str() {
                "confidentiality" => (Answer::forbidden("lockdown=confidentiality"), mode),
                _ => (Answer::Yes, format!("lockdown={mode}")),
            }
        }
        Err(Answer::No(_)) => (Answer::Yes, "no lockdown in this kernel".to_owned()),
        Err(unknown) => (unknown, String::new()),
    };
    let costs = "watch: eBPF may not read kernel memory; ptrace is used";
    let fix = if detail.is_empty() { MOUNT_SECURITYFS } else { "boot with lockdown=integrity or none" };
    finding(Group::Kernel, "lockdown lets eBPF read kernel memory", answer, detail, costs, fix)
}

fn lsm() -> Finding {
    let (answer, detail, fix) = match securityfs("lsm") {
        Ok(list) if list.split(',').any(|name| name == "bpf") => (Answer::Yes, list, String::new()),
        Ok(list) => {
            let fix = format!("boot with lsm={list},bpf");
            (Answer::off(format!("the list is {list}")), list, fix)
        }
        Err(answer) => (answer, String::new(), MOUNT_SECURITYFS.to_owned()),
    };
    let costs = "enforcement: LSM programs load but never run, so that nothing is denied";
    finding(Group::Kernel, "bpf in the LSM list", answer, detail, costs, fix)
}

fn tracefs() -> Finding {
    let (answer, detail) = match Tracefs::open() {
        Ok(found) if found.is_mounted() => (Answer::Yes, host::mounted("tracefs").unwrap_or_default()),
        Ok(_) => (Answer::off("not mounted"), PathBuf::new()),
        Err(_) if host::mounted("tracefs").is_some() => {
            (Answer::forbidden("mounted, but this process may not read it"), PathBuf::new())
        }
        Err(err) => (Answer::from_io(&err), PathBuf::new()),
    };
    let detail = detail.display().to_string();
    // Typed tracepoints take their fields from BTF, so nothing is lost.
    finding(Group::Kernel, "tracefs", answer, detail, "", "mount -t tracefs tracefs /sys/kernel/tracing")
}

fn mount(name: &str, fs_type: &str, costs: &str, fix: &str) -> Finding {
    let (answer, detail) = match host::mounted(fs_type) {
        Some(point) => (Answer::Yes, point.display().to_string()),
        None => (Answer::off("not mounted"), String::new()),
    };
    finding(Group::Kernel, name, answer, detail, costs, fix)
}

fn jit() -> Finding {
    let (answer, detail) = host::number("/proc/sys/net/core/bpf_jit_enable", |value| value > 0);
    let costs = "eBPF programs are interpreted: several times slower";
    finding(Group::Kernel, "eBPF JIT", answer, detail, costs, "sysctl net.core.bpf_jit_enable=1")
}

fn unprivileged() -> Finding {
    let (answer, detail) = host::number("/proc/sys/kernel/unprivileged_bpf_disabled", |value| value == 0);
    let fix = "leave it; run kernscope with privilege instead";
    finding(Group::Kernel, "eBPF without privilege", answer, detail, "", fix)
}

fn perf() -> Finding {
    let path = "/proc/sys/kernel/perf_event_paranoid";
    let (answer, detail) = host::number(path, |value| value < 0 || caps::has(38) || caps::has(21));
    let costs = "uprobes and kprobes cannot be attached";
    finding(Group::Kernel, "perf events", answer, detail, costs, table::PRIVILEGE)
}

/// Looks for a symbol whose address is not zero; the first ones may be zero because they are offsets.
fn addresses() -> Finding {
    const LINES: usize = 100_000;
    let hidden = |line: &str| line.starts_with("0000000000000000 ") || line.starts_with("00000000 ");
    let answer = match File::open("/proc/kallsyms") {
        Ok(file) => {
            let mut lines = BufReader::new(file).lines().map_while(Result::ok).take(LINES);
            if lines.all(|line| hidden(&line)) {
                Answer::forbidden("/proc/kallsyms shows zeros or nothing")
            } else {
                Answer::Yes
            }
        }
        Err(err) => Answer::from_io(&err),
    };
    let detail = host::setting("/proc/sys/kernel/kptr_restrict").unwrap_or_default();
    let detail = if detail.is_empty() { detail } else { format!("kptr_restrict={detail}") };
    finding(
        Group::Kernel,
        "kernel addresses",
        answer,
        detail,
        "",
        "run as root, or sysctl kernel.kptr_restrict=0",
    )
}

fn ptrace_scope() -> Finding {
    let path = "/proc/sys/kernel/yama/ptrace_scope";
    let allowed = |value| value == 0 || (value < 3 && caps::has(19));
    let (answer, detail) = match host::number(path, allowed) {
        (Answer::No(_), detail) if detail.is_empty() => (Answer::Yes, "no Yama in this kernel".to_owned()),
        found => found,
    };
    let costs = "watch --pid with ptrace: only its own descendants can be traced";
    let fix = "run with CAP_SYS_PTRACE, or sysctl kernel.yama.ptrace_scope=0";
    finding(Group::Kernel, "ptrace of other processes", answer, detail, costs, fix)
}

/// Findings about what this process may do.
pub(super) fn privilege() -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, number, costs) in caps::CAPS {
        let answer = match caps::effective() {
            Some(bits) if bits >> number & 1 == 1 => Answer::Yes,
            Some(_) => Answer::forbidden("not in the effective set"),
            None => Answer::Unknown("/proc/self/status cannot be read".to_owned()),
        };
        let unneeded = *number == 24 && host::release() >= (5, 11);
        let costs = if unneeded { "" } else { costs };
        let fix = if nix::unistd::geteuid().is_root() {
            "root has it, but it was dropped for this session: start outside of what dropped it".to_owned()
        } else {
            "run as root, or give the binary the capabilities with setcap".to_owned()
        };
        found.push(finding(Group::Privilege, name, answer, "", costs, fix));
    }
    found.extend([user_namespace(), pid_namespace(), sandbox(), memlock()]);
    found
}

fn user_namespace() -> Finding {
    let answer = if host::initial_user_ns() {
        Answer::Yes
    } else {
        Answer::off("this process is in another, or /proc is not mounted")
    };
    let costs = "capabilities do not count for eBPF; ptrace is used";
    finding(Group::Privilege, "initial user namespace", answer, "", costs, "run it outside the container")
}

fn pid_namespace() -> Finding {
    let answer = match host::initial_pid_ns() {
        Some(true) => Answer::Yes,
        Some(false) => Answer::off("this process is in another"),
        None => Answer::Unknown("/proc/self/ns/pid cannot be read".to_owned()),
    };
    let costs = "watch: the eBPF back end does not run; ptrace is used";
    finding(Group::Privilege, "initial pid namespace", answer, "", costs, "run it outside the container")
}

fn sandbox() -> Finding {
    let answer =
        if caps::filtered() { Answer::off("a seccomp filter is on this process") } else { Answer::Yes };
    let costs = "calls that the filter refuses fail with EPERM or ENOSYS, whatever the kernel could do";
    finding(
        Group::Privilege,
        "no seccomp filter on kernscope",
        answer,
        "",
        costs,
        "run it outside the sandbox",
    )
}

fn memlock() -> Finding {
    let (answer, detail) = match getrlimit(Resource::RLIMIT_MEMLOCK) {
        Ok(_) if host::release() >= (5, 11) => (Answer::Yes, "not asked for since 5.11".to_owned()),
        Ok((soft, _)) if soft == RLIM_INFINITY => (Answer::Yes, "unlimited".to_owned()),
        Ok((soft, _)) if caps::has(24) => (Answer::Yes, format!("{soft} bytes, can be raised")),
        Ok((soft, _)) => (Answer::forbidden(format!("{soft} bytes")), String::new()),
        Err(errno) => (Answer::Unknown(errno.to_string()), String::new()),
    };
    finding(
        Group::Privilege,
        "memlock limit",
        answer,
        detail,
        "watch: eBPF maps cannot be made",
        "ulimit -l unlimited",
    )
}

/// Findings about other ways to watch.
pub(super) fn machine() -> Vec<Finding> {
    vec![
        finding(
            Group::Machine,
            "ptrace with a seccomp filter",
            super::ptrace(),
            "",
            "watch: no back end without eBPF",
            "run it outside the sandbox, or sysctl kernel.yama.ptrace_scope=0",
        ),
        io_uring(),
        landlock(),
        fanotify("fanotify", 0),
        fanotify("fanotify permission events", libc::FAN_CLASS_CONTENT),
        finding(
            Group::Machine,
            "packet socket",
            super::packet_socket(),
            "",
            "packets: no frames can be read",
            "run with CAP_NET_RAW",
        ),
    ]
}

fn io_uring() -> Finding {
    let answer = match uring::nop() {
        Ok(()) => Answer::Yes,
        Err(err) => Answer::from_io(&err),
    };
    finding(
        Group::Machine,
        "io_uring",
        answer,
        "",
        "",
        "sysctl kernel.io_uring_disabled=0, if programs need it",
    )
}

fn landlock() -> Finding {
    const CREATE_RULESET_VERSION: libc::c_uint = 1;
    let null = std::ptr::null::<libc::c_void>();
    // SAFETY: with this flag the call takes no struct and returns a number.
    let abi =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, null, 0usize, CREATE_RULESET_VERSION) };
    let (answer, detail) = if abi > 0 {
        (Answer::Yes, format!("ABI {abi}"))
    } else {
        let err = io::Error::last_os_error();
        let off = err.raw_os_error() == Some(libc::EOPNOTSUPP);
        (if off { Answer::off("not in the LSM list") } else { Answer::from_io(&err) }, String::new())
    };
    finding(
        Group::Machine,
        "Landlock",
        answer,
        detail,
        "",
        "CONFIG_SECURITY_LANDLOCK (5.13), landlock in lsm=",
    )
}

fn fanotify(name: &str, class: libc::c_uint) -> Finding {
    // SAFETY: two integers.
    let fd = unsafe { libc::fanotify_init(class | libc::FAN_CLOEXEC, libc::O_RDONLY as libc::c_uint) };
    finding(Group::Machine, name, opened(fd), "", "", "run with CAP_SYS_ADMIN")
}

/// Opens a packet socket for protocol 0, which receives nothing.
pub(super) fn packet_socket() -> Answer {
    // SAFETY: three integers.
    opened(unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) })
}

/// The answer of a call that returns a descriptor, which is closed.
fn opened(fd: RawFd) -> Answer {
    if fd < 0 {
        return Answer::from_io(&io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor for us.
    drop(unsafe { OwnedFd::from_raw_fd(fd) });
    Answer::Yes
}
