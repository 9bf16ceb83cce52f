//! Bare `bpf(2)`, `perf_event_open(2)` and detached mounts: what the probes need and nothing else.
//!
//! Objects with maps and relocations are loaded by `aya`; this module is for programs of a few instructions
//! written by hand, where the exact errno and the verifier's own words are the result. Everything returned is an
//! owned descriptor: when it is closed, the kernel takes the program, the map or the link away.

use crate::asm::Insn;
use std::ffi::CStr;
use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

const MAP_CREATE: libc::c_int = 0;
const MAP_LOOKUP_ELEM: libc::c_int = 1;
const MAP_UPDATE_ELEM: libc::c_int = 2;
const PROG_LOAD: libc::c_int = 5;
const PROG_TEST_RUN: libc::c_int = 10;
const RAW_TRACEPOINT_OPEN: libc::c_int = 17;
const BTF_LOAD: libc::c_int = 18;
const MAP_FREEZE: libc::c_int = 22;
const LINK_CREATE: libc::c_int = 28;
const ITER_CREATE: libc::c_int = 33;

/// Bytes of verifier log that are kept.
const LOG_BYTES: usize = 64 * 1024;
/// Times a load is tried again after `EAGAIN` (a signal interrupted the verifier).
const LOAD_TRIES: u32 = 5;

/// A licence that lets a program call the helpers reserved for GPL programs.
pub const LICENSE: &CStr = c"Dual MIT/GPL";

/// Arguments of `BPF_MAP_CREATE`; the layout is the kernel's.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct MapCreate {
    /// `enum bpf_map_type`.
    pub map_type: u32,
    /// Bytes.
    pub key_size: u32,
    /// Bytes.
    pub value_size: u32,
    /// Entries, or bytes for ring buffers, or pages for an arena.
    pub max_entries: u32,
    /// `BPF_F_*`.
    pub map_flags: u32,
    /// Template of the maps inside.
    pub inner_map_fd: u32,
    /// NUMA node.
    pub numa_node: u32,
    /// Name.
    pub map_name: [u8; 16],
    /// Interface for offload.
    pub map_ifindex: u32,
    /// BTF that describes key and value.
    pub btf_fd: u32,
    /// Type of the key in it.
    pub btf_key_type_id: u32,
    /// Type of the value in it.
    pub btf_value_type_id: u32,
    /// Type of the value in the kernel's BTF (`struct_ops`).
    pub btf_vmlinux_value_type_id: u32,
    /// Depends on the type of map.
    pub map_extra: u64,
}

const _: () = assert!(size_of::<MapCreate>() == 72);

/// What is loaded and for what.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// `enum bpf_prog_type`.
    pub prog_type: u32,
    /// `enum bpf_attach_type`.
    pub expected_attach_type: u32,
    /// `BPF_F_*`.
    pub flags: u32,
    /// Type in the kernel's BTF (or in that of `attach_prog`) that the program attaches to.
    pub attach_btf_id: u32,
    /// Program that this one extends.
    pub attach_prog: Option<BorrowedFd<'a>>,
    /// The program's own BTF, with one `(instruction, type id)` for each function.
    pub func_info: Option<(BorrowedFd<'a>, &'a [[u32; 2]])>,
    /// The instructions.
    pub insns: &'a [Insn],
}

impl<'a> Program<'a> {
    /// A program of a type that needs nothing else.
    pub fn new(prog_type: u32, insns: &'a [Insn]) -> Self {
        Self {
            prog_type,
            expected_attach_type: 0,
            flags: 0,
            attach_btf_id: 0,
            attach_prog: None,
            func_info: None,
            insns,
        }
    }
}

/// A load that failed.
#[derive(Debug)]
pub struct LoadError {
    /// The errno.
    pub err: io::Error,
    /// What the verifier wrote; empty when the program did not get that far.
    pub log: String,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct ProgLoad {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    prog_flags: u32,
    prog_name: [u8; 16],
    prog_ifindex: u32,
    expected_attach_type: u32,
    prog_btf_fd: u32,
    func_info_rec_size: u32,
    func_info: u64,
    func_info_cnt: u32,
    line_info_rec_size: u32,
    line_info: u64,
    line_info_cnt: u32,
    attach_btf_id: u32,
    attach_prog_fd: u32,
    core_relo_cnt: u32,
}

const _: () = assert!(size_of::<ProgLoad>() == 120);

/// `bpf(2)` with one argument struct.
///
/// # Safety
/// `T` starts with the fields of the command, and every address in `attr` is valid for what the command does.
unsafe fn bpf<T>(cmd: libc::c_int, attr: &mut T) -> io::Result<RawFd> {
    let size = size_of::<T>();
    // SAFETY: `attr` is valid for `size` bytes; the addresses in it are the caller's promise.
    let ret = unsafe { libc::syscall(libc::SYS_bpf, cmd, std::ptr::from_mut(attr), size) };
    if ret < 0 { Err(io::Error::last_os_error()) } else { Ok(ret as RawFd) }
}

/// # Safety
/// As [`bpf`]; the command returns a new descriptor.
unsafe fn bpf_fd<T>(cmd: libc::c_int, attr: &mut T) -> io::Result<OwnedFd> {
    // SAFETY: the caller's promise.
    let fd = unsafe { bpf(cmd, attr)? };
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn addr<T>(slice: &[T]) -> u64 {
    slice.as_ptr() as u64
}

fn raw(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd().cast_unsigned()
}

/// Creates a map.
///
/// # Errors
/// The errno of `BPF_MAP_CREATE`.
pub fn map_create(mut attr: MapCreate) -> io::Result<OwnedFd> {
    // SAFETY: the struct is the command's, and holds no address.
    unsafe { bpf_fd(MAP_CREATE, &mut attr) }
}

/// Loads a program; on failure loads it again to get the verifier's log.
///
/// # Errors
/// The errno of the first attempt, and the log of the second.
pub fn prog_load(program: &Program<'_>) -> Result<OwnedFd, LoadError> {
    let mut attr = ProgLoad {
        prog_type: program.prog_type,
        insn_cnt: program.insns.len() as u32,
        insns: addr(program.insns),
        license: LICENSE.as_ptr() as u64,
        prog_flags: program.flags,
        expected_attach_type: program.expected_attach_type,
        attach_btf_id: program.attach_btf_id,
        attach_prog_fd: program.attach_prog.map_or(0, raw),
        ..ProgLoad::default()
    };
    if let Some((btf, funcs)) = program.func_info {
        attr.prog_btf_fd = raw(btf);
        attr.func_info_rec_size = size_of::<[u32; 2]>() as u32;
        attr.func_info = addr(funcs);
        attr.func_info_cnt = funcs.len() as u32;
    }
    let mut tries = LOAD_TRIES;
    let err = loop {
        // SAFETY: instructions, licence and function records outlive the call.
        match unsafe { bpf_fd(PROG_LOAD, &mut attr) } {
            Ok(fd) => return Ok(fd),
            Err(err) if err.raw_os_error() == Some(libc::EAGAIN) && tries > 0 => tries -= 1,
            Err(err) => break err,
        }
    };
    let mut log = vec![0u8; LOG_BYTES];
    attr.log_level = 1;
    attr.log_size = LOG_BYTES as u32;
    attr.log_buf = log.as_mut_ptr() as u64;
    // SAFETY: as above, and the log buffer is writable for `log_size` bytes. Should it load this time, the
    // descriptor is dropped at once.
    let _second = unsafe { bpf_fd(PROG_LOAD, &mut attr) };
    let len = log.iter().position(|&b| b == 0).unwrap_or(log.len());
    Err(LoadError { err, log: String::from_utf8_lossy(&log[..len]).into_owned() })
}

/// Loads a BTF blob.
///
/// # Errors
/// The errno of `BPF_BTF_LOAD`.
pub fn btf_load(blob: &[u8]) -> io::Result<OwnedFd> {
    #[repr(C)]
    struct BtfLoad {
        btf: u64,
        log_buf: u64,
        size: u32,
        log_size: u32,
        log_level: u32,
        pad: u32,
    }
    let mut attr =
        BtfLoad { btf: addr(blob), log_buf: 0, size: blob.len() as u32, log_size: 0, log_level: 0, pad: 0 };
    // SAFETY: the blob outlives the call and is read only.
    unsafe { bpf_fd(BTF_LOAD, &mut attr) }
}

#[repr(C)]
struct Elem {
    map_fd: u32,
    pad: u32,
    key: u64,
    value: u64,
    flags: u64,
}

/// Reads the `u64` at index 0 of an array map.
///
/// # Errors
/// The errno of `BPF_MAP_LOOKUP_ELEM`.
pub fn array_first(map: BorrowedFd<'_>) -> io::Result<u64> {
    let (key, mut value) = (0u32, 0u64);
    let mut attr = Elem {
        map_fd: raw(map),
        pad: 0,
        key: std::ptr::from_ref(&key) as u64,
        value: std::ptr::from_mut(&mut value) as u64,
        flags: 0,
    };
    // SAFETY: key and value have the sizes this module's array maps are made with, and outlive the call.
    unsafe { bpf(MAP_LOOKUP_ELEM, &mut attr)? };
    Ok(value)
}

/// Puts a descriptor at index 0 of a program array.
///
/// # Errors
/// The errno of `BPF_MAP_UPDATE_ELEM`.
pub fn prog_array_set(map: BorrowedFd<'_>, prog: BorrowedFd<'_>) -> io::Result<()> {
    let (key, value) = (0u32, prog.as_raw_fd());
    let mut attr = Elem {
        map_fd: raw(map),
        pad: 0,
        key: std::ptr::from_ref(&key) as u64,
        value: std::ptr::from_ref(&value) as u64,
        flags: 0,
    };
    // SAFETY: key and value are four bytes each, as in every program array, and outlive the call.
    unsafe { bpf(MAP_UPDATE_ELEM, &mut attr).map(drop) }
}

/// Makes a map read-only for everybody outside the kernel.
///
/// # Errors
/// The errno of `BPF_MAP_FREEZE`.
pub fn map_freeze(map: BorrowedFd<'_>) -> io::Result<()> {
    let mut attr = raw(map);
    // SAFETY: one `u32` is the whole struct of this command.
    unsafe { bpf(MAP_FREEZE, &mut attr).map(drop) }
}

/// Attaches a raw tracepoint (by name) or a tracing or LSM program (to what it was loaded for).
///
/// # Errors
/// The errno of `BPF_RAW_TRACEPOINT_OPEN`.
pub fn raw_tracepoint_open(name: Option<&CStr>, prog: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    #[repr(C)]
    struct Open {
        name: u64,
        prog_fd: u32,
        pad: u32,
    }
    let mut attr = Open { name: name.map_or(0, |name| name.as_ptr() as u64), prog_fd: raw(prog), pad: 0 };
    // SAFETY: the name, if any, ends with NUL and outlives the call.
    unsafe { bpf_fd(RAW_TRACEPOINT_OPEN, &mut attr) }
}

/// Where a link goes.
#[derive(Clone, Copy, Debug)]
pub enum LinkTarget<'a> {
    /// A kernel function, by name, through `kprobe.multi`.
    KprobeMulti(&'a CStr),
    /// One offset in a file, through `uprobe.multi`, in the calling process only.
    UprobeMulti(&'a CStr, u64),
    /// A cgroup directory.
    Cgroup(BorrowedFd<'a>),
    /// A network interface.
    Interface(u32),
    /// Nothing: an iterator over everything.
    Iterator,
}

/// Makes a link.
///
/// # Errors
/// The errno of `BPF_LINK_CREATE`.
pub fn link_create(
    prog: BorrowedFd<'_>,
    attach_type: u32,
    flags: u32,
    target: LinkTarget<'_>,
) -> io::Result<OwnedFd> {
    #[repr(C)]
    struct Create {
        prog_fd: u32,
        target: u32,
        attach_type: u32,
        flags: u32,
        rest: [u64; 6],
    }
    let mut attr = Create { prog_fd: raw(prog), target: 0, attach_type, flags, rest: [0; 6] };
    let (symbols, offsets);
    match target {
        LinkTarget::KprobeMulti(symbol) => {
            symbols = [symbol.as_ptr() as u64];
            attr.rest[0] = two(0, 1);
            attr.rest[1] = addr(&symbols);
        }
        LinkTarget::UprobeMulti(path, offset) => {
            offsets = [offset];
            attr.rest[0] = path.as_ptr() as u64;
            attr.rest[1] = addr(&offsets);
            attr.rest[4] = two(1, 0);
            attr.rest[5] = two(std::process::id(), 0);
        }
        LinkTarget::Cgroup(dir) => attr.target = raw(dir),
        LinkTarget::Interface(index) => attr.target = index,
        LinkTarget::Iterator => {}
    }
    // SAFETY: paths and arrays outlive the call and have the counts stated beside them.
    unsafe { bpf_fd(LINK_CREATE, &mut attr) }
}

/// Two neighbouring `u32` fields as the `u64` that covers them.
fn two(first: u32, second: u32) -> u64 {
    let mut bytes = [0u8; 8];
    bytes[..4].copy_from_slice(&first.to_ne_bytes());
    bytes[4..].copy_from_slice(&second.to_ne_bytes());
    u64::from_ne_bytes(bytes)
}

/// Opens an iterator link; reading the descriptor runs the program.
///
/// # Errors
/// The errno of `BPF_ITER_CREATE`.
pub fn iter_create(link: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let mut attr = [raw(link), 0u32];
    // SAFETY: two `u32` are the whole struct of this command.
    unsafe { bpf_fd(ITER_CREATE, &mut attr) }
}

/// Runs a program once on `data` and returns what it returned.
///
/// # Errors
/// The errno of `BPF_PROG_TEST_RUN`.
pub fn prog_test_run(prog: BorrowedFd<'_>, data: &[u8]) -> io::Result<u32> {
    #[repr(C)]
    #[derive(Default)]
    struct TestRun {
        prog_fd: u32,
        retval: u32,
        data_size_in: u32,
        data_size_out: u32,
        data_in: u64,
        data_out: u64,
        repeat: u32,
        duration: u32,
        ctx_size_in: u32,
        ctx_size_out: u32,
        ctx_in: u64,
        ctx_out: u64,
        flags: u32,
        cpu: u32,
    }
    let mut attr = TestRun { prog_fd: raw(prog), ..TestRun::default() };
    if !data.is_empty() {
        attr.data_size_in = data.len() as u32;
        attr.data_in = addr(data);
        attr.repeat = 1;
    }
    // SAFETY: the data outlives the call and is read only; no output is asked for.
    unsafe { bpf(PROG_TEST_RUN, &mut attr)? };
    Ok(attr.retval)
}

/// Puts a socket filter on a socket; it goes with the socket.
///
/// # Errors
/// The errno of `setsockopt`.
pub fn socket_attach(socket: BorrowedFd<'_>, prog: BorrowedFd<'_>) -> io::Result<()> {
    let fd = prog.as_raw_fd();
    let (level, option) = (libc::SOL_SOCKET, libc::SO_ATTACH_BPF);
    let len = size_of::<RawFd>() as libc::socklen_t;
    // SAFETY: the option is one descriptor, and `len` says so.
    match unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const fd).cast(), len) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

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
    /// An offset in a file, for the calling process. `pmu` is the number in `.../devices/uprobe/type`.
    Uprobe {
        /// Number of the event source.
        pmu: u32,
        /// The file.
        path: &'a CStr,
        /// Offset in it.
        offset: u64,
        /// Fire on return.
        on_return: bool,
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
        PerfEvent::Uprobe { pmu, path, offset, on_return } => {
            attr.kind = pmu;
            attr.config = u64::from(on_return);
            attr.config1 = path.as_ptr() as u64;
            attr.config2 = offset;
            (0, -1)
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
    let fd = unsafe { OwnedFd::from_raw_fd(fd as RawFd) };
    for (request, arg) in [(PERF_EVENT_IOC_SET_BPF, prog.as_raw_fd()), (PERF_EVENT_IOC_ENABLE, 0)] {
        // SAFETY: both requests take an integer.
        if unsafe { libc::ioctl(fd.as_raw_fd(), request as _, arg) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(fd)
}

/// Mounts a file system nowhere: the descriptor is its root, and it is gone when that is closed.
///
/// # Minimum kernel
/// 5.2.
///
/// # Privileges
/// `CAP_SYS_ADMIN`.
///
/// # Errors
/// The errno of `fsopen`, `fsconfig` or `fsmount`.
pub fn detached_mount(fs: &CStr) -> io::Result<OwnedFd> {
    const FSOPEN_CLOEXEC: libc::c_uint = 1;
    const FSCONFIG_CMD_CREATE: libc::c_uint = 6;
    const FSMOUNT_CLOEXEC: libc::c_uint = 1;
    let owned = |ret: libc::c_long| {
        if ret < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just made this descriptor for us.
        Ok(unsafe { OwnedFd::from_raw_fd(ret as RawFd) })
    };
    // SAFETY: the name ends with NUL and outlives the call.
    let context = owned(unsafe { libc::syscall(libc::SYS_fsopen, fs.as_ptr(), FSOPEN_CLOEXEC) })?;
    let null = std::ptr::null::<libc::c_char>();
    // SAFETY: this command takes no key and no value.
    let created =
        unsafe { libc::syscall(libc::SYS_fsconfig, context.as_raw_fd(), FSCONFIG_CMD_CREATE, null, null, 0) };
    if created < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: integers only.
    owned(unsafe { libc::syscall(libc::SYS_fsmount, context.as_raw_fd(), FSMOUNT_CLOEXEC, 0) })
}
