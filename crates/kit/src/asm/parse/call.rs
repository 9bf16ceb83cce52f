//! Calls, which both notations share.

use super::Statement;
use super::cursor::{Cause, Cursor};
use super::target::Target;
use crate::asm::{Form, helper};

/// `call 5`, `call bpf_ktime_get_ns#5`, `call local f`, `call pc+3`, `call runtime 7`, `call %r2`, `callx r2`.
pub(super) fn call(cursor: &mut Cursor<'_>) -> Result<Statement, Cause> {
    if cursor.word() == Some("callx") {
        return Ok(Form::CallReg { reg: cursor.register()? }.into());
    }
    if cursor.eat_word("local") {
        return local(cursor);
    }
    if cursor.eat_word("runtime") {
        return kfunc(cursor);
    }
    cursor.eat_word("helper");
    if let Some((reg, _)) = cursor.try_register()? {
        return Ok(Form::CallReg { reg }.into());
    }
    let mut ahead = *cursor;
    if ahead.eat_word("pc") {
        return local(cursor);
    }
    if cursor.eat("kernel-function#") {
        return kfunc(cursor);
    }
    match cursor.word() {
        None => Ok(Form::CallHelper { helper: cursor.imm32()? }.into()),
        Some(name) => named(name, cursor),
    }
}

/// `NAME` or `NAME#NUMBER`
fn named(name: &str, cursor: &mut Cursor<'_>) -> Result<Statement, Cause> {
    let has_number = cursor.eat("#");
    if let Some(helper) = helper::number(name).filter(|_| name.starts_with("bpf_")) {
        if has_number {
            // Where a kernel shows addresses, this is one; the name is what counts.
            cursor.imm32()?;
        }
        return Ok(Form::CallHelper { helper }.into());
    }
    if !has_number {
        return Err(format!(
            "there is no helper `{name}`; a function of this program is `call local {name}`"
        ));
    }
    match name {
        "unknown" | "bpf_unspec" => Ok(Form::CallHelper { helper: cursor.imm32()? }.into()),
        _ if name.starts_with("bpf_") => kfunc(cursor),
        _ => Ok(Form::CallHelper { helper: cursor.imm32()? }.into()),
    }
}

fn local(cursor: &mut Cursor<'_>) -> Result<Statement, Cause> {
    let (form, target) = Target::read(cursor)?.apply(Form::CallLocal { off: 0 })?;
    Ok(Statement::Form(form, target))
}

/// `ID` or `ID@MODULE`
fn kfunc(cursor: &mut Cursor<'_>) -> Result<Statement, Cause> {
    let id = cursor.imm32()?;
    let module = if cursor.eat("@") { cursor.offset()? } else { 0 };
    Ok(Form::CallKfunc { id, module }.into())
}
