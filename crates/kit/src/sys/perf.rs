//! Perf events that programs are attached to: tracepoints, kprobes and uprobes.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// A perf event that a program can be attached to.
#[derive(Clone, Copy, Debug)]
pub enum PerfEvent<'a> {
    /// A tracepoint by its id in tracefs, on the whole machine.
    Tracepoint(u64),
    /// A kernel function, on the whole machine. `pmu` is the number in `.../devices/kprobe/type`.
    Kprobe {
        /// Number of the event source.
        pmu: u32,
        /// Name of the function.
        symbol: &'a CStr,
    },
    /// An offset in a file. `pmu` is the number in `.../devices/uprobe/type`.
    Uprobe {
        /// Number of the event source.
        pmu: u32,
        /// The file.
        path: &'a CStr,
        /// Offset in it.
        offset: u64,
        /// Fire on return.
        on_return: bool,
        /// In every process, not only in the calling one.
        everywhere: bool,
    },
}

const PERF_TYPE_TRACEPOINT: u32 = 2;
const PERF_FLAG_FD_CLOEXEC: libc::c_ulong = 8;
/// `_IOW('$', 8, __u32)`.
const PERF_EVENT_IOC_SET_BPF: libc::c_ulong = 0x4004_2408;
/// `_IO('$', 0)`.
const PERF_EVENT_IOC_ENABLE: libc::c_ulong = 0x2400;

/// Opens a perf event, attaches the program and enables it; closing the descriptor undoes all.
///
/// # Errors
/// The errno of `perf_event_open` or of the ioctls.
pub fn perf_attach(event: PerfEvent<'_>, prog: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let fd = perf_open(event)?;
    for (request, arg) in [(PERF_EVENT_IOC_SET_BPF, prog.as_raw_fd()), (PERF_EVENT_IOC_ENABLE, 0)] {
        // SAFETY: both requests take an integer.
        if unsafe { libc::ioctl(fd.as_raw_fd(), request as _, arg) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(fd)
}

/// Opens a perf event to which no program is attached yet; nothing fires before it is enabled, which attaching by a link
/// does.
///
/// # Errors
/// The errno of `perf_event_open`.
pub fn perf_open(event: PerfEvent<'_>) -> io::Result<OwnedFd> {
    #[repr(C)]
    #[derive(Default)]
    struct Attr {
        kind: u32,
        size: u32,
        config: u64,
        sample_period: u64,
        sample_type: u64,
        read_format: u64,
        flags: u64,
        wakeup: u32,
        bp_type: u32,
        config1: u64,
        config2: u64,
    }
    let mut attr = Attr { size: size_of::<Attr>() as u32, sample_period: 1, ..Attr::default() };
    let (pid, cpu) = match event {
        PerfEvent::Tracepoint(id) => {
            attr.kind = PERF_TYPE_TRACEPOINT;
            attr.config = id;
            (-1, 0)
        }
        PerfEvent::Kprobe { pmu, symbol } => {
            attr.kind = pmu;
            attr.config1 = symbol.as_ptr() as u64;
            (-1, 0)
        }
        PerfEvent::Uprobe { pmu, path, offset, on_return, everywhere } => {
            attr.kind = pmu;
            attr.config = u64::from(on_return);
            attr.config1 = path.as_ptr() as u64;
            attr.config2 = offset;
            if everywhere { (-1, 0) } else { (0, -1) }
        }
    };
    // SAFETY: `attr` says its own size; the names in it end with NUL and outlive the call.
    let fd = unsafe {
        libc::syscall(libc::SYS_perf_event_open, &raw const attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC)
    };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}
