//! Other patterns for a program that is loaded.
//!
//! A program is instructions and tables, and patterns are in tables alone. A filter whose instructions come out the same
//! only needs its tables written: into the copy that the program does not read, and then the switch is turned. Every run
//! of the program sees the old tables or the new ones.

use super::emit::{SWITCH, TABLES};
use super::plan::Walk;
use super::tables::{self, Each};
use super::{CompileError, Compiled, Filter};
use crate::load::{Loaded, UseError};
use crate::sys;

/// The only key of both maps.
const KEY: [u8; 4] = [0; 4];

impl Compiled {
    /// Compiles another filter for the same program: sieves and room for tables stay as they are.
    ///
    /// # Errors
    /// When the other filter needs other instructions (other kinds of conditions, literals shorter than the sieve can
    /// find, another window of thresholds) or more room, it must be loaded anew; else as [`compile`](super::compile).
    pub fn with(&self, filter: &Filter) -> Result<Compiled, CompileError> {
        let mut walks: Vec<Walk> = Vec::new();
        tables::each(&mut self.plan.clone(), &mut |scan| {
            if let Each::Walk(walk) = scan {
                walks.push(walk.clone());
            }
        });
        let other = super::compile_like(filter, &self.options, &walks)?;
        if other.table.len() != self.table.len() {
            return Err(CompileError::OtherProgram("the patterns need more room than was made for them"));
        }
        if other.program.insns != self.program.insns {
            return Err(CompileError::OtherProgram("the condition needs other instructions"));
        }
        Ok(other)
    }

    /// Writes the tables of this filter into a program that was loaded from it or from one that it was
    /// [made for](Compiled::with), and waits until no run uses the old ones.
    ///
    /// # Errors
    /// When the program is another's, and its maps have other sizes; or the kernel refuses to write.
    pub fn install(&self, loaded: &Loaded) -> Result<(), UseError> {
        let mut switch = [0; 8];
        loaded.map(SWITCH).lookup_into(&KEY, &mut switch)?;
        let idle = usize::from(u64::from_ne_bytes(switch) & 1 == 0);
        let tables = loaded.map(TABLES);
        if tables.value_size() != 2 * self.table.len() {
            return Err(UseError::other_tables(tables.name()));
        }
        tables.write(idle * self.table.len(), &self.table)?;
        loaded.map(SWITCH).update(&KEY, &(idle as u64).to_ne_bytes())?;
        sys::wait_for_readers();
        Ok(())
    }
}
