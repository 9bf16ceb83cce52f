//! What the policy says of a path: the table of `kernscope_abi::paths` on the names that [`walk`](crate::walk) has just put into
//! the buffer, leaf first, as the table wants them.
//!
//! Depth first: as long as a name goes on as a pattern does, it is followed; what else may be right (one more byte for `*`, the
//! next name for `**`) waits on a short stack. Patterns are one trie and each node has one parent, so only `*` and `**` can be
//! come to in several ways, and they are come to early first; whoever comes again is turned away ([`Judge::seen`]). So the work
//! grows with the path and the stars, not with the number of patterns. What takes too long is undecided.

use crate::event::{LAST_START, number, plain, scratch};
use crate::maps::{JUDGES, PATHS, POLICY, WALKS, config_flag};
use crate::other_mount::{first_mount, is_own};
use crate::walk::{STARTS, walk_from};
use core::mem::size_of;
use kernscope_abi::{
    MAX_PATH, SEC_JUDGED, SEC_PATH, SECF_DISCONNECTED, SECF_TRUNCATED, SECF_UNRESOLVED, Section,
    layout::CONFIG_POLICY,
    paths::{
        ANY, CLASS_BITS, CLASSES, DENY, END, EXCEPT, GLOBSTAR, GUARD, HALF, HAS_ANY, HAS_GLOBSTAR, HAS_STAR,
        IS_GLOBSTAR, IS_STAR, JUDGED, NAME_END, ROOT, STAR, UNDECIDED, accept, base, check, denied, flags,
        policy,
    },
};

/// Steps of one round. The verifier pays for one round only, and a little for each call of it.
const ROUND: usize = 4;
/// Most rounds of a path: each byte of the longest one, and as much again for stars.
const ROUNDS: usize = 2 * MAX_PATH / ROUND;
/// How often a path is judged anew because the policy has changed meanwhile.
const TRIES: usize = 4;
/// Places that may wait.
const STACK: usize = 64;
/// Places of nodes that were come to.
const SEEN: usize = 64;
/// In place of the number of a name: any.
const ANY_NAME: u32 = 511;
/// How a walk ends whose names are not all there.
const INCOMPLETE: u32 = (SECF_TRUNCATED | SECF_DISCONNECTED | SECF_UNRESOLVED) as u32;

/// A path being judged, between two rounds.
#[repr(C)]
pub(crate) struct Judge {
    /// Counts paths, so that [`Judge::seen`] needs no clearing.
    epoch: u64,
    /// Where the table begins in `PATHS`.
    half: u32,
    node: u32,
    /// The byte to look at next.
    at: u32,
    /// The number of its name.
    name: u32,
    /// What holds so far.
    accept: u32,
    /// Places on the stack.
    waiting: u32,
    /// Node, byte and name of each.
    stack: [u64; STACK],
    /// Nodes of stars that were come to: `node | name << 22 | epoch << 31`.
    seen: [u64; SEEN],
}

/// The policy's word, or 0.
#[inline(always)]
pub(crate) fn policy_word() -> u64 {
    if !config_flag(CONFIG_POLICY) {
        return 0;
    }
    // SAFETY: a map value; stored in one piece.
    POLICY.get_ptr(0).map_or(0, |word| unsafe { word.read_volatile() })
}

/// Adds what the policy says of the path of the last walk as a section, if there is a policy; returns where the next one starts.
#[inline(always)]
pub(crate) fn add_verdict(family: u32, pos: u32) -> u32 {
    if policy_word() & policy::ON == 0 {
        return pos;
    }
    number(family, pos, SEC_JUDGED as u32, judge_place(family, pos))
}

/// What the policy says of the object of the family's last walk, whose section ends at `end`: by its path, and where it was
/// reached through a mount that is not the first of its file system, by that one's path as well. What is on the list of what is
/// denied under either is so; and what is reached through a mount of another namespace, or of none, is undecided unless it has a
/// first path.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn judge_place(family: u32, end: u32) -> u32 {
    let judged = judge(family);
    let Some(state) = WALKS.get_ptr(family) else { return judged };
    // SAFETY: this CPU's slot, used by programs of this family alone.
    let (state, is_whole) = unsafe { (&*state, (*state).flags & INCOMPLETE == 0) };
    if judged == 0 || !is_whole {
        return judged;
    }
    let (first, is_own) = (first_mount(state.from_mount), is_own(state.mount));
    if first != 0 {
        walk_from(family, end, SEC_PATH, first, state.from_node);
        if state.flags & INCOMPLETE == 0 {
            return either(judged, judge(family));
        }
    }
    if is_own { judged } else { judged | UNDECIDED }
}

/// What holds of an object with two paths.
#[inline(always)]
fn either(judged: u32, first: u32) -> u32 {
    let mut bits = judged | first & (UNDECIDED | GUARD);
    for class in 0..CLASSES {
        if denied(first, class, false) {
            let shift = class * CLASS_BITS;
            bits = bits & !(EXCEPT << shift) | DENY << shift;
        }
    }
    bits
}

/// What the policy says of the path of the family's last walk: accept bits and [`JUDGED`], [`UNDECIDED`].
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn judge(family: u32) -> u32 {
    for _ in 0..TRIES {
        let word = policy_word();
        if word & policy::ON == 0 {
            return 0;
        }
        let found = once(family, if word & policy::SECOND != 0 { HALF } else { 0 });
        // The host writes the half that no word names: while the word stays, what was read stays.
        if policy_word() == word {
            return JUDGED | found;
        }
    }
    JUDGED | UNDECIDED
}

/// Follows the path through one table.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn once(family: u32, half: u32) -> u32 {
    if !config_flag(CONFIG_POLICY) {
        return UNDECIDED;
    }
    let (Some(state), Some(walk)) = (JUDGES.get_ptr_mut(family), WALKS.get_ptr(family)) else {
        return UNDECIDED;
    };
    // SAFETY: this CPU's slots, used by programs of this family alone.
    let (state, walk) = unsafe { (&mut *state, &*walk) };
    state.epoch += 1;
    state.half = half;
    state.node = ROOT;
    state.at = 0;
    state.name = 0;
    state.accept = if walk.flags & INCOMPLETE != 0 { UNDECIDED } else { 0 };
    state.waiting = 0;
    for _ in 0..ROUNDS {
        if follow(family) != 0 {
            return state.accept;
        }
    }
    state.accept | UNDECIDED
}

#[inline(always)]
fn slot(half: u32, node: u32) -> u64 {
    // SAFETY: a map value; volatile, since the host may write it.
    PATHS.get_ptr(half + node).map_or(0, |slot| unsafe { slot.read_volatile() })
}

/// The child of the node in `here` by a symbol.
#[inline(always)]
fn child(half: u32, node: u32, here: u64, symbol: u32) -> Option<(u32, u64)> {
    let number = base(here) ^ symbol;
    let there = slot(half, number);
    (check(there) == node).then_some((number, there))
}

impl Judge {
    /// Puts a place on the stack.
    #[inline(always)]
    fn wait(&mut self, node: u32, at: u32, name: u32) {
        let top = plain(self.waiting) as usize;
        if top >= STACK {
            self.accept |= UNDECIDED;
            return;
        }
        self.stack[top] = node as u64 | (at as u64) << 32 | (name as u64) << 48;
        self.waiting += 1;
    }

    /// Takes the last one off; `false` when there is none.
    #[inline(always)]
    fn resume(&mut self) -> bool {
        let left = plain(self.waiting.wrapping_sub(1)) as usize;
        if left >= STACK {
            return false;
        }
        let place = self.stack[left];
        self.waiting = left as u32;
        self.node = place as u32;
        self.at = (place >> 32) as u16 as u32;
        self.name = (place >> 48) as u32;
        true
    }

    /// Whether the node of a star is come to for the first time.
    #[inline(always)]
    fn is_first(&mut self, node: u32, name: u32) -> bool {
        let mark = node as u64 | (name as u64) << 22 | self.epoch << 31;
        let place = &mut self.seen[node as usize & (SEEN - 1)];
        let is_first = *place != mark;
        *place = mark;
        is_first
    }
}

/// Follows the path some steps; not 0 when all is said.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn follow(family: u32) -> u32 {
    if !config_flag(CONFIG_POLICY) {
        // Nothing else is left for the verifier to look at.
        return 1;
    }
    let (Some(state), Some(walk), Some(buffer)) =
        (JUDGES.get_ptr_mut(family), WALKS.get_ptr(family), scratch(family))
    else {
        return 1;
    };
    // SAFETY: as in `once`.
    let (state, walk) = unsafe { (&mut *state, &*walk) };
    let from = plain(walk.pos);
    if from > LAST_START as u64 {
        return 1;
    }
    // SAFETY: room for a section of MAX_PATH bytes behind LAST_START.
    let names = unsafe { buffer.add(from as usize + size_of::<Section>()) };
    let half = state.half;
    for _ in 0..ROUND {
        let (node, at, name) = (state.node, state.at, state.name);
        let symbol = if at >= walk.len {
            END
        } else {
            let at = plain(at) as usize;
            if at >= MAX_PATH {
                state.accept |= UNDECIDED;
                return 1;
            }
            // SAFETY: in bounds, checked above.
            unsafe { names.add(at).read() as u32 }
        };
        let here = slot(half, node);
        let kind = flags(here);
        if kind != 0 {
            stars(state, half, here, symbol, &walk.starts);
        }
        let mut next = child(half, node, here, symbol);
        if symbol == END && state.accept & UNDECIDED != 0 {
            // Where the names of this path end nothing ends.
            next = None;
        }
        match next {
            Some((number, there)) => {
                if symbol == END || symbol == NAME_END {
                    state.accept |= accept(there);
                }
                state.node = number;
                state.at = at + 1;
                state.name = name + (symbol == NAME_END) as u32;
                if symbol == END && !state.resume() {
                    return 1;
                }
            }
            None => {
                if !state.resume() {
                    return 1;
                }
            }
        }
    }
    0
}

/// Puts on the stack what may be right beside the next symbol itself.
#[inline(always)]
fn stars(state: &mut Judge, half: u32, here: u64, symbol: u32, starts: &[u16; STARTS]) {
    let (node, at, name) = (state.node, state.at, state.name);
    let kind = flags(here);
    let is_byte = symbol != NAME_END && symbol != END;
    if kind & IS_GLOBSTAR != 0 && symbol != END {
        let next = starts[plain(name + 1) as usize & (STARTS - 1)] as u32;
        state.wait(node, next, name + 1);
    }
    if kind & IS_STAR != 0 && is_byte {
        state.wait(node, at + 1, name);
    }
    if kind & HAS_ANY != 0 && is_byte {
        if let Some((any, _)) = child(half, node, here, ANY) {
            state.wait(any, at + 1, name);
        }
    }
    if kind & HAS_GLOBSTAR != 0 {
        if let Some((globstar, _)) = child(half, node, here, GLOBSTAR) {
            if state.is_first(globstar, ANY_NAME) {
                state.wait(globstar, at, name);
            }
        }
    }
    if kind & HAS_STAR != 0 && symbol != END {
        if let Some((star, _)) = child(half, node, here, STAR) {
            if state.is_first(star, name) {
                state.wait(star, at, name);
            }
        }
    }
}
