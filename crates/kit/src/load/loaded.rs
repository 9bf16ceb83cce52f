//! A generated program in the kernel.

use super::functions::Functions;
use super::stats::Stats;
use super::{LoadError, Map, UseError, maps};
use crate::asm::{Insn, op};
use crate::memlock::Raised;
use crate::program::{MapRef, Program, ProgramType};
use crate::sys;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// `BPF_F_SLEEPABLE`, which syscall programs must be.
const SLEEPABLE: u32 = 1 << 4;

/// `BPF_F_XDP_HAS_FRAGS`.
const XDP_HAS_FRAGS: u32 = 1 << 5;

/// `BPF_TRACE_RAW_TP`
const TRACE_RAW_TP: u32 = 23;

/// A program and its maps, in the kernel as long as this lives.
#[derive(Debug)]
pub struct Loaded {
    fd: OwnedFd,
    name: String,
    program_type: ProgramType,
    maps: Vec<Map>,
    stats: Stats,
}

/// What the kernel made of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgInfo {
    /// The kernel's number for it, as `bpftool` shows it.
    pub id: u32,
    /// Instructions that the verifier processed, over all paths.
    pub verified_insns: u32,
    /// Time that verifying took, microseconds.
    pub verified_us: u64,
    /// Stack of all functions together, bytes.
    pub stack_bytes: u32,
    /// Instructions after the verifier's changes, bytes.
    pub xlated_len: u32,
    /// Machine code, bytes; zero where the kernel interprets.
    pub jited_len: u32,
}

impl Loaded {
    /// Makes the program's maps, fills them, and loads the program.
    ///
    /// # Errors
    /// When an instruction refers to a map that the program does not have, the kernel refuses a map, or the verifier
    /// refuses the program; [`LoadError::log`] is then all that it wrote.
    pub fn load(program: &Program) -> Result<Self, LoadError> {
        Self::with_maps(program, maps::create(&program.maps)?)
    }

    /// Loads the program with maps that exist already, in the order of [`Program::maps`].
    ///
    /// # Errors
    /// As [`Loaded::load`]; that the maps are the ones described is up to the verifier.
    pub fn with_maps(program: &Program, maps: Vec<Map>) -> Result<Self, LoadError> {
        Self::load_for(program, maps, None, 0)
    }

    /// Loads an XDP program that takes frames in several pieces, as large ones come: its `data_end` is the end of the first.
    /// Without this a driver whose MTU is large refuses it.
    ///
    /// # Errors
    /// As [`Loaded::load`].
    ///
    /// # Minimum kernel
    /// 5.18.
    pub fn load_in_pieces(program: &Program) -> Result<Self, LoadError> {
        Self::load_for(program, maps::create(&program.maps)?, None, XDP_HAS_FRAGS)
    }

    /// With `BPF_F_*`; a tracing program for the tracepoint whose `btf_trace_` type has this id.
    pub(super) fn load_for(
        program: &Program,
        maps: Vec<Map>,
        tracepoint: Option<u32>,
        flags: u32,
    ) -> Result<Self, LoadError> {
        let insns = resolve(program, &maps)?;
        let functions = Functions::load(program)?;
        let mut load = sys::Program::new(program.program_type as u32, &insns);
        load.name = sys::name(&program.name);
        if let Some(id) = tracepoint {
            (load.expected_attach_type, load.attach_btf_id) = (TRACE_RAW_TP, id);
        }
        load.flags = flags;
        load.func_info = functions.as_ref().map(|own| (own.btf.as_fd(), &own.records[..]));
        if program.program_type == ProgramType::Syscall {
            load.flags |= SLEEPABLE;
        }
        let _raised = Raised::for_bpf();
        let (fd, log) = sys::prog_load_told(&load)
            .map_err(|refused| LoadError::refused(&program.name, program.program_type, refused))?;
        let (name, program_type) = (program.name.clone(), program.program_type);
        Ok(Self { fd, name, program_type, maps, stats: Stats::parse(&log) })
    }

    /// A program that was loaded by others, if its type is one of ours.
    pub(super) fn opened(fd: OwnedFd, info: &sys::ProgInfo) -> Option<Self> {
        let program_type = ProgramType::ALL.into_iter().find(|&kind| kind as u32 == info.prog_type)?;
        let stats = Stats { insns: info.verified_insns, ..Stats::default() };
        Some(Self { fd, name: sys::name_text(&info.name), program_type, maps: Vec::new(), stats })
    }

    /// The map with this index.
    ///
    /// # Panics
    /// When the program has no such map.
    pub fn map(&self, map: MapRef) -> &Map {
        &self.maps[map.0 as usize]
    }

    /// All its maps, by index.
    pub fn maps(&self) -> &[Map] {
        &self.maps
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it can be attached to.
    pub fn program_type(&self) -> ProgramType {
        self.program_type
    }

    /// What the kernel made of it.
    ///
    /// # Errors
    /// The errno of `BPF_OBJ_GET_INFO_BY_FD`.
    pub fn info(&self) -> Result<ProgInfo, UseError> {
        let info = sys::prog_info(self.as_fd()).map_err(|err| UseError::new("ask about", &self.name, err))?;
        let Stats { insns, time_us, stack_bytes } = self.stats;
        Ok(ProgInfo {
            id: info.id,
            verified_insns: if info.verified_insns == 0 { insns } else { info.verified_insns },
            verified_us: time_us,
            stack_bytes,
            xlated_len: info.xlated_prog_len,
            jited_len: info.jited_prog_len,
        })
    }

    /// The instructions as the verifier left them: maps are addresses, helpers are calls of kernel code.
    ///
    /// # Errors
    /// The errno of `BPF_OBJ_GET_INFO_BY_FD`. Where kernel addresses are hidden from this process there are none.
    pub fn xlated(&self) -> Result<Vec<Insn>, UseError> {
        sys::prog_xlated(self.as_fd()).map_err(|err| UseError::new("dump", &self.name, err))
    }
}

impl AsFd for Loaded {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The instructions with descriptors where map indexes were.
fn resolve(program: &Program, maps: &[Map]) -> Result<Vec<Insn>, LoadError> {
    let mut insns = program.insns.clone();
    let mut at = 0;
    while at < insns.len() {
        let insn = insns[at];
        let pseudo = match insn.src() {
            op::PSEUDO_MAP_IDX => Some(op::PSEUDO_MAP_FD),
            op::PSEUDO_MAP_IDX_VALUE => Some(op::PSEUDO_MAP_VALUE),
            _ => None,
        };
        if let (true, Some(pseudo)) = (insn.is_lddw(), pseudo) {
            let map = usize::try_from(insn.imm).ok().and_then(|index| maps.get(index)).ok_or_else(|| {
                let cause = format!("instruction {at} refers to map {}, it has {}", insn.imm, maps.len());
                LoadError::new("load", &program.name, cause)
            })?;
            insns[at] = Insn::new(insn.code, insn.dst(), pseudo, insn.off, map.as_fd().as_raw_fd());
        }
        at += if insn.is_lddw() { 2 } else { 1 };
    }
    Ok(insns)
}
