//! The shape of a program: instructions, functions, where each instruction leads.

use super::finding::{Finding, Kind};
use crate::asm::{Alu, Form, Imm64, Operand, Reg, Width};
use crate::program::{MapType, Program};

/// Most instructions of a program: `BPF_COMPLEXITY_LIMIT_INSNS`.
const MAX_INSNS: usize = 1_000_000;

/// A program taken apart, all jumps of which are good.
#[derive(Debug)]
pub(super) struct Shape {
    /// The instruction of each slot; none for second halves.
    pub(super) forms: Vec<Option<Form>>,
    /// First slots of functions, in order.
    pub(super) starts: Vec<usize>,
}

/// Where an instruction may lead within its function.
pub(super) type Next = [Option<usize>; 2];

impl Shape {
    /// Takes a program apart.
    pub(super) fn of(program: &Program) -> Result<Shape, Finding> {
        let fail = |at, kind| Finding::new(&program.insns, at, kind);
        match program.insns.len() {
            0 => return Err(fail(0, Kind::Empty)),
            len if len > MAX_INSNS => return Err(fail(0, Kind::TooLong(len))),
            _ => {}
        }
        let mut forms: Vec<Option<Form>> = Vec::with_capacity(program.insns.len());
        while forms.len() < program.insns.len() {
            let at = forms.len();
            let (form, slots) = Form::decode(&program.insns[at..]).ok_or_else(|| fail(at, Kind::Invalid))?;
            alone(program, &form).map_err(|kind| fail(at, kind))?;
            forms.push(Some(form));
            forms.resize(at + slots, None);
        }
        let mut shape = Shape { forms, starts: vec![0] };
        shape.find_functions().map_err(|(at, kind)| fail(at, kind))?;
        for at in 0..shape.forms.len() {
            shape.targets(at).map_err(|kind| fail(at, kind))?;
        }
        match shape.reached().iter().position(|reached| !reached) {
            Some(at) => Err(fail(at, Kind::Unreachable)),
            None => Ok(shape),
        }
    }

    /// Where the instruction of a slot may lead, calls and their callees aside.
    pub(super) fn next(&self, at: usize) -> Next {
        let Some(form) = &self.forms[at] else { return [None; 2] };
        let after = at + form.slots();
        let target = form.distance().map(|distance| (at as i64 + 1 + i64::from(distance)) as usize);
        match form {
            Form::Exit => [None; 2],
            Form::Jump { .. } | Form::JumpLong { .. } => [target, None],
            Form::JumpIf { .. } | Form::MayGoto { .. } => [Some(after), target],
            _ => [Some(after), None],
        }
    }

    /// The function that an instruction calls or takes the address of.
    pub(super) fn callee(&self, at: usize) -> Option<usize> {
        match self.forms[at]? {
            form @ (Form::CallLocal { .. } | Form::Load64 { imm: Imm64::Function(_), .. }) => {
                Some((at as i64 + 1 + i64::from(form.distance()?)) as usize)
            }
            _ => None,
        }
    }

    /// Whether the program gives the address of a function to others, who want its result.
    pub(super) fn is_callback(&self, function: usize) -> bool {
        let start = self.starts[function];
        let takes =
            |at: usize| matches!(self.forms[at], Some(Form::Load64 { .. })) && self.callee(at) == Some(start);
        (0..self.forms.len()).any(takes)
    }

    /// Number of the function that a slot is in.
    pub(super) fn function(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at) - 1
    }

    fn find_functions(&mut self) -> Result<(), (usize, Kind)> {
        for at in 0..self.forms.len() {
            if let Some(start) = self.callee(at) {
                self.is_place(start as i64).map_err(|kind| (at, kind))?;
                self.starts.push(start);
            }
        }
        self.starts.sort_unstable();
        self.starts.dedup();
        Ok(())
    }

    /// Every place that an instruction leads to must be an instruction of the same function.
    fn targets(&self, at: usize) -> Result<(), Kind> {
        let Some(form) = &self.forms[at] else { return Ok(()) };
        let [first, second] = self.next(at);
        let jumps = matches!(form, Form::Jump { .. } | Form::JumpLong { .. });
        let leaves = |after: usize| after >= self.forms.len() || self.function(after) != self.function(at);
        if first.filter(|_| !jumps).is_some_and(leaves) {
            return Err(Kind::PastEnd);
        }
        let target = if jumps { first } else { second };
        let Some(target) = target else { return Ok(()) };
        self.is_place(target as i64)?;
        if self.function(target) == self.function(at) { Ok(()) } else { Err(Kind::OtherFunction(target)) }
    }

    fn is_place(&self, target: i64) -> Result<(), Kind> {
        let form = usize::try_from(target).ok().and_then(|target| self.forms.get(target));
        match form.ok_or(Kind::Outside(target))? {
            Some(_) => Ok(()),
            None => Err(Kind::Half(target as usize)),
        }
    }

    /// Slots that some way from the first leads to, second halves with their first.
    fn reached(&self) -> Vec<bool> {
        let mut reached = vec![false; self.forms.len()];
        let mut open = vec![0];
        while let Some(at) = open.pop() {
            if std::mem::replace(&mut reached[at], true) {
                continue;
            }
            if self.forms[at].is_some_and(|form| form.slots() == 2) {
                reached[at + 1] = true;
            }
            open.extend(self.next(at).into_iter().flatten().chain(self.callee(at)));
        }
        reached
    }
}

/// What is wrong with an instruction whatever is around it.
fn alone(program: &Program, form: &Form) -> Result<(), Kind> {
    if form.writes() == Some(Reg::R10) {
        return Err(Kind::FramePointer);
    }
    match *form {
        Form::CallReg { .. } => Err(Kind::CallByRegister),
        Form::Alu { width, alu: Alu::Lsh | Alu::Rsh | Alu::Arsh, operand: Operand::Imm(shift), .. } => {
            let most = if width == Width::W64 { 63 } else { 31 };
            if (0..=most).contains(&shift) { Ok(()) } else { Err(Kind::Shift(shift, most as u8)) }
        }
        Form::Alu { alu: Alu::Div | Alu::Mod, operand: Operand::Imm(0), .. } => Err(Kind::DivisionByZero),
        Form::Load64 { imm: Imm64::MapIdx(index), .. } => map(program, index).map(drop),
        Form::Load64 { imm: Imm64::MapIdxValue(index, offset), .. } => {
            let spec = map(program, index)?;
            match spec.map_type {
                MapType::Array if spec.max_entries != 1 => {
                    Err(Kind::MapValue("the map has more than one value; look it up by key"))
                }
                MapType::Array if offset >= spec.value_size => {
                    Err(Kind::MapValue("the offset is not within the map's value"))
                }
                MapType::Array => Ok(()),
                _ => Err(Kind::MapValue("only an array's value has an address; look it up by key")),
            }
        }
        _ => Ok(()),
    }
}

fn map(program: &Program, index: i32) -> Result<&crate::program::MapSpec, Kind> {
    let known = usize::try_from(index).ok().and_then(|index| program.maps.get(index));
    known.ok_or(Kind::NoMap(index, program.maps.len()))
}
