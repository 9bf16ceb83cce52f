//! A reader of BPF Type Format: where fields lie in the running kernel's structs.
//!
//! Only what the loader asks: the byte offset of a member by a path such as `task_struct.thread_info.status`
//! (anonymous structs and unions are looked through), and the parameters of a function type. It reads bytes
//! that it did not make and returns an error for anything that is out of bounds.
//!
//! Source of the format: Documentation/bpf/btf.rst of the Linux kernel.

use std::collections::HashMap;
use std::path::Path;

const MAGIC: u16 = 0xeb9f;
const HEADER_BYTES: usize = 24;
const TYPE_BYTES: usize = 12;
/// Modifiers and typedefs followed before a chain is called endless.
const MAX_CHAIN: usize = 32;
/// Anonymous members looked through inside each other.
const MAX_NESTING: usize = 8;
/// Members looked at for one name, those of anonymous members among them. The largest struct of a kernel has some hundreds.
const MAX_MEMBERS: u32 = 1 << 16;

/// Kinds of types, as the format numbers them.
mod kind {
    pub(super) const INT: u32 = 1;
    pub(super) const PTR: u32 = 2;
    pub(super) const ARRAY: u32 = 3;
    pub(super) const STRUCT: u32 = 4;
    pub(super) const UNION: u32 = 5;
    pub(super) const ENUM: u32 = 6;
    pub(super) const TYPEDEF: u32 = 8;
    pub(super) const VOLATILE: u32 = 9;
    pub(super) const CONST: u32 = 10;
    pub(super) const RESTRICT: u32 = 11;
    pub(super) const FUNC: u32 = 12;
    pub(super) const FUNC_PROTO: u32 = 13;
    pub(super) const VAR: u32 = 14;
    pub(super) const DATASEC: u32 = 15;
    pub(super) const DECL_TAG: u32 = 17;
    pub(super) const TYPE_TAG: u32 = 18;
    pub(super) const ENUM64: u32 = 19;
}

/// Sorts of types that are found by name; each has a name space of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// A struct.
    Struct,
    /// A typedef; `btf_trace_X` stands for the tracepoint `X`.
    Typedef,
    /// A function.
    Function,
}

impl Named {
    fn kind(self) -> u32 {
        match self {
            Self::Struct => kind::STRUCT,
            Self::Typedef => kind::TYPEDEF,
            Self::Function => kind::FUNC,
        }
    }
}

/// Why type information is of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BtfError {
    /// The file cannot be read.
    #[error("read {path}: {source}; the kernel needs CONFIG_DEBUG_INFO_BTF")]
    Read {
        /// The file.
        path: String,
        /// What came back.
        source: std::io::Error,
    },
    /// The bytes are not the format, or end early.
    #[error("parse BTF: {0}")]
    Malformed(&'static str),
}

/// Type information of the running kernel or of a file.
#[derive(Debug)]
pub struct Btf {
    data: Vec<u8>,
    strings: usize,
    types: Vec<u32>,
    /// Structs, typedefs and functions, by [`hash`] of the name and kind.
    by_name: HashMap<u64, u32>,
}

/// FNV-1a: names as map keys without keeping the names.
fn hash(name: &[u8]) -> u64 {
    name.iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

impl Btf {
    /// Reads `/sys/kernel/btf/vmlinux`.
    ///
    /// # Errors
    /// When the kernel has none or it does not parse.
    pub fn vmlinux() -> Result<Self, BtfError> {
        let path = Path::new("/sys/kernel/btf/vmlinux");
        let data = std::fs::read(path)
            .map_err(|source| BtfError::Read { path: path.display().to_string(), source })?;
        Self::parse(data)
    }

    /// Parses raw BTF in this machine's byte order.
    ///
    /// # Errors
    /// [`BtfError::Malformed`].
    pub fn parse(data: Vec<u8>) -> Result<Self, BtfError> {
        let word = |at: usize| -> Option<usize> {
            Some(u32::from_ne_bytes(data.get(at..at.checked_add(4)?)?.try_into().ok()?) as usize)
        };
        if data.len() < HEADER_BYTES || data[..2] != MAGIC.to_ne_bytes() {
            return Err(BtfError::Malformed("no BTF header in this machine's byte order"));
        }
        let cut = BtfError::Malformed("header points outside the data");
        let header = word(4).unwrap_or(0);
        let (Some(types_at), Some(types_len), Some(strings_at)) = (word(8), word(12), word(16)) else {
            return Err(cut);
        };
        let (start, strings) = (header + types_at, header + strings_at);
        if start + types_len > data.len() || strings > data.len() {
            return Err(cut);
        }
        let mut btf = Self { data, strings, types: vec![0], by_name: HashMap::new() };
        btf.index(start, start + types_len)?;
        Ok(btf)
    }

    fn index(&mut self, mut at: usize, end: usize) -> Result<(), BtfError> {
        while at < end {
            let info = self.word(at + 4).ok_or(BtfError::Malformed("type cut short"))?;
            let vlen = (info & 0xffff) as usize;
            let extra = match info >> 24 & 0x1f {
                kind::INT | kind::VAR | kind::DECL_TAG => 4,
                kind::ARRAY => 12,
                kind::STRUCT | kind::UNION | kind::DATASEC | kind::ENUM64 => 12 * vlen,
                kind::ENUM | kind::FUNC_PROTO => 8 * vlen,
                0 | 20.. => return Err(BtfError::Malformed("a kind of type newer than this program")),
                _ => 0,
            };
            let id = u32::try_from(self.types.len()).map_err(|_| BtfError::Malformed("too many types"))?;
            self.types.push(u32::try_from(at).map_err(|_| BtfError::Malformed("too large"))?);
            let kind = info >> 24 & 0x1f;
            if matches!(kind, kind::STRUCT | kind::TYPEDEF | kind::FUNC) {
                let name = hash(self.name(self.word(at).unwrap_or(0)));
                // Structs, functions and typedefs have name spaces of their own.
                self.by_name.entry(name ^ u64::from(kind)).or_insert(id);
            }
            at += TYPE_BYTES + extra;
        }
        if at == end { Ok(()) } else { Err(BtfError::Malformed("last type cut short")) }
    }

    fn word(&self, at: usize) -> Option<u32> {
        Some(u32::from_ne_bytes(self.data.get(at..at.checked_add(4)?)?.try_into().ok()?))
    }

    fn name(&self, offset: u32) -> &[u8] {
        let tail = self.data.get(self.strings + offset as usize..).unwrap_or_default();
        &tail[..tail.iter().position(|&b| b == 0).unwrap_or(tail.len())]
    }

    /// (position, kind, vlen, size or type) of a type.
    fn get(&self, id: u32) -> Option<(usize, u32, usize, u32)> {
        let at = *self.types.get(id as usize).filter(|_| id != 0)? as usize;
        let info = self.word(at + 4)?;
        Some((at, info >> 24 & 0x1f, (info & 0xffff) as usize, self.word(at + 8)?))
    }

    fn named(&self, name: &str, kind: u32) -> Option<u32> {
        let id = *self.by_name.get(&(hash(name.as_bytes()) ^ u64::from(kind)))?;
        (self.name(self.word(self.get(id)?.0)?) == name.as_bytes()).then_some(id)
    }

    /// The type behind typedefs and modifiers.
    fn strip(&self, mut id: u32) -> Option<u32> {
        for _ in 0..MAX_CHAIN {
            let (_, kind, _, next) = self.get(id)?;
            match kind {
                kind::TYPEDEF | kind::VOLATILE | kind::CONST | kind::RESTRICT | kind::TYPE_TAG => id = next,
                _ => return Some(id),
            }
        }
        None
    }

    /// Byte offset of `member` in the struct or union `id`, and the member's type. `left` are the members that may still be
    /// looked at.
    fn member(&self, id: u32, member: &str, depth: usize, left: &mut u32) -> Option<(u32, u32)> {
        let (at, kind, vlen, _) = self.get(id)?;
        if depth > MAX_NESTING || !matches!(kind, kind::STRUCT | kind::UNION) {
            return None;
        }
        let bitfields = self.word(at + 4)? >> 31 == 1;
        for i in 0..vlen {
            *left = left.checked_sub(1)?;
            let entry = at + TYPE_BYTES + 12 * i;
            let (name, ty, raw) = (self.word(entry)?, self.word(entry + 4)?, self.word(entry + 8)?);
            let bits = if bitfields { raw & 0x00ff_ffff } else { raw };
            let name = self.name(name);
            if name == member.as_bytes() {
                return Some((bits / 8, ty));
            }
            if name.is_empty()
                && let Some((inner, ty)) =
                    self.strip(ty).and_then(|ty| self.member(ty, member, depth + 1, left))
            {
                return Some(((bits / 8).checked_add(inner)?, ty));
            }
        }
        None
    }

    /// Byte offset of a field, `struct.member.member`; `None` when this kernel has no such struct or member.
    pub fn offset(&self, path: &str) -> Option<u32> {
        let mut parts = path.split('.');
        let mut id = self.named(parts.next()?, kind::STRUCT)?;
        let mut offset = 0u32;
        for part in parts {
            let (inner, ty) = self.member(self.strip(id)?, part, 0, &mut { MAX_MEMBERS })?;
            offset = offset.checked_add(inner)?;
            id = ty;
        }
        Some(offset)
    }

    /// Number of types.
    pub fn types(&self) -> usize {
        self.types.len() - 1
    }

    /// The id of a type, by which programs are attached and kernel functions called.
    pub fn id(&self, sort: Named, name: &str) -> Option<u32> {
        self.named(name, sort.kind())
    }

    /// Bytes of a struct.
    pub fn struct_bytes(&self, name: &str) -> Option<u32> {
        self.get(self.named(name, kind::STRUCT)?).map(|(_, _, _, size)| size)
    }

    /// The place of a direct member among the members of a struct.
    pub fn member_index(&self, of: &str, member: &str) -> Option<u32> {
        let (at, _, vlen, _) = self.get(self.named(of, kind::STRUCT)?)?;
        let is = |i: &usize| {
            self.word(at + TYPE_BYTES + 12 * i).is_some_and(|name| self.name(name) == member.as_bytes())
        };
        (0..vlen).find(is).and_then(|i| u32::try_from(i).ok())
    }

    /// Whether the kernel has a function of this name that programs can be attached to by type.
    pub fn has_function(&self, name: &str) -> bool {
        self.named(name, kind::FUNC).is_some()
    }

    /// Parameters of a tracepoint, without the leading data pointer: for each whether it is a pointer, and the
    /// name of the type behind it (empty when it has none). `None` when there is no such tracepoint.
    pub fn tracepoint(&self, name: &str) -> Option<Vec<(bool, String)>> {
        let typedef = self.named(&format!("btf_trace_{name}"), kind::TYPEDEF)?;
        let (_, kind, _, proto) = self.get(self.strip(typedef)?)?;
        let (at, proto_kind, vlen, _) = self.get(self.strip(proto).filter(|_| kind == kind::PTR)?)?;
        if proto_kind != kind::FUNC_PROTO {
            return None;
        }
        (1..vlen).map(|i| self.parameter(self.word(at + TYPE_BYTES + 8 * i + 4)?)).collect()
    }

    fn parameter(&self, ty: u32) -> Option<(bool, String)> {
        let (_, kind, _, target) = self.get(self.strip(ty)?)?;
        let named = if kind == kind::PTR { self.strip(target) } else { self.strip(ty) };
        let name = named.and_then(|id| self.get(id)).and_then(|(at, ..)| self.word(at)).unwrap_or(0);
        Some((kind == kind::PTR, String::from_utf8_lossy(self.name(name)).into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRINGS: &[u8] = b"\0int\0outer\0a\0b\0inner\0c\0";

    /// One struct with an int, an anonymous union that holds an int, and a nested struct.
    fn sample() -> Vec<u8> {
        let mut types: Vec<u32> = Vec::new();
        types.extend([1, kind::INT << 24, 4, 32]);
        types.extend([0, kind::UNION << 24 | 1, 4, 13, 1, 0]);
        types.extend([15, kind::STRUCT << 24 | 1, 8, 21, 1, 32]);
        types.extend([5, kind::STRUCT << 24 | 3, 16, 11, 1, 0, 0, 2, 32, 15, 3, 64]);
        whole(types)
    }

    /// A header, these types, and [`STRINGS`].
    fn whole(types: Vec<u32>) -> Vec<u8> {
        let types: Vec<u8> = types.into_iter().flat_map(u32::to_ne_bytes).collect();
        let mut data = MAGIC.to_ne_bytes().to_vec();
        data.extend([1, 0]);
        let types_len = types.len() as u32;
        for word in [24, 0, types_len, types_len, STRINGS.len() as u32] {
            data.extend(u32::to_ne_bytes(word));
        }
        data.extend(types);
        data.extend(STRINGS);
        data
    }

    #[test]
    fn fields_are_found_through_anonymous_and_nested_members() {
        let btf = Btf::parse(sample()).unwrap();
        assert_eq!(btf.offset("outer.a"), Some(0));
        assert_eq!(btf.offset("outer.b"), Some(4));
        assert_eq!(btf.offset("outer.inner.c"), Some(12));
        assert_eq!(btf.offset("outer.nothing"), None);
        assert_eq!(btf.offset("nothing.a"), None);
    }

    #[test]
    fn ids_sizes_and_places_are_found_by_name() {
        let btf = Btf::parse(sample()).unwrap();
        assert_eq!((btf.types(), btf.id(Named::Struct, "outer")), (4, Some(4)));
        assert_eq!(btf.id(Named::Function, "outer"), None);
        assert_eq!((btf.struct_bytes("outer"), btf.member_index("outer", "inner")), (Some(16), Some(2)));
    }

    #[test]
    fn an_unknown_kind_is_an_error() {
        let mut data = sample();
        data[HEADER_BYTES + 7] = 31;
        assert!(Btf::parse(data).is_err());
    }

    #[test]
    fn a_search_ends_where_a_struct_is_said_to_hold_itself() {
        const MEMBERS: u32 = 60_000;
        let mut types = vec![5, kind::STRUCT << 24 | MEMBERS, 16];
        (0..MEMBERS).for_each(|_| types.extend([0, 1, u32::MAX]));
        let btf = Btf::parse(whole(types)).unwrap();
        assert_eq!(btf.offset("outer.a"), None);
    }

    #[test]
    fn an_offset_that_no_struct_has_is_none() {
        let mut types = vec![5, kind::STRUCT << 24 | 1, 16, 0, 2, u32::MAX];
        types.extend([0, kind::UNION << 24 | 1, 4, 0, 3, u32::MAX]);
        (3..9).for_each(|id| types.extend([0, kind::UNION << 24 | 1, 4, 0, id + 1, u32::MAX]));
        types.extend([0, kind::UNION << 24 | 1, 4, 11, 1, u32::MAX]);
        let btf = Btf::parse(whole(types)).unwrap();
        assert_eq!(btf.offset("outer.a"), None);
    }

    #[test]
    fn cut_data_is_an_error_or_has_no_fields() {
        let whole = sample();
        for len in 0..whole.len() {
            if let Ok(btf) = Btf::parse(whole[..len].to_vec()) {
                let _ = btf.offset("outer.inner.c");
            }
        }
    }
}
