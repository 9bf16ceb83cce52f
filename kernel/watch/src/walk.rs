//! From a dentry to the root of its mount namespace.

use crate::event::{LAST_START, plain, scratch, section};
use crate::maps::off;
use crate::read::{kernel, word};
use aya_ebpf::helpers::generated::bpf_probe_read_kernel_str;
use core::mem::size_of;
use kernscope_abi::{MAX_COMPONENTS, MAX_PATH, SECF_DELETED, SECF_DISCONNECTED, SECF_TRUNCATED, Section};

/// Longest name in a directory, NUL included.
const NAME_BYTES: u32 = 256;

/// Adds the walk from (`mnt`, `dentry`) as a section; returns where the next one starts.
///
/// Names go from leaf to root, each followed by NUL; the host turns them round.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn walk(family: u32, pos: u32, tag: u32, mnt: u64, dentry: u64) -> u32 {
    let Some(buffer) = scratch(family) else { return pos };
    let from = plain(pos);
    if from > LAST_START as u64 {
        return pos;
    }
    // SAFETY: room for a section of MAX_PATH bytes and one more name behind LAST_START.
    let at = unsafe { buffer.add(from as usize) };
    let names = unsafe { at.add(size_of::<Section>()) };
    let mut flags = SECF_TRUNCATED;
    // The length so far lives in the buffer: there the verifier knows nothing of it, so that all ways to one round
    // of the loop look the same to it. In a register its bounds would tell them apart, and each would be followed.
    let len_slot = unsafe { &raw mut (*at.cast::<Section>()).len };
    unsafe { len_slot.write_unaligned(0) };
    let mut mount = mnt.wrapping_sub(off!(mount_mnt) as u64);
    let mut root = word(mnt + off!(vfsmount_root) as u64);
    let mut node = dentry;
    if node != root
        && word(node + off!(dentry_hash_pprev) as u64) == 0
        && word(node + off!(dentry_parent) as u64) != node
    {
        flags |= SECF_DELETED;
    }
    for _ in 0..MAX_COMPONENTS {
        if node == root {
            let above = word(mount + off!(mount_parent) as u64);
            if above == mount || above == 0 {
                flags &= !SECF_TRUNCATED;
                break;
            }
            node = word(mount + off!(mount_mountpoint) as u64);
            mount = above;
            root = word(mount + (off!(mount_mnt) + off!(vfsmount_root)) as u64);
            continue;
        }
        let parent = word(node + off!(dentry_parent) as u64);
        let name = word(node + off!(dentry_name) as u64);
        let len = unsafe { len_slot.read_volatile() };
        let at = plain(len as u32);
        if at > MAX_PATH as u64 - NAME_BYTES as u64 {
            break;
        }
        // SAFETY: `at` leaves room for a name, checked above.
        let got =
            unsafe { bpf_probe_read_kernel_str(names.add(at as usize).cast(), NAME_BYTES, name as *const _) };
        if got > 0 && got <= NAME_BYTES as i64 {
            unsafe { len_slot.write_volatile(len + got as u16) };
        }
        if parent == node || parent == 0 {
            flags = (flags & !SECF_TRUNCATED) | SECF_DISCONNECTED;
            break;
        }
        node = parent;
    }
    // SAFETY: as above.
    let len = unsafe { len_slot.read_volatile() } as u32;
    unsafe { section(at, tag, flags, len) };
    pos + size_of::<Section>() as u32 + len
}

/// Adds the walk of a `struct path` in kernel memory.
#[inline(always)]
pub(crate) fn walk_path(family: u32, pos: u32, tag: u8, path: u64) -> u32 {
    let mnt = kernel::<u64>(path + off!(path_mnt) as u64);
    let dentry = kernel::<u64>(path + off!(path_dentry) as u64);
    walk(family, pos, tag as u32, mnt, dentry)
}
