//! Running a loaded program without a hook: `BPF_PROG_TEST_RUN`.
//!
//! What a program sees depends on its type, and is not what it sees on its hook in every respect:
//!
//! - XDP and tc get `data` as a frame, Ethernet header first.
//! - A socket filter gets `data` *without* its first 14 bytes: the kernel takes them for the Ethernet header and moves
//!   past it (`bpf_prog_test_run_skb`, `net/bpf/test_run.c`).
//! - Frames have at least 14 bytes, and fit a page with head and tail room: up to 3,500 bytes are always taken.
//! - A raw tracepoint gets `ctx` as its arguments; a syscall program gets `ctx`, and what it writes there comes back.
//!   Neither can be repeated in one call.

use super::{Loaded, UseError};
use crate::program::ProgramType;
use crate::sys;
use std::os::fd::AsFd;

/// How to run.
#[derive(Clone, Copy, Debug, Default)]
pub struct TestRun<'a> {
    /// The frame.
    pub data: &'a [u8],
    /// The context: `struct xdp_md`, `struct __sk_buff`, the arguments of a tracepoint or of a syscall program. Empty
    /// for the kernel's own.
    pub ctx: &'a [u8],
    /// Runs; zero is one.
    pub repeat: u32,
    /// Whether frame and context are wanted back.
    pub output: bool,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestResult {
    /// What the last run returned.
    pub retval: u32,
    /// The frame after the last run, if it was wanted.
    pub data_out: Vec<u8>,
    /// The context after the last run, if it was wanted and given.
    pub ctx_out: Vec<u8>,
    /// Nanoseconds a run, on average, as the kernel measures it; zero where it does not.
    pub duration_ns: u32,
}

/// Room that is left for a frame that grows, bytes.
const GROWTH: usize = 256;

impl Loaded {
    /// Runs the program in this process, without attaching it.
    ///
    /// # Errors
    /// The errno of `BPF_PROG_TEST_RUN`: `EINVAL` for a frame too short or long, `ENOTSUPP` (524) for a type of program
    /// that the kernel cannot run so.
    ///
    /// # Minimum kernel
    /// 4.12 for packets, 5.10 for raw tracepoints, 5.14 for syscall programs; a context for XDP from 5.15.
    pub fn test_run(&self, run: &TestRun<'_>) -> Result<TestResult, UseError> {
        let is_called = matches!(self.program_type(), ProgramType::RawTracepoint | ProgramType::Syscall);
        let mut ctx = run.ctx.to_vec();
        let mut result = TestResult::default();
        let mut attr = sys::TestRun {
            data_size_in: run.data.len() as u32,
            data_in: if run.data.is_empty() { 0 } else { run.data.as_ptr() as u64 },
            ctx_size_in: ctx.len() as u32,
            ctx_in: if ctx.is_empty() { 0 } else { ctx.as_mut_ptr() as u64 },
            repeat: if is_called { 0 } else { run.repeat.max(1) },
            ..sys::TestRun::default()
        };
        if run.output && !is_called {
            result.data_out = vec![0; run.data.len() + GROWTH];
            result.ctx_out = vec![0; ctx.len()];
            (attr.data_out, attr.data_size_out) =
                (result.data_out.as_mut_ptr() as u64, result.data_out.len() as u32);
            if !ctx.is_empty() {
                (attr.ctx_out, attr.ctx_size_out) = (result.ctx_out.as_mut_ptr() as u64, ctx.len() as u32);
            }
        }
        // SAFETY: all buffers outlive the call and have the sizes stated beside them; `ctx` is ours to be written to.
        unsafe { sys::test_run(self.as_fd(), &mut attr) }
            .map_err(|err| UseError::new("test run", self.name(), err))?;
        result.data_out.truncate(attr.data_size_out as usize);
        result.ctx_out.truncate(attr.ctx_size_out as usize);
        if run.output && self.program_type() == ProgramType::Syscall {
            result.ctx_out = ctx;
        }
        (result.retval, result.duration_ns) = (attr.retval, attr.duration);
        Ok(result)
    }
}
