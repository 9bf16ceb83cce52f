//! A command that is started but does not run yet.
//!
//! [`Paused::spawn`] forks; the child waits at a gate before its exec, so that a monitor can register it and miss
//! nothing of it. [`Paused::release`] opens the gate and tells whether the exec worked.
//!
//! The child gets what it would have got without a monitor: standard streams, working directory, environment,
//! process group, terminal, and the signal dispositions that the monitor itself was started with (the Rust
//! runtime ignores `SIGPIPE`; that is undone). The gate is a page of shared memory, not a pipe: no descriptor of
//! ours exists in the child, and its exec closes nothing of ours: what is close-on-exec here is closed before the gate. That the exec happened is
//! told by the kernel, which marks a robust futex when a task gives up its memory, by exec or by exit.
//!
//! What this is not: a general process builder. There is no redirection and no environment editing.
//!
//! ```no_run
//! use kernscope_kit::spawn::{Options, Paused};
//! let paused = Paused::spawn(&["true".into()], &Options::default())?;
//! println!("will run as {}", paused.pid());
//! let mut running = paused.release()?;
//! assert!(running.wait()?.success());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use nix::errno::Errno;
use std::ffi::{CString, OsString};
use std::mem::{offset_of, size_of};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicUsize, Ordering};

pub use libc::sock_filter;

/// How often a side that waits looks whether the other one is still there.
const GLANCE_NS: libc::c_long = 50_000_000;

/// How the child is prepared.
#[derive(Clone, Debug)]
pub struct Options {
    /// Signals set back to their default action in the child. `SIGPIPE` unless told otherwise: the Rust runtime
    /// ignores it before `main`, and an ignored signal stays ignored through an exec.
    pub default_signals: Vec<i32>,
    /// Signal mask of the child; `None`: that of the thread that calls [`Paused::spawn`].
    pub signal_mask: Option<nix::sys::signal::SigSet>,
    /// Set `no_new_privs`: set-user-ID programs do not gain privilege.
    pub no_new_privs: bool,
    /// A seccomp filter, installed after the gate has been opened, just before the exec. Needs `no_new_privs` or
    /// `CAP_SYS_ADMIN`.
    pub seccomp: Option<Vec<sock_filter>>,
}

impl Default for Options {
    fn default() -> Self {
        Self { default_signals: vec![libc::SIGPIPE], signal_mask: None, no_new_privs: false, seccomp: None }
    }
}

/// Why a command does not run.
#[derive(Debug, thiserror::Error)]
#[error("{act} {object}: {}", errno.desc())]
pub struct SpawnError {
    /// What was tried.
    pub act: &'static str,
    /// On what.
    pub object: String,
    /// What came back.
    pub errno: Errno,
}

impl SpawnError {
    /// The exit status that a shell gives: 127 not found, 126 found but not executable, 2 for anything else.
    pub fn exit_code(&self) -> u8 {
        match (self.act, self.errno) {
            (RUN, Errno::ENOENT | Errno::ENOTDIR) => 127,
            (RUN, _) => 126,
            _ => 2,
        }
    }
}

const RUN: &str = "run";

/// A child that waits before its exec. Dropped, it ends without having run anything.
#[derive(Debug)]
pub struct Paused {
    child: Running,
    gate: GatePage,
    command: String,
}

impl Paused {
    /// Forks a child for `argv` that waits at the gate.
    ///
    /// The program is looked up as `execvp` does, but before the fork: the child makes one exec, not one for each
    /// directory of `PATH`.
    ///
    /// # Errors
    /// When the program is not found or not executable ([`SpawnError::exit_code`] tells them apart), an argument
    /// holds a NUL byte, or the system has no room for another process.
    pub fn spawn(argv: &[OsString], options: &Options) -> Result<Self, SpawnError> {
        let command = argv.first().map(|arg| arg.to_string_lossy().into_owned()).unwrap_or_default();
        let fail = |act, errno| SpawnError { act, object: command.clone(), errno };
        let program = argv.first().ok_or_else(|| fail(RUN, Errno::ENOENT))?;
        let path = look_up(Path::new(program)).map_err(|errno| fail(RUN, errno))?;
        let image = Image::new(&path, argv).ok_or_else(|| fail(RUN, Errno::EINVAL))?;
        let gate = GatePage::new().map_err(|errno| fail("map memory for", errno))?;
        let pid = fork(&image, &gate, options).map_err(|errno| fail("fork for", errno))?;
        let mut child = Running { pid, pidfd: pidfd_open(pid), status: None };
        while gate.gate().stage.load(Ordering::Acquire) == STAGE_BEGIN && !has_ended(pid) {
            futex_wait(&gate.gate().stage, STAGE_BEGIN);
        }
        if gate.gate().stage.load(Ordering::Acquire) == STAGE_BEGIN {
            let _ = child.try_wait();
            return Err(fail("prepare a child for", Errno::ECHILD));
        }
        Ok(Self { child, gate, command })
    }

    /// The child's process id; also the command's, once released.
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Opens the gate and waits for the exec to pass its point of no return.
    ///
    /// `/proc/PID/exe` and `comm` may be the old ones for another moment.
    ///
    /// # Errors
    /// When the exec (or the preparation before it) failed; the child is gone then.
    pub fn release(self) -> Result<Running, SpawnError> {
        let mut launched = self.release_now();
        loop {
            if let Some(outcome) = launched.outcome() {
                return outcome.map(|()| launched.into_running());
            }
            let alive = launched.gate.gate().alive.load(Ordering::Acquire);
            if alive & libc::FUTEX_OWNER_DIED == 0 {
                futex_wait(&launched.gate.gate().alive, alive);
            }
        }
    }

    /// Opens the gate without waiting for the exec: for a tracer, which has to let the child go on meanwhile.
    pub fn release_now(mut self) -> Launched {
        self.gate.open(GO);
        // What is left in `self` is a child already reaped and a page nobody waits at: its drop does nothing.
        let child =
            Running { pid: self.child.pid, pidfd: self.child.pidfd.take(), status: self.child.status.take() };
        self.child.status = Some(ExitStatus::from_raw(0));
        Launched { child, gate: self.gate.share(), command: std::mem::take(&mut self.command) }
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        if self.child.status.is_none() {
            self.gate.open(GIVE_UP);
            // It may be stopped (by the terminal) and not see the gate.
            let _ = self.child.kill(libc::SIGKILL);
            let _ = self.child.wait();
        }
    }
}

/// A child whose gate is open and whose exec may not have happened yet.
#[derive(Debug)]
pub struct Launched {
    child: Running,
    gate: GatePage,
    command: String,
}

impl Launched {
    /// The child's process id.
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// What has become of the exec: `None` while it has not been reached.
    pub fn outcome(&mut self) -> Option<Result<(), SpawnError>> {
        let gate = self.gate.gate();
        let gone = gate.alive.load(Ordering::Acquire) & libc::FUTEX_OWNER_DIED != 0;
        let errno = gate.errno.load(Ordering::Acquire);
        if errno != 0 {
            let act = match gate.stage.load(Ordering::Acquire) {
                STAGE_NNP => "set no_new_privs for",
                STAGE_SECCOMP => "install the seccomp filter for",
                _ => RUN,
            };
            let _ = self.child.try_wait();
            return Some(Err(SpawnError {
                act,
                object: self.command.clone(),
                errno: Errno::from_raw(errno),
            }));
        }
        // A child killed before its exec counts as one that ran: its status tells.
        (gone || has_ended(self.child.pid)).then_some(Ok(()))
    }

    /// The child, to be waited for.
    pub fn into_running(self) -> Running {
        self.child
    }
}

/// A command that runs.
#[derive(Debug)]
pub struct Running {
    pid: libc::pid_t,
    pidfd: Option<OwnedFd>,
    status: Option<ExitStatus>,
}

impl Running {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid.unsigned_abs()
    }

    /// A descriptor that polls readable when it has ended; `None` on kernels before 5.3.
    pub fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        self.pidfd.as_ref().map(AsFd::as_fd)
    }

    /// Its status if it has ended. Does not wait.
    ///
    /// # Errors
    /// When the child cannot be waited for, since something else has reaped it.
    pub fn try_wait(&mut self) -> std::io::Result<Option<ExitStatus>> {
        self.reap(libc::WNOHANG)
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// As [`Running::try_wait`].
    pub fn wait(&mut self) -> std::io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.reap(0)? {
                return Ok(status);
            }
        }
    }

    /// Takes note of a status that a tracer's own wait has collected.
    pub fn reaped(&mut self, status: ExitStatus) {
        self.status = Some(status);
    }

    /// Sends it a signal; does nothing when it has been reaped.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn kill(&self, signal: i32) -> std::io::Result<()> {
        if self.status.is_some() {
            return Ok(());
        }
        // SAFETY: plain system call. The pid is our child and not reaped, so that it cannot mean anybody else.
        match unsafe { libc::kill(self.pid, signal) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        }
    }

    fn reap(&mut self, flags: libc::c_int) -> std::io::Result<Option<ExitStatus>> {
        if self.status.is_some() {
            return Ok(self.status);
        }
        let mut raw = 0;
        // SAFETY: `raw` is a live c_int for the kernel to write.
        match unsafe { libc::waitpid(self.pid, &raw mut raw, flags) } {
            0 => {}
            -1 => match Errno::last() {
                Errno::EINTR => {}
                errno => return Err(errno.into()),
            },
            _ => self.status = Some(ExitStatus::from_raw(raw)),
        }
        Ok(self.status)
    }
}

const WAIT: u32 = 0;
const GO: u32 = 1;
const GIVE_UP: u32 = 2;

const STAGE_BEGIN: u32 = 0;
const STAGE_GATE: u32 = 1;
const STAGE_NNP: u32 = 2;
const STAGE_SECCOMP: u32 = 3;
const STAGE_EXEC: u32 = 4;

/// What both sides share. The layout of the last four is `struct robust_list_head` and `struct robust_list`
/// (linux/futex.h).
#[repr(C)]
struct Gate {
    go: AtomicU32,
    alive: AtomicU32,
    errno: AtomicI32,
    stage: AtomicU32,
    robust_first: AtomicUsize,
    robust_futex_offset: AtomicUsize,
    robust_pending: AtomicUsize,
    robust_entry: AtomicUsize,
}

const _: () = assert!(offset_of!(Gate, robust_futex_offset) == offset_of!(Gate, robust_first) + 8);
const _: () = assert!(offset_of!(Gate, robust_pending) == offset_of!(Gate, robust_first) + 16);
#[cfg(not(target_pointer_width = "64"))]
compile_error!("kernscope supports 64-bit Linux only");

/// The shared mapping that holds a [`Gate`].
#[derive(Debug)]
struct GatePage(std::sync::Arc<Mapping>);

#[derive(Debug)]
struct Mapping(ptr::NonNull<Gate>);

// SAFETY: the mapping holds atomics only, and is unmapped by its last owner.
unsafe impl Send for Mapping {}
// SAFETY: as above; all access is through atomics.
unsafe impl Sync for Mapping {}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the address and length are those of the mapping made in `GatePage::new`; nobody else holds it.
        unsafe { libc::munmap(self.0.as_ptr().cast(), size_of::<Gate>()) };
    }
}

impl GatePage {
    fn new() -> Result<Self, Errno> {
        // SAFETY: a fresh anonymous mapping; no memory of ours is touched.
        let page = unsafe {
            libc::mmap(
                ptr::null_mut(),
                size_of::<Gate>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if page == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        let page = ptr::NonNull::new(page.cast()).ok_or(Errno::ENOMEM)?;
        Ok(Self(std::sync::Arc::new(Mapping(page))))
    }

    fn share(&self) -> Self {
        Self(self.0.clone())
    }

    fn gate(&self) -> &Gate {
        // SAFETY: mapped and aligned (a page), zero-filled, which is a value of every field; lives as long as
        // `self`; both sides use atomics only.
        unsafe { self.0.0.as_ref() }
    }

    fn open(&self, how: u32) {
        let go = &self.gate().go;
        go.store(how, Ordering::Release);
        futex_wake(go);
    }
}

fn futex_wake(word: &AtomicU32) {
    // SAFETY: FUTEX_WAKE reads nothing but the address, which is that of a live futex word.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, i32::MAX) };
}

/// Waits until `word` is no longer `expected`, or for [`GLANCE_NS`].
fn futex_wait(word: &AtomicU32, expected: u32) {
    let timeout = libc::timespec { tv_sec: 0, tv_nsec: GLANCE_NS };
    // SAFETY: the word and the timeout are live; the mapping is shared, so is the futex.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, expected, &raw const timeout) };
}

/// All that the child needs for its exec, made before the fork: after it, allocating is not safe.
struct Image {
    path: CString,
    _strings: Vec<CString>,
    argv: Vec<*const libc::c_char>,
    /// Descriptors of ours: closed at once, so that the exec has none of them to close.
    ours: Vec<i32>,
    shell_argv: Vec<*const libc::c_char>,
}

impl Image {
    fn new(path: &Path, argv: &[OsString]) -> Option<Self> {
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
fn look_up(program: &Path) -> Result<std::path::PathBuf, Errno> {
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

fn fork(image: &Image, gate: &GatePage, options: &Options) -> Result<libc::pid_t, Errno> {
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
    if options.no_new_privs {
        // SAFETY: plain system call; unused arguments have to be zero.
        let done = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1_u64, 0_u64, 0_u64, 0_u64) };
        check(gate, STAGE_NNP, done);
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

/// Whether a child has ended, without reaping it.
fn has_ended(pid: libc::pid_t) -> bool {
    // SAFETY: an all-zero siginfo_t is valid, and live for the kernel to write.
    unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        libc::waitid(libc::P_PID, pid.unsigned_abs(), &raw mut info, flags) == 0 && info.si_pid() == pid
    }
}

fn pidfd_open(pid: libc::pid_t) -> Option<OwnedFd> {
    // SAFETY: plain system call; a result that is not negative is a new descriptor that nobody else owns. It is
    // close-on-exec by definition (pidfd_open(2)).
    unsafe {
        let fd = libc::syscall(libc::SYS_pidfd_open, pid, 0);
        i32::try_from(fd).ok().filter(|&fd| fd >= 0).map(|fd| OwnedFd::from_raw_fd(fd))
    }
}
