//! From a dentry to the root of its mount namespace.

use crate::event::{scratch, section, LAST_START};
use crate::maps::off;
use crate::read::{kernel, word};
use aya_ebpf::helpers::generated::bpf_probe_read_kernel_str;
use core::mem::size_of;
use kernscope_abi::{Section, MAX_COMPONENTS, MAX_PATH, SECF_DELETED, SECF_DISCONNECTED, SECF_TRUNCATED};

/// Longest name in a directory, NUL included.
const NAME_BYTES: u32 = 256;

/// Adds the walk from (`mnt`, `dentry`) as a section; returns where the next one starts.
///
/// Names go from leaf to root, each followed by NUL; the host turns them round.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn walk(family: u32, pos: u32, tag: u32, mnt: u64, dentry: u64) -> u32 {
    let Some(buffer) = scratch(family) else { return pos };
    if pos > LAST_START {
        return pos;
    }
    // SAFETY: room for a section of MAX_PATH bytes and one more name behind LAST_START.
    let at = unsafe { buffer.add(pos as usize) };
    let names = unsafe { at.add(size_of::<Section>()) };
    let mut flags = SECF_TRUNCATED;
    let mut len: u32 = 0;
    let mut mount = mnt.wrapping_sub(off!(mount_mnt) as u64);
    let mut root = word(mnt + off!(vfsmount_root) as u64);
    let mut node = dentry;
    if node != root && word(node + off!(dentry_hash_pprev) as u64) == 0 && word(node + off!(dentry_parent) as u64) != node {
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
        if len > MAX_PATH as u32 - NAME_BYTES {
            break;
        }
        // SAFETY: `len` leaves room for a name, checked above.
        let got = unsafe { bpf_probe_read_kernel_str(names.add(len as usize).cast(), NAME_BYTES, name as *const _) };
        if got > 0 && got <= NAME_BYTES as i64 {
            len += got as u32;
        }
        if parent == node || parent == 0 {
            flags = (flags & !SECF_TRUNCATED) | SECF_DISCONNECTED;
            break;
        }
        node = parent;
    }
    // SAFETY: room checked above.
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
