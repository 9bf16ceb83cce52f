//! `r1 += 4`: expressions, as kernel dumps have them.

use super::Statement;
use super::assignment::assignment;
use super::cursor::{Cause, Cursor};
use super::place::place;
use super::target::Target;
use crate::asm::{Alu, Atomic, Cond, Form, Operand, Width};

/// First words of lines without `=`.
pub(super) const KEYWORDS: [&str; 6] = ["if", "goto", "gotol", "may_goto", "store_release", "nospec"];

const ALU: [(&str, Alu, bool); 14] = [
    ("<<=", Alu::Lsh, false),
    ("s>>=", Alu::Arsh, false),
    (">>=", Alu::Rsh, false),
    ("+=", Alu::Add, false),
    ("-=", Alu::Sub, false),
    ("*=", Alu::Mul, false),
    ("s/=", Alu::Div, true),
    ("/=", Alu::Div, false),
    ("|=", Alu::Or, false),
    ("&=", Alu::And, false),
    ("s%=", Alu::Mod, true),
    ("%=", Alu::Mod, false),
    ("^=", Alu::Xor, false),
    ("=", Alu::Mov, false),
];

/// Longer ones before those that they start with.
const COND: [(&str, Cond); 11] = [
    ("==", Cond::Eq),
    ("!=", Cond::Ne),
    ("s>=", Cond::Sge),
    ("s<=", Cond::Sle),
    ("s>", Cond::Sgt),
    ("s<", Cond::Slt),
    (">=", Cond::Ge),
    ("<=", Cond::Le),
    (">", Cond::Gt),
    ("<", Cond::Lt),
    ("&", Cond::Set),
];

/// One instruction. `code` is what the dump says that it is.
pub(super) fn expression(cursor: &mut Cursor<'_>, code: Option<u8>) -> Result<Statement, Cause> {
    let jumps = [
        ("goto", Form::Jump { off: 0 }),
        ("gotol", Form::JumpLong { off: 0 }),
        ("may_goto", Form::MayGoto { off: 0 }),
    ];
    if let Some((_, form)) = jumps.into_iter().find(|(word, _)| cursor.eat_word(word)) {
        return goto(cursor, form);
    }
    match cursor.peek_word() {
        Some("if") => return condition(cursor),
        Some("lock") => return lock(cursor).map(Statement::from),
        Some("store_release") => return store_release(cursor).map(Statement::from),
        Some("nospec") => {
            cursor.word();
            return Ok(Form::NoSpec.into());
        }
        _ => {}
    }
    if cursor.eat("*") {
        return store(cursor).map(Statement::from);
    }
    let (dst, width) = cursor.sized_register()?;
    let Some((_, alu, signed)) = ALU.into_iter().find(|(sign, ..)| cursor.eat(sign)) else {
        return Err(cursor.wrong("an operator such as `+=`"));
    };
    if alu == Alu::Mov {
        return assignment(cursor, dst, width, code).map(Statement::from);
    }
    Ok(Form::Alu { width, alu, signed, dst, operand: operand(cursor, width)? }.into())
}

fn goto(cursor: &mut Cursor<'_>, form: Form) -> Result<Statement, Cause> {
    let (form, target) = Target::read(cursor)?.apply(form)?;
    Ok(Statement::Form(form, target))
}

/// `if r1 == 0x5 goto pc+3`
fn condition(cursor: &mut Cursor<'_>) -> Result<Statement, Cause> {
    cursor.word();
    let (dst, width) = cursor.sized_register()?;
    let cond = cursor.one_of(&COND).ok_or_else(|| cursor.wrong("a condition such as `==`"))?;
    let operand = operand(cursor, width)?;
    cursor.expect("goto")?;
    goto(cursor, Form::JumpIf { width, cond, dst, operand, off: 0 })
}

/// `*(u32 *)(r1 +4) = r2`, after the star.
fn store(cursor: &mut Cursor<'_>) -> Result<Form, Cause> {
    let place = place(cursor)?.unsigned()?;
    cursor.expect("=")?;
    let operand = operand(cursor, Width::W64)?;
    Ok(Form::Store { size: place.size, base: place.base, off: place.off, operand })
}

/// `lock *(u64 *)(r1 +0) += r2`
fn lock(cursor: &mut Cursor<'_>) -> Result<Form, Cause> {
    cursor.word();
    cursor.expect("*")?;
    let place = place(cursor)?.atomic()?;
    let signs = [("+=", Atomic::Add), ("|=", Atomic::Or), ("&=", Atomic::And), ("^=", Atomic::Xor)];
    let atomic = cursor.one_of(&signs).ok_or_else(|| cursor.wrong("one of += |= &= ^="))?;
    let src = cursor.register()?;
    Ok(Form::Atomic { atomic, size: place.size, base: place.base, off: place.off, src })
}

/// `store_release((u32 *)(r1 +0), r2)`
fn store_release(cursor: &mut Cursor<'_>) -> Result<Form, Cause> {
    cursor.word();
    cursor.expect("(")?;
    let place = place(cursor)?.unsigned()?;
    cursor.expect(",")?;
    let src = cursor.register()?;
    cursor.expect(")")?;
    Ok(Form::StoreRelease { size: place.size, base: place.base, off: place.off, src })
}

/// A register of the same width as the other operand, or a number.
fn operand(cursor: &mut Cursor<'_>, width: Width) -> Result<Operand, Cause> {
    match cursor.try_register()? {
        Some((reg, named)) if named == width => Ok(reg.into()),
        Some((reg, _)) => Err(format!("{reg} has another width than the other operand")),
        None => Ok(cursor.imm32()?.into()),
    }
}
