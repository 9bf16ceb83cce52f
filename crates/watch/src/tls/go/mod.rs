//! Go's own crypto/tls, in a program: its functions by Go's table of functions, and where each of them returns.
//!
//! A program of Go carries the package; whether it is stripped does not matter. Programs go to every return
//! instruction rather than to the return address, which Go's runtime reads and moves.

pub(crate) mod pclntab;
mod returns;

use super::image::Image;
use super::{Found, Hook, Library};
use object::ReadRef;
use pclntab::{Extent, Pclntab};

/// Where the table of functions is; the second since Go has programs that lie anywhere.
const SECTIONS: [&str; 2] = [".gopclntab", ".data.rel.ro.gopclntab"];
/// Where the linker keeps `moduledata`, since 1.26; before, the table itself says where the code begins.
const MODULE: &str = ".go.module";
/// `moduledata.text`, in src/runtime/symtab.go.
const MODULE_TEXT: u64 = 22 * 8;
/// Relocations of programs that lie anywhere: 24 bytes each, of which the last 8 are the address.
const RELOCATIONS: [&str; 2] = [".rela", ".rela.dyn"];
const RELOCATION_BYTES: usize = 24;
/// The function that a program without C begins with.
const ENTRY: &str = "_rt0_amd64_linux";
/// What functions that move data begin with: a look at how much stack is left (cmp rsp, [r14+16]; lea r12, [rsp-n]).
const BEGINNINGS: [&[u8]; 3] =
    [&[0x49, 0x3b, 0x66, 0x10], &[0x4c, 0x8d, 0x64, 0x24], &[0x4c, 0x8d, 0xa4, 0x24]];
/// Longest function that is looked at, bytes.
const MAX_FUNCTION_BYTES: u32 = 64 * 1024;

/// The functions that move data, and the programs for them.
const MOVING: [(&str, &str); 2] =
    [("crypto/tls.(*Conn).Read", "tls_go_in"), ("crypto/tls.(*Conn).Write", "tls_go_out")];
/// Those with which a connection begins and ends: its memory is another connection's from then on.
const ENDING: [&str; 3] =
    ["crypto/tls.(*Conn).Close", "crypto/tls.(*Conn).clientHandshake", "crypto/tls.(*Conn).serverHandshake"];
const END: &str = "tls_go_end";
const RETURN: &str = "tls_go_return";

/// Names of all programs that [`find`] may name.
pub(super) const PROGRAMS: [&str; 4] = [MOVING[0].1, MOVING[1].1, RETURN, END];

/// Go's TLS in a file: `None` when it is not in there, or not of a shape that is known.
pub(super) fn find<'data, R: ReadRef<'data>>(image: &Image<'data, R>) -> Option<Found> {
    let bytes = SECTIONS.iter().find_map(|name| image.section(name)).filter(|_| image.is_x86_64())?.1;
    let table = Pclntab::parse(bytes)?;
    let names: Vec<&str> = MOVING.iter().map(|(name, _)| *name).chain(ENDING).chain([ENTRY]).collect();
    let functions = table.find(&names);
    let moving: Vec<(Extent, &str)> = MOVING
        .iter()
        .map(|(name, program)| Some((*functions.get(name)?, *program)))
        .collect::<Option<_>>()?;
    let starts = [
        Some(table.text()),
        functions.get(ENTRY).and_then(|entry| image.entry().checked_sub(entry.start.into())),
        module_text(image),
        image.section(".text").map(|(address, _)| address),
    ];
    let text = starts.into_iter().flatten().find(|text| {
        let code = |extent: &Extent| image.bytes(text.checked_add(extent.start.into())?, 4);
        moving.iter().all(|(extent, _)| code(extent).is_some_and(|code| BEGINNINGS.contains(&code)))
    })?;
    let mut hooks = Vec::new();
    for (extent, program) in moving {
        let start = image.code_offset(text + u64::from(extent.start))?;
        hooks.push(Hook { offset: start, program, on_return: false });
        let returns = returns_of(image, text, extent)?;
        hooks.extend(returns.iter().map(|at| Hook { offset: start + at, program: RETURN, on_return: false }));
    }
    let ending = ENDING.iter().filter_map(|name| functions.get(name));
    let ending = ending.filter_map(|extent| image.code_offset(text + u64::from(extent.start)));
    hooks.extend(ending.map(|offset| Hook { offset, program: END, on_return: false }));
    // A table that lies may name one function twice.
    hooks.sort_unstable();
    hooks.dedup();
    Some(Found { library: Library::Go, hooks })
}

/// Where a function returns, as offsets from its beginning.
fn returns_of<'data, R: ReadRef<'data>>(
    image: &Image<'data, R>,
    text: u64,
    extent: Extent,
) -> Option<Vec<u64>> {
    let len = extent.end.checked_sub(extent.start).filter(|len| *len <= MAX_FUNCTION_BYTES)?;
    returns::returns(image.bytes(text + u64::from(extent.start), len.into())?)
}

/// Where the code begins, as the runtime has it: in the file, or put there by a relocation.
fn module_text<'data, R: ReadRef<'data>>(image: &Image<'data, R>) -> Option<u64> {
    let at = image.section(MODULE)?.0.checked_add(MODULE_TEXT)?;
    let word = |bytes: &[u8]| bytes.first_chunk().map(|word| u64::from_le_bytes(*word));
    let said = word(image.bytes(at, 8)?)?;
    if said != 0 {
        return Some(said);
    }
    let relocated = |bytes: &[u8]| (word(bytes) == Some(at)).then(|| word(&bytes[RELOCATION_BYTES - 8..]))?;
    let tables = RELOCATIONS.iter().filter_map(|name| image.section(name));
    tables.flat_map(|(_, table)| table.chunks_exact(RELOCATION_BYTES)).find_map(relocated)
}
