//! Map types, by making one of each.

use super::answer::Answer;
use super::table::Entry;
use super::{insn, prog};
use crate::btf::Named;
use crate::sys::{self, MapCreate};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// `BPF_F_NO_PREALLOC`, which the storage types and tries insist on.
const NO_PREALLOC: u32 = 1;
/// `BPF_F_MMAPABLE`, which arenas insist on.
const MMAPABLE: u32 = 1 << 10;

/// `BPF_F_RDONLY_PROG`.
const RDONLY_PROG: u32 = 1 << 7;

/// Types of maps, with the kernel's numbers (`enum bpf_map_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the kernel's, in bpf.h")]
#[repr(u32)]
pub enum MapType {
    Hash = 1,
    Array = 2,
    ProgArray = 3,
    PerfEventArray = 4,
    PercpuHash = 5,
    PercpuArray = 6,
    StackTrace = 7,
    CgroupArray = 8,
    LruHash = 9,
    LruPercpuHash = 10,
    LpmTrie = 11,
    ArrayOfMaps = 12,
    HashOfMaps = 13,
    Devmap = 14,
    Sockmap = 15,
    Cpumap = 16,
    Xskmap = 17,
    Sockhash = 18,
    CgroupStorage = 19,
    ReuseportSockarray = 20,
    PercpuCgroupStorage = 21,
    Queue = 22,
    Stack = 23,
    SkStorage = 24,
    DevmapHash = 25,
    StructOps = 26,
    Ringbuf = 27,
    InodeStorage = 28,
    TaskStorage = 29,
    BloomFilter = 30,
    UserRingbuf = 31,
    CgrpStorage = 32,
    Arena = 33,
}

const WATCH: &str = "watch: the eBPF back end does not load; ptrace is used";

/// Every type, the kernel that brought it, what it is built with, and what kernscope loses without it.
pub(super) const MAPS: &[Entry<MapType>] = &[
    Entry::new(MapType::Hash, "hash", (3, 19), "CONFIG_BPF_SYSCALL", WATCH),
    Entry::new(MapType::Array, "array", (3, 19), "CONFIG_BPF_SYSCALL", WATCH),
    Entry::new(MapType::ProgArray, "prog_array", (4, 2), "CONFIG_BPF_SYSCALL", WATCH),
    Entry::new(MapType::PerfEventArray, "perf_event_array", (4, 3), "CONFIG_PERF_EVENTS", ""),
    Entry::new(MapType::PercpuHash, "percpu_hash", (4, 6), "CONFIG_BPF_SYSCALL", ""),
    Entry::new(MapType::PercpuArray, "percpu_array", (4, 6), "CONFIG_BPF_SYSCALL", WATCH),
    Entry::new(MapType::StackTrace, "stack_trace", (4, 6), "CONFIG_PERF_EVENTS", ""),
    Entry::new(MapType::CgroupArray, "cgroup_array", (4, 8), "CONFIG_CGROUPS", ""),
    Entry::new(MapType::LruHash, "lru_hash", (4, 10), "CONFIG_BPF_SYSCALL", ""),
    Entry::new(MapType::LruPercpuHash, "lru_percpu_hash", (4, 10), "CONFIG_BPF_SYSCALL", ""),
    Entry::new(MapType::LpmTrie, "lpm_trie", (4, 11), "CONFIG_BPF_SYSCALL", ""),
    Entry::new(MapType::ArrayOfMaps, "array_of_maps", (4, 12), "CONFIG_BPF_SYSCALL", ""),
    Entry::new(MapType::HashOfMaps, "hash_of_maps", (4, 12), "CONFIG_BPF_SYSCALL", ""),
    Entry::new(MapType::Devmap, "devmap", (4, 14), "CONFIG_NET", ""),
    Entry::new(MapType::Sockmap, "sockmap", (4, 14), "CONFIG_BPF_STREAM_PARSER", ""),
    Entry::new(MapType::Cpumap, "cpumap", (4, 15), "CONFIG_NET", ""),
    Entry::new(MapType::Xskmap, "xskmap", (4, 18), "CONFIG_XDP_SOCKETS", ""),
    Entry::new(MapType::Sockhash, "sockhash", (4, 18), "CONFIG_BPF_STREAM_PARSER", ""),
    Entry::new(MapType::CgroupStorage, "cgroup_storage", (4, 19), "CONFIG_CGROUP_BPF", ""),
    Entry::new(MapType::ReuseportSockarray, "reuseport_sockarray", (4, 19), "CONFIG_INET", ""),
    Entry::new(MapType::PercpuCgroupStorage, "percpu_cgroup_storage", (4, 20), "CONFIG_CGROUP_BPF", ""),
    Entry::new(MapType::Queue, "queue", (4, 20), "CONFIG_BPF_SYSCALL", ""),
    Entry::new(MapType::Stack, "stack", (4, 20), "CONFIG_BPF_SYSCALL", ""),
    Entry::new(MapType::SkStorage, "sk_storage", (5, 2), "CONFIG_DEBUG_INFO_BTF", ""),
    Entry::new(MapType::DevmapHash, "devmap_hash", (5, 4), "CONFIG_NET", ""),
    Entry::new(MapType::StructOps, "struct_ops", (5, 6), "CONFIG_DEBUG_INFO_BTF", ""),
    Entry::new(MapType::Ringbuf, "ringbuf", (5, 8), "CONFIG_BPF_SYSCALL", WATCH),
    Entry::new(MapType::InodeStorage, "inode_storage", (5, 10), "CONFIG_BPF_LSM", ""),
    Entry::new(MapType::TaskStorage, "task_storage", (5, 11), "CONFIG_BPF_SYSCALL", ""),
    Entry::new(MapType::BloomFilter, "bloom_filter", (5, 16), "CONFIG_BPF_SYSCALL", ""),
    Entry::new(MapType::UserRingbuf, "user_ringbuf", (6, 1), "CONFIG_BPF_SYSCALL", ""),
    Entry::new(MapType::CgrpStorage, "cgrp_storage", (6, 2), "CONFIG_CGROUPS", ""),
    Entry::new(MapType::Arena, "arena", (6, 9), "CONFIG_BPF_SYSCALL and a 64-bit JIT", ""),
];

/// Makes a map of this type and drops it.
pub(super) fn probe(kind: MapType) -> Answer {
    match create(kind) {
        Ok(_map) => Answer::Yes,
        Err(Failed::Kernel(err)) => Answer::from_bpf(&err),
        Err(Failed::Answer(answer)) => answer,
    }
}

/// Why no map came out.
enum Failed {
    Kernel(io::Error),
    Answer(Answer),
}

impl From<io::Error> for Failed {
    fn from(err: io::Error) -> Self {
        Self::Kernel(err)
    }
}

/// An array map of `values` of eight bytes.
pub(super) fn array(values: u32) -> io::Result<OwnedFd> {
    simple(MapType::Array, 4, 8, values)
}

/// An array map of eight zero bytes that programs and everybody else can only read.
pub(super) fn read_only_array() -> io::Result<OwnedFd> {
    let map = sys::map_create(MapCreate {
        map_type: MapType::Array as u32,
        key_size: 4,
        value_size: 8,
        max_entries: 1,
        map_flags: RDONLY_PROG,
        ..MapCreate::default()
    })?;
    sys::map_freeze(map.as_fd())?;
    Ok(map)
}

/// A map that needs no BTF and no flags.
pub(super) fn simple(kind: MapType, key_size: u32, value_size: u32, max_entries: u32) -> io::Result<OwnedFd> {
    sys::map_create(MapCreate {
        map_type: kind as u32,
        key_size,
        value_size,
        max_entries,
        ..MapCreate::default()
    })
}

/// A map of local storage; its value is a `u64`.
pub(super) fn storage(kind: MapType) -> io::Result<OwnedFd> {
    let btf = sys::btf_load(&insn::btf())?;
    sys::map_create(MapCreate {
        map_type: kind as u32,
        key_size: 4,
        value_size: 8,
        map_flags: NO_PREALLOC,
        btf_fd: btf.as_raw_fd().cast_unsigned(),
        btf_key_type_id: insn::BTF_U32,
        btf_value_type_id: insn::BTF_U64,
        ..MapCreate::default()
    })
}

/// A ring buffer of one page.
pub(super) fn ringbuf(kind: MapType) -> io::Result<OwnedFd> {
    simple(kind, 0, 0, page_bytes())
}

fn page_bytes() -> u32 {
    nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE)
        .ok()
        .flatten()
        .and_then(|bytes| u32::try_from(bytes).ok())
        .unwrap_or(4096)
}

fn create(kind: MapType) -> Result<OwnedFd, Failed> {
    use MapType as T;
    let attr = MapCreate { map_type: kind as u32, max_entries: 1, ..MapCreate::default() };
    Ok(match kind {
        T::Hash | T::Array | T::PercpuHash | T::PercpuArray | T::LruHash | T::LruPercpuHash => {
            simple(kind, 4, 8, 1)?
        }
        T::ProgArray | T::PerfEventArray | T::CgroupArray | T::Devmap | T::DevmapHash | T::Cpumap => {
            simple(kind, 4, 4, 1)?
        }
        T::Sockmap | T::Xskmap | T::Sockhash | T::ReuseportSockarray => simple(kind, 4, 4, 1)?,
        T::StackTrace => simple(kind, 4, 8 * 16, 1)?,
        T::LpmTrie => {
            sys::map_create(MapCreate { key_size: 8, value_size: 8, map_flags: NO_PREALLOC, ..attr })?
        }
        T::ArrayOfMaps | T::HashOfMaps => {
            let inner = array(1)?;
            let inner_map_fd = inner.as_fd().as_raw_fd().cast_unsigned();
            sys::map_create(MapCreate { key_size: 4, value_size: 4, inner_map_fd, ..attr })?
        }
        // Key: `struct bpf_cgroup_storage_key`; these maps have no size of their own.
        T::CgroupStorage | T::PercpuCgroupStorage => simple(kind, 16, 8, 0)?,
        T::Queue | T::Stack | T::BloomFilter => simple(kind, 0, 8, 1)?,
        T::SkStorage | T::InodeStorage | T::TaskStorage | T::CgrpStorage => storage(kind)?,
        T::Ringbuf | T::UserRingbuf => ringbuf(kind)?,
        T::Arena => sys::map_create(MapCreate { map_flags: MMAPABLE, ..attr })?,
        T::StructOps => struct_ops()?,
    })
}

/// A `struct_ops` map for TCP congestion control, which every kernel with that map type has.
fn struct_ops() -> Result<OwnedFd, Failed> {
    let types = prog::shared_btf().map_err(|err| Failed::Answer(prog::no_btf(&err)))?;
    let name = "bpf_struct_ops_tcp_congestion_ops";
    let found = types.id(Named::Struct, name).zip(types.struct_bytes(name));
    let missing = || Failed::Answer(Answer::unsupported(format!("the kernel has no struct {name}")));
    let (id, value_size) = found.ok_or_else(missing)?;
    // The kernel insists on BTF of the program's side, though it looks at its own.
    let btf = sys::btf_load(&insn::btf())?;
    Ok(sys::map_create(MapCreate {
        btf_fd: btf.as_raw_fd().cast_unsigned(),
        map_type: MapType::StructOps as u32,
        key_size: 4,
        value_size,
        max_entries: 1,
        btf_vmlinux_value_type_id: id,
        ..MapCreate::default()
    })?)
}
