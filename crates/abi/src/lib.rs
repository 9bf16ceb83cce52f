//! Bytes that cross the kernel line.
//!
//! Every struct here is written by an eBPF program (`kernel/watch`) or read by one, and read or written by
//! the host. Nothing else lives here: no logic, no dependencies, no allocation.
//!
//! A raw event is a [`Header`], a body that depends on [`Header::kind`], and a tail of *sections*: a
//! [`Section`] header followed by its bytes, one after the other until [`Header::size`]. Sections carry what
//! varies in length: resolved paths, the strings a program passed, argument vectors.
//!
//! All integers are in native byte order; both sides run on the same machine. A recorded stream names its
//! byte order in its own header.
#![no_std]
#![deny(missing_docs)]

mod content;
mod deny;
mod event;
mod file;
pub mod hosts;
pub mod layout;
mod net;
mod path_op;
pub mod paths;
pub mod pod;
mod process;
mod tls;

pub use content::*;
pub use deny::*;
pub use event::*;
pub use file::*;
pub use net::*;
pub use path_op::*;
pub use process::*;
pub use tls::*;

/// Version of the layouts in this crate. Goes up when a struct or a number changes meaning.
pub const ABI_VERSION: u32 = 1;

/// Longest path, in bytes, that an event carries (the kernel's `PATH_MAX`).
pub const MAX_PATH: usize = 4096;
/// Most path components that one walk follows, mount crossings included.
pub const MAX_COMPONENTS: usize = 256;
/// Bytes of argument or environment strings in one [`KIND_STRINGS`] event.
pub const MAX_CHUNK: usize = 4096;
/// Most [`KIND_STRINGS`] events of each sort that precede one exec (256 KiB).
pub const MAX_CHUNKS: u32 = 64;
/// Largest raw event in bytes: one with the data of a call.
pub const MAX_EVENT: usize = 66 * 1024;

/// Length of a task's `comm`.
pub const COMM_LEN: usize = 16;

/// Descriptors examined when a process exits or executes; beyond these the tail is counted as lost.
pub const MAX_FDS: usize = 65536;
