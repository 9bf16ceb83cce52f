//! Calls of `bpf_rdonly_cast` in compiled objects.
//!
//! The kernel function (from 6.2) makes a typed pointer of any address, so that a field behind it is one load
//! instruction. The compiler makes no calls of kernel functions; the objects call a helper that no kernel has
//! ([`CALL_RDONLY_CAST`]), and here that call becomes what the running kernel knows, before the object is parsed.

use crate::asm::Insn;
use kernscope_abi::layout::CALL_RDONLY_CAST;
use object::read::elf::ElfFile64;
use object::{Endianness, Object, ObjectSection, SectionKind};

/// Name of the kernel function.
pub(crate) const FUNCTION: &str = "bpf_rdonly_cast";

/// An object's bytes, aligned as its parser wants them.
pub(crate) struct Patched {
    words: Vec<u64>,
    len: usize,
}

impl Patched {
    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: `words` has at least `len` initialised bytes, and any byte is a valid u8.
        unsafe { std::slice::from_raw_parts(self.words.as_ptr().cast(), self.len) }
    }
}

/// The object with its marked calls replaced: by calls of the kernel function with BTF id `function`, or, where there
/// is none, by a move that the verifier accepts in code that is never reached.
///
/// # Errors
/// When `elf` is no ELF object of 64 bits.
pub(crate) fn resolve(elf: &[u8], function: Option<u32>) -> Result<Patched, object::Error> {
    let marked = Insn::call(CALL_RDONLY_CAST);
    let new = match function {
        Some(id) => Insn::call_kfunc(id.cast_signed(), 0),
        None => Insn::alu64(crate::asm::Alu::Mov, crate::asm::Reg::R0, crate::asm::Reg::R1),
    };
    let file: ElfFile64<'_, Endianness> = ElfFile64::parse(elf)?;
    let mut bytes = elf.to_vec();
    for section in file.sections().filter(|section| section.kind() == SectionKind::Text) {
        let Some((start, len)) = section.file_range() else { continue };
        let range = start as usize..(start + len) as usize;
        for slot in bytes[range].chunks_exact_mut(size_of::<Insn>()) {
            if slot == encode(marked) {
                slot.copy_from_slice(&encode(new));
            }
        }
    }
    let len = bytes.len();
    bytes.resize(len.next_multiple_of(size_of::<u64>()), 0);
    let words = bytes.as_chunks().0.iter().map(|chunk| u64::from_ne_bytes(*chunk)).collect();
    Ok(Patched { words, len })
}

/// An instruction as it stands in an object.
fn encode(insn: Insn) -> [u8; size_of::<Insn>()] {
    let [off_0, off_1] = insn.off.to_ne_bytes();
    let [a, b, c, d] = insn.imm.to_ne_bytes();
    [insn.code, insn.regs, off_0, off_1, a, b, c, d]
}
