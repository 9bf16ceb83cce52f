//! The engine.
#![deny(missing_docs)]
