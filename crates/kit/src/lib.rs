//! The engine: what every instrument needs to get programs into the kernel and events out of it.
#![deny(missing_docs)]

pub mod asm;
pub mod attach;
pub mod btf;
pub mod check;
pub mod compile;
pub mod load;
mod memlock;
pub mod netlink;
pub mod packet;
pub mod pidfd;
pub mod priority;
pub mod privilege;
pub mod probe;
pub mod procfs;
pub mod program;
pub mod ring;
pub mod spawn;
pub mod sys;
pub mod trace;
pub mod vm;
