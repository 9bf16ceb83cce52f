//! What follows the programs that count the bytes of a call. Each goes on to the next by a tail call, which returns only where there
//! is none.

use crate::dns;
use crate::maps::{EXIT_CALLS, config_flag};
use crate::stdio;
use aya_ebpf::programs::BtfTracePointContext;
use kernscope_abi::layout::{CONFIG_CONTENT, exit_call};

/// Goes on with what tells or judges the bytes that the call in progress moved through a file.
#[inline(always)]
pub(crate) fn go_on(ctx: &BtfTracePointContext, file: u64) {
    if stdio::concerns(file) {
        // SAFETY: the host fills the entry before anything is attached.
        unsafe { EXIT_CALLS.tail_call(ctx, exit_call::STDIO) };
    }
    if dns::concerns(file) {
        // SAFETY: the host fills the entry before anything is attached, if it can; else this does nothing.
        unsafe { EXIT_CALLS.tail_call(ctx, exit_call::DNS) };
    }
    hand_on(ctx);
}

/// Goes on with the judge, if there are rules. Returns as well where the kernel allows no more tail calls.
#[inline(always)]
pub(crate) fn hand_on(ctx: &BtfTracePointContext) {
    if config_flag(CONFIG_CONTENT) {
        // SAFETY: the host fills the entry before anything is attached.
        unsafe { EXIT_CALLS.tail_call(ctx, exit_call::CONTENT) };
    }
}
