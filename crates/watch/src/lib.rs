//! The process-tree monitor: raw events in, records out.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod agents;
pub mod backend;
pub mod core;
pub mod detect;
pub mod ebpf;
pub mod enrich;
pub mod live;
pub mod monitor;
pub mod policy;
pub mod proc_snapshot;
pub mod ptrace;
pub mod raw;
pub mod resolve;
pub mod session;
pub mod stream;
pub mod talk;
pub mod tls;
