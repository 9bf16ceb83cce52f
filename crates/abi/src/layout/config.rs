//! Settings of the programs.

use crate::pod::plain;

/// [`Config::flags`]: watch every process but [`Config::self_pid`].
pub const CONFIG_ALL: u32 = 1;
/// [`Config::flags`]: send environments.
pub const CONFIG_ENV: u32 = 2;
/// [`Config::flags`]: `sched_process_exit` passes whether the group is dead as its second argument (from 6.16).
pub const CONFIG_EXIT_GROUP_DEAD: u32 = 4;
/// [`Config::flags`]: `io_uring_complete` passes a pointer to the completion, not its fields (from 6.16).
pub const CONFIG_URING_CQE: u32 = 8;
/// [`Config::flags`]: the kernel gives the current task as a typed pointer (from 5.11).
pub const CONFIG_TASK_BTF: u32 = 16;
/// [`Config::flags`]: the kernel makes a typed pointer of any address; see [`crate::layout::CALL_RDONLY_CAST`].
pub const CONFIG_CAST: u32 = 32;
/// [`Config::flags`]: a program may be preempted by another one (at tracepoints, from 7.0 on).
pub const CONFIG_PREEMPTIBLE: u32 = 64;
/// [`Config::flags`]: a program judges what calls read, write, send and receive; see [`crate::layout::window`].
pub const CONFIG_CONTENT: u32 = 128;
/// [`Config::flags`]: the kernel tells a program which attachment it runs for (from 5.15).
pub const CONFIG_COOKIE: u32 = 256;
/// [`Config::flags`]: TLS libraries are followed.
pub const CONFIG_TLS: u32 = 512;
/// Send what goes to name servers and comes from them.
pub const CONFIG_DNS: u32 = 1024;
/// [`Config::flags`]: there may be a policy; map `POLICY` says.
pub const CONFIG_POLICY: u32 = 2048;
/// Send what goes through standard input, output and error where those are pipes or local sockets.
pub const CONFIG_STDIO: u32 = 4096;
/// [`Config::flags`]: whoever executes a program is watched until the host has said in map `VERDICTS` that it need not be.
pub const CONFIG_CANDIDATES: u32 = 8192;

/// Settings, in `.rodata`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// `CONFIG_*`.
    pub flags: u32,
    /// The monitor's own process id, never watched in [`CONFIG_ALL`].
    pub self_pid: u32,
    /// Ring bytes in use above which the reader is woken at once.
    pub wake_bytes: u32,
    /// Bytes that are judged at once, with [`CONFIG_CONTENT`].
    pub piece_bytes: u32,
    /// Hides kernel addresses in [`crate::FileId::id`] and request numbers: random, chosen at load.
    pub secret: u64,
    /// Bits that tell CPUs apart in the numbers of candidates, with [`CONFIG_CANDIDATES`].
    pub cpu_bits: u32,
    /// Unused, zero.
    pub pad: u32,
}

plain! {
    Config = 32 { flags @ 0, self_pid @ 4, wake_bytes @ 8, piece_bytes @ 12, secret @ 16, cpu_bits @ 24, pad @ 28 }
}
