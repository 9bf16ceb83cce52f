//! The userspace side of filtering by content: what cannot match is put aside at the speed of memory.
//!
//! The conditions are those of [`kernscope_kit::compile`], with the same answers. What is left is for a matcher.
#![deny(missing_docs)]
#![deny(unsafe_code)]

pub mod frequency;
pub mod matcher;
pub mod offload;
mod parallel;
pub mod prefilter;
pub mod redact;
pub mod rules;
mod simd;
pub mod text_file;
pub mod toml_error;

pub use parallel::threads;
pub use simd::Level;
