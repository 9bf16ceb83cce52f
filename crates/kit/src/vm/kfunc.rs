//! The kernel functions that generated programs call: the iterator over numbers.
//!
//! A program names a function by its number in the BTF of the kernel it was made for; here that is the running one's.

use super::error::Fault;
use super::frame::MAX_LOOPS;
use super::memory::Space;
use crate::asm::{Form, Insn};
use crate::probe;

/// A kernel function that can be run here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kfunc {
    /// `int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end)`
    New,
    /// `int *bpf_iter_num_next(struct bpf_iter_num *it)`
    Next,
    /// `void bpf_iter_num_destroy(struct bpf_iter_num *it)`
    Destroy,
}

const NAMES: [(&str, Kfunc); 3] = [
    ("bpf_iter_num_new", Kfunc::New),
    ("bpf_iter_num_next", Kfunc::Next),
    ("bpf_iter_num_destroy", Kfunc::Destroy),
];

const E2BIG: i64 = -7;
const EINVAL: i64 = -22;

/// The functions and their numbers, if the program calls any.
pub(super) fn numbers(insns: &[Insn]) -> Vec<(i32, Kfunc)> {
    let calls = |at: usize| matches!(Form::decode(&insns[at..]), Some((Form::CallKfunc { .. }, _)));
    if !(0..insns.len()).any(calls) {
        return Vec::new();
    }
    let number = |(name, kfunc)| probe::kfunc(name).map(|id: u32| (id.cast_signed(), kfunc));
    NAMES.into_iter().filter_map(number).collect()
}

/// Calls one. The iterator is eight bytes: the number it is at, and the end.
pub(super) fn call(kfunc: Kfunc, space: &mut Space<'_>, args: [u64; 5]) -> Result<u64, Fault> {
    let (iterator, start, end) = (args[0], args[1] as i32, args[2] as i32);
    match kfunc {
        Kfunc::New => {
            let rounds = i64::from(end) - i64::from(start);
            let (state, answer) = match rounds {
                ..0 => ([0, 0], EINVAL),
                _ if rounds > i64::from(MAX_LOOPS) => ([0, 0], E2BIG),
                _ => ([start.wrapping_sub(1), end], 0),
            };
            set(space, iterator, state)?;
            Ok(answer.cast_unsigned())
        }
        Kfunc::Next => {
            let current = space.load::<4>(iterator)? as i32;
            let end = space.load::<4>(iterator.wrapping_add(4))? as i32;
            // The number before the smallest is the largest.
            let next = current.wrapping_add(1);
            if next >= end {
                set(space, iterator, [0, 0])?;
                return Ok(0);
            }
            set(space, iterator, [next, end])?;
            Ok(iterator)
        }
        Kfunc::Destroy => set(space, iterator, [0, 0]).map(|()| 0),
    }
}

fn set(space: &mut Space<'_>, iterator: u64, [current, end]: [i32; 2]) -> Result<(), Fault> {
    space.store(iterator, current.to_ne_bytes())?;
    space.store(iterator.wrapping_add(4), end.to_ne_bytes())
}
