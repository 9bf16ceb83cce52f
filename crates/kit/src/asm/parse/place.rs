//! `(u32 *)(r1 +4)`: what is at an address.

use super::cursor::{Cause, Cursor};
use crate::asm::{Reg, Size};

const SIZES: [(&str, (Size, bool)); 7] = [
    ("(u8 *)", (Size::B, false)),
    ("(u16 *)", (Size::H, false)),
    ("(u32 *)", (Size::W, false)),
    ("(u64 *)", (Size::Dw, false)),
    ("(s8 *)", (Size::B, true)),
    ("(s16 *)", (Size::H, true)),
    ("(s32 *)", (Size::W, true)),
];

/// A place in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) size: Size,
    pub(super) signed: bool,
    pub(super) base: Reg,
    pub(super) off: i16,
}

impl Place {
    /// Not an extended one.
    pub(super) fn unsigned(self) -> Result<Place, Cause> {
        if self.signed { Err("only a load can extend a sign".to_owned()) } else { Ok(self) }
    }

    /// One that atomic operations take.
    pub(super) fn atomic(self) -> Result<Place, Cause> {
        match self.unsigned()?.size {
            Size::W | Size::Dw => Ok(self),
            size => Err(format!("an atomic operation takes 4 or 8 bytes, not {}", size.bytes())),
        }
    }
}

/// Size, register, distance.
pub(super) fn place(cursor: &mut Cursor<'_>) -> Result<Place, Cause> {
    let (size, signed) = cursor.one_of(&SIZES).ok_or_else(|| cursor.wrong("a size such as `(u32 *)`"))?;
    cursor.expect("(")?;
    let base = cursor.register()?;
    let off = if cursor.rest().starts_with(')') { 0 } else { cursor.offset()? };
    cursor.expect(")")?;
    Ok(Place { size, signed, base, off })
}
