//! What the kernel says of a loaded program beyond what aya reads.

use aya::programs::ProgramFd;
use std::os::fd::{AsFd, AsRawFd};

/// `BPF_OBJ_GET_INFO_BY_FD`.
const OBJ_GET_INFO_BY_FD: libc::c_long = 15;
/// Where `recursion_misses` lies in `struct bpf_prog_info` (include/uapi/linux/bpf.h; the struct only grows).
const RECURSION_MISSES_AT: usize = 208;
/// Bytes of the struct up to and with that field.
const INFO_BYTES: usize = RECURSION_MISSES_AT + 8;

/// The part of `union bpf_attr` that the command reads.
#[repr(C)]
struct Attr {
    fd: u32,
    info_len: u32,
    info: u64,
}

/// How often the program was skipped because it ran on the same CPU already; 0 where the kernel does not tell
/// (before 5.12).
pub(crate) fn recursion_misses(program: &ProgramFd) -> u64 {
    let mut info = [0u8; INFO_BYTES];
    let attr = Attr {
        fd: program.as_fd().as_raw_fd() as u32,
        info_len: INFO_BYTES as u32,
        info: info.as_mut_ptr() as u64,
    };
    // SAFETY: `attr` is the leading part of the union that this command reads, with its size; `info` has
    // `info_len` writable bytes and outlives the call. All pointers inside it are zero, so nothing else is written.
    let result =
        unsafe { libc::syscall(libc::SYS_bpf, OBJ_GET_INFO_BY_FD, &raw const attr, size_of::<Attr>()) };
    if result != 0 {
        return 0;
    }
    info[RECURSION_MISSES_AT..].try_into().map(u64::from_ne_bytes).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::offset_of;

    #[test]
    fn the_offset_is_that_of_the_kernel_header() {
        assert_eq!(RECURSION_MISSES_AT, offset_of!(aya_obj::generated::bpf_prog_info, recursion_misses));
    }
}
