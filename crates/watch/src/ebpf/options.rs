//! Settings of a run by eBPF.

#[cfg(doc)]
use super::Ebpf;
use super::{Policy, SyscallHooks};
use crate::agents::Signatures;
#[cfg(doc)]
use crate::backend::Target;
use kernscope_kit::compile::Content;
use kernscope_kit::spawn;
use std::path::PathBuf;
use std::sync::Arc;

/// Default size of the ring in bytes.
pub const RING_BYTES: u32 = 8 * 1024 * 1024;
/// The same when plain text goes through it: ten million bytes each way, seen at both ends, are whole even if nobody reads meanwhile.
const TLS_RING_BYTES: u32 = 64 * 1024 * 1024;

/// Bytes of the ring, with TLS or without.
pub const fn ring_bytes(tls: bool) -> u32 {
    if tls { TLS_RING_BYTES } else { RING_BYTES }
}

/// Settings of a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Send environments with execs.
    pub env: bool,
    /// Size of the ring: a power of two, at least a page.
    pub ring_bytes: u32,
    /// Which tracepoints carry system calls.
    pub syscalls: SyscallHooks,
    /// What data that calls move is held against: what meets it is delivered.
    pub content: Option<Content>,
    /// Deliver what goes through TLS libraries, as plain text.
    pub tls: bool,
    /// Folder in which is kept what was found in large programs, for the next run; none: nothing is kept.
    pub cache: Option<PathBuf>,
    /// Whether paths are judged by a policy; [`Ebpf::set_policy`] says which.
    pub policy: Policy,
    /// Hosts can be put out of reach; [`Ebpf::set_hosts`] says which.
    pub hosts: bool,
    /// How a command is started.
    pub spawn: spawn::Options,
    /// Deliver what goes through standard input, output and error, where those are pipes or local sockets.
    pub stdio: bool,
    /// Who is known by these is watched from its exec on, with [`Target::Trees`] ([`Ebpf::found`] says who that was); without,
    /// trees are watched that are named.
    pub agents: Option<Arc<Signatures>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            env: false,
            ring_bytes: RING_BYTES,
            syscalls: SyscallHooks::Auto,
            content: None,
            tls: false,
            cache: None,
            policy: Policy::None,
            hosts: false,
            spawn: spawn::Options::default(),
            stdio: false,
            agents: None,
        }
    }
}
