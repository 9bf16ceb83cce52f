//! Following the ways through a program until nothing changes, then judging every instruction by what is known there.
//!
//! Knowledge only shrinks from one round to the next (a meet over finite sets), so it ends; whatever the order, the end is
//! the same.

use super::effect::{args, bit, is_call, reads};
use super::finding::{Finding, Kind};
use super::shape::Shape;
use super::state::{FRAME, State};
use crate::asm::{Alu, Form, Operand, Reg, Width, helper};
use crate::program::Program;

/// Arguments of a callback that the program does not describe: those that `bpf_loop` passes.
const CALLBACK_ARGS: u8 = 2;

/// Follows the program, and judges it.
pub(super) fn follow(program: &Program, shape: &Shape, entry_args: u8) -> Result<(), Finding> {
    let mut flow = Flow {
        program,
        shape,
        before: vec![None; shape.forms.len()],
        returns: vec![true; shape.starts.len()],
        callers: vec![Vec::new(); shape.starts.len()],
        open: Vec::new(),
    };
    flow.arrive(0, &State::entry(args(entry_args)));
    while let Some(at) = flow.open.pop() {
        flow.step(at);
    }
    for (at, form) in shape.forms.iter().enumerate() {
        let (Some(form), Some(state)) = (form, &flow.before[at]) else { continue };
        flow.judge(at, form, state).map_err(|kind| Finding::new(&program.insns, at, kind))?;
    }
    Ok(())
}

struct Flow<'a> {
    program: &'a Program,
    shape: &'a Shape,
    /// What is known before each slot; none where no way was followed yet.
    before: Vec<Option<State>>,
    /// Whether each function writes `r0` on all ways followed so far.
    returns: Vec<bool>,
    /// Slots that call each function.
    callers: Vec<Vec<usize>>,
    /// Slots to be looked at again.
    open: Vec<usize>,
}

impl Flow<'_> {
    /// One more way leads here.
    fn arrive(&mut self, at: usize, state: &State) {
        let changed = match &mut self.before[at] {
            Some(known) => known.meet(state),
            unknown => {
                *unknown = Some(state.clone());
                true
            }
        };
        if changed {
            self.open.push(at);
        }
    }

    /// Passes on what is known after an instruction.
    fn step(&mut self, at: usize) {
        let (Some(form), Some(mut state)) = (self.shape.forms[at], self.before[at].clone()) else { return };
        if let Some(start) = self.shape.callee(at) {
            self.enter(at, start, &form, &state);
        }
        if form == Form::Exit {
            self.leave(at, &state);
        }
        after(&form, &mut state);
        let callee = self.shape.callee(at).filter(|_| matches!(form, Form::CallLocal { .. }));
        if callee.is_some_and(|start| !self.returns[self.shape.function(start)]) {
            state.written &= !bit(Reg::R0);
        }
        for next in self.shape.next(at).into_iter().flatten() {
            self.arrive(next, &state);
        }
    }

    /// A function starts with its arguments and nothing else.
    fn enter(&mut self, at: usize, start: usize, form: &Form, state: &State) {
        let callers = &mut self.callers[self.shape.function(start)];
        if !callers.contains(&at) {
            callers.push(at);
        }
        let entry = match form {
            Form::CallLocal { .. } => state.written,
            _ => {
                let described =
                    self.program.functions.iter().find(|function| function.start as usize == start);
                args(described.map_or(CALLBACK_ARGS, |function| function.args.min(5)))
            }
        };
        self.arrive(start, &State::entry(entry));
    }

    /// A function that leaves `r0` unwritten once does not give a result to any caller.
    fn leave(&mut self, at: usize, state: &State) {
        let function = self.shape.function(at);
        if self.returns[function] && state.written & bit(Reg::R0) == 0 {
            self.returns[function] = false;
            self.open.extend(&self.callers[function]);
        }
    }

    fn judge(&self, at: usize, form: &Form, state: &State) -> Result<(), Kind> {
        let missing = reads(form) & !state.written;
        if let Some(reg) = Reg::ALL.into_iter().find(|reg| missing & bit(*reg) != 0) {
            return Err(match *form {
                Form::CallHelper { helper } => Kind::Argument(reg, helper::args(helper).unwrap_or(0)),
                _ => Kind::Register(reg),
            });
        }
        if *form == Form::Exit && state.written & bit(Reg::R0) == 0 {
            let function = self.shape.function(at);
            // A function that only this program calls need not have a result.
            if function == 0 || self.shape.is_callback(function) {
                return Err(Kind::NoResult);
            }
        }
        let Some((base, off, len, is_read)) = access(form) else { return Ok(()) };
        let Some(distance) = state.pointer(base) else { return Ok(()) };
        let offset = distance.saturating_add(off.into());
        if offset < -FRAME || i64::from(offset) + len as i64 > 0 {
            return Err(Kind::Frame { offset, len });
        }
        if is_read && !state.filled(offset, len) {
            return Err(Kind::Stack { offset, len });
        }
        Ok(())
    }
}

/// Base, offset, bytes, and whether they are read.
pub(super) fn access(form: &Form) -> Option<(Reg, i16, usize, bool)> {
    match *form {
        Form::Load { size, base, off, .. } | Form::LoadAcquire { size, base, off, .. } => {
            Some((base, off, size.bytes(), true))
        }
        Form::Atomic { size, base, off, .. } => Some((base, off, size.bytes(), true)),
        Form::Store { size, base, off, .. } | Form::StoreRelease { size, base, off, .. } => {
            Some((base, off, size.bytes(), false))
        }
        _ => None,
    }
}

/// What is known after an instruction, but for the result of a call of this program's own functions.
pub(super) fn after(form: &Form, state: &mut State) {
    let moved = moved(form, state);
    // An address that is stored, passed on or reckoned with may be written through by others.
    match *form {
        Form::Store { operand: Operand::Reg(src), .. }
        | Form::StoreRelease { src, .. }
        | Form::Atomic { src, .. } => {
            if let Some(distance) = state.pointer(src) {
                state.escape(distance);
            }
        }
        _ if is_call(form) => {
            for reg in [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5] {
                if let Some(distance) = state.pointer(reg) {
                    state.escape(distance);
                }
            }
        }
        Form::Alu { dst, alu, operand, .. } if moved.is_none() => {
            let old = if alu == Alu::Mov { None } else { state.pointer(dst) };
            let other = if let Operand::Reg(src) = operand { state.pointer(src) } else { None };
            if old.or(other).is_some() {
                state.escape(-FRAME);
            }
        }
        _ => {}
    }
    if let Some((base, off, len, _)) = access(form) {
        let stores = matches!(form, Form::Store { .. } | Form::StoreRelease { .. } | Form::Atomic { .. });
        if let Some(distance) = state.pointer(base).filter(|_| stores) {
            state.fill(distance.saturating_add(off.into()), len);
        }
    }
    if is_call(form) {
        state.clobber();
        state.write(Reg::R0);
    }
    if let Some(reg) = form.writes() {
        state.point(reg, moved);
    }
}

/// Where the result of a move or an addition points, if that is known.
fn moved(form: &Form, state: &State) -> Option<i32> {
    match *form {
        Form::Alu { width: Width::W64, alu: Alu::Mov, operand: Operand::Reg(src), .. } => state.pointer(src),
        Form::Alu { width: Width::W64, alu: Alu::Add, dst, operand: Operand::Imm(imm), .. } => {
            state.pointer(dst)?.checked_add(imm)
        }
        Form::Alu { width: Width::W64, alu: Alu::Sub, dst, operand: Operand::Imm(imm), .. } => {
            state.pointer(dst)?.checked_sub(imm)
        }
        _ => None,
    }
}

/// The deepest byte of its frame that each function is known to touch, in bytes.
pub(super) fn stack_bytes(shape: &Shape) -> Vec<usize> {
    let mut depths = vec![0; shape.starts.len()];
    for (at, form) in shape.forms.iter().enumerate() {
        if let Some((Reg::R10, off @ ..0, ..)) = form.as_ref().and_then(access) {
            let depth = &mut depths[shape.function(at)];
            *depth = (*depth).max(usize::from(off.unsigned_abs()));
        }
    }
    depths
}
