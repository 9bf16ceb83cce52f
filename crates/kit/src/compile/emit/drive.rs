//! Loops: a body again and again, in the shape that the kernel takes.

use super::{Body, Emit, Exits, TABLES_SLOT, WINDOW_SLOT};
use crate::asm::{Alu, Asm, Cond, Insn, Label, Operand, Reg, Size};
use crate::compile::plan::Scan;
use crate::compile::{LoopShape, window};

use Reg::{R0, R1, R2, R3, R4, R6, R7, R8, R9, R10};

/// The state of a scan that is sieving.
pub(super) const FAST: i32 = -1;

/// Where the iterator is, `struct bpf_iter_num`, from the frame.
const ITERATOR_SLOT: i16 = -8;
/// `bpf_loop`
const BPF_LOOP: i32 = 181;
/// Outcomes of a loop of callbacks.
const OUTCOME_YES: i32 = 1;
const OUTCOME_NO: i32 = 2;

impl<'p> Emit<'p> {
    /// Repeats a body until it goes to `yes` or `no`. Rounds that run out count as met.
    pub(super) fn repeat(&mut self, body: Body<'p>, yes: Label, no: Label) {
        match self.setting.host.shape {
            LoopShape::MayGoto => {
                let next = self.asm.here();
                self.asm.may_goto(yes);
                self.body(body, Exits { next, yes, no });
            }
            LoopShape::Bounded => {
                self.asm.mov(R7, self.rounds(body));
                let (next, start) = (self.asm.here(), self.asm.len());
                self.leave_if(Cond::Eq, R7, 0, yes);
                self.asm.alu64(Alu::Sub, R7, 1);
                self.body(body, Exits { next, yes, no });
                self.effort += u64::from(self.rounds(body).cast_unsigned()) * (self.asm.len() - start) as u64;
            }
            LoopShape::IterNum => self.iterate(body, yes, no),
            LoopShape::BpfLoop => self.call_back(body, yes, no),
        }
    }

    /// Rounds that are enough for data up to the limit.
    fn rounds(&self, body: Body<'p>) -> i32 {
        let limit = self.setting.limit;
        let rounds = match body {
            Body::Copy => limit / super::input::COPY_SPAN + super::input::COPY_SPAN,
            Body::Scan(Scan::Walk(walk)) | Body::Note(walk, _) => walk.rounds(limit, self.locates()),
            Body::Scan(Scan::Run(run)) => run.rounds(limit),
            Body::Scan(Scan::Count(count)) if self.sieves_counts() => count.rounds_sieving(limit),
            Body::Scan(Scan::Count(count)) => count.rounds(limit),
        };
        rounds as i32
    }

    /// The loop by an iterator on the stack, which is destroyed whatever the outcome.
    fn iterate(&mut self, body: Body<'p>, yes: Label, no: Label) {
        let [new, next_number, destroy] = self.setting.host.iterator.map(u32::cast_signed);
        let [met, unmet] = [(); 2].map(|()| self.asm.label());
        let rounds = self.rounds(body);
        self.iterator(R1).mov(R2, 0).mov(R3, rounds).push(Insn::call_kfunc(new, 0));
        let next = self.asm.here();
        self.iterator(R1).push(Insn::call_kfunc(next_number, 0)).jump_if(Cond::Eq, R0, 0, met);
        self.body(body, Exits { next, yes: met, no: unmet });
        for (label, target) in [(met, yes), (unmet, no)] {
            self.asm.bind(label);
            self.iterator(R1).push(Insn::call_kfunc(destroy, 0)).jump(target);
        }
    }

    /// `into = address of the iterator`
    fn iterator(&mut self, into: Reg) -> &mut Asm {
        self.asm.mov(into, R10).alu64(Alu::Add, into, i32::from(ITERATOR_SLOT))
    }

    /// The loop by `bpf_loop`: window and tables go along on the stack, the outcome comes back in the window.
    fn call_back(&mut self, body: Body<'p>, yes: Label, no: Label) {
        let function = self.asm.label();
        let rounds = self.rounds(body);
        self.asm
            .store(Size::Dw, R10, WINDOW_SLOT, R6)
            .store(Size::Dw, R6, window::OUTCOME, 0)
            .mov(R1, rounds)
            .load_func(R2, function)
            .mov(R3, R10)
            .alu64(Alu::Add, R3, i32::from(TABLES_SLOT))
            .mov(R4, 0)
            .call(BPF_LOOP)
            .load(Size::Dw, R1, R6, window::OUTCOME)
            .jump_if(Cond::Eq, R1, OUTCOME_NO, no)
            .jump(yes);
        self.callbacks.push((function, body));
    }

    /// The function for a body.
    pub(super) fn callback(&mut self, function: Label, body: Body<'p>) {
        let [next, yes, no, stop] = [(); 4].map(|()| self.asm.label());
        self.asm.bind(function);
        self.asm.load(Size::Dw, R6, R2, WINDOW_SLOT - TABLES_SLOT).load(Size::Dw, R9, R2, 0).store(
            Size::Dw,
            R10,
            TABLES_SLOT,
            R9,
        );
        if matches!(body, Body::Copy) {
            self.copy_slots();
        }
        self.body(body, Exits { next, yes, no });
        self.asm.bind(next);
        self.asm.mov(R0, 0).exit();
        self.asm.bind(yes);
        self.asm.store(Size::Dw, R6, window::OUTCOME, OUTCOME_YES).jump(stop);
        self.asm.bind(no);
        self.asm.store(Size::Dw, R6, window::OUTCOME, OUTCOME_NO);
        self.asm.bind(stop);
        self.asm.mov(R0, 1).exit();
    }

    /// Goes to `target` if the condition holds, and not often does.
    ///
    /// The verifier follows the code after a jump before it follows where the jump leads, and keeps in mind what it has
    /// still to follow, 8,192 places at most. In a loop that it counts out, what leaves the round is put behind the
    /// jump: then it keeps a few places a round in mind, not all that a round can be left at.
    pub(super) fn leave_if(&mut self, cond: Cond, reg: Reg, operand: impl Into<Operand>, target: Label) {
        let Some(opposite) = self.opposite(cond) else {
            self.asm.jump_if(cond, reg, operand, target);
            return;
        };
        let stay = self.asm.label();
        self.asm.jump_if(opposite, reg, operand, stay).jump(target);
        self.asm.bind(stay);
    }

    /// The condition that does not hold when this one does, in a loop that the verifier counts out.
    fn opposite(&self, cond: Cond) -> Option<Cond> {
        if self.setting.host.shape != LoopShape::Bounded {
            return None;
        }
        Some(match cond {
            Cond::Eq => Cond::Ne,
            Cond::Ne => Cond::Eq,
            Cond::Gt => Cond::Le,
            Cond::Le => Cond::Gt,
            Cond::Ge => Cond::Lt,
            Cond::Lt => Cond::Ge,
            Cond::Sgt => Cond::Sle,
            Cond::Sle => Cond::Sgt,
            Cond::Sge => Cond::Slt,
            Cond::Slt => Cond::Sge,
            Cond::Set => return None,
        })
    }

    /// The head of every round: the index to `r8`, and the data there, less [`DATA`](window::DATA), to `r3`. Goes to
    /// `end` at the end of the data.
    pub(super) fn take_place(&mut self, end: Label) {
        self.asm.load(Size::Dw, R8, R6, window::INDEX).load(Size::Dw, R1, R6, window::LENGTH);
        self.leave_if(Cond::Ge, R8, R1, end);
        self.leave_if(Cond::Gt, R8, self.setting.limit as i32, end);
        self.asm.mov(R3, R6).alu64(Alu::Add, R3, R8);
    }

    /// Puts the index back and goes on to the next round.
    pub(super) fn put_place(&mut self, exits: Exits) {
        self.asm.store(Size::Dw, R6, window::INDEX, R8).jump(exits.next);
    }
}
