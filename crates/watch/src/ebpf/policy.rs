//! The policy of the kernel's programs: tables of paths, written into the half that is not in use, and the word that says which
//! half holds.

use super::Ebpf;
use crate::backend::BackendError;
use kernscope_abi::layout::{BUFFERS, LSM_BUFFERS};
use kernscope_abi::paths::{HALF, SYMBOLS, policy};
use kernscope_kit::load::{LoadError, Object, Words};

/// What is done with a policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// There is none.
    #[default]
    None,
    /// Events say what it says of their paths.
    Judge,
    /// The same, and what is denied fails, where the kernel lets programs decide that.
    Enforce,
}

impl Policy {
    /// Words of map `PATHS`.
    pub(super) const fn slots(self) -> u32 {
        match self {
            Self::None => 1,
            Self::Judge | Self::Enforce => 2 * HALF,
        }
    }

    /// Values of the maps that programs work in.
    pub(super) const fn buffers(self) -> u32 {
        match self {
            Self::None | Self::Judge => BUFFERS,
            Self::Enforce => BUFFERS + LSM_BUFFERS,
        }
    }
}

/// The memory that the kernel's programs read.
#[derive(Debug)]
pub(super) struct Tables {
    slots: Words,
    word: Words,
}

impl Tables {
    pub(super) fn of(object: &Object) -> Result<Self, LoadError> {
        Ok(Self { slots: object.words("PATHS")?, word: object.words("POLICY")? })
    }

    /// One store makes the new table hold in place of the old. A program that reads the old one meanwhile sees that the word is
    /// another, and judges anew; so what it read may be overwritten by the next table.
    fn set(&self, slots: &[u64], flags: u64) {
        let old = self.word.get(0).unwrap_or_default();
        let second = !old & policy::SECOND;
        let first = if second != 0 { HALF as usize } else { 0 };
        self.slots.write(first, slots);
        let generation = old.wrapping_add(1) & policy::GENERATION;
        let kept = flags & !(policy::GENERATION | policy::SECOND);
        self.word.publish(0, generation | second | kept | policy::ON);
    }
}

impl Ebpf {
    /// Puts a table of paths and what is done with it in place of what was there, at once: each path is judged by the old one or by
    /// the new one. `flags` are those of [`kernscope_abi::paths::policy`] but for the generation and the half.
    ///
    /// # Errors
    /// When the run was set up without a policy, or the table is too large or no table.
    pub fn set_policy(&mut self, slots: &[u64], flags: u64) -> Result<(), BackendError> {
        let refused = |cause: String, fix: &str| BackendError {
            act: "set",
            object: "policy".into(),
            cause,
            fix: fix.into(),
        };
        let Some(tables) = &self.tables else {
            return Err(refused("this run was set up without one".into(), "start it with one"));
        };
        let len = slots.len();
        if len > HALF as usize {
            let cause = format!("its table has {len} slots, and there is room for {HALF}");
            return Err(refused(cause, "give fewer patterns"));
        }
        if len == 0 || !len.is_multiple_of(SYMBOLS) {
            return Err(refused(format!("{len} slots are no table: not a multiple of {SYMBOLS}"), ""));
        }
        tables.set(slots, flags);
        Ok(())
    }
}
