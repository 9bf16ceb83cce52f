//! `add %r1, 4`: a mnemonic, then operands.

use super::Statement;
use super::cursor::{Cause, Cursor, size_of_suffix};
use super::memory::{self, atomic, load64};
use super::target::Target;
use crate::asm::{Alu, Cond, Form, Operand, Order, Size, Width};

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
pub(super) fn split_width(word: &str) -> (&str, Width) {
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
        ("ldxs", memory::load_signed),
        ("ldx", memory::load),
        ("stx", memory::store_register),
        ("st", memory::store_immediate),
        ("ldabs", memory::load_abs),
        ("ldind", memory::load_ind),
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
