//! Calls that change names, lengths and attributes.

use crate::lsm::{NO_MOUNT_TOLD, WRITES, argument, is_held, refuse, refuse_name, verdict};
use crate::maps::off;
use crate::other_mount::first_mount_of;
use crate::read::kernel;
use crate::walk::{dentry_of, mnt_of};
use aya_ebpf::{macros::lsm, programs::LsmContext};
use kernscope_abi::{DENY_ATTRIBUTES, DENY_LINK, DENY_MAKE, DENY_RENAME, DENY_TRUNCATE, DENY_UNLINK};

/// Hooks with the directory (a `struct path`) and the entry in it.
macro_rules! entry_hook {
    ($program:ident, $hook:literal, $what:expr) => {
        #[lsm(hook = $hook)]
        pub fn $program(ctx: LsmContext) -> i32 {
            verdict(refuse($what, WRITES, mnt_of(argument(&ctx, 0)), argument(&ctx, 1), 0))
        }
    };
}

/// Hooks with the object (a `struct path`).
macro_rules! path_hook {
    ($program:ident, $hook:literal, $what:expr) => {
        #[lsm(hook = $hook)]
        pub fn $program(ctx: LsmContext) -> i32 {
            let path = argument(&ctx, 0);
            verdict(refuse($what, WRITES, mnt_of(path), dentry_of(path), 0))
        }
    };
}

entry_hook!(lsm_path_unlink, "path_unlink", DENY_UNLINK);
entry_hook!(lsm_path_rmdir, "path_rmdir", DENY_UNLINK);
entry_hook!(lsm_path_mkdir, "path_mkdir", DENY_MAKE);
entry_hook!(lsm_path_mknod, "path_mknod", DENY_MAKE);
entry_hook!(lsm_path_symlink, "path_symlink", DENY_MAKE);
path_hook!(lsm_path_truncate, "path_truncate", DENY_TRUNCATE);
path_hook!(lsm_path_chmod, "path_chmod", DENY_ATTRIBUTES);
path_hook!(lsm_path_chown, "path_chown", DENY_ATTRIBUTES);

#[lsm(hook = "path_rename")]
pub fn lsm_path_rename(ctx: LsmContext) -> i32 {
    let (old_dir, new_dir) = (mnt_of(argument(&ctx, 0)), mnt_of(argument(&ctx, 2)));
    verdict(refuse_name(DENY_RENAME, old_dir, argument(&ctx, 1), new_dir, argument(&ctx, 3)))
}

/// The old name lies on the mount of the new one: links do not cross mounts.
#[lsm(hook = "path_link")]
pub fn lsm_path_link(ctx: LsmContext) -> i32 {
    let mnt = mnt_of(argument(&ctx, 1));
    verdict(refuse_name(DENY_LINK, mnt, argument(&ctx, 0), mnt, argument(&ctx, 2)))
}

/// `ATTR_UID | ATTR_GID` (include/linux/fs.h).
const OWNER: u32 = 1 << 1 | 1 << 2;

/// Changes of owner on 5.10, which refuses programs on `path_chown`: there is an entry and no mount.
#[lsm(hook = "inode_setattr")]
pub fn lsm_inode_setattr(ctx: LsmContext) -> i32 {
    if !is_held() {
        return 0;
    }
    let (dentry, attributes) = (argument(&ctx, 0), argument(&ctx, 1));
    let valid = kernel::<u32>(attributes + off!(iattr_valid) as u64);
    let mnt = first_mount_of(dentry);
    if valid & OWNER == 0 || mnt == 0 {
        return 0;
    }
    verdict(refuse(DENY_ATTRIBUTES, WRITES, mnt, dentry, NO_MOUNT_TOLD))
}
