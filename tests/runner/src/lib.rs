//! The case runner: real programs under `kernscope watch`, and what the records must say about them.
//!
//! A case file (`tests/cases/*.toml`) names a program whose system calls are known, the records that must and
//! must not appear, and what a back end leaves out. [`run`] runs one case, [`judge`] compares, [`agree`] holds
//! two back ends against each other. It knows nothing of how kernscope works: it reads the output alone.
//! tests/cases/README.md describes the format.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod agree;
pub mod case;
pub mod judge;
pub mod leave_out;
pub mod leftovers;
pub mod lifecycle;
pub mod matcher;
pub mod needs;
pub mod process;
pub mod programs;
pub mod run;
pub mod stream;
pub mod suite;
pub mod vars;
