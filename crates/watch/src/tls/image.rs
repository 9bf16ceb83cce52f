//! An ELF file of 64 bits, as far as functions are sought in it.
//!
//! Whole tables are read in one go and held against [`MAX_TABLE_BYTES`]: the file is a stranger's, and name by name a program
//! of a hundred thousand symbols would take as many system calls.

use object::elf::{
    ELF_NOTE_GNU, EM_X86_64, FileHeader64, NT_GNU_BUILD_ID, PF_W, PF_X, PT_GNU_EH_FRAME, PT_LOAD, PT_NOTE,
    ProgramHeader64, STT_FUNC, STT_GNU_IFUNC, Sym64,
};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, SectionTable, Sym};
use object::{Endianness, ReadRef};

/// Most bytes of one table of a file.
pub(super) const MAX_TABLE_BYTES: u64 = 256 << 20;

/// Most bytes of the notes of a segment.
const MAX_NOTES_BYTES: u64 = 64 << 10;

/// The parts of a file.
pub(super) struct Image<'data, R: ReadRef<'data>> {
    file: R,
    endian: Endianness,
    header: &'data FileHeader64<Endianness>,
    segments: &'data [ProgramHeader64<Endianness>],
    sections: SectionTable<'data, FileHeader64<Endianness>, R>,
}

impl<'data, R: ReadRef<'data>> Image<'data, R> {
    /// `None` when it is no ELF file of 64 bits.
    pub(super) fn parse(file: R) -> Option<Self> {
        let header = FileHeader64::<Endianness>::parse(file).ok()?;
        let endian = header.endian().ok()?;
        let segments = header.program_headers(endian, file).ok()?;
        // A file may have lost its sections and run as well.
        let sections = header.sections(endian, file).unwrap_or_default();
        Some(Self { file, endian, header, segments, sections })
    }

    /// Whether its code is for x86-64.
    pub(super) fn is_x86_64(&self) -> bool {
        self.header.e_machine(self.endian) == EM_X86_64
    }

    /// Where it begins to run.
    pub(super) fn entry(&self) -> u64 {
        self.header.e_entry(self.endian)
    }

    /// What the linker calls this build, if it does.
    pub(super) fn build_id(&self) -> Option<&'data [u8]> {
        let fits = |segment: &&ProgramHeader64<Endianness>| {
            segment.p_type(self.endian) == PT_NOTE && segment.p_filesz(self.endian) <= MAX_NOTES_BYTES
        };
        let mut notes = self
            .segments
            .iter()
            .filter(fits)
            .filter_map(|segment| segment.notes(self.endian, self.file).ok()?);
        notes.find_map(|mut notes| {
            std::iter::from_fn(|| notes.next().ok().flatten())
                .find(|note| note.name() == ELF_NOTE_GNU && note.n_type(self.endian) == NT_GNU_BUILD_ID)
                .map(|note| note.desc())
        })
    }

    /// The offset in the file of code at an address.
    pub(super) fn code_offset(&self, address: u64) -> Option<u64> {
        let (segment, into) = self.loaded(address)?;
        let is_code = segment.p_flags(self.endian) & PF_X != 0;
        let offset = segment.p_offset(self.endian).checked_add(into)?;
        (is_code && offset < self.file.len().ok()?).then_some(offset)
    }

    /// Address and contents of the segments that are code, or that are not and cannot be written.
    pub(super) fn segments(&self, code: bool) -> impl Iterator<Item = (u64, &'data [u8])> {
        let wanted = if code { PF_X } else { 0 };
        let fits = move |segment: &&'data ProgramHeader64<Endianness>| {
            let flags = segment.p_flags(self.endian);
            segment.p_type(self.endian) == PT_LOAD
                && flags & (PF_X | PF_W) == wanted
                && segment.p_filesz(self.endian) <= MAX_TABLE_BYTES
                // Programs have the lower half; what a file says beyond would overflow where places are added up.
                && segment.p_vaddr(self.endian) <= u64::MAX / 4
        };
        self.segments.iter().filter(fits).filter_map(move |segment| {
            let (at, len) = (segment.p_offset(self.endian), segment.p_filesz(self.endian));
            Some((segment.p_vaddr(self.endian), self.file.read_bytes_at(at, len).ok()?))
        })
    }

    /// Address and contents of the table of functions by which stacks are unwound.
    pub(super) fn frames(&self) -> Option<(u64, &'data [u8])> {
        let is_table =
            |segment: &&ProgramHeader64<Endianness>| segment.p_type(self.endian) == PT_GNU_EH_FRAME;
        let segment = self.segments.iter().find(is_table)?;
        let (address, len) = (segment.p_vaddr(self.endian), segment.p_filesz(self.endian));
        Some((address, self.bytes(address, len)?))
    }

    /// The segment that has an address from the file, and how far into it that is.
    fn loaded(&self, address: u64) -> Option<(&'data ProgramHeader64<Endianness>, u64)> {
        self.segments.iter().filter(|segment| segment.p_type(self.endian) == PT_LOAD).find_map(|segment| {
            let into = address.checked_sub(segment.p_vaddr(self.endian))?;
            (into < segment.p_filesz(self.endian)).then_some((segment, into))
        })
    }

    /// What the file puts at an address: `len` bytes, if it has as many.
    pub(super) fn bytes(&self, address: u64, len: u64) -> Option<&'data [u8]> {
        let (segment, into) = self.loaded(address)?;
        let fits = len <= MAX_TABLE_BYTES && len <= segment.p_filesz(self.endian) - into;
        let at = segment.p_offset(self.endian).checked_add(into).filter(|_| fits)?;
        self.file.read_bytes_at(at, len).ok()
    }

    /// Address and contents of a section.
    pub(super) fn section(&self, name: &str) -> Option<(u64, &'data [u8])> {
        let (_, section) = self.sections.section_by_name(self.endian, name.as_bytes())?;
        (section.sh_size(self.endian) <= MAX_TABLE_BYTES)
            .then(|| Some((section.sh_addr(self.endian), section.data(self.endian, self.file).ok()?)))?
    }

    /// Names and addresses of the functions that the symbol table of this kind defines.
    pub(super) fn functions(&self, kind: u32) -> impl Iterator<Item = (&'data [u8], u64)> {
        self.sized_functions(kind).map(|(name, address, _)| (name, address))
    }

    /// The same with the length of each, bytes.
    pub(super) fn sized_functions(&self, kind: u32) -> impl Iterator<Item = (&'data [u8], u64, u64)> {
        let (symbols, names) = self.symbols(kind).unwrap_or_default();
        let endian = self.endian;
        symbols.iter().filter_map(move |symbol| {
            let is_function = matches!(symbol.st_type(), STT_FUNC | STT_GNU_IFUNC);
            let name = names.get(symbol.st_name(endian) as usize..)?;
            let is_here = is_function && !symbol.is_undefined(endian);
            let name = is_here.then(|| Some(&name[..memchr::memchr(0, name)?]))??;
            Some((name, symbol.st_value(endian), symbol.st_size(endian)))
        })
    }

    /// A symbol table and the names that it refers to.
    fn symbols(&self, kind: u32) -> Option<(&'data [Sym64<Endianness>], &'data [u8])> {
        let fits = |section: &&object::elf::SectionHeader64<Endianness>| {
            section.sh_size(self.endian) <= MAX_TABLE_BYTES
        };
        let table = self.sections.iter().find(|section| section.sh_type(self.endian) == kind).filter(fits)?;
        let names = self.sections.section(table.link(self.endian)).ok().filter(fits)?;
        Some((table.data_as_array(self.endian, self.file).ok()?, names.data(self.endian, self.file).ok()?))
    }
}
