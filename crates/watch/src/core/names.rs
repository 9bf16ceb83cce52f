//! Numbers to the names that manual pages use: errno, open flags, mapping protections, event kinds.
//!
//! The numbers are the kernel's, not the C library's: some of them (`O_LARGEFILE`, `ERESTARTSYS`) are never seen
//! through a library but stand in raw events.

use kernscope_abi as abi;
use kernscope_report::{NodeType, OpenMode};

/// The name of a negative errno in a return value; `None` when it is no error or has no name.
pub(super) fn errno_of(ret: i64) -> Option<String> {
    if ret >= 0 {
        return None;
    }
    errno_name(ret.unsigned_abs()).map(str::to_owned)
}

/// Whether a return value that may be an address is an error.
pub(super) fn is_errno(ret: i64) -> bool {
    const MAX_ERRNO: i64 = 4095;
    (-MAX_ERRNO..0).contains(&ret)
}

fn errno_name(number: u64) -> Option<&'static str> {
    let index = usize::try_from(number).ok()?;
    match ERRNO.get(index) {
        Some(name) => (!name.is_empty()).then_some(*name),
        None => KERNEL_ERRNO.iter().find(|(n, _)| *n == number).map(|(_, name)| *name),
    }
}

/// The names of the `O_*` bits of an open: access mode first, bits without a name in hex at the end.
pub(super) fn open_flags(flags: u32) -> Vec<String> {
    let mut names = Vec::with_capacity(3);
    names.push(ACCESS[(flags & O_ACCMODE) as usize].to_owned());
    let mut rest = flags & !O_ACCMODE;
    for &(bits, name) in OPEN_FLAGS {
        if rest & bits == bits {
            names.push(name.to_owned());
            rest &= !bits;
        }
    }
    if rest != 0 {
        names.push(format!("{rest:#x}"));
    }
    names
}

/// What an open with these flags is for.
pub(super) fn open_mode(flags: u32) -> OpenMode {
    if flags & O_PATH != 0 {
        return OpenMode::Read;
    }
    if flags & (O_CREAT | O_TMPFILE_BIT) != 0 {
        return OpenMode::Create;
    }
    match flags & O_ACCMODE {
        0 => OpenMode::Read,
        1 => OpenMode::Write,
        _ => OpenMode::ReadWrite,
    }
}

/// The names of `PROT_*` bits.
pub(super) fn protections(prot: u32) -> Vec<String> {
    const PROT: [(u32, &str); 3] = [(1, "read"), (2, "write"), (4, "exec")];
    PROT.iter().filter(|(bit, _)| prot & bit != 0).map(|(_, name)| (*name).to_owned()).collect()
}

/// Whether changes to a mapping with these `MAP_*` flags reach the file.
pub(super) fn is_shared(flags: u32) -> bool {
    const MAP_TYPE: u32 = 0xf;
    const MAP_SHARED: u32 = 1;
    const MAP_SHARED_VALIDATE: u32 = 3;
    matches!(flags & MAP_TYPE, MAP_SHARED | MAP_SHARED_VALIDATE)
}

/// The kernel's device number (`MKDEV`) as `stat` shows it (`makedev` of the C library).
pub(super) fn st_dev(dev: u32) -> u64 {
    let major = u64::from(dev >> 20);
    let minor = u64::from(dev & 0xf_ffff);
    (major & 0xfff) << 8 | (major & !0xfff) << 32 | minor & 0xff | (minor & !0xff) << 12
}

/// The name of a raw event kind in [`kernscope_report::Ledger::seen_by`].
pub fn kind_name(kind: usize) -> &'static str {
    const NAMES: [&str; abi::KIND_MAX] = [
        "unknown",
        "fork",
        "exec",
        "strings",
        "exec_fail",
        "exit",
        "open",
        "close",
        "path_op",
        "path_hint",
        "mmap",
        "net",
        "uring_submit",
        "snapshot",
        "content",
        "tls",
        "tls_target",
        "dns",
        "deny",
        "stdio",
    ];
    NAMES.get(kind).copied().unwrap_or("unknown")
}

const O_ACCMODE: u32 = 0o3;
const O_CREAT: u32 = 0o100;
const O_PATH: u32 = 0o10_000_000;
const O_TMPFILE_BIT: u32 = 0o20_000_000;

/// Three is a mode of its own for `ioctl` only; Linux gives it no name.
const ACCESS: [&str; 4] = ["O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"];

/// `include/uapi/asm-generic/fcntl.h`; arm64 has four of its own. Names of several bits come before their parts.
const OPEN_FLAGS: &[(u32, &str)] = &[
    (O_CREAT, "O_CREAT"),
    (0o200, "O_EXCL"),
    (0o400, "O_NOCTTY"),
    (0o1000, "O_TRUNC"),
    (0o2000, "O_APPEND"),
    (0o4000, "O_NONBLOCK"),
    (0o4_010_000, "O_SYNC"),
    (0o10_000, "O_DSYNC"),
    (0o20_000, "O_ASYNC"),
    (O_DIRECT, "O_DIRECT"),
    (O_LARGEFILE, "O_LARGEFILE"),
    (O_TMPFILE_BIT | O_DIRECTORY, "O_TMPFILE"),
    (O_DIRECTORY, "O_DIRECTORY"),
    (O_NOFOLLOW, "O_NOFOLLOW"),
    (0o1_000_000, "O_NOATIME"),
    (0o2_000_000, "O_CLOEXEC"),
    (O_PATH, "O_PATH"),
];

#[cfg(not(target_arch = "aarch64"))]
const O_DIRECT: u32 = 0o40_000;
#[cfg(not(target_arch = "aarch64"))]
const O_LARGEFILE: u32 = 0o100_000;
#[cfg(not(target_arch = "aarch64"))]
const O_DIRECTORY: u32 = 0o200_000;
#[cfg(not(target_arch = "aarch64"))]
const O_NOFOLLOW: u32 = 0o400_000;
#[cfg(target_arch = "aarch64")]
const O_DIRECT: u32 = 0o200_000;
#[cfg(target_arch = "aarch64")]
const O_LARGEFILE: u32 = 0o400_000;
#[cfg(target_arch = "aarch64")]
const O_DIRECTORY: u32 = 0o40_000;
#[cfg(target_arch = "aarch64")]
const O_NOFOLLOW: u32 = 0o100_000;

/// The bits of a mode that are no type.
pub(super) const PERMISSIONS: u32 = 0o7777;

/// What a mode makes `mknod` make, and whether that stands for a device (`S_IFMT`, include/uapi/linux/stat.h).
pub(super) fn node_type(mode: u32) -> (NodeType, bool) {
    match mode & 0o170_000 {
        // No type is that of a file.
        0 | 0o100_000 => (NodeType::File, false),
        0o010_000 => (NodeType::Fifo, false),
        0o140_000 => (NodeType::Socket, false),
        0o020_000 => (NodeType::CharacterDevice, true),
        0o060_000 => (NodeType::BlockDevice, true),
        _ => (NodeType::Other, false),
    }
}

/// Errors that stay inside the kernel but are seen at the exit of an interrupted call
/// (`include/linux/errno.h`).
const KERNEL_ERRNO: &[(u64, &str)] = &[
    (512, "ERESTARTSYS"),
    (513, "ERESTARTNOINTR"),
    (514, "ERESTARTNOHAND"),
    (515, "ENOIOCTLCMD"),
    (516, "ERESTART_RESTARTBLOCK"),
    (517, "EPROBE_DEFER"),
    (518, "EOPENSTALE"),
    (519, "ENOPARAM"),
    (521, "EBADHANDLE"),
    (522, "ENOTSYNC"),
    (523, "EBADCOOKIE"),
    (524, "ENOTSUPP"),
    (525, "ETOOSMALL"),
    (526, "ESERVERFAULT"),
    (527, "EBADTYPE"),
    (528, "EJUKEBOX"),
    (529, "EIOCBQUEUED"),
    (530, "ERECALLCONFLICT"),
];

/// By number; empty where Linux has none (`include/uapi/asm-generic/errno.h`).
#[rustfmt::skip]
const ERRNO: [&str; 134] = [
    "", "EPERM", "ENOENT", "ESRCH", "EINTR", "EIO", "ENXIO", "E2BIG", "ENOEXEC", "EBADF", "ECHILD",
    "EAGAIN", "ENOMEM", "EACCES", "EFAULT", "ENOTBLK", "EBUSY", "EEXIST", "EXDEV", "ENODEV", "ENOTDIR",
    "EISDIR", "EINVAL", "ENFILE", "EMFILE", "ENOTTY", "ETXTBSY", "EFBIG", "ENOSPC", "ESPIPE", "EROFS",
    "EMLINK", "EPIPE", "EDOM", "ERANGE", "EDEADLK", "ENAMETOOLONG", "ENOLCK", "ENOSYS", "ENOTEMPTY",
    "ELOOP", "", "ENOMSG", "EIDRM", "ECHRNG", "EL2NSYNC", "EL3HLT", "EL3RST", "ELNRNG", "EUNATCH",
    "ENOCSI", "EL2HLT", "EBADE", "EBADR", "EXFULL", "ENOANO", "EBADRQC", "EBADSLT", "", "EBFONT",
    "ENOSTR", "ENODATA", "ETIME", "ENOSR", "ENONET", "ENOPKG", "EREMOTE", "ENOLINK", "EADV", "ESRMNT",
    "ECOMM", "EPROTO", "EMULTIHOP", "EDOTDOT", "EBADMSG", "EOVERFLOW", "ENOTUNIQ", "EBADFD", "EREMCHG",
    "ELIBACC", "ELIBBAD", "ELIBSCN", "ELIBMAX", "ELIBEXEC", "EILSEQ", "ERESTART", "ESTRPIPE", "EUSERS",
    "ENOTSOCK", "EDESTADDRREQ", "EMSGSIZE", "EPROTOTYPE", "ENOPROTOOPT", "EPROTONOSUPPORT",
    "ESOCKTNOSUPPORT", "EOPNOTSUPP", "EPFNOSUPPORT", "EAFNOSUPPORT", "EADDRINUSE", "EADDRNOTAVAIL",
    "ENETDOWN", "ENETUNREACH", "ENETRESET", "ECONNABORTED", "ECONNRESET", "ENOBUFS", "EISCONN",
    "ENOTCONN", "ESHUTDOWN", "ETOOMANYREFS", "ETIMEDOUT", "ECONNREFUSED", "EHOSTDOWN", "EHOSTUNREACH",
    "EALREADY", "EINPROGRESS", "ESTALE", "EUCLEAN", "ENOTNAM", "ENAVAIL", "EISNAM", "EREMOTEIO", "EDQUOT",
    "ENOMEDIUM", "EMEDIUMTYPE", "ECANCELED", "ENOKEY", "EKEYEXPIRED", "EKEYREVOKED", "EKEYREJECTED",
    "EOWNERDEAD", "ENOTRECOVERABLE", "ERFKILL", "EHWPOISON",
];

#[cfg(test)]
mod tests {
    use super::*;
    use nix::errno::Errno;

    #[test]
    fn errno_names_agree_with_the_c_library() {
        for number in 1..134 {
            let errno = Errno::from_raw(number);
            let theirs = (errno != Errno::UnknownErrno).then(|| format!("{errno:?}"));
            assert_eq!(errno_of(-i64::from(number)), theirs, "{number}");
        }
        assert_eq!(errno_of(0), None);
        assert_eq!(errno_of(3), None);
        assert_eq!(errno_of(-512).as_deref(), Some("ERESTARTSYS"));
        assert_eq!(errno_of(-4000), None);
        assert_eq!(errno_of(i64::MIN), None);
    }

    #[test]
    fn open_flags_have_the_names_of_the_manual() {
        use nix::libc;
        let bits = |flags: i32| u32::try_from(flags).unwrap();
        assert_eq!(open_flags(0), ["O_RDONLY"]);
        assert_eq!(open_flags(bits(libc::O_RDWR | libc::O_SYNC)), ["O_RDWR", "O_SYNC"]);
        assert_eq!(open_flags(bits(libc::O_WRONLY | libc::O_DSYNC)), ["O_WRONLY", "O_DSYNC"]);
        assert_eq!(open_flags(bits(libc::O_WRONLY | libc::O_TMPFILE)), ["O_WRONLY", "O_TMPFILE"]);
        let every = [
            (libc::O_CREAT, "O_CREAT"),
            (libc::O_EXCL, "O_EXCL"),
            (libc::O_NOCTTY, "O_NOCTTY"),
            (libc::O_TRUNC, "O_TRUNC"),
            (libc::O_APPEND, "O_APPEND"),
            (libc::O_NONBLOCK, "O_NONBLOCK"),
            (libc::O_ASYNC, "O_ASYNC"),
            (libc::O_DIRECT, "O_DIRECT"),
            (libc::O_DIRECTORY, "O_DIRECTORY"),
            (libc::O_NOFOLLOW, "O_NOFOLLOW"),
            (libc::O_NOATIME, "O_NOATIME"),
            (libc::O_CLOEXEC, "O_CLOEXEC"),
            (libc::O_PATH, "O_PATH"),
        ];
        for (flag, name) in every {
            assert_eq!(open_flags(bits(flag)), ["O_RDONLY", name]);
        }
        assert_eq!(open_flags(0x8000_0000), ["O_RDONLY", "0x80000000"]);
    }

    #[test]
    fn open_modes() {
        assert_eq!(open_mode(0), OpenMode::Read);
        assert_eq!(open_mode(1), OpenMode::Write);
        assert_eq!(open_mode(2), OpenMode::ReadWrite);
        assert_eq!(open_mode(O_CREAT | 1), OpenMode::Create);
        assert_eq!(open_mode(O_TMPFILE_BIT | O_DIRECTORY | 2), OpenMode::Create);
        assert_eq!(open_mode(O_PATH | 2), OpenMode::Read);
    }

    #[test]
    fn device_numbers_are_those_of_stat() {
        for (major, minor) in [(8, 1), (0, 25), (259, 300), (4095, 0xf_ffff)] {
            let kernel = major << 20 | minor;
            let theirs = nix::sys::stat::makedev(u64::from(major), u64::from(minor));
            assert_eq!(st_dev(kernel), theirs, "{major}:{minor}");
        }
    }

    #[test]
    fn kinds_have_names() {
        assert_eq!(kind_name(usize::from(abi::KIND_OPEN)), "open");
        assert_eq!(kind_name(usize::from(abi::KIND_SNAPSHOT)), "snapshot");
        assert_eq!(kind_name(99), "unknown");
    }
}
