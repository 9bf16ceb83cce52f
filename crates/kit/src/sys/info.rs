//! What the kernel says of a program or a map.

use super::{bpf, raw};
use crate::asm::Insn;
use std::io;
use std::os::fd::BorrowedFd;

const OBJ_GET_INFO_BY_FD: libc::c_int = 15;

#[repr(C)]
struct Attr {
    fd: u32,
    info_len: u32,
    info: u64,
}

/// `struct bpf_prog_info` up to and with `verified_insns`; the struct only grows, and what a kernel does not know it
/// leaves zero.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "the names are the kernel's")]
pub struct ProgInfo {
    pub prog_type: u32,
    pub id: u32,
    pub tag: [u8; 8],
    pub jited_prog_len: u32,
    pub xlated_prog_len: u32,
    pub jited_prog_insns: u64,
    pub xlated_prog_insns: u64,
    pub load_time_ns: u64,
    pub created_by_uid: u32,
    pub nr_map_ids: u32,
    pub map_ids: u64,
    pub name: [u8; 16],
    pub ifindex: u32,
    pub gpl_compatible: u32,
    pub netns_dev: u64,
    pub netns_ino: u64,
    pub nr_jited_ksyms: u32,
    pub nr_jited_func_lens: u32,
    pub jited_ksyms: u64,
    pub jited_func_lens: u64,
    pub btf_id: u32,
    pub func_info_rec_size: u32,
    pub func_info: u64,
    pub nr_func_info: u32,
    pub nr_line_info: u32,
    pub line_info: u64,
    pub jited_line_info: u64,
    pub nr_jited_line_info: u32,
    pub line_info_rec_size: u32,
    pub jited_line_info_rec_size: u32,
    pub nr_prog_tags: u32,
    pub prog_tags: u64,
    pub run_time_ns: u64,
    pub run_cnt: u64,
    pub recursion_misses: u64,
    pub verified_insns: u32,
    pub attach_btf_obj_id: u32,
}

/// Asks about a program. Fields that this kernel does not have are zero (`recursion_misses` before 5.12,
/// `verified_insns` before 5.16).
///
/// # Errors
/// The errno of `BPF_OBJ_GET_INFO_BY_FD`.
pub fn prog_info(prog: BorrowedFd<'_>) -> io::Result<ProgInfo> {
    let mut info = ProgInfo::default();
    // SAFETY: every address in `info` is zero.
    unsafe { ask(prog, &mut info)? };
    Ok(info)
}

/// The instructions of a program as the verifier left them.
///
/// # Errors
/// The errno of `BPF_OBJ_GET_INFO_BY_FD`; without `CAP_BPF` and `CAP_PERFMON` there are none.
pub fn prog_xlated(prog: BorrowedFd<'_>) -> io::Result<Vec<Insn>> {
    let bytes = prog_info(prog)?.xlated_prog_len;
    let mut insns = vec![Insn::default(); bytes as usize / size_of::<Insn>()];
    let room = (insns.len() * size_of::<Insn>()) as u32;
    let mut info = ProgInfo {
        xlated_prog_len: room,
        xlated_prog_insns: insns.as_mut_ptr() as u64,
        ..ProgInfo::default()
    };
    // SAFETY: the one address in `info` is that of `room` writable bytes, for which every bit pattern is valid.
    unsafe { ask(prog, &mut info)? };
    if info.xlated_prog_insns == 0 {
        insns.clear();
    }
    Ok(insns)
}

/// `struct bpf_map_info` up to and with the name.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "the names are the kernel's")]
pub struct MapInfo {
    pub map_type: u32,
    pub id: u32,
    pub key_size: u32,
    pub value_size: u32,
    pub max_entries: u32,
    pub map_flags: u32,
    pub name: [u8; 16],
}

/// Asks about a map.
///
/// # Errors
/// The errno of `BPF_OBJ_GET_INFO_BY_FD`. The command tells of programs, maps and links alike: what the descriptor is,
/// the caller knows.
pub fn map_info(map: BorrowedFd<'_>) -> io::Result<MapInfo> {
    let mut info = MapInfo::default();
    // SAFETY: there is no address in it.
    unsafe { ask(map, &mut info)? };
    Ok(info)
}

/// # Safety
/// `T` is plain data, the struct for a sort of object or its beginning. The addresses in `info` are zero or valid for
/// the lengths beside them.
unsafe fn ask<T>(object: BorrowedFd<'_>, info: &mut T) -> io::Result<()> {
    let address = std::ptr::from_mut(info) as u64;
    let mut attr = Attr { fd: raw(object), info_len: size_of::<T>() as u32, info: address };
    // SAFETY: `info` is writable for `info_len` bytes and outlives the call; the rest is the caller's promise.
    unsafe { bpf(OBJ_GET_INFO_BY_FD, &mut attr).map(drop) }
}

#[cfg(test)]
mod tests {
    use super::ProgInfo;
    use aya_obj::generated::bpf_prog_info as Kernels;
    use std::mem::offset_of;

    #[test]
    fn the_layout_is_that_of_the_kernel_header() {
        assert_eq!(offset_of!(ProgInfo, xlated_prog_insns), offset_of!(Kernels, xlated_prog_insns));
        assert_eq!(offset_of!(ProgInfo, load_time_ns), offset_of!(Kernels, load_time));
        assert_eq!(offset_of!(ProgInfo, netns_dev), offset_of!(Kernels, netns_dev));
        assert_eq!(offset_of!(ProgInfo, prog_tags), offset_of!(Kernels, prog_tags));
        assert_eq!(offset_of!(ProgInfo, recursion_misses), offset_of!(Kernels, recursion_misses));
        assert_eq!(offset_of!(ProgInfo, verified_insns), offset_of!(Kernels, verified_insns));
    }
}
