//! The path by which everybody knows a file that was reached through another mount: a bind mount, a mount namespace, a detached tree.
//!
//! A file system keeps its mounts in the order in which they were made. What is mounted first is what people mean by a path, and
//! what patterns are written for.

use crate::maps::{member, off};
use crate::read::{kernel, word};
use aya_ebpf::helpers::generated::bpf_get_current_task;
use kernscope_abi::layout::ABSENT;

/// Mounts of a file system that are looked at.
const MOUNTS: usize = 64;
/// `MNT_INTERNAL` (include/linux/mount.h): mounts of the kernel's own, which no name leads to.
pub(crate) const MNT_INTERNAL: u32 = 0x4000;

/// The first of all mounts of the file system that a `struct mount` is of, as a `struct vfsmount`; 0 when it is that one, or not
/// found.
#[inline(always)]
pub(crate) fn first_mount(mount: u64) -> u64 {
    let sb: u64 = member!(mount + off!(mount_mnt) as u64, vfsmount, mnt_sb);
    let first =
        if off!(mount_next_for_sb) != ABSENT as usize { last_of_chain(mount, sb) } else { first_of_list(sb) };
    if first == mount || first == 0 { 0 } else { first + off!(mount_mnt) as u64 }
}

/// The first of all mounts of the file system that an entry is in, as a `struct vfsmount`; 0 when it is not found.
#[inline(always)]
pub(crate) fn first_mount_of(dentry: u64) -> u64 {
    let sb = word(dentry + off!(dentry_sb) as u64);
    let first = if off!(mount_next_for_sb) != ABSENT as usize {
        walk_chain(word(sb + off!(sb_mounts) as u64))
    } else {
        first_of_list(sb)
    };
    if first == 0 { 0 } else { first + off!(mount_mnt) as u64 }
}

/// Whether a name leads to a `struct mount`.
#[inline(always)]
fn is_named(mount: u64) -> bool {
    kernel::<u32>(mount + off!(mount_mnt) as u64 + off!(mnt_flags) as u64) & MNT_INTERNAL == 0
}

/// Up to 6.17: a list, the oldest in front.
#[inline(always)]
fn first_of_list(sb: u64) -> u64 {
    let mut entry = word(sb + off!(sb_mounts) as u64);
    // The kernel's own mount, if there is one, comes before all others.
    for _ in 0..2 {
        let mount = entry.wrapping_sub(off!(mount_instance) as u64);
        if is_named(mount) {
            return mount;
        }
        entry = word(entry);
    }
    0
}

/// From 6.18 on: a chain, the newest in front. Mostly a file is on the last one, and that is seen at once.
#[inline(always)]
fn last_of_chain(mount: u64, sb: u64) -> u64 {
    if word(mount + off!(mount_next_for_sb) as u64) == 0 {
        return mount;
    }
    walk_chain(word(sb + off!(sb_mounts) as u64))
}

/// The last named mount of a chain; 0 when that is not among the first ones.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn walk_chain(first: u64) -> u64 {
    let (mut mount, mut found) = (first, 0);
    for _ in 0..MOUNTS {
        if mount == 0 {
            return found;
        }
        if is_named(mount) {
            found = mount;
        }
        mount = word(mount + off!(mount_next_for_sb) as u64);
    }
    0
}

/// Whether the topmost mount of a walk is in the mount namespace of the current task. Detached trees are in none, or in one of their own.
#[inline(always)]
pub(crate) fn is_own(mount: u64) -> bool {
    // SAFETY: no arguments.
    let task = unsafe { bpf_get_current_task() };
    let own = word(word(task + off!(task_nsproxy) as u64) + off!(nsproxy_mnt) as u64);
    own != 0 && word(mount + off!(mount_ns) as u64) == own
}
