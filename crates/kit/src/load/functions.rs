//! BTF of a program's own functions, which the kernel asks for when there are callbacks.
//!
//! The format is in `Documentation/bpf/btf.rst` of the kernel.

use super::LoadError;
use crate::program::{Function, Program};
use crate::sys;
use std::os::fd::OwnedFd;

const KIND_INT: u32 = 1 << 24;
const KIND_FUNC: u32 = 12 << 24;
const KIND_FUNC_PROTO: u32 = 13 << 24;
/// `BTF_FUNC_GLOBAL`; callbacks must be static, which is zero.
const GLOBAL: u32 = 1;
/// The type that stands first: a 64-bit integer, of which all arguments and results are.
const U64: u32 = 1;
const HEADER_BYTES: u32 = 24;

/// Types as words, and the strings they name by offset.
struct Blob {
    types: Vec<u32>,
    count: u32,
    strings: Vec<u8>,
}

impl Blob {
    fn new() -> Self {
        let mut blob = Self { types: Vec::new(), count: 0, strings: vec![0] };
        let name = blob.string("u64");
        blob.add(&[name, KIND_INT, 8, 64]);
        blob
    }

    /// Adds a type; gives its id.
    fn add(&mut self, words: &[u32]) -> u32 {
        self.types.extend(words);
        self.count += 1;
        self.count
    }

    fn string(&mut self, text: &str) -> u32 {
        let at = self.strings.len() as u32;
        self.strings.extend(text.as_bytes());
        self.strings.push(0);
        at
    }

    /// A function and its prototype; gives its id.
    fn function(&mut self, function: &Function, linkage: u32) -> u32 {
        let args = u32::from(function.args);
        let mut words = vec![0, KIND_FUNC_PROTO | args, U64];
        for n in 1..=args {
            words.extend([self.string(&format!("arg{n}")), U64]);
        }
        let prototype = self.add(&words);
        let name = self.string(&function.name);
        self.add(&[name, KIND_FUNC | linkage, prototype])
    }

    fn bytes(&self) -> Vec<u8> {
        let type_bytes = size_of_val(&self.types[..]) as u32;
        let mut out = 0xeb9f_u16.to_ne_bytes().to_vec();
        out.extend([1, 0]);
        let header = [HEADER_BYTES, 0, type_bytes, type_bytes, self.strings.len() as u32];
        for word in header.iter().chain(&self.types) {
            out.extend(word.to_ne_bytes());
        }
        out.extend(&self.strings);
        out
    }
}

/// The BTF and, for each function, its first instruction and its type.
fn build(functions: &[Function]) -> (Vec<u8>, Vec<[u32; 2]>) {
    let mut blob = Blob::new();
    let records = functions.iter().enumerate().map(|(index, function)| {
        let linkage = if index == 0 { GLOBAL } else { 0 };
        [function.start, blob.function(function, linkage)]
    });
    let records = records.collect();
    (blob.bytes(), records)
}

/// A program's own BTF in the kernel.
pub(super) struct Functions {
    /// Its descriptor.
    pub(super) btf: OwnedFd,
    /// First instruction and type of each function.
    pub(super) records: Vec<[u32; 2]>,
}

impl Functions {
    /// Loads the BTF of a program's functions; `None` when it names none.
    pub(super) fn load(program: &Program) -> Result<Option<Functions>, LoadError> {
        if program.functions.is_empty() {
            return Ok(None);
        }
        let (bytes, records) = build(&program.functions);
        let btf = sys::btf_load(&bytes).map_err(|err| LoadError::map("load BTF of", &program.name, &err))?;
        Ok(Some(Functions { btf, records }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::btf::{Btf, Named};

    #[test]
    fn the_reader_finds_what_was_written() {
        let function = |name: &str, start, args| Function { name: name.to_owned(), start, args };
        let (bytes, records) = build(&[function("main", 0, 1), function("each", 9, 2)]);
        let btf = Btf::parse(bytes).expect("BTF");
        assert_eq!(btf.id(Named::Function, "main"), Some(records[0][1]));
        assert_eq!(btf.id(Named::Function, "each"), Some(records[1][1]));
        assert_eq!([records[0][0], records[1][0]], [0, 9]);
    }
}
