//! Checked reads of kernel and user memory. What cannot be read is zero, and the caller says what that means.

use crate::maps::config_flag;
use aya_ebpf::helpers::generated::{bpf_probe_read_kernel, bpf_probe_read_user};
use core::arch::asm;
use core::mem::{MaybeUninit, size_of};
use kernscope_abi::layout::{CALL_RDONLY_CAST, CONFIG_CAST};

/// A value at a kernel address; zero when it cannot be read.
#[inline(always)]
pub(crate) fn kernel<T: Copy>(address: u64) -> T {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: writes size_of::<T>() bytes to `value`, zeros if the source cannot be read; T is plain integers.
    unsafe {
        bpf_probe_read_kernel(value.as_mut_ptr().cast(), size_of::<T>() as u32, address as *const _);
        value.assume_init()
    }
}

/// A pointer-sized value at a kernel address.
#[inline(always)]
pub(crate) fn word(address: u64) -> u64 {
    kernel::<u64>(address)
}

/// A field of a struct that the verifier knows the type of: one load instruction, no helper. Null and stale pointers
/// read as zero.
///
/// # Safety
/// `base` is a pointer that the verifier tracks as a kernel struct, and `offset` one of its fields' offsets.
#[inline(always)]
pub(crate) unsafe fn field<T: Copy>(base: *const u8, offset: usize) -> T {
    // SAFETY: the caller's promise; the kernel handles faults of such loads.
    unsafe { base.add(offset).cast::<T>().read_volatile() }
}

/// A field of the kernel struct at `address`, whose BTF id is `type_id`: by a load instruction where the kernel makes
/// typed pointers of addresses, which is several times cheaper than the helper it takes elsewhere. Either way it is
/// zero when it cannot be read.
#[inline(always)]
pub(crate) fn member<T: Copy>(address: u64, type_id: u32, offset: usize) -> T {
    if config_flag(CONFIG_CAST) {
        // SAFETY: `cast` gives a pointer of that type; `off!` gave the offset.
        return unsafe { field(cast(address, type_id), offset) };
    }
    kernel(address + offset as u64)
}

/// `bpf_rdonly_cast(address, type_id)`.
#[inline(always)]
fn cast(address: u64, type_id: u32) -> *const u8 {
    let typed: *const u8;
    // SAFETY: a call with two numbers, which changes no memory; the loader makes it a call of the kernel function.
    unsafe {
        asm!(
            "call {number}",
            number = const CALL_RDONLY_CAST,
            inlateout("r1") address => _,
            inlateout("r2") u64::from(type_id) => _,
            lateout("r0") typed,
            lateout("r3") _,
            lateout("r4") _,
            lateout("r5") _,
            options(pure, nomem, nostack),
        );
    }
    typed
}

/// A value at a user address; zero when it cannot be read.
#[inline(always)]
pub(crate) fn user<T: Copy>(address: u64) -> T {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: as in `kernel`.
    unsafe {
        bpf_probe_read_user(value.as_mut_ptr().cast(), size_of::<T>() as u32, address as *const _);
        value.assume_init()
    }
}
