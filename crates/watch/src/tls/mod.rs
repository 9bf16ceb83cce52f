//! Where in a file a TLS library takes and gives plain text.
//!
//! Libraries are told by the functions that they define, whatever they are called and wherever they lie: in a shared
//! library, or in a program that has the library built in and kept its symbols. Programs of Go are told by the table of functions that
//! they always carry. What is found is offsets in the file, for each the program that knows how that function passes its arguments. [`ldcache`] says which libraries a program
//! that is yet to start will most likely load.

mod built_in;
mod cache;
mod functions;
mod go;
mod image;
mod inner;
pub mod ldcache;
mod rustls;
mod symbols;

pub use cache::Cache;
pub use functions::Library;

use functions::{ANCHORS, FUNCTIONS};
use image::Image;
use object::ReadRef;
use std::collections::BTreeMap;

/// A place for a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hook {
    /// Offset in the file, bytes.
    pub offset: u64,
    /// Name of the program in the eBPF object.
    pub program: &'static str,
    /// When the function returns, rather than when it is called.
    pub on_return: bool,
}

/// A TLS library in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Whose functions they are.
    pub library: Library,
    /// Where programs go, each place once.
    pub hooks: Vec<Hook>,
}

/// The program for the return of all functions.
pub const RETURN: &str = "tls_return";

/// The TLS libraries whose code is in a file; empty when there is none, or it is no ELF file of 64 bits.
pub fn find<'data>(file: impl ReadRef<'data>) -> Vec<Found> {
    let Some(image) = Image::parse(file) else { return Vec::new() };
    let mut found = by_symbols(&image);
    if !found.iter().any(|found| found.library == Library::OpenSsl) {
        found.extend(built_in::find(&image));
    }
    found.extend(go::find(&image));
    found.extend(rustls::find(&image));
    found
}

/// Libraries that are told by the names of their functions.
fn by_symbols<'data, R: ReadRef<'data>>(image: &Image<'data, R>) -> Vec<Found> {
    let wanted: Vec<&str> = FUNCTIONS.iter().map(|function| function.symbol).collect();
    let offsets = symbols::offsets(image, &wanted);
    let mut found: BTreeMap<Library, Vec<Hook>> = BTreeMap::new();
    for (function, offset) in FUNCTIONS.iter().zip(offsets) {
        let Some(offset) = offset else { continue };
        let hooks = found.entry(function.library).or_default();
        hooks.push(Hook { offset, program: function.program, on_return: false });
        if function.returns {
            hooks.push(Hook { offset, program: RETURN, on_return: true });
        }
    }
    let is_whole = |(_, hooks): &(Library, Vec<Hook>)| {
        ANCHORS.iter().any(|anchor| hooks.iter().any(|hook| hook.program == *anchor))
    };
    found
        .into_iter()
        .filter(is_whole)
        .map(|(library, mut hooks)| {
            if library == Library::OpenSsl {
                inner::deepen(image, &mut hooks);
            }
            // Two names may be one function: one program there is enough.
            hooks.sort_unstable();
            hooks.dedup_by_key(|hook| (hook.offset, hook.on_return));
            Found { library, hooks }
        })
        .collect()
}

/// Names of all programs that [`find`] may name.
pub fn programs() -> impl Iterator<Item = &'static str> {
    let names: std::collections::BTreeSet<&str> = FUNCTIONS.iter().map(|function| function.program).collect();
    names.into_iter().chain([RETURN]).chain(go::PROGRAMS).chain(rustls::PROGRAMS)
}

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
