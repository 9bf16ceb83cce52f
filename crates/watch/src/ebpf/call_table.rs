//! Which system calls the eBPF programs handle, and how: the contents of map `CALLS`.

use kernscope_abi::layout::{CALLS_32, Call, data, enter_call, exit_call, path_op, variant};
use kernscope_abi::{
    NET_ACCEPT, NET_BIND, NET_CONNECT, NET_LISTEN, OP_CHMOD, OP_CHOWN, OP_LINK, OP_MKDIR, OP_MKNOD,
    OP_RENAME, OP_SYMLINK, OP_TRUNCATE, OP_UNLINK,
};
use nix::libc;

/// One call: its number as a 64-bit and as a 32-bit call (-1: there is none), and its handlers.
struct Row(i64, i64, u32, u32, u8, u32);

/// No number in this table.
const NONE: i64 = -1;
/// `fchmodat2`, newer than the C library's list.
const SYS_FCHMODAT2: i64 = 452;

/// Numbers of 32-bit calls: arch/x86/entry/syscalls/syscall_32.tbl.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row(libc::SYS_open, 5, exit_call::OPEN, 0, variant::OPEN, 0),
    Row(libc::SYS_openat, 295, exit_call::OPEN, 0, variant::OPENAT, 0),
    Row(libc::SYS_openat2, 437, exit_call::OPEN, 0, variant::OPENAT2, 0),
    Row(libc::SYS_creat, 8, exit_call::OPEN, 0, variant::CREAT, 0),
    Row(libc::SYS_open_by_handle_at, 342, exit_call::OPEN, 0, variant::OPEN_HANDLE, 0),
    Row(libc::SYS_read, 3, exit_call::IO, 0, variant::READ, data::BUFFER),
    Row(libc::SYS_pread64, 180, exit_call::IO, 0, variant::READ, data::BUFFER_AT),
    Row(libc::SYS_readv, 145, exit_call::IO, 0, variant::READ, data::VECTOR),
    Row(libc::SYS_preadv, 333, exit_call::IO, 0, variant::READ, data::VECTOR_AT),
    Row(libc::SYS_preadv2, 378, exit_call::IO, 0, variant::READ, data::VECTOR_AT),
    Row(libc::SYS_write, 4, exit_call::IO, 0, variant::WRITE, data::BUFFER),
    Row(libc::SYS_pwrite64, 181, exit_call::IO, 0, variant::WRITE, data::BUFFER_AT),
    Row(libc::SYS_writev, 146, exit_call::IO, 0, variant::WRITE, data::VECTOR),
    Row(libc::SYS_pwritev, 334, exit_call::IO, 0, variant::WRITE, data::VECTOR_AT),
    Row(libc::SYS_pwritev2, 379, exit_call::IO, 0, variant::WRITE, data::VECTOR_AT),
    Row(libc::SYS_vmsplice, 316, exit_call::IO, 0, variant::WRITE, data::VECTOR),
    Row(libc::SYS_sendfile, 187, exit_call::IO2, 0, variant::SENDFILE, 0),
    Row(NONE, 239, exit_call::IO2, 0, variant::SENDFILE, 0),
    Row(libc::SYS_splice, 313, exit_call::IO2, 0, variant::SPLICE, 0),
    Row(libc::SYS_tee, 315, exit_call::IO2, 0, variant::TEE, 0),
    Row(libc::SYS_copy_file_range, 377, exit_call::IO2, 0, variant::SPLICE, 0),
    Row(libc::SYS_unlink, 10, exit_call::PATH, 0, variant::PATH, OP_UNLINK),
    Row(libc::SYS_unlinkat, 301, exit_call::PATH, 0, variant::PATH_AT, OP_UNLINK),
    Row(libc::SYS_rmdir, 40, exit_call::PATH, 0, variant::PATH, path_op::RMDIR),
    Row(libc::SYS_mkdir, 39, exit_call::PATH, 0, variant::PATH, OP_MKDIR),
    Row(libc::SYS_mkdirat, 296, exit_call::PATH, 0, variant::PATH_AT, OP_MKDIR),
    Row(libc::SYS_mknod, 14, exit_call::PATH, 0, variant::PATH, OP_MKNOD),
    Row(libc::SYS_mknodat, 297, exit_call::PATH, 0, variant::PATH_AT, OP_MKNOD),
    Row(libc::SYS_chmod, 15, exit_call::PATH, 0, variant::PATH, OP_CHMOD),
    Row(libc::SYS_fchmodat, 306, exit_call::PATH, 0, variant::PATH_AT, OP_CHMOD),
    Row(SYS_FCHMODAT2, SYS_FCHMODAT2, exit_call::PATH, 0, variant::PATH_AT, path_op::CHMOD2),
    Row(libc::SYS_chown, 212, exit_call::PATH, 0, variant::PATH, OP_CHOWN),
    Row(NONE, 182, exit_call::PATH, 0, variant::PATH, OP_CHOWN),
    Row(libc::SYS_lchown, 198, exit_call::PATH, 0, variant::PATH_NOFOLLOW, OP_CHOWN),
    Row(NONE, 16, exit_call::PATH, 0, variant::PATH_NOFOLLOW, OP_CHOWN),
    Row(libc::SYS_fchownat, 298, exit_call::PATH, 0, variant::PATH_AT, OP_CHOWN),
    Row(libc::SYS_truncate, 92, exit_call::PATH, 0, variant::PATH, OP_TRUNCATE),
    Row(NONE, 193, exit_call::PATH, 0, variant::PATH, OP_TRUNCATE),
    Row(libc::SYS_rename, 38, exit_call::PATH2, 0, variant::TWO, OP_RENAME),
    Row(libc::SYS_renameat, 302, exit_call::PATH2, 0, variant::TWO_AT, OP_RENAME),
    Row(libc::SYS_renameat2, 353, exit_call::PATH2, 0, variant::TWO_AT, OP_RENAME),
    Row(libc::SYS_link, 9, exit_call::PATH2, 0, variant::TWO, OP_LINK),
    Row(libc::SYS_linkat, 303, exit_call::PATH2, 0, variant::TWO_AT, OP_LINK),
    Row(libc::SYS_symlink, 83, exit_call::PATH2, 0, variant::TWO, OP_SYMLINK),
    Row(libc::SYS_symlinkat, 304, exit_call::PATH2, 0, variant::SYMLINK_AT, OP_SYMLINK),
    Row(libc::SYS_mount, 21, exit_call::NAMES, 0, 0, 0),
    Row(libc::SYS_umount2, 52, exit_call::NAMES, 0, 0, 0),
    Row(libc::SYS_pivot_root, 217, exit_call::NAMES, 0, 0, 0),
    Row(libc::SYS_move_mount, 429, exit_call::NAMES, 0, 0, 0),
    Row(libc::SYS_fchmod, 94, exit_call::FD, 0, 0, OP_CHMOD),
    Row(libc::SYS_fchown, 207, exit_call::FD, 0, 0, OP_CHOWN),
    Row(NONE, 95, exit_call::FD, 0, 0, OP_CHOWN),
    Row(libc::SYS_ftruncate, 93, exit_call::FD, 0, 0, OP_TRUNCATE),
    Row(NONE, 194, exit_call::FD, 0, 0, OP_TRUNCATE),
    Row(libc::SYS_mmap, NONE, exit_call::MMAP, 0, 0, 0),
    Row(NONE, 192, exit_call::MMAP, 0, 1, 0),
    Row(libc::SYS_connect, 362, exit_call::NET, 0, 0, NET_CONNECT),
    Row(libc::SYS_bind, 361, exit_call::NET, 0, 0, NET_BIND),
    Row(libc::SYS_listen, 363, exit_call::NET, 0, 0, NET_LISTEN),
    Row(libc::SYS_accept, NONE, exit_call::NET, 0, 0, NET_ACCEPT),
    Row(libc::SYS_accept4, 364, exit_call::NET, 0, 0, NET_ACCEPT),
    Row(libc::SYS_sendto, 369, exit_call::MSG, 0, variant::SENDTO, data::BUFFER),
    Row(libc::SYS_sendmsg, 370, exit_call::MSG, 0, variant::SENDMSG, data::MESSAGE),
    Row(libc::SYS_sendmmsg, 345, exit_call::MSG, 0, variant::SENDMMSG, data::MESSAGES),
    Row(libc::SYS_recvfrom, 371, exit_call::MSG, 0, variant::RECV, data::BUFFER),
    Row(libc::SYS_recvmsg, 372, exit_call::MSG, 0, variant::RECV, data::MESSAGE),
    Row(libc::SYS_recvmmsg, 337, exit_call::MSG, 0, variant::RECVMMSG, data::MESSAGES),
    Row(libc::SYS_execve, 11, exit_call::EXEC, enter_call::EXEC, variant::PATH, 0),
    Row(libc::SYS_execveat, 358, exit_call::EXEC, enter_call::EXEC, variant::PATH_AT, 0),
    Row(libc::SYS_close, 6, 0, enter_call::CLOSE, 0, 0),
    Row(libc::SYS_close_range, 436, 0, enter_call::CLOSE_RANGE, 0, 0),
    Row(libc::SYS_dup2, 63, 0, enter_call::DUP, 0, 0),
    Row(libc::SYS_dup3, 330, 0, enter_call::DUP, 0, 0),
];

/// Calls that the 32-bit interface has and this table leaves out, for the coverage statement.
pub(super) const LEFT_OUT_32: &str = "32-bit socketcall, old mmap and *time64 message calls are not decoded";

fn small(value: u32) -> u8 {
    u8::try_from(value).unwrap_or(0)
}

/// The entries of the map.
pub(super) fn entries() -> impl Iterator<Item = (u32, Call)> {
    ROWS.iter().flat_map(|&Row(long, short, exit, enter, variant, op)| {
        let call = Call { exit: small(exit), enter: small(enter), variant, op: small(op) };
        let index = |number: i64, first: u32| u32::try_from(number).ok().map(|number| (first + number, call));
        [index(long, 0), index(short, CALLS_32)].into_iter().flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernscope_abi::layout::{CALLS_64, CALLS_MAX};
    use std::collections::HashSet;

    #[test]
    fn no_number_stands_twice_and_all_fit() {
        let mut seen = HashSet::new();
        for (index, call) in entries() {
            assert!(seen.insert(index), "{index} twice");
            assert!(index < CALLS_MAX);
            assert!(u32::from(call.exit) < exit_call::MAX && u32::from(call.enter) < enter_call::MAX);
        }
        assert!(ROWS.iter().all(|row| row.0 < i64::from(CALLS_64) && row.1 < i64::from(CALLS_64)));
    }
}
