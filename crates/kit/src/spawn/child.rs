//! The child, from fork to exec, and what is made ready for it before: after the fork nothing may allocate.

use super::Options;
use super::gate::{
    GO, Gate, GatePage, STAGE_EXEC, STAGE_GATE, STAGE_LANDLOCK, STAGE_NNP, STAGE_SECCOMP, STAGE_SUPERVISE,
    WAIT, futex_wait, futex_wake,
};
use nix::errno::Errno;
use std::ffi::{CString, OsString};
use std::mem::offset_of;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;
use std::sync::atomic::Ordering;

/// All that the child needs for its exec, made before the fork: after it, allocating is not safe.
pub(super) struct Image {
    path: CString,
    _strings: Vec<CString>,
    argv: Vec<*const libc::c_char>,
    /// Descriptors of ours: closed at once, so that the exec has none of them to close.
    ours: Vec<i32>,
    shell_argv: Vec<*const libc::c_char>,
}

impl Image {
    pub(super) fn new(path: &Path, argv: &[OsString]) -> Option<Self> {
        let path = CString::new(path.as_os_str().as_bytes()).ok()?;
        let strings: Vec<CString> =
            argv.iter().map(|arg| CString::new(arg.as_bytes()).ok()).collect::<Option<_>>()?;
        let mut pointers: Vec<_> = strings.iter().map(|arg| arg.as_ptr()).collect();
        pointers.push(ptr::null());
        // What execvp runs for a text file without `#!`: /bin/sh path arg...
        let mut shell_argv = vec![c"/bin/sh".as_ptr(), path.as_ptr()];
        shell_argv.extend_from_slice(&pointers[1..]);
        Some(Self { path, _strings: strings, argv: pointers, ours: close_on_exec_fds(), shell_argv })
    }
}

/// The descriptors of this process that an exec would close.
fn close_on_exec_fds() -> Vec<i32> {
    use nix::fcntl::{FcntlArg, FdFlag, fcntl};
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return Vec::new() };
    let fds: Vec<i32> =
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    fds.into_iter()
        .filter(|&fd| {
            // SAFETY: borrowed for one call that only reads a flag, and fails with EBADF if it has been closed.
            let fd = unsafe { BorrowedFd::borrow_raw(fd) };
            fcntl(fd, FcntlArg::F_GETFD).is_ok_and(|flags| flags & FdFlag::FD_CLOEXEC.bits() != 0)
        })
        .collect()
}

/// Where the file for a command name is, as execvp finds it.
pub(super) fn look_up(program: &Path) -> Result<std::path::PathBuf, Errno> {
    let name = program.as_os_str().as_bytes();
    if name.is_empty() {
        return Err(Errno::ENOENT);
    }
    if name.contains(&b'/') {
        return Ok(program.to_path_buf());
    }
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
    let mut denied = false;
    for dir in std::env::split_paths(&path) {
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir.as_path() };
        let candidate = dir.join(program);
        match usable(&candidate) {
            Ok(()) => return Ok(candidate),
            Err(Errno::EACCES) => denied = true,
            Err(_) => {}
        }
    }
    Err(if denied { Errno::EACCES } else { Errno::ENOENT })
}

/// Whether `path` is a regular file that may be executed.
fn usable(path: &Path) -> Result<(), Errno> {
    use nix::fcntl::{AT_FDCWD, AtFlags};
    let stat = nix::sys::stat::stat(path)?;
    if stat.st_mode & libc::S_IFMT != libc::S_IFREG {
        return Err(Errno::EACCES);
    }
    nix::unistd::faccessat(AT_FDCWD, path, nix::unistd::AccessFlags::X_OK, AtFlags::AT_EACCESS)
}

pub(super) fn fork(image: &Image, gate: &GatePage, options: &Options) -> Result<libc::pid_t, Errno> {
    use nix::sys::signal::{SigSet, SigmaskHow};
    let parent = nix::unistd::getpid().as_raw();
    // No handler of ours may run in the child: it would act on what it shares with us.
    let mut before = SigSet::empty();
    nix::sys::signal::pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), Some(&mut before))?;
    let mask = options.signal_mask.unwrap_or(before);
    // SAFETY: the child calls `child` only, which makes async-signal-safe calls, allocates nothing and never
    // returns; all it uses was made before.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        child(image, gate.gate(), options, mask.as_ref(), parent);
    }
    let forked = if pid < 0 { Err(Errno::last()) } else { Ok(pid) };
    nix::sys::signal::pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None)?;
    forked
}

/// The child, from fork to exec. Async-signal-safe throughout.
fn child(image: &Image, gate: &Gate, options: &Options, mask: &libc::sigset_t, parent: libc::pid_t) -> ! {
    announce(gate);
    restore_signals(options, mask);
    restrict(gate, options);
    for &fd in &image.ours {
        // SAFETY: plain system call on the child's own copy of the descriptor table; nothing runs here that
        // could use the descriptor.
        unsafe { libc::close(fd) };
    }
    gate.stage.store(STAGE_GATE, Ordering::Release);
    futex_wake(&gate.stage);
    loop {
        match gate.go.load(Ordering::Acquire) {
            GO => break,
            WAIT => futex_wait(&gate.go, WAIT),
            _ => exit_now(0),
        }
        // SAFETY: plain system call.
        if unsafe { libc::getppid() } != parent {
            exit_now(0);
        }
    }
    if let Some(filter) = &options.seccomp {
        // The kernel refuses a length that does not fit: 65535 is above its limit of 4096.
        let len = u16::try_from(filter.len()).unwrap_or(u16::MAX);
        let program = libc::sock_fprog { len, filter: filter.as_ptr().cast_mut() };
        // SAFETY: `program` and the instructions it points to are live; the kernel copies them.
        let done = unsafe {
            libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER as libc::c_ulong, &raw const program)
        };
        check(gate, STAGE_SECCOMP, done);
    }
    gate.stage.store(STAGE_EXEC, Ordering::Release);
    // SAFETY: both vectors are NUL-terminated arrays of live C strings; the environment is the process's own,
    // which no other thread can change: there is none.
    unsafe {
        libc::execve(image.path.as_ptr(), image.argv.as_ptr(), environ.cast());
        if *libc::__errno_location() == libc::ENOEXEC {
            libc::execve(c"/bin/sh".as_ptr(), image.shell_argv.as_ptr(), environ.cast());
            *libc::__errno_location() = libc::ENOEXEC;
        }
    }
    check(gate, STAGE_EXEC, -1);
    exit_now(127);
}

/// Gives up what the command is not to have, while the descriptor that says so is open.
fn restrict(gate: &Gate, options: &Options) {
    if options.no_new_privs {
        // SAFETY: plain system call; unused arguments have to be zero.
        let done = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1_u64, 0_u64, 0_u64, 0_u64) };
        check(gate, STAGE_NNP, done);
    }
    if let Some(ruleset) = &options.landlock {
        // SAFETY: plain system call on a live descriptor.
        let done = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0_u32) };
        check(gate, STAGE_LANDLOCK, if done == 0 { 0 } else { -1 });
    }
    if let Some(supervised) = &options.supervised {
        let filter = &supervised.filter;
        let len = u16::try_from(filter.len()).unwrap_or(u16::MAX);
        let program = libc::sock_fprog { len, filter: filter.as_ptr().cast_mut() };
        let (mode, flags) = (libc::SECCOMP_SET_MODE_FILTER, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER);
        // SAFETY: `program` and the instructions it points to are live; the kernel copies them. The descriptor that comes
        // back is close-on-exec.
        let fd = unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &raw const program) };
        check(gate, STAGE_SUPERVISE, if fd < 0 { -1 } else { 0 });
        gate.listener.store(i32::try_from(fd).unwrap_or(-1) + 1, Ordering::Release);
    }
}

unsafe extern "C" {
    static environ: *const *const libc::c_char;
}

/// Registers `alive` as a robust futex: the kernel marks it when this task's memory goes, by exec or by exit.
fn announce(gate: &Gate) {
    let head = ptr::from_ref(&gate.robust_first) as usize;
    let entry = ptr::from_ref(&gate.robust_entry) as usize;
    gate.robust_first.store(entry, Ordering::Relaxed);
    gate.robust_entry.store(head, Ordering::Relaxed);
    let offset = offset_of!(Gate, alive).wrapping_sub(offset_of!(Gate, robust_entry));
    gate.robust_futex_offset.store(offset, Ordering::Relaxed);
    // SAFETY: plain system call.
    let tid = unsafe { libc::gettid() }.unsigned_abs();
    gate.alive.store(tid | libc::FUTEX_WAITERS, Ordering::Release);
    // SAFETY: the list head is 24 bytes long, well-formed, and stays mapped until the task ends.
    unsafe { libc::syscall(libc::SYS_set_robust_list, head, 24_usize) };
}

/// Handlers off, the named signals to default, the mask as it was.
fn restore_signals(options: &Options, mask: &libc::sigset_t) {
    for signal in 1..=libc::SIGRTMAX() {
        // SAFETY: `action` is a valid all-zero sigaction (SIG_DFL) and live; a number the kernel or libc keeps to
        // itself is refused with EINVAL.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            let known = libc::sigaction(signal, ptr::null(), &raw mut action) == 0;
            let caught = action.sa_sigaction != libc::SIG_DFL && action.sa_sigaction != libc::SIG_IGN;
            if known && (caught || options.default_signals.contains(&signal)) {
                let default: libc::sigaction = std::mem::zeroed();
                libc::sigaction(signal, &raw const default, ptr::null_mut());
            }
        }
    }
    // SAFETY: `mask` is a live signal set.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, mask, ptr::null_mut()) };
}

/// Tells the parent about a failed step and ends the child.
fn check(gate: &Gate, stage: u32, result: libc::c_int) {
    if result != 0 {
        gate.stage.store(stage, Ordering::Release);
        gate.errno.store(Errno::last_raw(), Ordering::Release);
        exit_now(127);
    }
}

fn exit_now(code: libc::c_int) -> ! {
    // SAFETY: ends the process without running anything of the parent's.
    unsafe { libc::_exit(code) }
}
