//! Objects: programs and maps that were compiled before, in an ELF file.
//!
//! Parsing and relocating an object is aya's; what is here is what depends on the running kernel: field
//! offsets from BTF, settings in `.rodata`, and errors that keep what the verifier said. [`programs`] has what is done with an
//! object's programs, [`maps`] what with its maps.
//!
//! # Privileges
//! CAP_BPF and CAP_PERFMON (or CAP_SYS_ADMIN).

mod maps;
mod programs;

pub use maps::{PerCpu, Table};

use super::LoadError;
use super::adapt::{Adaptation, RDONLY_CAST};
use crate::btf::{Btf, Named};
use aya::programs::ProgramError;
use aya::{Ebpf, EbpfLoader};
use kernscope_abi::layout::{ABSENT, Config, Layout, Types};
use kernscope_abi::pod::bytes_of;
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

impl LoadError {
    fn program(act: &'static str, object: &str, error: ProgramError) -> Self {
        match error {
            ProgramError::LoadError { io_error, verifier_log } => {
                Self::verifier(act, object, &io_error, verifier_log.to_string())
            }
            error => Self::new(act, object, chain(&error)),
        }
    }
}

/// An error and what caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

/// What programs must know of the running kernel's types.
#[derive(Clone, Copy, Debug)]
pub struct KernelTypes {
    /// Where fields lie.
    pub layout: Layout,
    /// Structs by their ids.
    pub types: Types,
    /// The id of `bpf_rdonly_cast`, where the kernel has it (from 6.2).
    pub rdonly_cast: Option<u32>,
}

/// What [`KernelTypes`] has, from the kernel's BTF; fields that this kernel lacks are [`ABSENT`] and are named.
pub fn kernel_types(btf: &Btf) -> (KernelTypes, Vec<&'static str>) {
    let (layout, missing) = layout(btf);
    let mut types = Types::ABSENT;
    let mut all_known = true;
    for (slot, name) in types.as_mut_slots().into_iter().zip(Types::NAMES) {
        match btf.id(Named::Struct, name) {
            Some(id) => *slot = id,
            None => all_known = false,
        }
    }
    let rdonly_cast = btf.id(Named::Function, RDONLY_CAST).filter(|_| all_known);
    (KernelTypes { layout, types, rdonly_cast }, missing)
}

fn layout(btf: &Btf) -> (Layout, Vec<&'static str>) {
    let mut layout = Layout::ABSENT;
    let mut missing = Vec::new();
    for (slot, (_, path)) in layout.as_mut_slots().into_iter().zip(Layout::FIELDS) {
        match btf.offset(path) {
            Some(offset) => *slot = offset,
            None => {
                *slot = ABSENT;
                missing.push(*path);
            }
        }
    }
    (layout, missing)
}

/// An object whose maps are in the kernel; its programs are loaded one by one.
#[derive(Debug)]
pub struct Object {
    ebpf: Ebpf,
    /// The kernel's types; gone after [`Object::loaded`].
    btf: Option<aya::Btf>,
    verified: BTreeMap<String, u32>,
    /// Perf events that programs are attached to; gone when closed.
    events: Vec<OwnedFd>,
}

/// What an object is opened with.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// Goes into its `.rodata`, and says how fields are read.
    pub kernel: &'a KernelTypes,
    /// Goes into its `.rodata`.
    pub config: &'a Config,
    /// Size of its map `EVENTS`: a power of two, a multiple of the page size.
    pub ring_bytes: u32,
    /// Programs in sections that begin with `tp_btf/____` are loaded for plain tracepoints.
    pub plain_tracepoints: bool,
    /// Values of its map `WINDOW`: one for each CPU, or 1 where nothing is judged.
    pub windows: u32,
    /// Values of its map `CARRY`: one for each stream whose end is kept, or 1 where nothing is judged.
    pub streams: u32,
    /// Values of its map `PATHS`: two halves of a table, or 1 without a policy.
    pub slots: u32,
    /// Values of its maps `SCRATCH`, `WALKS` and `JUDGES` on each CPU: one for each program that may run there at once.
    pub buffers: u32,
    /// Values of its map `VERDICTS`: `layout::VERDICTS` where candidates are looked for, else 1.
    pub verdicts: u32,
}

impl Object {
    /// Creates the maps of `bytes`, as `opening` says.
    ///
    /// # Errors
    /// When the object does not parse, or the kernel refuses a map.
    pub fn open(bytes: &[u8], opening: &Opening<'_>) -> Result<Self, LoadError> {
        let Opening { kernel, config, plain_tracepoints, .. } = *opening;
        let adaptation = Adaptation { rdonly_cast: kernel.rdonly_cast, plain_tracepoints };
        let object = adaptation.of(bytes).map_err(|error| LoadError::new("parse", "object", error))?;
        // A new loader reads the kernel's types by itself: they are let go before they are read to be kept.
        let mut loader = EbpfLoader::new();
        loader.btf(None);
        let btf =
            aya::Btf::from_sys_fs().map_err(|error| LoadError::new("read", "kernel BTF", chain(&error)))?;
        let ebpf = loader
            .btf(Some(&btf))
            .override_global("LAYOUT", bytes_of(&kernel.layout), true)
            .override_global("TYPES", bytes_of(&kernel.types), true)
            .override_global("CONFIG", bytes_of(config), true)
            .map_max_entries("EVENTS", opening.ring_bytes)
            .map_max_entries("WINDOW", opening.windows)
            .map_max_entries("CARRY", opening.streams)
            .map_max_entries("PATHS", opening.slots)
            .map_max_entries("SCRATCH", opening.buffers)
            .map_max_entries("WALKS", opening.buffers)
            .map_max_entries("JUDGES", opening.buffers)
            .map_max_entries("VERDICTS", opening.verdicts)
            .load(object.bytes())
            .map_err(|error| LoadError::new("create", "maps", chain(&error)))?;
        Ok(Self { ebpf, btf: Some(btf), verified: BTreeMap::new(), events: Vec::new() })
    }

    /// Says that every program is loaded: the kernel's types, most of this process's memory by then, are let go.
    pub fn loaded(&mut self) {
        self.btf = None;
        // Many small pieces: freed, they stay with the allocator unless it is told to give them back.
        #[cfg(target_env = "gnu")]
        // SAFETY: no argument refers to memory; the call is thread-safe.
        unsafe {
            libc::malloc_trim(0);
        }
    }
}
