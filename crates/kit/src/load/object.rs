//! Objects: programs and maps that were compiled before, in an ELF file.
//!
//! Parsing and relocating an object is aya's; what is here is what depends on the running kernel: field
//! offsets from BTF, settings in `.rodata`, and errors that keep what the verifier said.
//!
//! # Privileges
//! CAP_BPF and CAP_PERFMON (or CAP_SYS_ADMIN).

use super::adapt::{Adaptation, RDONLY_CAST};
use super::{LoadError, Map};
use crate::btf::{Btf, Named};
use crate::probe::Tracefs;
use crate::ring::Ring;
use crate::sys;
use aya::maps::{Array, HashMap, MapData, PerCpuArray, ProgramArray};
use aya::programs::{
    BtfTracePoint, CgroupAttachMode, CgroupSockAddr, FEntry, KProbe, Lsm, Program, ProgramError, TracePoint,
    UProbe,
};
use aya::{Ebpf, EbpfError, EbpfLoader};
use kernscope_abi::layout::{ABSENT, Config, Layout, Types};
use kernscope_abi::pod::{self, Pod, bytes_of};
use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

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

/// What a load after [`Object::loaded`] gets.
const TOO_LATE: &str = "all programs were said to be loaded";

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
            .load(object.bytes())
            .map_err(|error| LoadError::new("create", "maps", object_error(&error)))?;
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

    fn program(&mut self, name: &str) -> Result<&mut Program, LoadError> {
        self.ebpf
            .program_mut(name)
            .ok_or_else(|| LoadError::new("find", name, "no such program in the object"))
    }

    fn note_cost(&mut self, name: &str) {
        let info = self.ebpf.program(name).and_then(|program| program.info().ok());
        if let Some(count) = info.and_then(|info| info.verified_instruction_count()) {
            self.verified.insert(name.to_owned(), count);
        }
    }

    /// Instructions that the verifier processed for each loaded program (from kernel 5.16 on; else empty).
    pub fn verified_instructions(&self) -> &BTreeMap<String, u32> {
        &self.verified
    }

    /// Loads a `tp_btf` program for a tracepoint.
    ///
    /// # Errors
    /// When the tracepoint is unknown or the verifier refuses the program.
    pub fn load_tp_btf(&mut self, name: &str, tracepoint: &str) -> Result<(), LoadError> {
        let Self { ebpf, btf, .. } = self;
        let program =
            ebpf.program_mut(name).ok_or_else(|| LoadError::new("find", name, "no such program"))?;
        let program: &mut BtfTracePoint =
            program.try_into().map_err(|e| LoadError::program("load", name, e))?;
        let btf = btf.as_ref().ok_or_else(|| LoadError::new("load", name, TOO_LATE))?;
        program.load(tracepoint, btf).map_err(|error| LoadError::program("load", name, error))?;
        self.note_cost(name);
        Ok(())
    }

    /// Attaches a loaded `tp_btf` program.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn attach_tp_btf(&mut self, name: &str) -> Result<(), LoadError> {
        let program: &mut BtfTracePoint =
            self.program(name)?.try_into().map_err(|e| LoadError::program("attach", name, e))?;
        program.attach().map_err(|error| LoadError::program("attach", name, error))?;
        Ok(())
    }

    /// Loads a program for a plain tracepoint.
    ///
    /// # Errors
    /// When the verifier refuses it.
    pub fn load_tracepoint(&mut self, name: &str) -> Result<(), LoadError> {
        let program: &mut TracePoint =
            self.program(name)?.try_into().map_err(|e| LoadError::program("load", name, e))?;
        program.load().map_err(|error| LoadError::program("load", name, error))?;
        self.note_cost(name);
        Ok(())
    }

    /// Attaches a loaded program to a plain tracepoint, such as `raw_syscalls/sys_enter`.
    ///
    /// # Errors
    /// When tracefs cannot be read, the kernel has no such tracepoint or refuses.
    pub fn attach_tracepoint(&mut self, name: &str, event: &str) -> Result<(), LoadError> {
        let failed = |error: io::Error| LoadError::new("attach to tracepoint", event, error);
        let id = Tracefs::open().and_then(|tracefs| tracefs.event_id(event)).map_err(failed)?;
        let fd = self.program(name)?.fd().map_err(|error| LoadError::program("attach", name, error))?;
        let attached = sys::perf_attach(sys::PerfEvent::Tracepoint(id), fd.as_fd()).map_err(failed)?;
        self.events.push(attached);
        Ok(())
    }

    /// Loads a program for the entry of a kernel function and attaches it.
    ///
    /// # Errors
    /// When the kernel has no such function, no trampolines, or the verifier refuses.
    ///
    /// # Minimum kernel
    /// 5.5, where fentry is allowed.
    pub fn attach_fentry(&mut self, name: &str, function: &str) -> Result<(), LoadError> {
        let Self { ebpf, btf, .. } = self;
        let program =
            ebpf.program_mut(name).ok_or_else(|| LoadError::new("find", name, "no such program"))?;
        let program: &mut FEntry = program.try_into().map_err(|e| LoadError::program("load", name, e))?;
        let btf = btf.as_ref().ok_or_else(|| LoadError::new("load", name, TOO_LATE))?;
        program.load(function, btf).map_err(|error| LoadError::program("load", name, error))?;
        program.attach().map_err(|error| LoadError::program("attach", name, error))?;
        self.note_cost(name);
        Ok(())
    }

    /// Loads a program for a hook of the kernel's security modules and attaches it. That it is attached does not say that it
    /// runs: for that BPF must be an active module ([`probe::lsm`](crate::probe::lsm)).
    ///
    /// # Errors
    /// When the kernel has no such hook, no `CONFIG_BPF_LSM`, or the verifier refuses.
    ///
    /// # Minimum kernel
    /// 5.7.
    pub fn attach_lsm(&mut self, name: &str, hook: &str) -> Result<(), LoadError> {
        let Self { ebpf, btf, .. } = self;
        let program =
            ebpf.program_mut(name).ok_or_else(|| LoadError::new("find", name, "no such program"))?;
        let program: &mut Lsm = program.try_into().map_err(|e| LoadError::program("load", name, e))?;
        let btf = btf.as_ref().ok_or_else(|| LoadError::new("load", name, TOO_LATE))?;
        program.load(hook, btf).map_err(|error| LoadError::program("load", name, error))?;
        program.attach().map_err(|error| LoadError::program("attach", name, error))?;
        self.note_cost(name);
        Ok(())
    }

    /// Loads a program for connections or datagrams, and attaches it to a cgroup and all below. It goes with this process.
    ///
    /// # Errors
    /// When the kernel has no such hook, the verifier refuses the program, or another one has the cgroup to itself.
    ///
    /// # Minimum kernel
    /// 5.7, for attachments that end with their owner.
    pub fn attach_cgroup(&mut self, name: &str, cgroup: &std::fs::File) -> Result<(), LoadError> {
        let program: &mut CgroupSockAddr =
            self.program(name)?.try_into().map_err(|e| LoadError::program("load", name, e))?;
        program.load().map_err(|error| LoadError::program("load", name, error))?;
        // What is attached by a link stands beside others; flags that say so are refused there.
        let attached = program.attach(cgroup, CgroupAttachMode::Single);
        attached.map_err(|error| LoadError::program("attach", name, error))?;
        self.note_cost(name);
        Ok(())
    }

    /// Loads a kprobe program and attaches it to a function's entry.
    ///
    /// # Errors
    /// When the kernel has no kprobes, no such function, or the verifier refuses.
    pub fn attach_kprobe(&mut self, name: &str, function: &str) -> Result<(), LoadError> {
        let program: &mut KProbe =
            self.program(name)?.try_into().map_err(|e| LoadError::program("load", name, e))?;
        program.load().map_err(|error| LoadError::program("load", name, error))?;
        program.attach(function, 0).map_err(|error| LoadError::program("attach", name, error))?;
        self.note_cost(name);
        Ok(())
    }

    /// Loads a program for functions of programs and libraries; [`Uprobes`](crate::attach::Uprobes) attaches it.
    ///
    /// # Errors
    /// When the verifier refuses it.
    pub fn load_uprobe(&mut self, name: &str) -> Result<(), LoadError> {
        let program: &mut UProbe =
            self.program(name)?.try_into().map_err(|e| LoadError::program("load", name, e))?;
        program.load().map_err(|error| LoadError::program("load", name, error))?;
        self.note_cost(name);
        Ok(())
    }

    /// A descriptor of a loaded program.
    ///
    /// # Errors
    /// When it is not in the object or not loaded.
    pub fn program_fd(&mut self, name: &str) -> Result<OwnedFd, LoadError> {
        let fd = self.program(name)?.fd().map_err(|error| LoadError::program("use", name, error))?;
        fd.as_fd().try_clone_to_owned().map_err(|error| LoadError::new("use", name, error))
    }

    /// Puts a loaded program into a program array.
    ///
    /// # Errors
    /// When the map or program is not there, or the kernel refuses the pair.
    pub fn set_tail_call(&mut self, map: &str, index: u32, program: &str) -> Result<(), LoadError> {
        let fd = self.program(program)?.fd().map_err(|error| LoadError::program("use", program, error))?;
        let fd = fd.try_clone().map_err(|error| LoadError::new("use", program, error))?;
        let map_data =
            self.ebpf.map_mut(map).ok_or_else(|| LoadError::new("find map", map, "not in the object"))?;
        let mut array =
            ProgramArray::try_from(map_data).map_err(|e| LoadError::new("open map", map, chain(&e)))?;
        array.set(index, &fd, 0).map_err(|error| LoadError::new("fill", map, chain(&error)))
    }

    /// Detaches and unloads every program. Maps stay readable.
    pub fn unload_programs(&mut self) {
        self.events.clear();
        for (_, program) in self.ebpf.programs_mut() {
            // Fails only for programs that were never loaded.
            let _ = match program {
                Program::BtfTracePoint(program) => program.unload(),
                Program::CgroupSockAddr(program) => program.unload(),
                Program::FEntry(program) => program.unload(),
                Program::KProbe(program) => program.unload(),
                Program::Lsm(program) => program.unload(),
                Program::TracePoint(program) => program.unload(),
                Program::UProbe(program) => program.unload(),
                _ => Ok(()),
            };
        }
    }

    /// How often each loaded program was skipped because it was running on the same CPU already: events that no
    /// map could count.
    pub fn recursion_misses(&self) -> u64 {
        self.ebpf
            .programs()
            .filter_map(|(_, program)| program.fd().ok())
            .filter_map(|fd| sys::prog_info(fd.as_fd()).ok())
            .map(|info| info.recursion_misses)
            .sum()
    }

    /// A map of the object as it was opened, if it has one.
    pub(super) fn opened(&self, name: &str) -> Option<&aya::maps::Map> {
        self.ebpf.map(name)
    }

    /// A map of the object, for programs beside it.
    pub(super) fn map(&self, name: &str) -> Result<Map, LoadError> {
        let absent = || LoadError::new("find map", name, "not in the object");
        let data = match self.ebpf.map(name).ok_or_else(absent)? {
            aya::maps::Map::Array(data) | aya::maps::Map::ProgramArray(data) => data,
            _ => return Err(LoadError::new("open map", name, "it is another type of map")),
        };
        let opened = data.fd().as_fd().try_clone_to_owned().and_then(|fd| {
            let info = sys::map_info(fd.as_fd())?;
            Ok(Map::opened(fd, &info))
        });
        opened.map_err(|error| LoadError::new("open map", name, error))
    }

    /// Another handle of a map: programs that are loaded later need the object's own.
    fn handle(&self, name: &str) -> Result<aya::maps::Map, LoadError> {
        use aya::maps::Map::{HashMap, PerCpuArray, RingBuf};
        let absent = || LoadError::new("find map", name, "not in the object");
        let opened = |data: &MapData| {
            let fd = data.fd().as_fd().try_clone_to_owned();
            let fd = fd.map_err(|error| LoadError::new("open map", name, error))?;
            MapData::from_fd(fd).map_err(|error| LoadError::new("open map", name, chain(&error)))
        };
        match self.ebpf.map(name).ok_or_else(absent)? {
            HashMap(data) => opened(data).map(HashMap),
            PerCpuArray(data) => opened(data).map(PerCpuArray),
            RingBuf(data) => opened(data).map(RingBuf),
            _ => Err(LoadError::new("open map", name, "it is another type of map")),
        }
    }

    /// The ring buffer `name`.
    ///
    /// # Errors
    /// When it is not there or cannot be mapped.
    pub fn ring(&self, name: &str) -> Result<Ring, LoadError> {
        match self.handle(name)? {
            aya::maps::Map::RingBuf(map) => {
                Ring::of(map.fd()).map_err(|err| LoadError::new("map ring", name, err))
            }
            _ => Err(LoadError::new("map ring", name, "it is another type of map")),
        }
    }

    /// The hash map `name`.
    ///
    /// # Errors
    /// When it is not there or has other sizes.
    pub fn table<K: Pod, V: Pod, const KEY: usize, const VALUE: usize>(
        &self,
        name: &str,
    ) -> Result<Table<K, V, KEY, VALUE>, LoadError> {
        HashMap::try_from(self.handle(name)?)
            .map(|map| Table { map, _types: std::marker::PhantomData })
            .map_err(|error| LoadError::new("open map", name, chain(&error)))
    }

    /// The per-CPU array `name` of one element.
    ///
    /// # Errors
    /// When it is not there or has another size.
    pub fn per_cpu<V: Pod, const VALUE: usize>(&self, name: &str) -> Result<PerCpu<V, VALUE>, LoadError> {
        PerCpuArray::try_from(self.handle(name)?)
            .map(|map| PerCpu { map, _type: std::marker::PhantomData })
            .map_err(|error| LoadError::new("open map", name, chain(&error)))
    }

    /// Writes the elements of the array `name`.
    ///
    /// # Errors
    /// When it is not there, has another size, or an index is out of bounds.
    pub fn fill_array<V: Pod, const VALUE: usize>(
        &mut self,
        name: &str,
        values: impl IntoIterator<Item = (u32, V)>,
    ) -> Result<(), LoadError> {
        let map =
            self.ebpf.map_mut(name).ok_or_else(|| LoadError::new("find map", name, "not in the object"))?;
        let mut array: Array<_, [u8; VALUE]> =
            Array::try_from(map).map_err(|error| LoadError::new("open map", name, chain(&error)))?;
        for (index, value) in values {
            array
                .set(index, array_of(&value), 0)
                .map_err(|error| LoadError::new("fill", name, chain(&error)))?;
        }
        Ok(())
    }
}

fn object_error(error: &EbpfError) -> String {
    chain(error)
}

fn array_of<V: Pod, const N: usize>(value: &V) -> [u8; N] {
    let mut bytes = [0; N];
    let source = bytes_of(value);
    let len = source.len().min(N);
    bytes[..len].copy_from_slice(&source[..len]);
    bytes
}

/// A hash map with keys `K` of `KEY` bytes and values `V` of `VALUE` bytes.
#[derive(Debug)]
pub struct Table<K, V, const KEY: usize, const VALUE: usize> {
    map: HashMap<MapData, [u8; KEY], [u8; VALUE]>,
    _types: std::marker::PhantomData<(K, V)>,
}

impl<K: Pod, V: Pod, const KEY: usize, const VALUE: usize> Table<K, V, KEY, VALUE> {
    /// Inserts or replaces.
    ///
    /// # Errors
    /// When the map is full.
    pub fn insert(&mut self, key: &K, value: &V) -> Result<(), LoadError> {
        let (key, value): ([u8; KEY], [u8; VALUE]) = (array_of(key), array_of(value));
        self.map.insert(key, value, 0).map_err(|error| LoadError::new("insert into", "map", chain(&error)))
    }

    /// Whether there is an entry.
    pub fn contains(&self, key: &K) -> bool {
        self.map.get(&array_of(key), 0).is_ok()
    }

    /// Takes an entry out.
    ///
    /// # Errors
    /// When there is none.
    pub fn remove(&mut self, key: &K) -> Result<(), LoadError> {
        self.map.remove(&array_of(key)).map_err(|error| LoadError::new("remove from", "map", chain(&error)))
    }

    /// Whether there are no entries; one system call.
    pub fn is_empty(&self) -> bool {
        self.map.keys().next().is_none()
    }

    /// The keys.
    pub fn keys(&self) -> Vec<K> {
        self.map.keys().filter_map(|key| key.ok().and_then(|bytes| pod::read(&bytes))).collect()
    }
}

/// One element for each CPU.
#[expect(missing_debug_implementations, reason = "the map type of the library has none")]
pub struct PerCpu<V, const VALUE: usize> {
    map: PerCpuArray<MapData, [u8; VALUE]>,
    _type: std::marker::PhantomData<V>,
}

impl<V: Pod, const VALUE: usize> PerCpu<V, VALUE> {
    /// The elements, one a CPU; empty when they cannot be read.
    pub fn get(&self) -> Vec<V> {
        self.map
            .get(&0, 0)
            .map(|values| values.iter().filter_map(|bytes| pod::read(bytes)).collect())
            .unwrap_or_default()
    }
}
