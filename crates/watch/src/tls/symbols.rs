//! Places of named functions in a file, from its symbol tables.

use super::image::Image;
use object::ReadRef;
use object::elf::{SHT_DYNSYM, SHT_SYMTAB};
use std::collections::HashMap;

/// For each name the offset in the file of the function that the file defines; `None` where it defines none.
pub(super) fn offsets<'data, R: ReadRef<'data>>(image: &Image<'data, R>, names: &[&str]) -> Vec<Option<u64>> {
    let wanted: HashMap<&[u8], usize> =
        names.iter().enumerate().map(|(index, name)| (name.as_bytes(), index)).collect();
    let mut found = vec![None; names.len()];
    // The dynamic table first: it is small, and all that most files have.
    for kind in [SHT_DYNSYM, SHT_SYMTAB] {
        for (name, address) in image.functions(kind) {
            if let Some(&index) = wanted.get(name) {
                found[index] = found[index].or_else(|| image.code_offset(address));
            }
        }
        if found.iter().any(Option::is_some) {
            break;
        }
    }
    found
}
