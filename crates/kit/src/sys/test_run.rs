//! Running a program without a hook.

use super::{addr, bpf, raw};
use std::io;
use std::os::fd::BorrowedFd;

const PROG_TEST_RUN: libc::c_int = 10;

/// Arguments and results of `BPF_PROG_TEST_RUN`; the layout is the kernel's.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "the names are the kernel's")]
pub struct TestRun {
    pub prog_fd: u32,
    pub retval: u32,
    pub data_size_in: u32,
    pub data_size_out: u32,
    pub data_in: u64,
    pub data_out: u64,
    pub repeat: u32,
    pub duration: u32,
    pub ctx_size_in: u32,
    pub ctx_size_out: u32,
    pub ctx_in: u64,
    pub ctx_out: u64,
    pub flags: u32,
    pub cpu: u32,
}

const _: () = assert!(size_of::<TestRun>() == 72);

/// Runs a program as `attr` says.
///
/// # Safety
/// The addresses in `attr` are zero or valid for the sizes beside them: `*_in` readable, `*_out` writable; `ctx_in` of
/// a syscall program is writable too.
///
/// # Errors
/// The errno of `BPF_PROG_TEST_RUN`.
pub unsafe fn test_run(prog: BorrowedFd<'_>, attr: &mut TestRun) -> io::Result<()> {
    attr.prog_fd = raw(prog);
    // SAFETY: the caller's promise.
    unsafe { bpf(PROG_TEST_RUN, attr).map(drop) }
}

/// Runs a program once on `data` and returns what it returned.
///
/// # Errors
/// The errno of `BPF_PROG_TEST_RUN`.
pub fn prog_test_run(prog: BorrowedFd<'_>, data: &[u8]) -> io::Result<u32> {
    let mut attr = TestRun::default();
    if !data.is_empty() {
        attr.data_size_in = data.len() as u32;
        attr.data_in = addr(data);
        attr.repeat = 1;
    }
    // SAFETY: the data outlives the call and is read only; no output is asked for.
    unsafe { test_run(prog, &mut attr)? };
    Ok(attr.retval)
}
