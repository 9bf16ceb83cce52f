//! Programs and their BTF: loaded, with what the verifier said.

use super::{addr, bpf_fd, raw};
use crate::asm::Insn;
use std::ffi::CStr;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

const PROG_LOAD: libc::c_int = 5;
const BTF_LOAD: libc::c_int = 18;
const BTF_GET_FD_BY_ID: libc::c_int = 19;

/// `BPF_LOG_LEVEL1`: every instruction that the verifier looks at.
const LOG_TRACE: u32 = 1;
/// `BPF_LOG_STATS`: what is wrong, and counts; costs nothing.
const LOG_STATS: u32 = 4;
/// Bytes of log that statistics fit in: one line for each number, one number for each function.
const STATS_BYTES: usize = 4 * 1024;
/// Bytes of log for a trace, at first and at most. Kernels before 5.2 took just less than 16 MiB.
const LOG_BYTES: usize = 64 * 1024;
const LOG_BYTES_MAX: usize = 16 * 1024 * 1024 - 1;
/// Times a load is tried again after `EAGAIN` (a signal interrupted the verifier).
const LOAD_TRIES: u32 = 5;

/// A licence that lets a program call the helpers reserved for GPL programs.
pub const LICENSE: &CStr = c"Dual MIT/GPL";

/// What is loaded and for what.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// `enum bpf_prog_type`.
    pub prog_type: u32,
    /// `enum bpf_attach_type`.
    pub expected_attach_type: u32,
    /// `BPF_F_*`.
    pub flags: u32,
    /// Type in the kernel's BTF (or in that of `attach_prog`) that the program attaches to.
    pub attach_btf_id: u32,
    /// Program that this one extends.
    pub attach_prog: Option<BorrowedFd<'a>>,
    /// The program's own BTF, with one `(instruction, type id)` for each function.
    pub func_info: Option<(BorrowedFd<'a>, &'a [[u32; 2]])>,
    /// Name, as [`super::name`] makes it; all zero for none.
    pub name: [u8; 16],
    /// The instructions.
    pub insns: &'a [Insn],
}

impl<'a> Program<'a> {
    /// A program of a type that needs nothing else.
    pub fn new(prog_type: u32, insns: &'a [Insn]) -> Self {
        Self {
            prog_type,
            expected_attach_type: 0,
            flags: 0,
            attach_btf_id: 0,
            attach_prog: None,
            func_info: None,
            name: [0; 16],
            insns,
        }
    }

    /// The kernel's arguments, without a log.
    fn attr(&self) -> ProgLoad {
        let mut attr = ProgLoad {
            prog_type: self.prog_type,
            insn_cnt: self.insns.len() as u32,
            insns: addr(self.insns),
            license: LICENSE.as_ptr() as u64,
            prog_flags: self.flags,
            prog_name: self.name,
            expected_attach_type: self.expected_attach_type,
            attach_btf_id: self.attach_btf_id,
            attach_prog_fd: self.attach_prog.map_or(0, raw),
            ..ProgLoad::default()
        };
        if let Some((btf, funcs)) = self.func_info {
            attr.prog_btf_fd = raw(btf);
            attr.func_info_rec_size = size_of::<[u32; 2]>() as u32;
            attr.func_info = addr(funcs);
            attr.func_info_cnt = funcs.len() as u32;
        }
        attr
    }
}

/// A load that failed.
#[derive(Debug)]
pub struct LoadError {
    /// The errno.
    pub err: io::Error,
    /// What the verifier wrote; empty when the program did not get that far.
    pub log: String,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct ProgLoad {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    prog_flags: u32,
    prog_name: [u8; 16],
    prog_ifindex: u32,
    expected_attach_type: u32,
    prog_btf_fd: u32,
    func_info_rec_size: u32,
    func_info: u64,
    func_info_cnt: u32,
    line_info_rec_size: u32,
    line_info: u64,
    line_info_cnt: u32,
    attach_btf_id: u32,
    attach_prog_fd: u32,
    core_relo_cnt: u32,
    fd_array: u64,
    core_relos: u64,
    core_relo_rec_size: u32,
    /// Bytes of log that there would have been; written by the kernel from 6.4 on.
    log_true_size: u32,
}

const _: () = assert!(size_of::<ProgLoad>() == 144);

/// Loads a program; on failure loads it again to get the whole of the verifier's log.
///
/// A load that succeeds is one system call, and gives the verifier's statistics too: what it writes at the lowest
/// level of its log.
///
/// # Errors
/// The errno of the first attempt, and the log of a second, as long as it takes up to 16 MiB.
pub fn prog_load_told(program: &Program<'_>) -> Result<(OwnedFd, String), LoadError> {
    let mut log = vec![0; STATS_BYTES];
    match attempt(program, LOG_STATS, &mut log).0 {
        Ok(fd) => Ok((fd, text(&log))),
        // Its functions are so many that the numbers did not fit.
        Err(err) if err.raw_os_error() == Some(libc::ENOSPC) => {
            prog_load(program).map(|fd| (fd, String::new()))
        }
        // A trace up to a limit of the verifier's is as long as the limit is high, and tells nothing more.
        Err(err) if err.raw_os_error() == Some(libc::E2BIG) => Err(LoadError { err, log: text(&log) }),
        Err(err) => Err(LoadError { err, log: trace(program).unwrap_or_else(|| text(&log)) }),
    }
}

/// As [`prog_load_told`], without the statistics.
///
/// # Errors
/// As there.
pub fn prog_load(program: &Program<'_>) -> Result<OwnedFd, LoadError> {
    let outcome = attempt(program, 0, &mut []).0;
    outcome.map_err(|err| LoadError { err, log: trace(program).unwrap_or_default() })
}

/// One load, again while a signal gets in the way; and the bytes of log there would have been, where the kernel tells.
fn attempt(program: &Program<'_>, log_level: u32, log: &mut [u8]) -> (io::Result<OwnedFd>, usize) {
    let mut attr = program.attr();
    if !log.is_empty() {
        attr.log_level = log_level;
        attr.log_size = log.len() as u32;
        attr.log_buf = log.as_mut_ptr() as u64;
    }
    let mut tries = LOAD_TRIES;
    loop {
        // SAFETY: instructions, licence and function records outlive the call and are only read; the log is writable
        // for `log_size` bytes.
        match unsafe { bpf_fd(PROG_LOAD, &mut attr) } {
            Err(err) if err.raw_os_error() == Some(libc::EAGAIN) && tries > 0 => tries -= 1,
            outcome => return (outcome, attr.log_true_size as usize),
        }
    }
}

/// The log of a load that fails. Should it load this time, the descriptor is dropped at once.
fn trace(program: &Program<'_>) -> Option<String> {
    let mut log = vec![0; LOG_BYTES];
    if let (Err(err), wanted) = attempt(program, LOG_TRACE, &mut log)
        && err.raw_os_error() == Some(libc::ENOSPC)
    {
        let bytes = if wanted == 0 { LOG_BYTES_MAX } else { wanted.min(LOG_BYTES_MAX) };
        log = vec![0; bytes];
        let _same = attempt(program, LOG_TRACE, &mut log);
    }
    Some(text(&log)).filter(|log| !log.is_empty())
}

/// A log up to its first NUL.
fn text(log: &[u8]) -> String {
    let len = log.iter().position(|&byte| byte == 0).unwrap_or(log.len());
    String::from_utf8_lossy(&log[..len]).into_owned()
}

/// Opens BTF that is in the kernel.
///
/// # Errors
/// The errno of `BPF_BTF_GET_FD_BY_ID`.
pub fn btf_by_id(id: u32) -> io::Result<OwnedFd> {
    let mut attr = [id, 0, 0];
    // SAFETY: three `u32` are the whole struct of this command; it returns a new descriptor.
    unsafe { bpf_fd(BTF_GET_FD_BY_ID, &mut attr) }
}

/// Loads a BTF blob.
///
/// # Errors
/// The errno of `BPF_BTF_LOAD`.
pub fn btf_load(blob: &[u8]) -> io::Result<OwnedFd> {
    #[repr(C)]
    struct BtfLoad {
        btf: u64,
        log_buf: u64,
        size: u32,
        log_size: u32,
        log_level: u32,
        pad: u32,
    }
    let mut attr =
        BtfLoad { btf: addr(blob), log_buf: 0, size: blob.len() as u32, log_size: 0, log_level: 0, pad: 0 };
    // SAFETY: the blob outlives the call and is read only.
    unsafe { bpf_fd(BTF_LOAD, &mut attr) }
}
