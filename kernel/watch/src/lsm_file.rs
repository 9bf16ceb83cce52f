//! Files: opened, received from another process, mapped to be executed.

use crate::lsm::{EXECUTES, LISTED, READS, WRITES, argument, is_held, refuse, verdict};
use crate::maps::off;
use crate::read::{kernel, word};
use crate::walk::{dentry_of, mnt_of};
use aya_ebpf::{macros::lsm, programs::LsmContext};
use kernscope_abi::{DENY_MAP, DENY_OPEN, DENY_RECEIVE};

/// `f_mode` (include/linux/fs.h).
const FMODE_READ: u32 = 1;
const FMODE_WRITE: u32 = 2;
/// `f_flags`; no flag of open(2) has the bit of the first.
const FMODE_EXEC: u32 = 0x20;
const O_TRUNC: u32 = 0o1000;
const PROT_EXEC: u64 = 4;

/// The mount and the entry of an open file.
#[inline(always)]
pub(crate) fn place_of(file: u64) -> (u64, u64) {
    let path = file + off!(file_path) as u64;
    (mnt_of(path), dentry_of(path))
}

/// What an open file may be used for.
#[inline(always)]
fn classes_of(mode: u32) -> u32 {
    (if mode & FMODE_READ != 0 { READS } else { 0 }) | (if mode & FMODE_WRITE != 0 { WRITES } else { 0 })
}

#[lsm(hook = "file_open")]
pub fn lsm_file_open(ctx: LsmContext) -> i32 {
    if !is_held() {
        return 0;
    }
    let file = argument(&ctx, 0);
    let mode = kernel::<u32>(file + off!(file_mode) as u64);
    let flags = kernel::<u32>(file + off!(file_flags) as u64);
    let mut classes = classes_of(mode);
    if flags & O_TRUNC != 0 {
        classes |= WRITES;
    }
    // An exec opens its files as well; it has a hook of its own.
    if flags & FMODE_EXEC != 0 || classes == 0 {
        return 0;
    }
    let (mnt, dentry) = place_of(file);
    verdict(refuse(DENY_OPEN, classes, mnt, dentry, mode as u64))
}

#[lsm(hook = "file_receive")]
pub fn lsm_file_receive(ctx: LsmContext) -> i32 {
    if !is_held() {
        return 0;
    }
    let file = argument(&ctx, 0);
    let mode = kernel::<u32>(file + off!(file_mode) as u64);
    let (mnt, dentry) = place_of(file);
    verdict(refuse(DENY_RECEIVE, classes_of(mode), mnt, dentry, mode as u64))
}

/// Code of a file. Libraries need not be on a list of what may be executed, but must not be on the one of what may not.
#[inline(always)]
fn refuse_code(file: u64) -> i32 {
    let (mnt, dentry) = place_of(file);
    verdict(refuse(DENY_MAP, EXECUTES | LISTED, mnt, dentry, 0))
}

#[lsm(hook = "mmap_file")]
pub fn lsm_mmap_file(ctx: LsmContext) -> i32 {
    let (file, prot) = (argument(&ctx, 0), argument(&ctx, 2));
    if file == 0 || prot & PROT_EXEC == 0 || !is_held() {
        return 0;
    }
    refuse_code(file)
}

#[lsm(hook = "file_mprotect")]
pub fn lsm_file_mprotect(ctx: LsmContext) -> i32 {
    let (vma, prot) = (argument(&ctx, 0), argument(&ctx, 2));
    if prot & PROT_EXEC == 0 || !is_held() {
        return 0;
    }
    let file = word(vma + off!(vma_file) as u64);
    if file == 0 {
        return 0;
    }
    refuse_code(file)
}
