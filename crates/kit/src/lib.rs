//! The engine: what every instrument needs to get programs into the kernel and events out of it.
#![deny(missing_docs)]

pub mod btf;
pub mod probe;
pub mod spawn;
pub mod sys;
