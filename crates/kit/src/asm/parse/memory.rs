//! Mnemonics that load and store: `ldxw r1, [r2+8]`, `lock add [r1], r2`, `lddw r1, 5`.

use super::Statement;
use super::cursor::{Cause, Cursor};
use super::mnemonic::split_width;
use super::target::Target;
use crate::asm::{Atomic, Form, Imm64, Reg, Size, Width};

pub(super) fn load(cursor: &mut Cursor<'_>, size: Size) -> Result<Form, Cause> {
    let dst = cursor.register()?;
    cursor.eat(",");
    let (base, off) = place(cursor)?;
    Ok(Form::Load { size, signed: false, dst, base, off })
}

pub(super) fn load_signed(cursor: &mut Cursor<'_>, size: Size) -> Result<Form, Cause> {
    if size == Size::Dw {
        return Err("64 bits cannot be extended; use `ldxdw`".to_owned());
    }
    let dst = cursor.register()?;
    cursor.eat(",");
    let (base, off) = place(cursor)?;
    Ok(Form::Load { size, signed: true, dst, base, off })
}

pub(super) fn store_register(cursor: &mut Cursor<'_>, size: Size) -> Result<Form, Cause> {
    let (base, off) = place(cursor)?;
    cursor.eat(",");
    Ok(Form::Store { size, base, off, operand: cursor.register()?.into() })
}

pub(super) fn store_immediate(cursor: &mut Cursor<'_>, size: Size) -> Result<Form, Cause> {
    let (base, off) = place(cursor)?;
    cursor.eat(",");
    Ok(Form::Store { size, base, off, operand: cursor.imm32()?.into() })
}

pub(super) fn load_abs(cursor: &mut Cursor<'_>, size: Size) -> Result<Form, Cause> {
    not_wide(size)?;
    Ok(Form::LoadAbs { size, imm: cursor.imm32()? })
}

pub(super) fn load_ind(cursor: &mut Cursor<'_>, size: Size) -> Result<Form, Cause> {
    not_wide(size)?;
    let src = cursor.register()?;
    cursor.eat(",");
    Ok(Form::LoadInd { size, src, imm: cursor.imm32()? })
}

fn not_wide(size: Size) -> Result<(), Cause> {
    if size == Size::Dw { Err("the packet is read by 1, 2 or 4 bytes".to_owned()) } else { Ok(()) }
}

/// `[fetch] OP[32|64] [place], register`
pub(super) fn atomic(cursor: &mut Cursor<'_>) -> Result<Statement, Cause> {
    let mut fetch = cursor.eat_word("fetch");
    let Some(word) = cursor.word() else { return Err(cursor.wrong("an atomic operation")) };
    let (stem, width) = split_width(word);
    let name = stem.strip_prefix("fetch_").unwrap_or(stem);
    fetch |= name != stem;
    let atomic = match (name, fetch) {
        ("add", false) => Atomic::Add,
        ("or", false) => Atomic::Or,
        ("and", false) => Atomic::And,
        ("xor", false) => Atomic::Xor,
        ("add", true) => Atomic::FetchAdd,
        ("or", true) => Atomic::FetchOr,
        ("and", true) => Atomic::FetchAnd,
        ("xor", true) => Atomic::FetchXor,
        ("xchg", _) => Atomic::Xchg,
        ("cmpxchg", _) => Atomic::Cmpxchg,
        _ => return Err(format!("there is no atomic operation `{word}`")),
    };
    let (base, off) = place(cursor)?;
    cursor.eat(",");
    let size = if width == Width::W32 { Size::W } else { Size::Dw };
    Ok(Form::Atomic { atomic, size, base, off, src: cursor.register()? }.into())
}

/// `%r1, 0x1122334455667788`, `r1, map_by_fd(3)`, `r1, map_val(map_by_idx(0)) + 8`, `r1, code_addr(f)`: the names of
/// RFC 9669, section 5.4.
pub(super) fn load64(cursor: &mut Cursor<'_>) -> Result<Statement, Cause> {
    let dst = cursor.register()?;
    cursor.eat(",");
    if cursor.eat("code_addr(") {
        let form = Form::Load64 { dst, imm: Imm64::Function(0) };
        let (form, target) = Target::read(cursor)?.apply(form)?;
        cursor.expect(")")?;
        return Ok(Statement::Form(form, target));
    }
    Ok(Form::Load64 { dst, imm: imm64(cursor)? }.into())
}

fn imm64(cursor: &mut Cursor<'_>) -> Result<Imm64, Cause> {
    if cursor.eat("map_by_fd(") {
        return Ok(Imm64::MapFd(bracketed(cursor)?));
    }
    if cursor.eat("map_by_idx(") {
        return Ok(Imm64::MapIdx(bracketed(cursor)?));
    }
    if cursor.eat("var_addr(") {
        return Ok(Imm64::Variable(bracketed(cursor)?, 0));
    }
    if !cursor.eat("map_val(") {
        return Ok(Imm64::Value(cursor.imm64()?));
    }
    let map = imm64(cursor)?;
    cursor.expect(")")?;
    let off = if cursor.eat("+") { cursor.number(0, u32::MAX.into())? as u32 } else { 0 };
    match map {
        Imm64::MapFd(fd) => Ok(Imm64::MapFdValue(fd, off)),
        Imm64::MapIdx(index) => Ok(Imm64::MapIdxValue(index, off)),
        _ => Err("`map_val` wants `map_by_fd(..)` or `map_by_idx(..)`".to_owned()),
    }
}

fn bracketed(cursor: &mut Cursor<'_>) -> Result<i32, Cause> {
    let value = cursor.imm32()?;
    cursor.expect(")")?;
    Ok(value)
}

/// `[%r1+4]`
fn place(cursor: &mut Cursor<'_>) -> Result<(Reg, i16), Cause> {
    cursor.expect("[")?;
    let base = cursor.register()?;
    let off = if cursor.rest().starts_with(']') { 0 } else { cursor.offset()? };
    cursor.expect("]")?;
    Ok((base, off))
}
