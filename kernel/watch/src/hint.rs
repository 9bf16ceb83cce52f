//! Exact paths for calls that name a path: what the kernel itself resolved, on its way to the security hooks.
//!
//! `security_path_*` run after the lookup and before the change, with the parent directory and the entry. One
//! program for fentry and one for kprobes each; the host attaches one of the two.

use crate::calls::watched;
use crate::event::{begin, send, tail};
use crate::file::inode_identity;
use crate::io::add;
use crate::maps::{HINT_BUSY, family, fired, off};
use crate::read::word;
use crate::walk::{dentry_of, mnt_of, named, walk_from};
use aya_ebpf::{
    EbpfContext,
    helpers::generated::bpf_get_current_pid_tgid,
    macros::{fentry, kprobe},
    programs::{FEntryContext, ProbeContext},
};
use kernscope_abi::{
    KIND_PATH_HINT, OP_CHMOD, OP_CHOWN, OP_LINK, OP_MKDIR, OP_MKNOD, OP_RENAME, OP_SYMLINK, OP_TRUNCATE,
    OP_UNLINK, PathHint, SEC_PATH, SEC_PATH2,
    layout::{HOOK_SECURITY_PATH, Watched},
};

/// The type in a mode, and two types (include/uapi/linux/stat.h).
const S_IFMT: u32 = 0o170_000;
const S_IFREG: u32 = 0o100_000;
const S_IFSOCK: u32 = 0o140_000;

/// Sends a hint: the object at (`mnt`, `dentry`) and, unless zero, a second one.
///
/// The programs here share a buffer, and from fentry one may come while another has been preempted. It then goes
/// without its hint: the host does as it does where there are none.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn hint(op: u32, mnt: u64, dentry: u64, mnt2: u64, dentry2: u64) -> u32 {
    // SAFETY: no arguments.
    let pid = (unsafe { bpf_get_current_pid_tgid() } >> 32) as u32;
    let Some(process) = watched(pid) else { return 0 };
    fired(family::HINT, HOOK_SECURITY_PATH);
    let Some(busy) = HINT_BUSY.get_ptr_mut(0) else { return 0 };
    // Who finds itself alone after it has signed in has the buffer; two at once may both go without.
    add(busy, 1);
    // SAFETY: a map value.
    let alone = unsafe { busy.read_volatile() } == 1;
    let told = alone && tell(op, [(mnt, dentry), (mnt2, dentry2)], &process).is_some();
    add(busy, u64::MAX);
    told as u32
}

#[inline(always)]
fn tell(op: u32, places: [(u64, u64); 2], process: &Watched) -> Option<()> {
    let [(mnt, dentry), (mnt2, dentry2)] = places;
    let body = begin::<PathHint>(family::HINT, KIND_PATH_HINT, 0, process.start_ns, process.ppid)?;
    let inode = word(dentry + off!(dentry_inode) as u64);
    let (ino, dev, _) = if inode == 0 { (0, 0, 0) } else { inode_identity(inode) };
    // SAFETY: `begin` gave room for the body.
    unsafe {
        (*body).op = op;
        (*body).ino = ino;
        (*body).dev = dev;
    }
    let start = tail::<PathHint>();
    let mut pos = walk_from(family::HINT, start, SEC_PATH, mnt, dentry);
    named(family::HINT, start);
    if dentry2 != 0 {
        let second = pos;
        pos = walk_from(family::HINT, second, SEC_PATH2, mnt2, dentry2);
        named(family::HINT, second);
    }
    send(family::HINT, pos);
    Some(())
}

/// An argument of the traced function as a number. Read as an argument it would be a typed pointer to the verifier,
/// which [`hint`] may not be given; read from memory it is nothing in particular.
#[inline(always)]
fn argument(ctx: &FEntryContext, n: u64) -> u64 {
    word(ctx.as_ptr() as u64 + 8 * n)
}

macro_rules! path_hook {
    ($fentry:ident, $kprobe:ident, $function:literal, |$a:ident, $b:ident, $c:ident, $d:ident| $body:expr) => {
        #[fentry(function = $function)]
        pub fn $fentry(ctx: FEntryContext) -> i32 {
            let arg = |n| argument(&ctx, n);
            path_hook!(@args arg, $a, $b, $c, $d, $body);
            0
        }

        #[kprobe]
        pub fn $kprobe(ctx: ProbeContext) -> u32 {
            let arg = |n| ctx.arg::<*const u8>(n).map_or(0, |p| p as u64);
            path_hook!(@args arg, $a, $b, $c, $d, $body);
            0
        }
    };
    (@args $arg:ident, $a:ident, $b:ident, $c:ident, $d:ident, $body:expr) => {
        let ($a, $b, $c, $d) = ($arg(0), $arg(1), $arg(2), $arg(3));
        let _ = ($c, $d);
        $body
    };
}

macro_rules! one_path_hook {
    ($fentry:ident, $kprobe:ident, $function:literal, $op:expr) => {
        #[fentry(function = $function)]
        pub fn $fentry(ctx: FEntryContext) -> i32 {
            let path = argument(&ctx, 0);
            hint($op, mnt_of(path), dentry_of(path), 0, 0);
            0
        }

        #[kprobe]
        pub fn $kprobe(ctx: ProbeContext) -> u32 {
            let path = ctx.arg::<*const u8>(0).map_or(0, |p| p as u64);
            hint($op, mnt_of(path), dentry_of(path), 0, 0);
            0
        }
    };
}

macro_rules! entry_hook {
    ($fentry:ident, $kprobe:ident, $function:literal, $op:expr) => {
        #[fentry(function = $function)]
        pub fn $fentry(ctx: FEntryContext) -> i32 {
            hint($op, mnt_of(argument(&ctx, 0)), argument(&ctx, 1), 0, 0);
            0
        }

        #[kprobe]
        pub fn $kprobe(ctx: ProbeContext) -> u32 {
            let dir = ctx.arg::<*const u8>(0).map_or(0, |p| p as u64);
            let entry = ctx.arg::<*const u8>(1).map_or(0, |p| p as u64);
            hint($op, mnt_of(dir), entry, 0, 0);
            0
        }
    };
}

entry_hook!(fentry_path_unlink, kprobe_path_unlink, "security_path_unlink", OP_UNLINK);
entry_hook!(fentry_path_rmdir, kprobe_path_rmdir, "security_path_rmdir", OP_UNLINK);
entry_hook!(fentry_path_mkdir, kprobe_path_mkdir, "security_path_mkdir", OP_MKDIR);
entry_hook!(fentry_path_symlink, kprobe_path_symlink, "security_path_symlink", OP_SYMLINK);
one_path_hook!(fentry_path_truncate, kprobe_path_truncate, "security_path_truncate", OP_TRUNCATE);
one_path_hook!(fentry_path_chmod, kprobe_path_chmod, "security_path_chmod", OP_CHMOD);
one_path_hook!(fentry_path_chown, kprobe_path_chown, "security_path_chown", OP_CHOWN);
path_hook!(fentry_path_rename, kprobe_path_rename, "security_path_rename", |old_dir, old, new_dir, new| {
    hint(OP_RENAME, mnt_of(old_dir), old, mnt_of(new_dir), new);
});
// An open that makes a file and a bind of a local socket ask as well: they have records of their own, and need no hint.
path_hook!(fentry_path_mknod, kprobe_path_mknod, "security_path_mknod", |dir, entry, mode, unused| {
    let node = mode as u32 & S_IFMT;
    if node != S_IFREG && node != S_IFSOCK {
        hint(OP_MKNOD, mnt_of(dir), entry, 0, 0);
    }
});
// The old name lies on the mount of the new one: links do not cross mounts.
path_hook!(fentry_path_link, kprobe_path_link, "security_path_link", |old, new_dir, new, unused| {
    hint(OP_LINK, mnt_of(new_dir), old, mnt_of(new_dir), new);
});
