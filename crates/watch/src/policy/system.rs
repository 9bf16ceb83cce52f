//! System calls that a command is kept from, by seccomp: without any privilege, and whatever path or host they would be about.
//!
//! The filter hands each such call to this process ([`super::supervise`]), which lets it fail with `EPERM` and tells it. With this process
//! gone they fail with `ENOSYS`. Calls of another ABI (32-bit, x32) end the process that makes one: their numbers mean other things.

use kernscope_kit::spawn::sock_filter;
use nix::libc::{self, c_long};

/// What it is called in records.
pub const NAME: &str = "seccomp";

/// The calls that can be denied: those that change the machine, reach into other processes, or go round what looks at calls.
pub const CALLS: &[(&str, c_long)] = &[
    ("acct", libc::SYS_acct),
    ("add_key", libc::SYS_add_key),
    ("adjtimex", libc::SYS_adjtimex),
    ("bpf", libc::SYS_bpf),
    ("chroot", libc::SYS_chroot),
    ("clock_adjtime", libc::SYS_clock_adjtime),
    ("clock_settime", libc::SYS_clock_settime),
    ("delete_module", libc::SYS_delete_module),
    ("fanotify_init", libc::SYS_fanotify_init),
    ("finit_module", libc::SYS_finit_module),
    ("fsconfig", libc::SYS_fsconfig),
    ("fsmount", libc::SYS_fsmount),
    ("fsopen", libc::SYS_fsopen),
    ("fspick", libc::SYS_fspick),
    ("init_module", libc::SYS_init_module),
    ("io_uring_enter", libc::SYS_io_uring_enter),
    ("io_uring_register", libc::SYS_io_uring_register),
    ("io_uring_setup", libc::SYS_io_uring_setup),
    ("kcmp", libc::SYS_kcmp),
    ("kexec_file_load", libc::SYS_kexec_file_load),
    ("kexec_load", libc::SYS_kexec_load),
    ("keyctl", libc::SYS_keyctl),
    ("memfd_create", libc::SYS_memfd_create),
    ("mount", libc::SYS_mount),
    ("mount_setattr", libc::SYS_mount_setattr),
    ("move_mount", libc::SYS_move_mount),
    ("name_to_handle_at", libc::SYS_name_to_handle_at),
    ("open_by_handle_at", libc::SYS_open_by_handle_at),
    ("open_tree", libc::SYS_open_tree),
    ("perf_event_open", libc::SYS_perf_event_open),
    ("personality", libc::SYS_personality),
    ("pidfd_getfd", libc::SYS_pidfd_getfd),
    ("pivot_root", libc::SYS_pivot_root),
    ("process_madvise", libc::SYS_process_madvise),
    ("process_vm_readv", libc::SYS_process_vm_readv),
    ("process_vm_writev", libc::SYS_process_vm_writev),
    ("ptrace", libc::SYS_ptrace),
    ("quotactl", libc::SYS_quotactl),
    ("reboot", libc::SYS_reboot),
    ("request_key", libc::SYS_request_key),
    ("setdomainname", libc::SYS_setdomainname),
    ("sethostname", libc::SYS_sethostname),
    ("setns", libc::SYS_setns),
    ("settimeofday", libc::SYS_settimeofday),
    ("swapoff", libc::SYS_swapoff),
    ("swapon", libc::SYS_swapon),
    ("syslog", libc::SYS_syslog),
    ("umount2", libc::SYS_umount2),
    ("unshare", libc::SYS_unshare),
    ("userfaultfd", libc::SYS_userfaultfd),
    ("vhangup", libc::SYS_vhangup),
];

/// Offsets in `struct seccomp_data` (linux/seccomp.h), of the lower half of an argument on little-endian machines.
const NR: u32 = 0;
const ARCH: u32 = 4;
const ARG0: u32 = 16;
/// `AUDIT_ARCH_X86_64`, `AUDIT_ARCH_AARCH64` (linux/audit.h).
const NATIVE_ARCH: u32 = if cfg!(target_arch = "x86_64") { 0xc000_003e } else { 0xc000_00b7 };
/// `__X32_SYSCALL_BIT`; no call of another machine has it.
const X32_BIT: u32 = 0x4000_0000;
/// Sockets that lead to no other machine.
const LOCAL_FAMILIES: [c_long; 2] = [libc::AF_UNIX as c_long, libc::AF_NETLINK as c_long];
/// With one of these a socket can be had without the call.
const SOCKETS_BY_OTHERS: [c_long; 1] = [libc::SYS_io_uring_setup];

/// The number of a call.
pub fn number(name: &str) -> Option<c_long> {
    CALLS.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

/// The name of a call that a filter hands over.
pub fn name(number: u64) -> &'static str {
    let known = CALLS.iter().find(|(_, known)| u64::try_from(*known) == Ok(number));
    known.map_or("socket", |(name, _)| name)
}

/// A filter that hands these calls over; with `sockets` those as well that make sockets to other machines.
pub fn filter(names: &[String], sockets: bool) -> Vec<sock_filter> {
    let mut numbers: Vec<c_long> = names.iter().filter_map(|name| number(name)).collect();
    if sockets {
        numbers.extend(SOCKETS_BY_OTHERS);
    }
    let mut code = vec![
        load(ARCH),
        jump(libc::BPF_JEQ, NATIVE_ARCH, 1, 0),
        answer(libc::SECCOMP_RET_KILL_PROCESS),
        load(NR),
        jump(libc::BPF_JGE, X32_BIT, 0, 1),
        answer(libc::SECCOMP_RET_KILL_PROCESS),
    ];
    for number in numbers {
        code.extend([jump(libc::BPF_JEQ, low(number), 0, 1), answer(libc::SECCOMP_RET_USER_NOTIF)]);
    }
    if sockets {
        let [unix, netlink] = LOCAL_FAMILIES.map(low);
        code.extend([
            jump(libc::BPF_JEQ, low(libc::SYS_socket), 0, 4),
            load(ARG0),
            jump(libc::BPF_JEQ, unix, 2, 0),
            jump(libc::BPF_JEQ, netlink, 1, 0),
            answer(libc::SECCOMP_RET_USER_NOTIF),
        ]);
    }
    code.push(answer(libc::SECCOMP_RET_ALLOW));
    code
}

fn low(number: c_long) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn load(offset: u32) -> sock_filter {
    op(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, offset)
}

fn jump(test: u32, value: u32, when: u8, otherwise: u8) -> sock_filter {
    op(libc::BPF_JMP | test | libc::BPF_K, when, otherwise, value)
}

fn answer(action: u32) -> sock_filter {
    op(libc::BPF_RET | libc::BPF_K, 0, 0, action)
}

fn op(code: u32, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code: u16::try_from(code).unwrap_or(u16::MAX), jt, jf, k }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_to_each_other_and_are_in_order() {
        for (known, nr) in CALLS {
            assert_eq!((number(known), name(u64::try_from(*nr).unwrap())), (Some(*nr), *known));
        }
        assert!(CALLS.is_sorted_by_key(|(name, _)| *name) && number("execve").is_none());
    }
}
