//! `add %r1, 4`: a mnemonic, then operands.

use super::Statement;
use super::cursor::{Cause, Cursor, size_of_suffix};
use super::target::Target;
use crate::asm::{Alu, Atomic, Cond, Form, Imm64, Operand, Order, Size, Width};

const ALU: [(&str, Alu, bool); 14] = [
    ("add", Alu::Add, false),
    ("sub", Alu::Sub, false),
    ("mul", Alu::Mul, false),
    ("div", Alu::Div, false),
    ("sdiv", Alu::Div, true),
    ("or", Alu::Or, false),
    ("and", Alu::And, false),
    ("lsh", Alu::Lsh, false),
    ("rsh", Alu::Rsh, false),
    ("mod", Alu::Mod, false),
    ("smod", Alu::Mod, true),
    ("xor", Alu::Xor, false),
    ("mov", Alu::Mov, false),
    ("arsh", Alu::Arsh, false),
];

const COND: [(&str, Cond); 11] = [
    ("jeq", Cond::Eq),
    ("jgt", Cond::Gt),
    ("jge", Cond::Ge),
    ("jset", Cond::Set),
    ("jne", Cond::Ne),
    ("jsgt", Cond::Sgt),
    ("jsge", Cond::Sge),
    ("jlt", Cond::Lt),
    ("jle", Cond::Le),
    ("jslt", Cond::Slt),
    ("jsle", Cond::Sle),
];

/// One instruction.
pub(super) fn mnemonic(cursor: &mut Cursor<'_>) -> Result<Statement, Cause> {
    let Some(word) = cursor.word() else { return Err(cursor.wrong("an instruction")) };
    let (stem, width) = split_width(word);
    if let Some((_, alu, signed)) = ALU.iter().find(|(name, ..)| *name == stem) {
        let dst = cursor.register()?;
        let operand = operand(cursor)?;
        return Ok(Form::Alu { width, alu: *alu, signed: *signed, dst, operand }.into());
    }
    if let Some((_, cond)) = COND.iter().find(|(name, _)| *name == stem) {
        let dst = cursor.register()?;
        let operand = operand(cursor)?;
        return jump(cursor, Form::JumpIf { width, cond: *cond, dst, operand, off: 0 });
    }
    match word {
        "neg" | "neg32" | "neg64" => Ok(Form::Neg { width, dst: cursor.register()? }.into()),
        "ja" => jump(cursor, Form::Jump { off: 0 }),
        "ja32" => jump(cursor, Form::JumpLong { off: 0 }),
        "may_goto" => jump(cursor, Form::MayGoto { off: 0 }),
        "lock" => atomic(cursor),
        "lddw" => load64(cursor),
        _ => sized(word, cursor).unwrap_or_else(|| Err(format!("there is no instruction `{word}`"))),
    }
}

/// `add32` is `add` on 32 bits; `add` and `add64` are on 64.
fn split_width(word: &str) -> (&str, Width) {
    match word.strip_suffix("32") {
        Some(stem) => (stem, Width::W32),
        None => (word.strip_suffix("64").unwrap_or(word), Width::W64),
    }
}

/// Those whose mnemonic ends with a size.
fn sized(word: &str, cursor: &mut Cursor<'_>) -> Option<Result<Statement, Cause>> {
    if let Some(widths) = word.strip_prefix("movsx") {
        return mov_signed(widths).map(|form| form(cursor));
    }
    for (name, order) in [("le", Order::Le), ("be", Order::Be), ("swap", Order::Swap), ("bswap", Order::Swap)]
    {
        if let Some(bits) = word.strip_prefix(name).filter(|bits| matches!(*bits, "16" | "32" | "64")) {
            let bits = bits.parse().ok()?;
            return Some(cursor.register().map(|dst| Form::Order { order, bits, dst }.into()));
        }
    }
    type Read = fn(&mut Cursor<'_>, Size) -> Result<Form, Cause>;
    let reads: [(&str, Read); 6] = [
        ("ldxs", load_signed),
        ("ldx", load),
        ("stx", store_register),
        ("st", store_immediate),
        ("ldabs", load_abs),
        ("ldind", load_ind),
    ];
    reads.iter().find_map(|(name, read)| {
        let size = size_of_suffix(word.strip_prefix(name)?)?;
        Some(read(cursor, size).map(Statement::from))
    })
}

/// `864` and so on: from how many bits to how many.
fn mov_signed(widths: &str) -> Option<impl Fn(&mut Cursor<'_>) -> Result<Statement, Cause>> {
    let (bits, width) = match widths {
        "832" => (8, Width::W32),
        "1632" => (16, Width::W32),
        "864" => (8, Width::W64),
        "1664" => (16, Width::W64),
        "3264" => (32, Width::W64),
        _ => return None,
    };
    Some(move |cursor: &mut Cursor<'_>| {
        let dst = cursor.register()?;
        cursor.eat(",");
        Ok(Form::MovSigned { width, bits, dst, src: cursor.register()? }.into())
    })
}

fn load(cursor: &mut Cursor<'_>, size: Size) -> Result<Form, Cause> {
    let dst = cursor.register()?;
    cursor.eat(",");
    let (base, off) = place(cursor)?;
    Ok(Form::Load { size, signed: false, dst, base, off })
}

fn load_signed(cursor: &mut Cursor<'_>, size: Size) -> Result<Form, Cause> {
    if size == Size::Dw {
        return Err("64 bits cannot be extended; use `ldxdw`".to_owned());
    }
    let dst = cursor.register()?;
    cursor.eat(",");
    let (base, off) = place(cursor)?;
    Ok(Form::Load { size, signed: true, dst, base, off })
}

fn store_register(cursor: &mut Cursor<'_>, size: Size) -> Result<Form, Cause> {
    let (base, off) = place(cursor)?;
    cursor.eat(",");
    Ok(Form::Store { size, base, off, operand: cursor.register()?.into() })
}

fn store_immediate(cursor: &mut Cursor<'_>, size: Size) -> Result<Form, Cause> {
    let (base, off) = place(cursor)?;
    cursor.eat(",");
    Ok(Form::Store { size, base, off, operand: cursor.imm32()?.into() })
}

fn load_abs(cursor: &mut Cursor<'_>, size: Size) -> Result<Form, Cause> {
    not_wide(size)?;
    Ok(Form::LoadAbs { size, imm: cursor.imm32()? })
}

fn load_ind(cursor: &mut Cursor<'_>, size: Size) -> Result<Form, Cause> {
    not_wide(size)?;
    let src = cursor.register()?;
    cursor.eat(",");
    Ok(Form::LoadInd { size, src, imm: cursor.imm32()? })
}

fn not_wide(size: Size) -> Result<(), Cause> {
    if size == Size::Dw { Err("the packet is read by 1, 2 or 4 bytes".to_owned()) } else { Ok(()) }
}

/// `[fetch] OP[32|64] [place], register`
fn atomic(cursor: &mut Cursor<'_>) -> Result<Statement, Cause> {
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
fn load64(cursor: &mut Cursor<'_>) -> Result<Statement, Cause> {
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

fn jump(cursor: &mut Cursor<'_>, form: Form) -> Result<Statement, Cause> {
    cursor.eat(",");
    let (form, target) = Target::read(cursor)?.apply(form)?;
    Ok(Statement::Form(form, target))
}

/// `, %r2` or `, 5`
fn operand(cursor: &mut Cursor<'_>) -> Result<Operand, Cause> {
    cursor.eat(",");
    match cursor.try_register()? {
        Some((reg, _)) => Ok(reg.into()),
        None => Ok(cursor.imm32()?.into()),
    }
}

/// `[%r1+4]`
fn place(cursor: &mut Cursor<'_>) -> Result<(crate::asm::Reg, i16), Cause> {
    cursor.expect("[")?;
    let base = cursor.register()?;
    let off = if cursor.rest().starts_with(']') { 0 } else { cursor.offset()? };
    cursor.expect("]")?;
    Ok((base, off))
}
