//! Small ELF files as compilers would make them, for tests and as seeds for fuzzing.

/// Where files are loaded.
pub(crate) const BASE: u64 = 0x40_0000;
/// Where the first section lies in a file, bytes; headers are before.
pub(crate) const FIRST_AT: usize = 0x100;
const SECTION_HEADER_BYTES: usize = 64;
const ALIGN: usize = 16;

/// A section: name, type, the section it refers to, contents.
pub(crate) type Section<'a> = (&'a str, u32, u32, &'a [u8]);

const PROGBITS: u32 = 1;
const SYMTAB: u32 = 2;
const STRTAB: u32 = 3;
const DYNSYM: u32 = 11;

/// An x86-64 file of these sections, one behind the other in one executable segment.
pub(crate) fn elf(sections: &[Section<'_>]) -> Vec<u8> {
    let mut names = vec![0];
    let mut file = vec![0; FIRST_AT];
    let mut headers = vec![0; SECTION_HEADER_BYTES];
    let strings: Vec<u8> =
        sections.iter().flat_map(|(name, ..)| name.bytes().chain([0])).chain(*b".shstrtab\0").collect();
    let strings = [&[0], &strings[..]].concat();
    let last = (".shstrtab", STRTAB, 0, &strings[..]);
    for (name, kind, link, contents) in sections.iter().copied().chain([last]) {
        file.resize(file.len().next_multiple_of(ALIGN), 0);
        let offset = file.len() as u64;
        let size = contents.len() as u64;
        let entry_bytes: u64 = if matches!(kind, SYMTAB | DYNSYM) { 24 } else { 0 };
        headers.extend([names.len() as u32, kind].map(u32::to_le_bytes).concat());
        headers.extend([0, BASE + offset, offset, size].map(u64::to_le_bytes).concat());
        headers.extend([link, 0].map(u32::to_le_bytes).concat());
        headers.extend([1, entry_bytes].map(u64::to_le_bytes).concat());
        names.extend(name.bytes().chain([0]));
        file.extend_from_slice(contents);
    }
    let headers_at = file.len() as u64;
    file.extend_from_slice(&headers);
    let count = (sections.len() + 2) as u16;
    let start = front(headers_at, count);
    file[..start.len()].copy_from_slice(&start);
    file
}

/// The header of the file and the one segment.
fn front(headers_at: u64, sections: u16) -> Vec<u8> {
    let mut front = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    front.extend([2u16, 62].map(u16::to_le_bytes).concat());
    front.extend(1u32.to_le_bytes());
    front.extend([BASE + FIRST_AT as u64, 64, headers_at].map(u64::to_le_bytes).concat());
    front.extend(0u32.to_le_bytes());
    front.extend(
        [64, 56, 1, SECTION_HEADER_BYTES as u16, sections, sections - 1].map(u16::to_le_bytes).concat(),
    );
    front.extend([1u32, 5].map(u32::to_le_bytes).concat());
    front.extend([0, BASE, BASE, headers_at, headers_at, 0x1000].map(u64::to_le_bytes).concat());
    front
}

/// The table of functions of a program of Go: where its code begins, and each function with its code.
fn pclntab(text: u64, functions: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut names, mut entries, mut said, mut start) = (Vec::new(), Vec::new(), Vec::new(), 0u32);
    for (name, code) in functions {
        let at = (functions.len() * 8 + 4 + said.len()) as u32;
        entries.extend([start, at].map(u32::to_le_bytes).concat());
        said.extend([start, names.len() as u32].map(u32::to_le_bytes).concat());
        names.extend(name.bytes().chain([0]));
        start += code.len() as u32;
    }
    entries.extend(start.to_le_bytes());
    let names_at = 8 + 8 * 8;
    let words = [functions.len() as u64, 0, text, names_at, 0, 0, 0, names_at + names.len() as u64];
    let prefix = [0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8];
    [&prefix[..], &words.map(u64::to_le_bytes).concat(), &names, &entries, &said].concat()
}

/// A stripped program of Go with `crypto/tls`. `Read` returns at 5 and 6, `Write` at 4, from where each begins.
pub(crate) fn go(text: u64) -> Vec<u8> {
    // cmp rsp, [r14+16]; then nop and returns.
    let functions: [(&str, &[u8]); 4] = [
        ("crypto/tls.(*Conn).Write", &[0x49, 0x3b, 0x66, 0x10, 0xc3, 0xcc, 0xcc, 0xcc]),
        ("crypto/tls.(*Conn).Read", &[0x49, 0x3b, 0x66, 0x10, 0x90, 0xc3, 0xc3, 0xcc]),
        ("crypto/tls.(*Conn).Close", &[0xc3]),
        ("main.main", &[0xc3]),
    ];
    let code = functions.map(|(_, code)| code).concat();
    elf(&[(".text", PROGBITS, 0, &code), (".gopclntab", PROGBITS, 0, &pclntab(text, &functions))])
}

/// A library that exports functions of these names, one byte each.
pub(crate) fn library(functions: &[&str]) -> Vec<u8> {
    let (mut names, mut symbols) = (vec![0], vec![0; 24]);
    for (index, name) in functions.iter().enumerate() {
        symbols.extend((names.len() as u32).to_le_bytes());
        // A global function of section 1.
        symbols.extend([0x12, 0, 1, 0]);
        symbols.extend([BASE + (FIRST_AT + index) as u64, 1].map(u64::to_le_bytes).concat());
        names.extend(name.bytes().chain([0]));
    }
    let code = vec![0xc3; functions.len()];
    elf(&[(".text", PROGBITS, 0, &code), (".dynsym", DYNSYM, 3, &symbols), (".dynstr", STRTAB, 0, &names)])
}

/// A program with a table of all its functions: their names and code.
pub(crate) fn program(functions: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut names, mut symbols, mut code) = (vec![0], vec![0; 24], Vec::new());
    for (name, bytes) in functions {
        symbols.extend((names.len() as u32).to_le_bytes());
        // A local function of section 1.
        symbols.extend([0x02, 0, 1, 0]);
        let address = BASE + (FIRST_AT + code.len()) as u64;
        symbols.extend([address, bytes.len() as u64].map(u64::to_le_bytes).concat());
        names.extend(name.bytes().chain([0]));
        code.extend_from_slice(bytes);
    }
    elf(&[(".text", PROGBITS, 0, &code), (".symtab", SYMTAB, 3, &symbols), (".strtab", STRTAB, 0, &names)])
}
