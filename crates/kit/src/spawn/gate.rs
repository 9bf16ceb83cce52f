//! The gate: a page that parent and child share, with a futex for each direction.

use nix::errno::Errno;
use std::mem::{offset_of, size_of};
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicUsize, Ordering};

/// How often a side that waits looks whether the other one is still there.
const GLANCE_NS: libc::c_long = 50_000_000;

pub(super) const WAIT: u32 = 0;
pub(super) const GO: u32 = 1;
pub(super) const GIVE_UP: u32 = 2;

pub(super) const STAGE_BEGIN: u32 = 0;
pub(super) const STAGE_GATE: u32 = 1;
pub(super) const STAGE_NNP: u32 = 2;
pub(super) const STAGE_SECCOMP: u32 = 3;
pub(super) const STAGE_EXEC: u32 = 4;
pub(super) const STAGE_LANDLOCK: u32 = 5;
pub(super) const STAGE_SUPERVISE: u32 = 6;

/// What both sides share. The layout of the last four is `struct robust_list_head` and `struct robust_list`
/// (linux/futex.h).
#[repr(C)]
pub(super) struct Gate {
    pub(super) go: AtomicU32,
    pub(super) alive: AtomicU32,
    pub(super) errno: AtomicI32,
    pub(super) stage: AtomicU32,
    /// The descriptor of the child's seccomp listener, plus one.
    pub(super) listener: AtomicI32,
    pub(super) pad: AtomicU32,
    pub(super) robust_first: AtomicUsize,
    pub(super) robust_futex_offset: AtomicUsize,
    pub(super) robust_pending: AtomicUsize,
    pub(super) robust_entry: AtomicUsize,
}

const _: () = assert!(offset_of!(Gate, robust_futex_offset) == offset_of!(Gate, robust_first) + 8);
const _: () = assert!(offset_of!(Gate, robust_pending) == offset_of!(Gate, robust_first) + 16);
#[cfg(not(target_pointer_width = "64"))]
compile_error!("kernscope supports 64-bit Linux only");

/// The shared mapping that holds a [`Gate`].
#[derive(Debug)]
pub(super) struct GatePage(std::sync::Arc<Mapping>);

#[derive(Debug)]
struct Mapping(ptr::NonNull<Gate>);

// SAFETY: the mapping holds atomics only, and is unmapped by its last owner.
unsafe impl Send for Mapping {}
// SAFETY: as above; all access is through atomics.
unsafe impl Sync for Mapping {}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the address and length are those of the mapping made in `GatePage::new`; nobody else holds it.
        unsafe { libc::munmap(self.0.as_ptr().cast(), size_of::<Gate>()) };
    }
}

impl GatePage {
    pub(super) fn new() -> Result<Self, Errno> {
        // SAFETY: a fresh anonymous mapping; no memory of ours is touched.
        let page = unsafe {
            libc::mmap(
                ptr::null_mut(),
                size_of::<Gate>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if page == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        let page = ptr::NonNull::new(page.cast()).ok_or(Errno::ENOMEM)?;
        Ok(Self(std::sync::Arc::new(Mapping(page))))
    }

    pub(super) fn share(&self) -> Self {
        Self(self.0.clone())
    }

    pub(super) fn gate(&self) -> &Gate {
        // SAFETY: mapped and aligned (a page), zero-filled, which is a value of every field; lives as long as
        // `self`; both sides use atomics only.
        unsafe { self.0.0.as_ref() }
    }

    pub(super) fn open(&self, how: u32) {
        let go = &self.gate().go;
        go.store(how, Ordering::Release);
        futex_wake(go);
    }
}

pub(super) fn futex_wake(word: &AtomicU32) {
    // SAFETY: FUTEX_WAKE reads nothing but the address, which is that of a live futex word.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, i32::MAX) };
}

/// Waits until `word` is no longer `expected`, or for [`GLANCE_NS`].
pub(super) fn futex_wait(word: &AtomicU32, expected: u32) {
    let timeout = libc::timespec { tv_sec: 0, tv_nsec: GLANCE_NS };
    // SAFETY: the word and the timeout are live; the mapping is shared, so is the futex.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, expected, &raw const timeout) };
}
