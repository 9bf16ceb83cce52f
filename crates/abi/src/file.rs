//! Bodies of events about open files: opened, closed, mapped.

use crate::pod::plain;

/// Identity of an open file: what [`Open`], [`Close`] and [`Mmap`] share.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileId {
    /// Distinguishes open files at one moment; an opaque number, not an address that a record may show.
    pub id: u64,
    /// Inode.
    pub ino: u64,
    /// Kernel device number (`MKDEV`: major << 20 | minor).
    pub dev: u32,
    /// `st_mode` of the inode, type bits included.
    pub st_mode: u32,
}

/// Body of [`crate::KIND_OPEN`]. Sections: `PATH` when it succeeded, `RAW`, `BASE` when it failed.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// The file; zero when the open failed.
    pub file: FileId,
    /// New descriptor or negative errno.
    pub ret: i32,
    /// `dirfd`, or `AT_FDCWD`.
    pub dirfd: i32,
    /// `O_*` flags as passed.
    pub flags: u32,
    /// Mode argument of a creating open.
    pub mode: u32,
    /// `io_uring` request, to join with [`crate::UringSubmit`]; else 0.
    pub request: u64,
}

/// [`Close::cause`]: `close`, `close_range`, or an `io_uring` close.
pub const CLOSE_CALL: u32 = 0;
/// [`Close::cause`]: replaced by `dup2` or `dup3`.
pub const CLOSE_DUP: u32 = 1;
/// [`Close::cause`]: marked close-on-exec, and this thread has started an exec. Void if that exec fails.
pub const CLOSE_EXEC: u32 = 2;
/// [`Close::cause`]: the process ended.
pub const CLOSE_EXIT: u32 = 3;
/// [`Close::cause`]: no descriptor went away; counts so far, told so that none is lost.
pub const CLOSE_FLUSH: u32 = 4;

/// Body of [`crate::KIND_CLOSE`]. Section: `PATH`; left out when it is still the one that the file's open told.
///
/// The counters are what this process moved through this open file since its last such event.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Close {
    /// The file.
    pub file: FileId,
    /// The descriptor.
    pub fd: i32,
    /// `CLOSE_*`.
    pub cause: u32,
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes written.
    pub write_bytes: u64,
    /// Calls that read.
    pub reads: u64,
    /// Calls that wrote.
    pub writes: u64,
}

/// Body of [`crate::KIND_MMAP`]. Section: `PATH`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mmap {
    /// The file.
    pub file: FileId,
    /// Address or negative errno.
    pub ret: i64,
    /// Length in bytes.
    pub len: u64,
    /// Offset in the file, bytes.
    pub offset: u64,
    /// `PROT_*`.
    pub prot: u32,
    /// `MAP_*`.
    pub flags: u32,
}

plain! {
    FileId = 24 { id @ 0, ino @ 8, dev @ 16, st_mode @ 20 }
    Open = 48 { file @ 0, ret @ 24, dirfd @ 28, flags @ 32, mode @ 36, request @ 40 }
    Close = 64 { file @ 0, fd @ 24, cause @ 28, read_bytes @ 32, write_bytes @ 40, reads @ 48, writes @ 56 }
    Mmap = 56 { file @ 0, ret @ 24, len @ 32, offset @ 40, prot @ 48, flags @ 52 }
}
