//! A program before it is loaded: instructions, and the maps they use by index.
//!
//! The same value goes to the kernel, to the virtual machine and to the checks: a map is referred to by `lddw` with
//! [`op::PSEUDO_MAP_IDX`](crate::asm::op::PSEUDO_MAP_IDX) or `PSEUDO_MAP_IDX_VALUE`, whose immediate is the index in
//! [`Program::maps`]; the loader puts descriptors there, so that it works on kernels without `fd_array`.

use crate::asm::Insn;

/// Index of a map in [`Program::maps`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MapRef(pub u32);

/// `enum bpf_map_type`, those that generated programs use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
#[expect(missing_docs, reason = "the names are the kernel's")]
pub enum MapType {
    Hash = 1,
    Array = 2,
    ProgArray = 3,
    PercpuHash = 5,
    PercpuArray = 6,
    LruHash = 9,
    LruPercpuHash = 10,
    LpmTrie = 11,
    ArrayOfMaps = 12,
    RingBuf = 27,
}

/// `BPF_F_MMAPABLE`: an array whose memory user space may map.
pub const MMAPABLE: u32 = 1 << 10;

/// A map to be made, and what is in it from the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapSpec {
    /// At most 15 bytes: letters, digits, `_` and `.`.
    pub name: String,
    /// What kind.
    pub map_type: MapType,
    /// Bytes.
    pub key_size: u32,
    /// Bytes.
    pub value_size: u32,
    /// Entries; bytes for a ring buffer.
    pub max_entries: u32,
    /// `BPF_F_*`.
    pub flags: u32,
    /// Keys and values at the start. A value of a [mapped table](MapSpec::mapped_table) may end early: zeros follow.
    pub entries: Vec<(Vec<u8>, Vec<u8>)>,
}

impl MapSpec {
    /// An array with one value: a table that programs address directly.
    pub fn table(name: &str, value: Vec<u8>) -> MapSpec {
        MapSpec {
            name: name.to_owned(),
            map_type: MapType::Array,
            key_size: 4,
            value_size: value.len() as u32,
            max_entries: 1,
            flags: 0,
            entries: vec![(0u32.to_ne_bytes().to_vec(), value)],
        }
    }

    /// A table of `bytes` bytes that begins with `value`, and that is written where it lies, without a copy on the
    /// way.
    ///
    /// # Minimum kernel
    /// 5.5.
    pub fn mapped_table(name: &str, bytes: u32, value: Vec<u8>) -> MapSpec {
        MapSpec { value_size: bytes, flags: MMAPABLE, ..MapSpec::table(name, value) }
    }
}

/// `enum bpf_prog_type`, those that generated programs have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
#[expect(missing_docs, reason = "the names are the kernel's")]
pub enum ProgramType {
    SocketFilter = 1,
    Kprobe = 2,
    SchedCls = 3,
    Tracepoint = 5,
    Xdp = 6,
    RawTracepoint = 17,
    Tracing = 26,
    Syscall = 31,
}

impl ProgramType {
    /// All of them.
    pub const ALL: [ProgramType; 8] = [
        ProgramType::SocketFilter,
        ProgramType::Kprobe,
        ProgramType::SchedCls,
        ProgramType::Tracepoint,
        ProgramType::Xdp,
        ProgramType::RawTracepoint,
        ProgramType::Tracing,
        ProgramType::Syscall,
    ];
}

/// A function of a program, for the kernel's BTF of it. Without callbacks, none need be named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// A C identifier.
    pub name: String,
    /// Index of its first instruction.
    pub start: u32,
    /// Number of its arguments; each is a 64-bit integer in BTF.
    pub args: u8,
}

/// A program and its maps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// At most 15 bytes: letters, digits, `_` and `.`.
    pub name: String,
    /// What it can be attached to.
    pub program_type: ProgramType,
    /// Instructions.
    pub insns: Vec<Insn>,
    /// Maps by index.
    pub maps: Vec<MapSpec>,
    /// The main function first; needed only for programs with callbacks, else may be empty.
    pub functions: Vec<Function>,
}
