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
    // SAFETY: the section's header, with room for it.
    let len_slot = unsafe { &raw mut (*at.cast::<Section>()).len };
    unsafe { len_slot.write_unaligned(0) };
    let mut mount = mnt.wrapping_sub(off!(mount_mnt) as u64);
    let mut root = word(mnt + off!(vfsmount_root) as u64);
    let mut node = dentry;
    for i in 0..MAX_COMPONENTS {
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
        let entry = Entry::read(node);
        if i == 0 && entry.pprev == 0 && entry.parent != node {
            flags |= SECF_DELETED;
        }
        // SAFETY: as above.
        let len = unsafe { len_slot.read_volatile() };
        let end = plain(len as u32);
        if end > MAX_PATH as u64 - NAME_BYTES as u64 {
            break;
        }
        // SAFETY: `end` leaves room for a name, checked above.
        let got = unsafe {
            bpf_probe_read_kernel_str(names.add(end as usize).cast(), NAME_BYTES, entry.name as *const _)
        };
        if got > 0 && got <= NAME_BYTES as i64 {
            // SAFETY: as above.
            unsafe { len_slot.write_volatile(len + got as u16) };
        }
        if entry.parent == node || entry.parent == 0 {
            flags = (flags & !SECF_TRUNCATED) | SECF_DISCONNECTED;
            break;
        }
        node = entry.parent;
    }
    // SAFETY: as above.
    let len = unsafe { len_slot.read_volatile() } as u32;
    unsafe { section(at, tag, flags, len) };
    pos + size_of::<Section>() as u32 + len
}

/// What a walk needs of a dentry; as the fields lie on all kernels so far, so that one read gets them.
#[repr(C)]
#[derive(Clone, Copy)]
struct Entry {
    /// `d_hash.pprev`: null when the name is not in the cache's hash table, that is, deleted.
    pprev: u64,
    /// `d_parent`.
    parent: u64,
    /// `d_name.hash_len`.
    hash_len: u64,
    /// `d_name.name`.
    name: u64,
}

impl Entry {
    #[inline(always)]
    fn read(dentry: u64) -> Self {
        let (pprev, parent, name) = (off!(dentry_hash_pprev), off!(dentry_parent), off!(dentry_name));
        if parent == pprev + 8 && name == pprev + 24 {
            return kernel(dentry + pprev as u64);
        }
        Self {
            pprev: word(dentry + pprev as u64),
            parent: word(dentry + parent as u64),
            hash_len: 0,
            name: word(dentry + name as u64),
        }
    }
}

/// Adds the walk of a `struct path` in kernel memory.
#[inline(always)]
pub(crate) fn walk_path(family: u32, pos: u32, tag: u8, path: u64) -> u32 {
    // `mnt` and `dentry` are all there is in the struct.
    let [first, second] = kernel::<[u64; 2]>(path);
    let (mnt, dentry) = if off!(path_mnt) == 0 { (first, second) } else { (second, first) };
    walk(family, pos, tag as u32, mnt, dentry)
}
