//! Execs: the binary, the script, each interpreter. A memfd has no path, and where anything is denied it is, too.

use crate::lsm::{EXECUTES, argument, is_held, refuse, verdict};
use crate::lsm_file::place_of;
use crate::maps::off;
use crate::read::word;
use aya_ebpf::{macros::lsm, programs::LsmContext};
use kernscope_abi::DENY_EXEC;

#[lsm(hook = "bprm_check_security")]
pub fn lsm_bprm_check_security(ctx: LsmContext) -> i32 {
    if !is_held() {
        return 0;
    }
    let file = word(argument(&ctx, 0) + off!(bprm_file) as u64);
    let (mnt, dentry) = place_of(file);
    verdict(refuse(DENY_EXEC, EXECUTES, mnt, dentry, 0))
}
