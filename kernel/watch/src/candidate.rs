//! Who may be one of those that are looked for: known by what is executed, and the host decides.
//!
//! Who executes a program is watched at once, as a candidate; its exec wakes the host, which holds it against what it looks for. A
//! candidate has a place in map `VERDICTS`. One that the host does not want takes itself out of the watched set at its next call;
//! one that it wants is made an ordinary entry by it. So nothing of what such a process does is missed, however long the
//! host takes. Children have the place of their parent.

use crate::io::add;
use crate::maps::{CANDIDATES, VERDICTS, cpu_bits};
use aya_ebpf::helpers::generated::bpf_get_smp_processor_id;
use kernscope_abi::layout::{self, WATCHED_CANDIDATE, WATCHED_SLOT, Watched};

/// Whether nobody has decided yet, or against it: what is denied to who is looked for is not denied to it.
#[inline(always)]
pub(crate) fn is_candidate(process: &Watched) -> bool {
    process.flags & WATCHED_CANDIDATE != 0
}

/// Whether the host has decided against it.
#[inline(always)]
pub(crate) fn is_refused(process: &Watched) -> bool {
    if !is_candidate(process) {
        return false;
    }
    // SAFETY: a word of the array, which the host may write meanwhile.
    VERDICTS
        .get_ptr(process.flags >> WATCHED_SLOT)
        .is_some_and(|word| unsafe { word.read_volatile() } == layout::VERDICT_REFUSED)
}

/// A place for a new candidate, on which nothing is decided. Numbers of one CPU come again after all others of its own.
#[inline(always)]
pub(crate) fn slot() -> Option<u32> {
    let count = CANDIDATES.get_ptr_mut(0)?;
    add(count, 1);
    // SAFETY: this CPU's count; only the program at exec, which does not come while it runs, adds to it. The helper has no arguments.
    let (number, cpu) = unsafe { (count.read_volatile() as u32, bpf_get_smp_processor_id()) };
    let slot = (number << (cpu_bits() & 31) | cpu) & (layout::VERDICTS - 1);
    let verdict = VERDICTS.get_ptr_mut(slot)?;
    // SAFETY: a map value.
    unsafe { verdict.write_volatile(0) };
    Some(slot)
}
