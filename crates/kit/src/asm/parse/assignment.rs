//! What is on the right of `r1 =`.

use super::cursor::{Cause, Cursor};
use super::place::place;
use crate::asm::{Alu, Atomic, Form, Imm64, Insn, Operand, Order, Reg, Size, Width};

const ATOMICS: [(&str, Atomic); 6] = [
    ("fetch_add", Atomic::FetchAdd),
    ("fetch_or", Atomic::FetchOr),
    ("fetch_and", Atomic::FetchAnd),
    ("fetch_xor", Atomic::FetchXor),
    ("xchg", Atomic::Xchg),
    ("cmpxchg", Atomic::Cmpxchg),
];

const ORDERS: [(&str, Order); 3] = [("bswap", Order::Swap), ("be", Order::Be), ("le", Order::Le)];

/// The whole instruction, given its left side.
pub(super) fn assignment(
    cursor: &mut Cursor<'_>,
    dst: Reg,
    width: Width,
    code: Option<u8>,
) -> Result<Form, Cause> {
    if cursor.eat("*") {
        return load(cursor, dst);
    }
    if cursor.rest().starts_with("-r") || cursor.rest().starts_with("-w") {
        cursor.expect("-")?;
        return same(cursor, dst).map(|()| Form::Neg { width, dst });
    }
    if let Some(bits) = cursor.one_of(&[("(s8)", 8), ("(s16)", 16), ("(s32)", 32)]) {
        let src = register(cursor, width)?;
        return match (width, bits) {
            (Width::W32, 32) => Err("32 bits cannot be extended to 32".to_owned()),
            _ => Ok(Form::MovSigned { width, bits, dst, src }),
        };
    }
    if cursor.eat("&(void __percpu *)(") {
        let src = cursor.register()?;
        return cursor.expect(")").map(|()| Form::PerCpu { dst, src });
    }
    let mut ahead = *cursor;
    if ahead.try_register()?.is_some() {
        let operand = Operand::Reg(register(cursor, width)?);
        return Ok(Form::Alu { width, alu: Alu::Mov, signed: false, dst, operand });
    }
    match cursor.word() {
        Some(word) => named(cursor, word, dst),
        None => number(cursor, dst, width, code),
    }
}

/// `*(u32 *)(r1 +4)` or `*(u32 *)skb[r1 + 4]`, after the star.
fn load(cursor: &mut Cursor<'_>, dst: Reg) -> Result<Form, Cause> {
    let sizes = [("(u8 *)skb[", Size::B), ("(u16 *)skb[", Size::H), ("(u32 *)skb[", Size::W)];
    let Some(size) = cursor.one_of(&sizes) else {
        let place = place(cursor)?;
        return Ok(Form::Load {
            size: place.size,
            signed: place.signed,
            dst,
            base: place.base,
            off: place.off,
        });
    };
    if dst != Reg::R0 {
        return Err(format!("packet bytes are loaded into r0, not {dst}"));
    }
    let form = match cursor.try_register()? {
        Some((src, _)) => {
            // The sign is the number's own in some dumps and doubled in others: `r1 + -4`.
            let plus = cursor.eat("+");
            if plus || cursor.rest().starts_with('-') {
                Form::LoadInd { size, src, imm: cursor.imm32()? }
            } else {
                Form::LoadInd { size, src, imm: 0 }
            }
        }
        None => Form::LoadAbs { size, imm: cursor.imm32()? },
    };
    cursor.expect("]")?;
    Ok(form)
}

/// Those that start with a word.
fn named(cursor: &mut Cursor<'_>, word: &str, dst: Reg) -> Result<Form, Cause> {
    for (name, order) in ORDERS {
        if let Some(bits) = word.strip_prefix(name).filter(|bits| matches!(*bits, "16" | "32" | "64")) {
            let bits = bits.parse().unwrap_or_default();
            return same(cursor, dst).map(|()| Form::Order { order, bits, dst });
        }
    }
    match word {
        "map" | "btf" | "subprog" => Ok(Form::Load64 { dst, imm: reference(cursor, word)? }),
        "load_acquire" => {
            cursor.expect("(")?;
            let place = place(cursor)?.unsigned()?;
            cursor.expect(")")?;
            Ok(Form::LoadAcquire { size: place.size, dst, base: place.base, off: place.off })
        }
        "addr_space_cast" => cast(cursor, dst),
        _ => atomic(cursor, word, dst),
    }
}

/// `map[idx:0]+8`, `btf[id:7]` or `subprog[+3]`, after the word.
fn reference(cursor: &mut Cursor<'_>, word: &str) -> Result<Imm64, Cause> {
    cursor.expect("[")?;
    if word == "subprog" {
        let distance = cursor.number(i32::MIN.into(), i32::MAX.into())? as i32;
        return cursor.expect("]").map(|()| Imm64::Function(distance));
    }
    let kinds = [("id:", false), ("fd:", false), ("idx:", true)];
    let by_index = cursor.one_of(&kinds).ok_or_else(|| cursor.wrong("`id:`, `fd:` or `idx:`"))?;
    let number = cursor.number(i32::MIN.into(), i32::MAX.into())? as i32;
    cursor.expect("]")?;
    let value = cursor.eat("[0]");
    let plus = cursor.rest().starts_with('+');
    let off = if plus { cursor.number(0, u32::MAX.into())? as u32 } else { 0 };
    match (word, by_index) {
        ("btf", false) if !value => Ok(Imm64::Variable(number, off.cast_signed())),
        ("map", false) if value || plus => Ok(Imm64::MapFdValue(number, off)),
        ("map", false) => Ok(Imm64::MapFd(number)),
        ("map", true) if value || plus => Ok(Imm64::MapIdxValue(number, off)),
        ("map", true) => Ok(Imm64::MapIdx(number)),
        _ => Err("a variable is `btf[id:N]`".to_owned()),
    }
}

/// `(r2, 0, 1)`
fn cast(cursor: &mut Cursor<'_>, dst: Reg) -> Result<Form, Cause> {
    cursor.expect("(")?;
    let src = cursor.register()?;
    cursor.expect(",")?;
    let to = cursor.number(0, u16::MAX.into())? as u16;
    cursor.expect(",")?;
    let from = cursor.number(0, u16::MAX.into())? as u16;
    cursor.expect(")")?;
    Ok(Form::CastSpace { dst, src, to, from })
}

/// `atomic64_fetch_add((u64 *)(r1 +0), r2)`, after the word.
fn atomic(cursor: &mut Cursor<'_>, word: &str, dst: Reg) -> Result<Form, Cause> {
    let known = word.strip_prefix("atomic64_").map(|name| (name, Size::Dw));
    let (name, size) =
        known.or(word.strip_prefix("atomic_").map(|name| (name, Size::W))).unwrap_or((word, Size::B));
    let found = ATOMICS.iter().find(|(known, _)| *known == name && size != Size::B);
    let Some((_, atomic)) = found else { return Err(format!("there is no function `{word}`")) };
    cursor.expect("(")?;
    let place = place(cursor)?.unsigned()?;
    if place.size != size {
        return Err(format!("`{word}` works on {} bytes, not {}", size.bytes(), place.size.bytes()));
    }
    cursor.expect(",")?;
    if *atomic == Atomic::Cmpxchg {
        same(cursor, Reg::R0)?;
        cursor.expect(",")?;
    }
    let src = cursor.register()?;
    cursor.expect(")")?;
    let result = if *atomic == Atomic::Cmpxchg { Reg::R0 } else { src };
    if dst != result {
        return Err(format!("`{word}` gives its result in {result}, not {dst}"));
    }
    Ok(Form::Atomic { atomic: *atomic, size, base: place.base, off: place.off, src })
}

/// A number: in one instruction, or in two where the dump says so, or `ll` follows, or it needs them.
fn number(cursor: &mut Cursor<'_>, dst: Reg, width: Width, code: Option<u8>) -> Result<Form, Cause> {
    let mut ahead = *cursor;
    let value = ahead.imm64()?;
    let narrow = cursor.imm32();
    // A move would extend the sign of these, which nobody who writes them without a code means.
    let positive =
        width == Width::W64 && code.is_none() && matches!(narrow, Ok(imm) if imm < 0 && value >> 63 == 0);
    let long = ahead.eat_word("ll") || code == Some(Insn::lddw(dst, 0, 0)[0].code) || positive;
    match narrow {
        Ok(imm) if !long => {
            Ok(Form::Alu { width, alu: Alu::Mov, signed: false, dst, operand: Operand::Imm(imm) })
        }
        _ if width == Width::W64 => {
            *cursor = ahead;
            Ok(Form::Load64 { dst, imm: Imm64::Value(value) })
        }
        Ok(_) => Err("a 64-bit number goes into a register named r, not w".to_owned()),
        Err(cause) => Err(cause),
    }
}

/// The same register again.
fn same(cursor: &mut Cursor<'_>, reg: Reg) -> Result<(), Cause> {
    let other = cursor.register()?;
    if other == reg { Ok(()) } else { Err(format!("expected {reg} again, found {other}")) }
}

/// A register under the name of this width.
fn register(cursor: &mut Cursor<'_>, width: Width) -> Result<Reg, Cause> {
    let (reg, named) = cursor.sized_register()?;
    if named == width { Ok(reg) } else { Err(format!("{reg} has another width than the left side")) }
}
