//! Keys and values of maps that keep what is known of processes and files.

use crate::pod::plain;

/// [`Watched::flags`]: nothing is told until the process executes a program.
pub const WATCHED_FROM_EXEC: u32 = 1;
/// [`Watched::flags`]: watched until the host has decided; where its verdict is stands from [`WATCHED_SLOT`] on.
pub const WATCHED_CANDIDATE: u32 = 2;
/// Shift of the index into map `VERDICTS` in [`Watched::flags`].
pub const WATCHED_SLOT: u32 = 8;

/// Entries of map `VERDICTS` with [`crate::layout::CONFIG_CANDIDATES`]; a power of two.
pub const VERDICTS: u32 = 1 << 18;

/// What an entry of map `VERDICTS` holds once the host has decided against a candidate. Until then it is 0; a candidate that
/// is taken loses its [`WATCHED_CANDIDATE`].
pub const VERDICT_REFUSED: u64 = 1;

/// A process in the watched set; map `WATCHED`, keyed by process id (u32).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// Start, `CLOCK_BOOTTIME` nanoseconds.
    pub start_ns: u64,
    /// Parent's process id.
    pub ppid: u32,
    /// `WATCHED_*`.
    pub flags: u32,
}

/// Key of map `IO`: one process's use of one open file.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IoKey {
    /// [`crate::FileId::id`].
    pub id: u64,
    /// Process id.
    pub pid: u32,
    /// Unused, zero.
    pub pad: u32,
}

/// Value of map `IO`: moved since the last close event.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IoCount {
    /// Bytes read or received.
    pub read_bytes: u64,
    /// Bytes written or sent.
    pub write_bytes: u64,
    /// Calls that read or received.
    pub reads: u64,
    /// Calls that wrote or sent.
    pub writes: u64,
    /// Where the last datagram of an unconnected socket went.
    pub last_remote: crate::Endpoint,
}

/// A file that the host has looked at for TLS libraries; key of map `TLS_FILES`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileKey {
    /// Inode.
    pub ino: u64,
    /// Kernel device number.
    pub dev: u32,
    /// Unused, zero.
    pub pad: u32,
}

/// Entries of map `TOLD`.
pub const TOLD_MAX: u32 = 4096;

/// An open file whose path an open event has told; map `TOLD`, indexed by a hash of `id`.
///
/// While no name has changed since, the close event leaves the path out and the host takes the one it was told.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// [`crate::FileId::id`]; 0 when the entry is free or being written.
    pub id: u64,
    /// Inode.
    pub ino: u64,
    /// Map `NAMES` when the path was told: how often a name had changed.
    pub names: u64,
    /// Kernel device number.
    pub dev: u32,
    /// `st_mode`.
    pub st_mode: u32,
}

/// Buffers of each CPU for programs on LSM hooks, of which several may be on one CPU at once.
pub const LSM_BUFFERS: u32 = 4;

/// Buffers of each CPU for all other programs: the first values of maps `SCRATCH`, `WALKS` and `JUDGES`.
pub const BUFFERS: u32 = 8;

plain! {
    Watched = 16 { start_ns @ 0, ppid @ 8, flags @ 12 }
    IoKey = 16 { id @ 0, pid @ 8, pad @ 12 }
    IoCount = 56 { read_bytes @ 0, write_bytes @ 8, reads @ 16, writes @ 24, last_remote @ 32 }
    FileKey = 16 { ino @ 0, dev @ 8, pad @ 12 }
    Told = 32 { id @ 0, ino @ 8, names @ 16, dev @ 24, st_mode @ 28 }
}
