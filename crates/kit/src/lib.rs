//! The engine.
#![deny(missing_docs)]

pub mod spawn;
