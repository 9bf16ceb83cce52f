//! Maps: made, read, written, frozen.

use super::{bpf, bpf_fd, map_info, raw};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

const MAP_CREATE: libc::c_int = 0;
const MAP_FREEZE: libc::c_int = 22;

/// Arguments of `BPF_MAP_CREATE`; the layout is the kernel's.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct MapCreate {
    /// `enum bpf_map_type`.
    pub map_type: u32,
    /// Bytes.
    pub key_size: u32,
    /// Bytes.
    pub value_size: u32,
    /// Entries, or bytes for ring buffers, or pages for an arena.
    pub max_entries: u32,
    /// `BPF_F_*`.
    pub map_flags: u32,
    /// Template of the maps inside.
    pub inner_map_fd: u32,
    /// NUMA node.
    pub numa_node: u32,
    /// Name.
    pub map_name: [u8; 16],
    /// Interface for offload.
    pub map_ifindex: u32,
    /// BTF that describes key and value.
    pub btf_fd: u32,
    /// Type of the key in it.
    pub btf_key_type_id: u32,
    /// Type of the value in it.
    pub btf_value_type_id: u32,
    /// Type of the value in the kernel's BTF (`struct_ops`).
    pub btf_vmlinux_value_type_id: u32,
    /// Depends on the type of map.
    pub map_extra: u64,
}

const _: () = assert!(size_of::<MapCreate>() == 72);

/// Creates a map.
///
/// # Errors
/// The errno of `BPF_MAP_CREATE`.
pub fn map_create(mut attr: MapCreate) -> io::Result<OwnedFd> {
    // SAFETY: the struct is the command's, and holds no address.
    unsafe { bpf_fd(MAP_CREATE, &mut attr) }
}

/// Commands on one element of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Elem {
    /// Reads the value of a key.
    Lookup = 1,
    /// Writes the value of a key.
    Update = 2,
    /// Takes a key out.
    Delete = 3,
    /// Writes the key after a key (after none: the first) where the value would be.
    NextKey = 4,
}

/// One command on one element. `key` may be null for [`Elem::NextKey`], `value` for [`Elem::Delete`].
///
/// # Safety
/// `key` is readable for the map's key size. `value` is, for a lookup, writable, and for an update, readable, for the
/// map's value size (for a per-CPU map: rounded up to 8, times the possible CPUs); for the next key writable for the
/// key size.
///
/// # Errors
/// The errno of the command.
pub unsafe fn map_elem(
    command: Elem,
    map: BorrowedFd<'_>,
    key: *const u8,
    value: *mut u8,
    flags: u64,
) -> io::Result<()> {
    #[repr(C)]
    struct Attr {
        map_fd: u32,
        pad: u32,
        key: u64,
        value: u64,
        flags: u64,
    }
    let mut attr = Attr { map_fd: raw(map), pad: 0, key: key as u64, value: value as u64, flags };
    // SAFETY: the caller's promise.
    unsafe { bpf(command as libc::c_int, &mut attr).map(drop) }
}

/// Commands on many elements of a map; from 5.6, per-CPU maps from 5.10 (hash) and 5.13 (array).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Batch {
    /// Reads the elements after a cursor.
    Lookup = 24,
    /// Writes elements.
    Update = 26,
}

/// Arguments of the batch commands; the layout is the kernel's.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct BatchAttr {
    /// Cursor to go on from; null at the start.
    pub in_batch: u64,
    /// Where the next cursor goes.
    pub out_batch: u64,
    /// Keys, one after the other.
    pub keys: u64,
    /// Values, one after the other.
    pub values: u64,
    /// How many there is room for or there are; afterwards, how many were done.
    pub count: u32,
    /// The map.
    pub map_fd: u32,
    /// `BPF_ANY` and its kin.
    pub elem_flags: u64,
    /// Zero.
    pub flags: u64,
}

const _: () = assert!(size_of::<BatchAttr>() == 56);

/// One command on many elements; `attr.count` says how many were done, after an error too.
///
/// # Safety
/// The addresses are valid for `count` keys and values in the map's sizes; cursors for the larger of the key size and
/// four bytes.
///
/// # Errors
/// The errno of the command; `ENOENT` from a lookup says that there are no more.
pub unsafe fn map_batch(command: Batch, attr: &mut BatchAttr) -> io::Result<()> {
    // SAFETY: the caller's promise.
    unsafe { bpf(command as libc::c_int, attr).map(drop) }
}

/// Reads the `u64` at index 0 of an array map whose values have eight bytes.
///
/// # Errors
/// `EINVAL` when it is no such map; else the errno of `BPF_MAP_LOOKUP_ELEM`.
pub fn array_first(map: BorrowedFd<'_>) -> io::Result<u64> {
    const ARRAY: u32 = 2;
    let (key, mut value) = (0u32, 0u64);
    let info = map_info(map)?;
    if (info.map_type, info.value_size) != (ARRAY, size_of_val(&value) as u32) {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    let (key, out) = (std::ptr::from_ref(&key).cast(), std::ptr::from_mut(&mut value).cast());
    // SAFETY: keys of an array have four bytes, the values of this one eight; both outlive the call.
    unsafe { map_elem(Elem::Lookup, map, key, out, 0)? };
    Ok(value)
}

/// Makes a map read-only for everybody outside the kernel.
///
/// # Errors
/// The errno of `BPF_MAP_FREEZE`.
pub fn map_freeze(map: BorrowedFd<'_>) -> io::Result<()> {
    let mut attr = raw(map);
    // SAFETY: one `u32` is the whole struct of this command.
    unsafe { bpf(MAP_FREEZE, &mut attr).map(drop) }
}
