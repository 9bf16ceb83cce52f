//! Processes that are not watched: who traces one, or writes its memory, could have it do what is denied.

use crate::candidate::is_candidate;
use crate::lsm::{REFUSED, argument, held, tell_refused};
use crate::maps::{WATCHED, config_flag, off};
use crate::read::kernel;
use aya_ebpf::{macros::lsm, programs::LsmContext};
use kernscope_abi::{DENY_TRACE, layout::CONFIG_ALL, paths::policy};

/// `PTRACE_MODE_ATTACH` (include/linux/ptrace.h); looking into `/proc` asks for less.
const ATTACH: u64 = 2;

#[lsm(hook = "ptrace_access_check")]
pub fn lsm_ptrace_access_check(ctx: LsmContext) -> i32 {
    if argument(&ctx, 1) & ATTACH == 0 || config_flag(CONFIG_ALL) {
        return 0;
    }
    let pid = kernel::<u32>(argument(&ctx, 0) + off!(task_tgid) as u64);
    match held() {
        // SAFETY: copied out at once.
        Some((_, word))
            if word & policy::NO_TRACE != 0
                && unsafe { WATCHED.get(pid) }.copied().is_none_or(|known| is_candidate(&known)) =>
        {
            tell_refused(DENY_TRACE, pid as u64);
            REFUSED
        }
        _ => 0,
    }
}
