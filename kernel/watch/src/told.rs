//! Open files whose path is known to the host already.
//!
//! Most files are closed under the name that they were opened by. Walking the path again would cost as much as all
//! the rest of a close, so an open leaves a note here, and the close that finds it leaves the path out. Any rename,
//! unlink or mount on the machine, by whomever, makes all notes void.

use crate::io::add;
use crate::maps::{NAMES, TOLD};
use kernscope_abi::{FileId, layout::Told};

/// Shift that leaves the bits of an index into `TOLD` (2^12 entries).
const INDEX_SHIFT: u32 = 64 - 12;
const _: () = assert!(1 << (64 - INDEX_SHIFT) == kernscope_abi::layout::TOLD_MAX);

#[inline(always)]
fn slot(id: u64) -> Option<&'static mut Told> {
    let index = id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> INDEX_SHIFT;
    // SAFETY: a map value; see `note` for writers at the same time.
    TOLD.get_ptr_mut(index as u32).map(|slot| unsafe { &mut *slot })
}

/// How often a name has changed so far.
#[inline(always)]
pub(crate) fn names() -> u64 {
    // SAFETY: a map value.
    NAMES.get_ptr(0).map_or(0, |count| unsafe { count.read_volatile() })
}

/// A name has changed somewhere.
#[inline(always)]
pub(crate) fn names_changed() {
    if let Some(count) = NAMES.get_ptr_mut(0) {
        add(count, 1);
    }
}

/// An open event with this file's path is in the ring; `names` was read before the path was.
#[inline(always)]
pub(crate) fn note(file: &FileId, names: u64) {
    let Some(slot) = slot(file.id) else { return };
    // Invalid while it is written: another CPU may read it.
    // SAFETY: a map value.
    unsafe {
        (&raw mut slot.id).write_volatile(0);
        (&raw mut slot.ino).write_volatile(file.ino);
        (&raw mut slot.names).write_volatile(names);
        (&raw mut slot.dev).write_volatile(file.dev);
        (&raw mut slot.st_mode).write_volatile(file.st_mode);
        (&raw mut slot.id).write_volatile(file.id);
    }
}

/// Takes the note of a file; `None` when there is none or a name has changed since.
#[inline(always)]
pub(crate) fn take(id: u64) -> Option<FileId> {
    let slot = slot(id)?;
    // SAFETY: a map value.
    unsafe {
        if (&raw const slot.id).read_volatile() != id {
            return None;
        }
        let file = FileId { id, ino: slot.ino, dev: slot.dev, st_mode: slot.st_mode };
        let current = slot.names == names();
        let same = (&raw const slot.id).read_volatile() == id;
        (&raw mut slot.id).write_volatile(0);
        (current && same).then_some(file)
    }
}
