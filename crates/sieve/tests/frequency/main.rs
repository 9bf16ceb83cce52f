//! Byte-frequency filters against one that looks at every window by itself.

#[path = "../support/cover.rs"]
mod cover;
mod limits;
mod machine;
#[path = "../support/random.rs"]
mod random;
mod readers;
mod refusals;
mod slices;
