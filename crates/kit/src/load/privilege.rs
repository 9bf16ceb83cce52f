//! Which capability a refusal is about, found by trying what needs that one alone.

use crate::asm::{Alu, Insn, Reg};
use crate::probe;
use crate::program::{MapType, ProgramType};
use crate::sys::{self, MapCreate, Program};
use std::io;

/// `BPF_F_NO_PREALLOC`, which tries insist on.
const NO_PREALLOC: u32 = 1;

/// What would help against `err`; empty when privilege is not the question.
pub(super) fn fix(err: &io::Error, kind: Option<ProgramType>) -> String {
    match err.raw_os_error() {
        Some(libc::EPERM) => refused(kind),
        // The verifier checks more of a program whose owner may not read all memory.
        Some(libc::EACCES) if kind.is_some() && lacks_perfmon() => {
            "the verifier is stricter without CAP_PERFMON: run as root, or give it cap_perfmon".to_owned()
        }
        _ => String::new(),
    }
}

fn refused(kind: Option<ProgramType>) -> String {
    let beside = match kind {
        Some(ProgramType::Xdp | ProgramType::SchedCls) => {
            Some(("CAP_NET_ADMIN", lacks_net_admin as fn() -> bool))
        }
        Some(ProgramType::SocketFilter | ProgramType::Syscall) | None => None,
        Some(_) => Some(("CAP_PERFMON", lacks_perfmon as fn() -> bool)),
    };
    match beside {
        Some((name, _)) if lacks_bpf() => format!("needs CAP_BPF and {name}: run as root, or grant them"),
        None if lacks_bpf() => "needs CAP_BPF: run as root, or grant it".to_owned(),
        Some((name, lacks)) if lacks() => format!("needs {name}: run as root, or grant it"),
        _ => probe::what_helps_against_eperm(),
    }
}

fn is_eperm<T>(outcome: io::Result<T>) -> bool {
    outcome.is_err_and(|err| err.raw_os_error() == Some(libc::EPERM))
}

/// A trie needs `CAP_BPF` and nothing else.
fn lacks_bpf() -> bool {
    is_eperm(sys::map_create(MapCreate {
        map_type: MapType::LpmTrie as u32,
        key_size: 8,
        value_size: 8,
        max_entries: 1,
        map_flags: NO_PREALLOC,
        ..MapCreate::default()
    }))
}

/// Programs on tracepoints need `CAP_PERFMON` beside it, those on packets `CAP_NET_ADMIN`.
fn lacks_perfmon() -> bool {
    cannot_load(ProgramType::RawTracepoint)
}

fn lacks_net_admin() -> bool {
    cannot_load(ProgramType::Xdp)
}

fn cannot_load(kind: ProgramType) -> bool {
    let insns = [Insn::alu64(Alu::Mov, Reg::R0, 0), Insn::EXIT];
    is_eperm(sys::prog_load(&Program::new(kind as u32, &insns)).map_err(|refused| refused.err))
}
