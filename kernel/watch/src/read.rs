//! Checked reads of kernel and user memory. What cannot be read is zero, and the caller says what that means.

use aya_ebpf::helpers::generated::{bpf_probe_read_kernel, bpf_probe_read_user};
use core::mem::{MaybeUninit, size_of};

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
