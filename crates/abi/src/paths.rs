//! The table of path patterns that a policy is judged by, in the kernel and in userspace.
//!
//! A path is read as a dentry walk gives it: its names from leaf to root, each followed by NUL; then it ends. Patterns lie in
//! one trie over these symbols, and the trie in an array of slots (a double array: the child of a node by a symbol is in the
//! slot `base ^ symbol`, if the check of that slot is the node). So the work for a path does not depend on how many
//! patterns there are.
//!
//! Beside bytes a node may have children by [`STAR`] (any bytes of a name, or none), [`GLOBSTAR`] (any names, or
//! none; entered and left only between names) and [`ANY`] (one byte of a name). Who stands on a node with such a child stands on
//! the child as well. The accept bits of a node hold when it is reached by the NUL after a name, or by [`END`].
//!
//! What is denied: a path whose bits for a class have [`EXCEPT`] is allowed; else one with [`DENY`] is denied; else one with
//! [`ALLOW`] is allowed; else what [`policy::default_denied`] of the class says.

/// A node, and how to get on from it: `base | check << 22 | accept << 44 | flags << 58`.
pub type Slot = u64;

/// Most slots of a table: `base` and `check` have this many bits.
pub const SLOT_BITS: u32 = 22;
/// Slots come in multiples of this, so that `base ^ symbol` stays inside.
pub const SYMBOLS: usize = 512;
/// Slots of one half of the array, so most of a table. While one half holds the other is written.
pub const HALF: u32 = 1 << 20;
/// Where the trie begins. Slot 0 is no node; a free slot has 0 for its check.
pub const ROOT: u32 = 1;

/// The symbol after each name.
pub const NAME_END: u32 = 0;
/// The symbol after the last name: the root of the mount namespace is reached.
pub const END: u32 = 256;
/// `*`: any bytes of one name, or none.
pub const STAR: u32 = 257;
/// `**`: any names, or none.
pub const GLOBSTAR: u32 = 258;
/// `?`: any one byte of a name.
pub const ANY: u32 = 259;

/// The node has a child by [`STAR`].
pub const HAS_STAR: u32 = 1;
/// The node has a child by [`GLOBSTAR`].
pub const HAS_GLOBSTAR: u32 = 1 << 1;
/// The node has a child by [`ANY`].
pub const HAS_ANY: u32 = 1 << 2;
/// The node is reached by [`STAR`]: who is on it stays through all bytes of the name.
pub const IS_STAR: u32 = 1 << 3;
/// The node is reached by [`GLOBSTAR`]: who is on it stays to the end, and gets on by bytes where a name begins.
pub const IS_GLOBSTAR: u32 = 1 << 4;

/// Accept bits of a slot.
pub const ACCEPT_MASK: u32 = (1 << 14) - 1;
/// Bits of each class in the accept bits.
pub const CLASS_BITS: u32 = 3;
/// The class of what is read.
pub const READ: u32 = 0;
/// The class of what is written, made, removed, renamed, or whose attributes are changed.
pub const WRITE: u32 = 1;
/// The class of what is executed.
pub const EXEC: u32 = 2;
/// Number of classes.
pub const CLASSES: u32 = 3;
/// On the list of what is allowed.
pub const ALLOW: u32 = 1;
/// On the list of what is denied.
pub const DENY: u32 = 1 << 1;
/// On the list of exceptions from what is denied.
pub const EXCEPT: u32 = 1 << 2;
/// A directory above something denied: with another name it would no longer be.
pub const GUARD: u32 = 1 << (CLASSES * CLASS_BITS);

/// Beside the accept bits of a path: the table may say more of it. The path was longer than is followed, is below no root, or
/// would have taken too long. What is undecided is never taken for allowed where the class is [`policy::enforced`].
pub const UNDECIDED: u32 = 1 << 30;
/// Beside the accept bits of a path: there was a policy, and they are its.
pub const JUDGED: u32 = 1 << 31;

/// Puts a slot together.
pub const fn slot(base: u32, check: u32, accept: u32, flags: u32) -> Slot {
    base as u64 | (check as u64) << SLOT_BITS | (accept as u64) << (2 * SLOT_BITS) | (flags as u64) << 58
}

/// The base of a node's children.
pub const fn base(slot: Slot) -> u32 {
    (slot & ((1 << SLOT_BITS) - 1)) as u32
}

/// The parent of a node.
pub const fn check(slot: Slot) -> u32 {
    ((slot >> SLOT_BITS) & ((1 << SLOT_BITS) - 1)) as u32
}

/// What holds of a path that gets here.
pub const fn accept(slot: Slot) -> u32 {
    (slot >> (2 * SLOT_BITS)) as u32 & ACCEPT_MASK
}

/// `HAS_*` and `IS_*`.
pub const fn flags(slot: Slot) -> u32 {
    (slot >> 58) as u32
}

/// What the bits of a class say: whether it is denied.
pub const fn denied(accept: u32, class: u32, by_default: bool) -> bool {
    let bits = accept >> (class * CLASS_BITS);
    bits & EXCEPT == 0 && (bits & DENY != 0 || by_default && bits & ALLOW == 0)
}

/// The word that says which table holds and what is done with it; stored in one piece.
pub mod policy {
    /// Bits of the number that counts up with each table.
    pub const GENERATION: u64 = 0xffff_ffff;
    /// There is a policy.
    pub const ON: u64 = 1 << 32;
    /// The second half of the array of slots holds, not the first.
    pub const SECOND: u64 = 1 << 33;
    /// Directories are not to be mounted anew by who is watched.
    pub const NO_MOUNT: u64 = 1 << 34;
    /// Processes that are not watched are not to be traced, nor their memory opened, by who is watched.
    pub const NO_TRACE: u64 = 1 << 35;

    /// What is on no list of the class is denied.
    pub const fn default_denied(class: u32) -> u64 {
        1 << (40 + class)
    }

    /// What is denied fails; without, it is only told. Only for a class in which something is denied.
    pub const fn enforced(class: u32) -> u64 {
        1 << (48 + class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_gives_back_what_was_put_in() {
        let (largest, accepts) = ((1 << SLOT_BITS) - 1, ACCEPT_MASK);
        for (a, b, c, d) in
            [(0, 0, 0, 0), (largest, 1, accepts, 0), (1, largest, 5, 31), (7, 9, GUARD, IS_STAR)]
        {
            let slot = slot(a, b, c, d);
            assert_eq!((base(slot), check(slot), accept(slot), flags(slot)), (a, b, c, d));
        }
    }

    #[test]
    fn exceptions_go_before_denials_and_denials_before_what_is_allowed() {
        let bits = |what: u32| what << (WRITE * CLASS_BITS);
        assert!(!denied(bits(EXCEPT | DENY), WRITE, true));
        assert!(denied(bits(DENY | ALLOW), WRITE, false));
        assert!(!denied(bits(ALLOW), WRITE, true));
        assert!(denied(0, WRITE, true) && !denied(0, WRITE, false));
        assert!(!denied(bits(DENY), READ, false), "classes are apart");
    }
}
