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
    /// When `elf` is no ELF object of 64 bits, or a section lies outside of it.
    pub(crate) fn of(&self, elf: &[u8]) -> Result<Adapted, object::Error> {
        let file: ElfFile64<'_, Endianness> = ElfFile64::parse(elf)?;
        let mut bytes = elf.to_vec();
        for section in file.sections().filter(|section| section.kind() == SectionKind::Text) {
            // `data` holds the section's place against the file's length.
            let len = section.data()?.len();
            if let Some((start, _)) = section.file_range() {
                self.replace_calls(&mut bytes[start as usize..][..len]);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// An object of 64 bits with one section of code, which is at `offset` of the file and `size` bytes long.
    fn object(offset: u64, size: u64) -> Vec<u8> {
        const NAMES_AT: u64 = 256;
        let mut bytes = vec![0; NAMES_AT as usize];
        // Four magic bytes, 64 bits, little-endian, version 1.
        bytes[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        // Relocatable, BPF; where the headers of sections are; their size, number and which has the names.
        for (at, half) in [(16, 1u16), (18, 247), (52, 64), (58, 64), (60, 3), (62, 1)] {
            bytes[at..at + 2].copy_from_slice(&half.to_le_bytes());
        }
        bytes[40..48].copy_from_slice(&64u64.to_le_bytes());
        // Type (a table of strings; code), flags (to be loaded and executed), offset, size.
        for (at, kind, flags, offset, size) in [(128, 3u32, 0u64, NAMES_AT, 1u64), (192, 1, 6, offset, size)]
        {
            bytes[at + 4..at + 8].copy_from_slice(&kind.to_le_bytes());
            for (at, word) in [(at + 8, flags), (at + 24, offset), (at + 32, size)] {
                bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
            }
        }
        bytes.extend([0; 8]);
        bytes.extend(Insn::call(CALL_RDONLY_CAST).to_bytes());
        bytes
    }

    #[test]
    fn calls_in_code_are_replaced_and_sections_outside_the_file_are_refused() {
        let adaptation = Adaptation { rdonly_cast: Some(7), plain_tracepoints: false };
        let whole = object(264, 8);
        let adapted = adaptation.of(&whole).expect("an object");
        assert_eq!(&adapted.bytes()[264..272], Insn::call_kfunc(7, 0).to_bytes());
        for (offset, size) in [(264, 16), (272, 8), (u64::MAX, 8), (8, u64::MAX)] {
            assert!(adaptation.of(&object(offset, size)).is_err(), "{offset} {size}");
        }
    }
}
