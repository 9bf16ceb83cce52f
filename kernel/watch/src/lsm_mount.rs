//! Mounts: with them a file gets another path. All or none, as the policy says.

use crate::lsm::{REFUSED, held, tell_refused};
use aya_ebpf::{macros::lsm, programs::LsmContext};
use kernscope_abi::{DENY_MOUNT, paths::policy};

#[inline(always)]
fn refuse_mount() -> i32 {
    match held() {
        Some((_, word)) if word & policy::NO_MOUNT != 0 => {
            tell_refused(DENY_MOUNT, 0);
            REFUSED
        }
        _ => 0,
    }
}

macro_rules! mount_hook {
    ($program:ident, $hook:literal) => {
        #[lsm(hook = $hook)]
        pub fn $program(_ctx: LsmContext) -> i32 {
            refuse_mount()
        }
    };
}

mount_hook!(lsm_sb_mount, "sb_mount");
mount_hook!(lsm_sb_umount, "sb_umount");
mount_hook!(lsm_sb_pivotroot, "sb_pivotroot");
mount_hook!(lsm_move_mount, "move_mount");
