//! Go's table of functions, which a program keeps when it is stripped: the runtime walks stacks with it.
//!
//! Format: `pcHeader`, `functab` and `_func` of Go's src/runtime/symtab.go and runtime2.go, as they are since Go 1.18. The
//! table is read leniently: what does not fit is left out.

use std::collections::HashMap;

/// What the table begins with, since 1.18 and since 1.20.
const MAGICS: [u32; 2] = [0xffff_fff0, 0xffff_fff1];
/// Magic, two zeros, the unit of code, and the size of an address, bytes.
const PREFIX_BYTES: usize = 8;
/// Where the header's words are.
const FUNCTIONS: usize = 0;
const TEXT: usize = 2;
const NAMES: usize = 3;
const TABLE: usize = 7;
/// An entry: where a function begins and what is said of it, 4 bytes each.
const ENTRY_BYTES: usize = 8;
/// Where the name of a function is said.
const NAME_AT: usize = 4;
/// Most functions that are looked at.
const MAX_FUNCTIONS: usize = 4 << 20;

/// A table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pclntab<'data> {
    bytes: &'data [u8],
    names: &'data [u8],
    /// Entries, and behind them where the last function ends.
    table: &'data [u8],
    count: usize,
}

/// Code of a function: offsets from where the program's code begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl<'data> Pclntab<'data> {
    /// `None` when it is no such table, or one of Go before 1.18.
    pub(crate) fn parse(bytes: &'data [u8]) -> Option<Self> {
        let magic = number(bytes, 0)?;
        let is_known = MAGICS.contains(&magic) && bytes.get(4..PREFIX_BYTES)? == [0, 0, 1, 8];
        let count = usize::try_from(word(bytes, FUNCTIONS)?).ok().filter(|count| *count <= MAX_FUNCTIONS)?;
        let from = |index| bytes.get(usize::try_from(word(bytes, index)?).ok()?..);
        is_known.then_some(())?;
        let (names, table) = (from(NAMES)?, from(TABLE)?);
        (table.len() >= count * ENTRY_BYTES + 4).then_some(Self { bytes, names, table, count })
    }

    /// Where the program's code begins; 0 when the table does not say.
    pub(crate) fn text(&self) -> u64 {
        word(self.bytes, TEXT).unwrap_or(0)
    }

    /// The functions of these names.
    pub(crate) fn find<'name>(&self, names: &[&'name str]) -> HashMap<&'name str, Extent> {
        let mut found = HashMap::new();
        for index in 0..self.count {
            let Some(name) = self.name(index) else { continue };
            let Some(known) = names.iter().find(|known| is_text(name, known)) else { continue };
            let at = index * ENTRY_BYTES;
            let ends = number(self.table, at).zip(number(self.table, at + ENTRY_BYTES));
            if let Some((start, end)) = ends.filter(|(start, end)| start < end) {
                found.entry(*known).or_insert(Extent { start, end });
            }
        }
        found
    }

    /// The bytes from a function's name on.
    fn name(&self, index: usize) -> Option<&'data [u8]> {
        let function = number(self.table, index * ENTRY_BYTES + 4)? as usize;
        let name = number(self.table, function.checked_add(NAME_AT)?)?;
        self.names.get(name as usize..)
    }
}

/// Whether the bytes begin with a text and its NUL.
fn is_text(bytes: &[u8], text: &str) -> bool {
    bytes.strip_prefix(text.as_bytes()).is_some_and(|rest| rest.first() == Some(&0))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A word of the header.
fn word(bytes: &[u8], index: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(PREFIX_BYTES + index * 8..)?.first_chunk()?))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A table of functions that begin at these offsets; the last one only ends the one before.
    pub(in crate::tls::go) fn table(text: u64, functions: &[(u32, &str)], end: u32) -> Vec<u8> {
        let (mut names, mut entries, mut said) = (Vec::new(), Vec::new(), Vec::new());
        for (start, name) in functions {
            let at = (functions.len() * ENTRY_BYTES + 4 + said.len()) as u32;
            entries.extend([*start, at].map(u32::to_le_bytes).concat());
            said.extend([*start, names.len() as u32].map(u32::to_le_bytes).concat());
            names.extend_from_slice(name.as_bytes());
            names.push(0);
        }
        entries.extend(end.to_le_bytes());
        let names_at = (PREFIX_BYTES + 8 * 8) as u64;
        let table_at = names_at + names.len() as u64;
        let words = [functions.len() as u64, 0, text, names_at, 0, 0, 0, table_at];
        let prefix = [&MAGICS[1].to_le_bytes()[..], &[0, 0, 1, 8]].concat();
        let words: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        [prefix, words, names, entries, said].concat()
    }

    #[test]
    fn functions_are_found_by_their_whole_name() {
        let bytes = table(0x1000, &[(0, "a.b"), (16, "a.bc"), (48, "x")], 64);
        let table = Pclntab::parse(&bytes).expect("a table");
        assert_eq!(table.text(), 0x1000);
        let found = table.find(&["a.bc", "a.", "x"]);
        let expected = [("a.bc", Extent { start: 16, end: 48 }), ("x", Extent { start: 48, end: 64 })];
        assert_eq!(found, expected.into_iter().collect());
    }

    #[test]
    fn cuts_and_lies_give_less_and_never_a_panic() {
        let whole = table(0, &[(0, "a"), (16, "b")], 64);
        for len in 0..whole.len() {
            if let Some(table) = Pclntab::parse(&whole[..len]) {
                table.find(&["a", "b"]);
            }
        }
        for at in 0..whole.len() {
            for value in [0, 0x7f, 0xff] {
                let mut lying = whole.clone();
                lying[at] = value;
                if let Some(table) = Pclntab::parse(&lying) {
                    assert!(table.find(&["a", "b"]).len() <= 2);
                }
            }
        }
        let old = [&0xffff_fffa_u32.to_le_bytes()[..], &whole[4..]].concat();
        assert!(Pclntab::parse(&old).is_none(), "Go 1.16 and 1.17");
    }
}
