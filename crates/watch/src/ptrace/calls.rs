//! The system calls that matter, by number, for each way a program can make them.
//!
//! On x86-64 there are three: 64-bit calls, x32 calls (the same numbers with a bit set, and some of their own) and
//! 32-bit calls (`int 0x80`, which a 64-bit program may use too). One table serves the seccomp filter and the decoder, so
//! that no call stops without being understood.

use nix::libc;

/// A call, whatever its number; named after the system calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Open,
    Openat,
    Openat2,
    Creat,
    OpenByHandle,
    Close,
    CloseRange,
    Dup,
    Dup2,
    Dup3,
    Fcntl,
    Unlink,
    Unlinkat,
    Rmdir,
    Rename,
    Renameat,
    Renameat2,
    Link,
    Linkat,
    Symlink,
    Symlinkat,
    Mkdir,
    Mkdirat,
    Mknod,
    Mknodat,
    Chmod,
    Fchmod,
    Fchmodat,
    Fchmodat2,
    Chown,
    Lchown,
    Fchown,
    Fchownat,
    Truncate,
    Truncate64,
    Ftruncate,
    Ftruncate64,
    Execve,
    Execveat,
    Mmap,
    MmapPages,
    MmapOld,
    Connect,
    Bind,
    Listen,
    Accept,
    Sendto,
    Recvfrom,
    Sendmsg,
    Sendmmsg,
    Socketcall,
    UringSetup,
    /// Any call that changes a user id.
    Setuid,
    Prctl,
    /// Any call that changes what a path means: chroot, pivot_root, unshare, setns.
    Chroot,
}

/// How a call was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Abi {
    /// As the kernel's own word size.
    Native,
    /// With 32-bit structures and 64-bit registers (x32).
    X32,
    /// By a 32-bit call.
    Compat,
}

impl Abi {
    /// Bytes of a pointer or `long` in memory.
    pub(super) fn word(self) -> usize {
        if self == Self::Native { 8 } else { 4 }
    }
}

/// A test on an argument, made by the filter so that the rest of the calls does not stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// Every call.
    Always,
    /// The low half of argument `0` is one of these.
    Is(usize, &'static [u32]),
    /// Argument `0` is not zero.
    NotZero(usize),
    /// The argument has none of these bits.
    Without(usize, u32),
}

/// A line of a table.
pub(super) type Line = (i64, Call, When);

#[cfg(not(target_arch = "x86_64"))]
pub(super) use other::{COMPAT, COMPAT_ARCH, LEGACY, NATIVE_ARCH, X32_BIT};
#[cfg(target_arch = "x86_64")]
pub(super) use x86_64::{COMPAT, COMPAT_ARCH, LEGACY, NATIVE_ARCH, X32_BIT};

const DUP_COMMANDS: &[u32] = &[libc::F_DUPFD as u32, libc::F_DUPFD_CLOEXEC as u32];
const SET_NAME: &[u32] = &[libc::PR_SET_NAME as u32];
const ANONYMOUS: u32 = libc::MAP_ANONYMOUS as u32;

/// Calls that every 64-bit architecture has.
pub(super) const NATIVE: &[Line] = &[
    (libc::SYS_openat, Call::Openat, When::Always),
    (libc::SYS_openat2, Call::Openat2, When::Always),
    (libc::SYS_open_by_handle_at, Call::OpenByHandle, When::Always),
    (libc::SYS_close, Call::Close, When::Always),
    (libc::SYS_close_range, Call::CloseRange, When::Always),
    (libc::SYS_dup, Call::Dup, When::Always),
    (libc::SYS_dup3, Call::Dup3, When::Always),
    (libc::SYS_fcntl, Call::Fcntl, When::Is(1, DUP_COMMANDS)),
    (libc::SYS_unlinkat, Call::Unlinkat, When::Always),
    (libc::SYS_renameat, Call::Renameat, When::Always),
    (libc::SYS_renameat2, Call::Renameat2, When::Always),
    (libc::SYS_linkat, Call::Linkat, When::Always),
    (libc::SYS_symlinkat, Call::Symlinkat, When::Always),
    (libc::SYS_mkdirat, Call::Mkdirat, When::Always),
    (libc::SYS_mknodat, Call::Mknodat, When::Always),
    (libc::SYS_fchmod, Call::Fchmod, When::Always),
    (libc::SYS_fchmodat, Call::Fchmodat, When::Always),
    (452, Call::Fchmodat2, When::Always),
    (libc::SYS_fchown, Call::Fchown, When::Always),
    (libc::SYS_fchownat, Call::Fchownat, When::Always),
    (libc::SYS_truncate, Call::Truncate, When::Always),
    (libc::SYS_ftruncate, Call::Ftruncate, When::Always),
    (libc::SYS_execve, Call::Execve, When::Always),
    (libc::SYS_execveat, Call::Execveat, When::Always),
    (libc::SYS_mmap, Call::Mmap, When::Without(3, ANONYMOUS)),
    (libc::SYS_connect, Call::Connect, When::Always),
    (libc::SYS_bind, Call::Bind, When::Always),
    (libc::SYS_listen, Call::Listen, When::Always),
    (libc::SYS_accept, Call::Accept, When::Always),
    (libc::SYS_accept4, Call::Accept, When::Always),
    (libc::SYS_sendto, Call::Sendto, When::NotZero(4)),
    (libc::SYS_recvfrom, Call::Recvfrom, When::NotZero(4)),
    (libc::SYS_sendmsg, Call::Sendmsg, When::Always),
    (libc::SYS_sendmmsg, Call::Sendmmsg, When::Always),
    (libc::SYS_io_uring_setup, Call::UringSetup, When::Always),
    (libc::SYS_setuid, Call::Setuid, When::Always),
    (libc::SYS_setreuid, Call::Setuid, When::Always),
    (libc::SYS_setresuid, Call::Setuid, When::Always),
    (libc::SYS_prctl, Call::Prctl, When::Is(0, SET_NAME)),
    (libc::SYS_chroot, Call::Chroot, When::Always),
    (libc::SYS_pivot_root, Call::Chroot, When::Always),
    (libc::SYS_unshare, Call::Chroot, When::Always),
    (libc::SYS_setns, Call::Chroot, When::Always),
];

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use super::{ANONYMOUS, Call, DUP_COMMANDS, Line, SET_NAME, When};

    /// `AUDIT_ARCH_X86_64`.
    pub(in super::super) const NATIVE_ARCH: u32 = 0xc000_003e;
    /// `AUDIT_ARCH_I386`.
    pub(in super::super) const COMPAT_ARCH: Option<u32> = Some(0x4000_0003);
    /// Marks an x32 call (`__X32_SYSCALL_BIT`).
    pub(in super::super) const X32_BIT: u32 = 0x4000_0000;

    /// Calls of the old sort, and x32 calls with numbers of their own; no 64-bit call has those numbers.
    pub(in super::super) const LEGACY: &[Line] = &[
        (2, Call::Open, When::Always),
        (85, Call::Creat, When::Always),
        (33, Call::Dup2, When::Always),
        (87, Call::Unlink, When::Always),
        (84, Call::Rmdir, When::Always),
        (82, Call::Rename, When::Always),
        (86, Call::Link, When::Always),
        (88, Call::Symlink, When::Always),
        (83, Call::Mkdir, When::Always),
        (133, Call::Mknod, When::Always),
        (90, Call::Chmod, When::Always),
        (92, Call::Chown, When::Always),
        (94, Call::Lchown, When::Always),
        (520, Call::Execve, When::Always),
        (545, Call::Execveat, When::Always),
        (518, Call::Sendmsg, When::Always),
        (538, Call::Sendmmsg, When::Always),
    ];

    /// 32-bit calls (arch/x86/entry/syscalls/syscall_32.tbl).
    pub(in super::super) const COMPAT: &[Line] = &[
        (5, Call::Open, When::Always),
        (8, Call::Creat, When::Always),
        (295, Call::Openat, When::Always),
        (437, Call::Openat2, When::Always),
        (342, Call::OpenByHandle, When::Always),
        (6, Call::Close, When::Always),
        (436, Call::CloseRange, When::Always),
        (41, Call::Dup, When::Always),
        (63, Call::Dup2, When::Always),
        (330, Call::Dup3, When::Always),
        (55, Call::Fcntl, When::Is(1, DUP_COMMANDS)),
        (221, Call::Fcntl, When::Is(1, DUP_COMMANDS)),
        (10, Call::Unlink, When::Always),
        (301, Call::Unlinkat, When::Always),
        (40, Call::Rmdir, When::Always),
        (38, Call::Rename, When::Always),
        (302, Call::Renameat, When::Always),
        (353, Call::Renameat2, When::Always),
        (9, Call::Link, When::Always),
        (303, Call::Linkat, When::Always),
        (83, Call::Symlink, When::Always),
        (304, Call::Symlinkat, When::Always),
        (39, Call::Mkdir, When::Always),
        (296, Call::Mkdirat, When::Always),
        (14, Call::Mknod, When::Always),
        (297, Call::Mknodat, When::Always),
        (15, Call::Chmod, When::Always),
        (94, Call::Fchmod, When::Always),
        (306, Call::Fchmodat, When::Always),
        (452, Call::Fchmodat2, When::Always),
        (182, Call::Chown, When::Always),
        (212, Call::Chown, When::Always),
        (16, Call::Lchown, When::Always),
        (198, Call::Lchown, When::Always),
        (95, Call::Fchown, When::Always),
        (207, Call::Fchown, When::Always),
        (298, Call::Fchownat, When::Always),
        (92, Call::Truncate, When::Always),
        (193, Call::Truncate64, When::Always),
        (93, Call::Ftruncate, When::Always),
        (194, Call::Ftruncate64, When::Always),
        (11, Call::Execve, When::Always),
        (358, Call::Execveat, When::Always),
        (90, Call::MmapOld, When::Always),
        (192, Call::MmapPages, When::Without(3, ANONYMOUS)),
        (102, Call::Socketcall, When::Is(0, &[2, 3, 4, 5, 11, 16, 18, 20])),
        (362, Call::Connect, When::Always),
        (361, Call::Bind, When::Always),
        (363, Call::Listen, When::Always),
        (364, Call::Accept, When::Always),
        (369, Call::Sendto, When::NotZero(4)),
        (371, Call::Recvfrom, When::NotZero(4)),
        (370, Call::Sendmsg, When::Always),
        (345, Call::Sendmmsg, When::Always),
        (425, Call::UringSetup, When::Always),
        (23, Call::Setuid, When::Always),
        (213, Call::Setuid, When::Always),
        (70, Call::Setuid, When::Always),
        (203, Call::Setuid, When::Always),
        (164, Call::Setuid, When::Always),
        (208, Call::Setuid, When::Always),
        (172, Call::Prctl, When::Is(0, SET_NAME)),
        (61, Call::Chroot, When::Always),
        (217, Call::Chroot, When::Always),
        (310, Call::Chroot, When::Always),
        (346, Call::Chroot, When::Always),
    ];
}

#[cfg(not(target_arch = "x86_64"))]
mod other {
    use super::Line;

    /// `AUDIT_ARCH_AARCH64`.
    #[cfg(target_arch = "aarch64")]
    pub(in super::super) const NATIVE_ARCH: u32 = 0xc000_00b7;
    #[cfg(not(target_arch = "aarch64"))]
    compile_error!("the ptrace back end knows x86-64 and aarch64 only");
    /// 32-bit calls are not decoded here; the coverage statement says so.
    pub(in super::super) const COMPAT_ARCH: Option<u32> = None;
    pub(in super::super) const X32_BIT: u32 = 0;
    pub(in super::super) const LEGACY: &[Line] = &[];
    pub(in super::super) const COMPAT: &[Line] = &[];
}

/// Which call a number stands for; `None` for those that do not matter.
pub(super) fn decode(arch: u32, nr: u64) -> Option<(Call, Abi)> {
    let nr = u32::try_from(nr & u64::from(u32::MAX)).ok()?;
    let find =
        |table: &[Line], nr: u32| table.iter().find(|line| line.0 == i64::from(nr)).map(|&(_, call, _)| call);
    if arch == NATIVE_ARCH {
        let x32 = X32_BIT != 0 && nr & X32_BIT != 0;
        let nr = nr & !X32_BIT;
        let call = find(NATIVE, nr).or_else(|| find(LEGACY, nr))?;
        return Some((call, if x32 { Abi::X32 } else { Abi::Native }));
    }
    (COMPAT_ARCH == Some(arch)).then(|| find(COMPAT, nr)).flatten().map(|call| (call, Abi::Compat))
}

/// The call behind a `socketcall` (linux/net.h); `None` for those that do not matter.
pub(super) fn socketcall(number: u64) -> Option<Call> {
    Some(match number {
        2 => Call::Bind,
        3 => Call::Connect,
        4 => Call::Listen,
        5 | 18 => Call::Accept,
        11 => Call::Sendto,
        16 => Call::Sendmsg,
        20 => Call::Sendmmsg,
        _ => return None,
    })
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    #[test]
    fn one_call_has_many_numbers() {
        assert_eq!(decode(NATIVE_ARCH, 257), Some((Call::Openat, Abi::Native)));
        assert_eq!(decode(NATIVE_ARCH, 257 | u64::from(X32_BIT)), Some((Call::Openat, Abi::X32)));
        assert_eq!(decode(0x4000_0003, 295), Some((Call::Openat, Abi::Compat)));
        assert_eq!(decode(0x4000_0003, 257), None);
        assert_eq!(decode(NATIVE_ARCH, 39), None);
        assert_eq!(decode(1, 257), None);
    }
}
