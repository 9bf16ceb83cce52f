//! Descriptors, open files and their identity.

use crate::maps::{config_flag, member, off, opaque};
use crate::read::{field, kernel, word};
use crate::walk::walk_path;
use aya_ebpf::helpers::generated::{bpf_get_current_task, bpf_get_current_task_btf};
use kernscope_abi::{FileId, SEC_BASE, SEC_ROOT, layout::CONFIG_TASK_BTF};

pub(crate) const AT_FDCWD: i32 = -100;
const S_IFMT: u32 = 0o170000;
const S_IFSOCK: u32 = 0o140000;

/// The open file behind a descriptor of the current task; 0 when there is none.
#[inline(always)]
pub(crate) fn file_of(fd: u32) -> u64 {
    if !config_flag(CONFIG_TASK_BTF) {
        return file_at(fd_table(), fd);
    }
    // SAFETY: typed pointers all the way, each from the one before.
    unsafe {
        let task = bpf_get_current_task_btf().cast::<u8>().cast_const();
        let files = field::<*const u8>(task, off!(task_files));
        let table = field::<*const u8>(files, off!(files_fdt));
        if table.is_null() || fd >= field::<u32>(table, off!(fdt_max_fds)) {
            return 0;
        }
        word(field::<u64>(table, off!(fdt_fd)) + fd as u64 * 8)
    }
}

/// The current task's address.
#[inline(always)]
fn task() -> u64 {
    // SAFETY: no arguments.
    unsafe { bpf_get_current_task() }
}

/// The descriptor table of the current task.
#[inline(always)]
pub(crate) fn fd_table() -> u64 {
    word(word(task() + off!(task_files) as u64) + off!(files_fdt) as u64)
}

#[inline(always)]
fn file_at(table: u64, fd: u32) -> u64 {
    if fd >= kernel::<u32>(table + off!(fdt_max_fds) as u64) {
        return 0;
    }
    word(word(table + off!(fdt_fd) as u64) + fd as u64 * 8)
}

#[inline(always)]
pub(crate) fn identity(file: u64) -> FileId {
    let (ino, dev, mode) = inode_identity(member!(file, file, file_inode));
    FileId { id: opaque(file), ino, dev, st_mode: mode }
}

/// The open file behind a descriptor, and its identity, by checked reads alone: for programs that are loaded by bare `bpf(2)`, where
/// no typed pointers are made. `None` when there is no such file.
#[inline(always)]
pub(crate) fn file_by_reads(fd: u32) -> Option<(u64, FileId)> {
    let file = file_at(fd_table(), fd);
    let inode = word(file + off!(file_inode) as u64);
    let id = FileId {
        id: opaque(file),
        ino: word(inode + off!(inode_ino) as u64),
        dev: kernel::<u32>(word(inode + off!(inode_sb) as u64) + off!(sb_dev) as u64),
        st_mode: kernel::<u16>(inode + off!(inode_mode) as u64) as u32,
    };
    (file != 0).then_some((file, id))
}

/// Inode number, device, mode.
#[inline(always)]
pub(crate) fn inode_identity(inode: u64) -> (u64, u32, u32) {
    let mode: u16 = member!(inode, inode, inode_mode);
    let sb: u64 = member!(inode, inode, inode_sb);
    (member!(inode, inode, inode_ino), member!(sb, super_block, sb_dev), mode as u32)
}

#[inline(always)]
pub(crate) fn is_socket(id: &FileId) -> bool {
    id.st_mode & S_IFMT == S_IFSOCK
}

/// Adds the directory that a relative path starts from: the working directory or `dirfd`'s.
#[inline(always)]
pub(crate) fn base(family: u32, pos: u32, tag: u8, dirfd: i32) -> u32 {
    if dirfd == AT_FDCWD {
        return walk_path(family, pos, tag, word(task() + off!(task_fs) as u64) + off!(fs_pwd) as u64);
    }
    let file = file_of(dirfd as u32);
    if file == 0 {
        return pos;
    }
    walk_path(family, pos, tag, file + off!(file_path) as u64)
}

/// Adds the start of a path: for an absolute one the process's root directory, else [`base`].
#[inline(always)]
pub(crate) fn start(family: u32, pos: u32, tag: u8, dirfd: i32, first: u8) -> u32 {
    if first == b'/' {
        if tag != SEC_BASE {
            return pos;
        }
        return walk_path(family, pos, SEC_ROOT, word(task() + off!(task_fs) as u64) + off!(fs_root) as u64);
    }
    base(family, pos, tag, dirfd)
}
