//! The engine.
#![deny(missing_docs)]

pub mod probe;
pub mod spawn;
pub mod sys;
