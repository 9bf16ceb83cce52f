//! Programs of an object for `uprobe.multi`: one attachment for many places of a file, which goes in one step.
//!
//! The library that loads objects has no such programs. They are parsed once more by its parser, point to the maps that
//! the object has already, and are loaded by bare `bpf(2)`.

use super::adapt::Adaptation;
use super::{LoadError, Object};
use crate::asm::Insn;
use crate::sys;
use aya::maps::{Map as Opened, MapData};
use kernscope_abi::pod::bytes_of;
use std::collections::HashSet;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

/// `BPF_PROG_TYPE_KPROBE` of `enum bpf_prog_type`.
const KPROBE: u32 = 2;
/// `BPF_TRACE_UPROBE_MULTI` of `enum bpf_attach_type`.
pub(crate) const UPROBE_MULTI: u32 = 48;

/// The programs of an object, relocated, each to be loaded under its name.
#[derive(Debug)]
pub struct MultiPrograms {
    object: aya_obj::Object,
    /// The BTF of the programs, for the verifier to tell functions apart.
    btf: OwnedFd,
}

impl Object {
    /// Reads `bytes`, which the object was opened from, once more.
    ///
    /// # Errors
    /// When it does not parse, or `loaded`, one of its programs, is not loaded.
    pub fn multi_programs(&mut self, bytes: &[u8], loaded: &str) -> Result<MultiPrograms, LoadError> {
        let failed = |error: &dyn std::fmt::Display| LoadError::new("parse", "object", error);
        let adaptation = Adaptation { rdonly_cast: None, plain_tracepoints: false };
        let adapted = adaptation.of(bytes).map_err(|error| failed(&error))?;
        let mut object = aya_obj::Object::parse(adapted.bytes()).map_err(|error| failed(&error))?;
        let maps = std::mem::take(&mut object.maps);
        let placed = maps.iter().map(|(name, map)| Ok((name.as_str(), self.map_fd(name)?, map)));
        let placed = placed.collect::<Result<Vec<_>, LoadError>>()?;
        let sections: HashSet<usize> = object.functions.keys().map(|(section, _)| *section).collect();
        object.relocate_maps(placed.into_iter(), &sections).map_err(|error| failed(&error))?;
        object.relocate_calls(&sections).map_err(|error| failed(&error))?;
        let program = self.program_fd(loaded)?;
        let btf = sys::prog_info(program.as_fd()).and_then(|info| sys::btf_by_id(info.btf_id));
        let btf = btf.map_err(|error| LoadError::new("open BTF of", loaded, error))?;
        Ok(MultiPrograms { object, btf })
    }

    /// The descriptor of a map.
    fn map_fd(&self, name: &str) -> Result<RawFd, LoadError> {
        let data = self.opened(name).and_then(data).ok_or_else(|| {
            LoadError::new("find map", name, "it is not in the object, or of a type not used here")
        })?;
        Ok(data.fd().as_fd().as_raw_fd())
    }
}

fn data(map: &Opened) -> Option<&MapData> {
    match map {
        Opened::Array(data)
        | Opened::PerCpuArray(data)
        | Opened::HashMap(data)
        | Opened::LruHashMap(data)
        | Opened::ProgramArray(data)
        | Opened::RingBuf(data) => Some(data),
        _ => None,
    }
}

impl MultiPrograms {
    /// Loads one program.
    ///
    /// # Errors
    /// When it is not in the object, or the verifier refuses it.
    ///
    /// # Minimum kernel
    /// 6.6.
    pub fn load(&self, name: &str) -> Result<OwnedFd, LoadError> {
        let absent = || LoadError::new("find", name, "no such program in the object");
        let program = self.object.programs.get(name).ok_or_else(absent)?;
        let function = self.object.functions.get(&program.function_key()).ok_or_else(absent)?;
        let insns: Vec<Insn> = function.instructions.iter().map(insn).collect();
        let functions: Vec<[u32; 2]> =
            function.func_info.func_info.iter().map(|info| [info.insn_off, info.type_id]).collect();
        let loaded = sys::prog_load(&sys::Program {
            expected_attach_type: UPROBE_MULTI,
            func_info: Some((self.btf.as_fd(), &functions)),
            name: sys::name(name),
            ..sys::Program::new(KPROBE, &insns)
        });
        loaded.map_err(|refused| LoadError::verifier("load", name, &refused.err, refused.log))
    }
}

/// An instruction in our own form.
fn insn(insn: &aya_obj::generated::bpf_insn) -> Insn {
    let [o0, o1] = insn.off.to_ne_bytes();
    let [i0, i1, i2, i3] = insn.imm.to_ne_bytes();
    Insn::from_bytes([insn.code, insn.dst_reg() | insn.src_reg() << 4, o0, o1, i0, i1, i2, i3])
}

impl Object {
    /// Puts a program of [`MultiPrograms`] into a program array.
    ///
    /// # Errors
    /// When there is no such array, or the kernel refuses the pair.
    pub fn set_tail_call_fd(&mut self, map: &str, index: u32, program: &OwnedFd) -> Result<(), LoadError> {
        let array = self.map(map)?;
        array
            .set_fd(bytes_of(&index), program.as_fd())
            .map_err(|error| LoadError::new("fill", map, error.cause))
    }
}
