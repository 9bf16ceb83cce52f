//! Ids of functions and types in the kernel's BTF, and where a member of a struct is.
//!
//! A reader for the probes: it finds a name and keeps nothing. The blob is some megabytes, so it is shared only
//! while somebody holds it ([`Ids::shared`]) and given back afterwards.

use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};

const PATH: &str = "/sys/kernel/btf/vmlinux";

const STRUCT: u32 = 4;
const UNION: u32 = 5;

/// Kinds of types, as BTF numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Struct = 4,
    Typedef = 8,
    Func = 12,
}

/// The kernel's BTF, checked from end to end.
#[derive(Debug)]
pub(super) struct Ids {
    blob: Vec<u8>,
    /// Where each type starts; index 0 is type id 1.
    starts: Vec<u32>,
    strings: usize,
}

/// A member of a struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// Its place among the members of the outermost struct.
    pub(super) index: u32,
    /// Offset in bytes.
    pub(super) offset: u32,
}

impl Ids {
    /// The kernel's BTF, read once for all that hold it at the same time.
    pub(super) fn shared() -> io::Result<Arc<Self>> {
        static SHARED: Mutex<Weak<Ids>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ids) = shared.upgrade() {
            return Ok(ids);
        }
        let ids = Arc::new(Self::parse(std::fs::read(PATH)?)?);
        *shared = Arc::downgrade(&ids);
        Ok(ids)
    }

    /// Checks that every type is known and ends inside the blob.
    pub(super) fn parse(blob: Vec<u8>) -> io::Result<Self> {
        let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        if blob.get(..2) != Some(&0xeb9f_u16.to_ne_bytes()) {
            return Err(bad("not BTF of this machine's byte order"));
        }
        let head = |at| word(&blob, at).map(|w| w as usize).ok_or_else(|| bad("BTF header is cut"));
        let (header, type_off, type_len, str_off, str_len) =
            (head(4)?, head(8)?, head(12)?, head(16)?, head(20)?);
        let (first, strings) = (header + type_off, header + str_off);
        let end = first + type_len;
        if blob.len() < end || blob.len() < strings + str_len {
            return Err(bad("BTF sections reach past the end"));
        }
        let (mut starts, mut at) = (Vec::new(), first);
        while at < end {
            let info = word(&blob, at + 4).ok_or_else(|| bad("BTF type is cut"))?;
            let tail = tail_bytes(info).ok_or_else(|| bad("unknown kind of BTF type"))?;
            starts.push(u32::try_from(at).map_err(|_| bad("BTF is larger than 4 GiB"))?);
            at += 12 + tail;
        }
        if at == end { Ok(Self { blob, starts, strings }) } else { Err(bad("last BTF type is cut")) }
    }

    /// Number of types.
    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// The id of the type with this name.
    pub(super) fn find(&self, kind: Kind, name: &str) -> Option<u32> {
        let found = self.starts.iter().position(|&at| {
            let at = at as usize;
            word(&self.blob, at + 4).is_some_and(|info| kind_of(info) == kind as u32)
                && word(&self.blob, at).is_some_and(|off| self.is_name(off, name))
        })?;
        u32::try_from(found + 1).ok()
    }

    /// Bytes of a struct.
    pub(super) fn size(&self, id: u32) -> Option<u32> {
        let at = *self.starts.get((id as usize).checked_sub(1)?)? as usize;
        word(&self.blob, at + 8)
    }

    /// A member of a struct, also one inside unnamed structs and unions.
    pub(super) fn member(&self, of: &str, name: &str) -> Option<Member> {
        self.member_at(self.find(Kind::Struct, of)?, name, 0)
    }

    fn member_at(&self, id: u32, name: &str, depth: u32) -> Option<Member> {
        const MAX_DEPTH: u32 = 8;
        let at = *self.starts.get((id as usize).checked_sub(1)?)? as usize;
        let info = word(&self.blob, at + 4)?;
        if depth > MAX_DEPTH || !matches!(kind_of(info), STRUCT | UNION) {
            return None;
        }
        let bits_only = info >> 31 == 0;
        (0..info & 0xffff).find_map(|index| {
            let member = at + 12 + index as usize * 12;
            let (name_off, kind) = (word(&self.blob, member)?, word(&self.blob, member + 4)?);
            let bits = word(&self.blob, member + 8)?;
            let offset = if bits_only { bits } else { bits & 0xff_ffff } / 8;
            if name_off == 0 {
                let inner = self.member_at(kind, name, depth + 1)?;
                return Some(Member { index, offset: offset + inner.offset });
            }
            self.is_name(name_off, name).then_some(Member { index, offset })
        })
    }

    fn is_name(&self, off: u32, name: &str) -> bool {
        let rest = self.blob.get(self.strings + off as usize..).unwrap_or_default();
        rest.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&0))
    }
}

fn word(blob: &[u8], at: usize) -> Option<u32> {
    let bytes = blob.get(at..at + 4)?;
    Some(u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

fn kind_of(info: u32) -> u32 {
    info >> 24 & 0x1f
}

/// Bytes that follow the twelve every type has (`btf_type_size` in the kernel's `btf.c`).
fn tail_bytes(info: u32) -> Option<usize> {
    let members = (info & 0xffff) as usize;
    Some(match kind_of(info) {
        1 | 14 | 17 => 4,
        3 => 12,
        4 | 5 | 15 | 19 => 12 * members,
        6 | 13 => 8 * members,
        2 | 7..=12 | 16 | 18 => 0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probes_own_blob_parses_and_every_cut_is_refused() {
        let blob = super::super::insn::btf();
        let ids = Ids::parse(blob.clone()).expect("whole blob");
        assert_eq!(ids.find(Kind::Func, "main"), Some(super::super::insn::BTF_MAIN));
        assert_eq!(ids.find(Kind::Func, "extra"), Some(super::super::insn::BTF_GLOBAL));
        assert_eq!(ids.find(Kind::Func, "ext"), None);
        for len in 0..blob.len() {
            assert!(Ids::parse(blob[..len].to_vec()).is_err(), "{len}");
        }
    }

    #[test]
    fn an_unknown_kind_is_refused() {
        let mut blob = super::super::insn::btf();
        blob[24 + 7] = 31;
        assert!(Ids::parse(blob).is_err());
    }
}
