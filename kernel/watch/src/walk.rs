//! From a dentry to the root of its mount namespace.

use crate::event::{LAST_START, plain, scratch, section};
use crate::maps::{WALKS, config_flag, member, off};
use crate::read::{kernel, word};
use aya_ebpf::helpers::generated::bpf_probe_read_kernel_str;
use core::mem::size_of;
use kernscope_abi::{
    MAX_COMPONENTS, MAX_PATH, SECF_DELETED, SECF_DISCONNECTED, SECF_TRUNCATED, SECF_UNRESOLVED, Section,
    layout::CONFIG_CAST,
};

/// Longest name in a directory, NUL included.
const NAME_BYTES: u32 = 256;
/// Components that one round follows. The verifier pays for one round only, so this is small.
const ROUND: usize = 16;
const ROUNDS: usize = MAX_COMPONENTS / ROUND;

/// A walk between two rounds.
#[repr(C)]
pub(crate) struct Walk {
    /// `struct mount` of the mount that `node` is on; in the end, the topmost.
    pub(crate) mount: u64,
    /// Its root dentry.
    root: u64,
    /// The dentry to name next.
    node: u64,
    /// Where it set out: mount and dentry.
    pub(crate) from_mount: u64,
    pub(crate) from_node: u64,
    /// Where the section starts in the scratch buffer.
    pub(crate) pos: u32,
    /// Bytes of names so far.
    pub(crate) len: u32,
    /// `SECF_*`; truncated until the end is reached.
    pub(crate) flags: u32,
    /// 0 before the first component.
    started: u32,
    /// Names so far.
    count: u32,
    pad: u32,
    /// Where each name begins; behind the last, where it ends.
    pub(crate) starts: [u16; STARTS],
}

/// Room for where names begin: a power of two above [`MAX_COMPONENTS`].
pub(crate) const STARTS: usize = 2 * MAX_COMPONENTS;
const _: () = assert!(STARTS.is_power_of_two());

/// Sets out from a place; [`walk`] goes on. (Typed pointers may not be passed to a global function, but may be stored.)
#[inline(always)]
fn set_out(family: u32, mnt: u64, dentry: u64) {
    let Some(state) = WALKS.get_ptr_mut(family) else { return };
    // SAFETY: this CPU's slot, used by programs of this family alone.
    let state = unsafe { &mut *state };
    state.mount = mnt.wrapping_sub(off!(mount_mnt) as u64);
    state.root = member!(mnt, vfsmount, vfsmount_root);
    state.node = dentry;
    state.from_mount = state.mount;
    state.from_node = dentry;
}

/// Adds the walk from where [`set_out`] stands as a section; returns where the next one starts.
///
/// Names go from leaf to root, each followed by NUL; the host turns them round.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn walk(family: u32, pos: u32, tag: u32) -> u32 {
    let Some(state) = WALKS.get_ptr_mut(family) else { return pos };
    if pos > LAST_START {
        return pos;
    }
    // SAFETY: as in `set_out`.
    let state = unsafe { &mut *state };
    state.pos = pos;
    state.len = 0;
    state.flags = SECF_TRUNCATED as u32;
    state.started = 0;
    state.count = 0;
    state.starts[0] = 0;
    for _ in 0..ROUNDS {
        if round(family) != 0 {
            break;
        }
    }
    finish(family, tag)
}

/// Follows some components; not 0 when the walk is over.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn round(family: u32) -> u32 {
    let (Some(state), Some(buffer)) = (WALKS.get_ptr_mut(family), scratch(family)) else { return 1 };
    // SAFETY: as in `set_out`.
    let state = unsafe { &mut *state };
    let from = plain(state.pos);
    if from > LAST_START as u64 {
        return 1;
    }
    // SAFETY: room for a section of MAX_PATH bytes and one more name behind LAST_START.
    let names = unsafe { buffer.add(from as usize + size_of::<Section>()) };
    for _ in 0..ROUND {
        if state.node == state.root {
            let above: u64 = member!(state.mount, mount, mount_parent);
            if above == state.mount || above == 0 {
                state.flags &= !(SECF_TRUNCATED as u32);
                return 1;
            }
            state.node = member!(state.mount, mount, mount_mountpoint);
            state.mount = above;
            state.root = member!(above, mount, mount_mnt + vfsmount_root);
            state.started = 1;
            continue;
        }
        let entry = Entry::read(state.node);
        if state.started == 0 && entry.pprev == 0 && entry.parent != state.node {
            state.flags |= SECF_DELETED as u32;
        }
        state.started = 1;
        let end = plain(state.len);
        if end > MAX_PATH as u64 - NAME_BYTES as u64 {
            return 1;
        }
        // SAFETY: `end` leaves room for a name, checked above.
        let got = unsafe {
            bpf_probe_read_kernel_str(names.add(end as usize).cast(), NAME_BYTES, entry.name as *const _)
        };
        if got > 0 && got <= NAME_BYTES as i64 {
            state.len += got as u32;
            state.count += 1;
            state.starts[plain(state.count) as usize & (STARTS - 1)] = state.len as u16;
        } else {
            state.flags |= SECF_UNRESOLVED as u32;
        }
        if entry.parent == state.node || entry.parent == 0 {
            state.flags = (state.flags & !(SECF_TRUNCATED as u32)) | SECF_DISCONNECTED as u32;
            return 1;
        }
        state.node = entry.parent;
    }
    0
}

/// Writes the section's header.
#[inline(always)]
fn finish(family: u32, tag: u32) -> u32 {
    let (Some(state), Some(buffer)) = (WALKS.get_ptr_mut(family), scratch(family)) else { return 0 };
    // SAFETY: as in `set_out`.
    let state = unsafe { &mut *state };
    let from = plain(state.pos);
    if from > LAST_START as u64 {
        return state.pos;
    }
    // SAFETY: room for a section, checked above.
    unsafe { section(buffer.add(from as usize), tag, state.flags as u8, state.len) };
    state.pos + size_of::<Section>() as u32 + state.len
}

/// An entry that is about to be made is not hashed yet; that does not make it deleted.
#[inline(always)]
pub(crate) fn named(family: u32, pos: u32) {
    let Some(buffer) = scratch(family) else { return };
    let from = plain(pos);
    if from > LAST_START as u64 {
        return;
    }
    // SAFETY: in bounds; the flags are the second byte of a section.
    unsafe {
        let flags = buffer.add(from as usize + 1);
        flags.write(flags.read() & !SECF_DELETED);
    }
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
        if !config_flag(CONFIG_CAST) && parent == pprev + 8 && name == pprev + 24 {
            return kernel(dentry + pprev as u64);
        }
        Self {
            pprev: member!(dentry, dentry, dentry_hash_pprev),
            parent: member!(dentry, dentry, dentry_parent),
            hash_len: 0,
            name: member!(dentry, dentry, dentry_name),
        }
    }
}

/// Adds the walk from a mount (its `struct vfsmount`) and a dentry.
#[inline(always)]
pub(crate) fn walk_from(family: u32, pos: u32, tag: u8, mnt: u64, dentry: u64) -> u32 {
    set_out(family, mnt, dentry);
    walk(family, pos, tag as u32)
}

/// The mount of a `struct path` in kernel memory, as a plain number, which may be passed to a global function.
#[inline(always)]
pub(crate) fn mnt_of(path: u64) -> u64 {
    word(path + off!(path_mnt) as u64)
}

/// The entry of a `struct path`, likewise.
#[inline(always)]
pub(crate) fn dentry_of(path: u64) -> u64 {
    word(path + off!(path_dentry) as u64)
}

/// Adds the walk of a `struct path` in kernel memory.
#[inline(always)]
pub(crate) fn walk_path(family: u32, pos: u32, tag: u8, path: u64) -> u32 {
    walk_from(family, pos, tag, member!(path, path, path_mnt), member!(path, path, path_dentry))
}
