//! Offsets of named functions in an ELF file, from its symbol tables.

use object::elf::{FileHeader64, PF_X, PT_LOAD, STT_FUNC, STT_GNU_IFUNC};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, Sym};
use object::{Endianness, ReadRef};
use std::collections::HashMap;

/// For each name the offset in the file of the function that the file defines; `None` where it defines none.
pub(super) fn offsets<'data>(file: impl ReadRef<'data>, names: &[&str]) -> Vec<Option<u64>> {
    try_offsets(file, names).unwrap_or_else(|_| vec![None; names.len()])
}

fn try_offsets<'data>(file: impl ReadRef<'data>, names: &[&str]) -> object::Result<Vec<Option<u64>>> {
    let header = FileHeader64::<Endianness>::parse(file)?;
    let endian = header.endian()?;
    let segments = header.program_headers(endian, file)?;
    let sections = header.sections(endian, file)?;
    let wanted: HashMap<&[u8], usize> =
        names.iter().enumerate().map(|(index, name)| (name.as_bytes(), index)).collect();
    let mut found = vec![None; names.len()];
    // The dynamic table first: it is small, and all that most files have.
    for kind in [object::elf::SHT_DYNSYM, object::elf::SHT_SYMTAB] {
        if sections.iter().all(|section| section.sh_type(endian) != kind) {
            continue;
        }
        let table = sections.symbols(endian, file, kind)?;
        for symbol in table.symbols() {
            let is_function = matches!(symbol.st_type(), STT_FUNC | STT_GNU_IFUNC);
            if !is_function || symbol.is_undefined(endian) {
                continue;
            }
            let Some(&index) = wanted.get(table.symbol_name(endian, symbol)?) else { continue };
            let address = symbol.st_value(endian);
            let segment = segments.iter().find(|segment| {
                let start = segment.p_vaddr(endian);
                let is_code = segment.p_type(endian) == PT_LOAD && segment.p_flags(endian) & PF_X != 0;
                is_code && address.checked_sub(start).is_some_and(|into| into < segment.p_filesz(endian))
            });
            let place = segment
                .map(|segment| (address - segment.p_vaddr(endian)).saturating_add(segment.p_offset(endian)));
            found[index] = found[index].or(place);
        }
        if found.iter().any(Option::is_some) {
            break;
        }
    }
    Ok(found)
}
