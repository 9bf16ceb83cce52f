//! Compiled objects adapted to the running kernel, before they are parsed.
//!
//! Two things that the compiler cannot say. Calls of `bpf_rdonly_cast` (from 6.2), which makes a typed pointer of any
//! address, so that a field behind it is one load instruction: the objects call a helper that no kernel has
//! ([`CALL_RDONLY_CAST`]), and here that call becomes what the kernel knows. And programs that are loaded now for one
//! kind of hook, now for another: their section gets the name of the other kind, in the tables of the ELF file and of BTF
//! alike, which is why both names have the same length ([`TYPED`], [`PLAIN`]).

use crate::asm::{Alu, Insn, Reg};
use kernscope_abi::layout::CALL_RDONLY_CAST;
use object::read::elf::ElfFile64;
use object::{Endianness, Object, ObjectSection, SectionKind};

/// Name of the kernel function.
pub(crate) const RDONLY_CAST: &str = "bpf_rdonly_cast";
/// How the names of sections begin whose programs are compiled as `tp_btf` and may become those of plain tracepoints.
const TYPED: &[u8; 11] = b"tp_btf/____";
/// How they begin then.
const PLAIN: &[u8; 11] = b"tracepoint/";

/// What to make of an object.
pub(crate) struct Adaptation {
    /// The BTF id of `bpf_rdonly_cast`, where the kernel has it.
    pub(crate) rdonly_cast: Option<u32>,
    /// Programs in sections that begin with `tp_btf/____` become those of plain tracepoints.
    pub(crate) plain_tracepoints: bool,
}

/// An object's bytes, aligned as its parser wants them.
pub(crate) struct Adapted {
    words: Vec<u64>,
    len: usize,
}

impl Adapted {
    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: `words` has at least `len` initialised bytes, and any byte is a valid u8.
        unsafe { std::slice::from_raw_parts(self.words.as_ptr().cast(), self.len) }
    }
}

impl Adaptation {
    /// Makes it of an object.
    ///
    /// # Errors
    /// When `elf` is no ELF object of 64 bits.
    pub(crate) fn of(&self, elf: &[u8]) -> Result<Adapted, object::Error> {
        let file: ElfFile64<'_, Endianness> = ElfFile64::parse(elf)?;
        let mut bytes = elf.to_vec();
        for section in file.sections().filter(|section| section.kind() == SectionKind::Text) {
            if let Some((start, len)) = section.file_range() {
                self.replace_calls(&mut bytes[start as usize..(start + len) as usize]);
            }
        }
        if self.plain_tracepoints {
            let found: Vec<_> = (0..elf.len()).filter(|&at| elf[at..].starts_with(TYPED)).collect();
            for at in found {
                bytes[at..at + PLAIN.len()].copy_from_slice(PLAIN);
            }
        }
        let len = bytes.len();
        bytes.resize(len.next_multiple_of(size_of::<u64>()), 0);
        let words = bytes.as_chunks().0.iter().map(|chunk| u64::from_ne_bytes(*chunk)).collect();
        Ok(Adapted { words, len })
    }

    /// Marked calls become calls of the kernel function or, where there is none, a move that the verifier accepts in
    /// code that is never reached.
    fn replace_calls(&self, section: &mut [u8]) {
        let marked = Insn::call(CALL_RDONLY_CAST).to_bytes();
        let new = match self.rdonly_cast {
            Some(id) => Insn::call_kfunc(id.cast_signed(), 0),
            None => Insn::alu64(Alu::Mov, Reg::R0, Reg::R1),
        }
        .to_bytes();
        for slot in section.as_chunks_mut().0.iter_mut().filter(|slot| **slot == marked) {
            *slot = new;
        }
    }
}
