//! From classic instructions to eBPF.
//!
//! A is R0 and X is R7, so that a return of A needs nothing, and the legacy loads of socket filters put their result
//! where it belongs. Arithmetic and comparisons are the 32-bit ones, which do what the classic machine does. Scratch
//! words are on the stack. Instructions that no path reaches are left out, because the verifier refuses them; A and X
//! are cleared at the start only where something reads them before it is written.

use super::flow::{self, Flow};
use super::{Ancillary, Classic, Insn, op};
use crate::asm::{self, Alu, Asm, AsmError, Cond, Label, Operand, Reg, Size};
use crate::program::{Program, ProgramType};

/// Register of A.
pub(super) const A: Reg = Reg::R0;
/// Register of X.
pub(super) const X: Reg = Reg::R7;
/// The context, where there is one.
pub(super) const CTX: Reg = Reg::R6;
/// Instructions after which a place to jump to for a rejection is put in between: jumps reach 32767.
const REACH: usize = 30_000;

/// What XDP and tc programs return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actions {
    /// For a packet that the classic program keeps, however much of it.
    pub accept: i32,
    /// For a packet that it drops.
    pub reject: i32,
}

/// What the eBPF program is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A socket filter: offsets count from where the socket's filters count, and the value is the classic one.
    Socket,
    /// A tc program: offsets count from the Ethernet header.
    Tc(Actions),
    /// An XDP program: offsets count from the Ethernet header, and there is no ancillary data but queue, processor,
    /// interface and random numbers. A VLAN tag is never taken out of the packet, so it is never "present".
    Xdp(Actions),
    /// Memory at R1 of R2 bytes, for the virtual machine; the value is the classic one.
    Vm,
}

impl Target {
    /// How much of a packet can be addressed.
    pub(super) fn reach_bytes(self) -> u32 {
        match self {
            // The verifier's MAX_PACKET_OFF.
            Target::Xdp(_) => 0xffff,
            Target::Socket | Target::Tc(_) | Target::Vm => i32::MAX.cast_unsigned(),
        }
    }

    fn program_type(self) -> ProgramType {
        match self {
            Target::Socket | Target::Vm => ProgramType::SocketFilter,
            Target::Tc(_) => ProgramType::SchedCls,
            Target::Xdp(_) => ProgramType::Xdp,
        }
    }

    fn actions(self) -> Option<Actions> {
        match self {
            Target::Tc(actions) | Target::Xdp(actions) => Some(actions),
            Target::Socket | Target::Vm => None,
        }
    }
}

/// A program that cannot be translated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TranslateError {
    /// The kernel would not take it either.
    #[error(transparent)]
    Check(#[from] super::CheckError),
    /// Data that this kind of program cannot get at.
    #[error("translate classic BPF, instruction {at}: {what} cannot be had in {target}")]
    Missing {
        /// Index of the instruction.
        at: usize,
        /// The data.
        what: String,
        /// The kind of program.
        target: &'static str,
    },
    /// It is too long for eBPF's jumps.
    #[error("translate classic BPF: {0}")]
    TooLong(#[from] AsmError),
}

/// Translates a checked program.
pub(super) fn translate(program: &Classic, target: Target) -> Result<Program, TranslateError> {
    let insns: Vec<_> = program.insns().iter().map(|&insn| lowered(insn, target)).collect();
    let flow = Flow::of(&insns);
    let mut asm = Asm::new();
    let labels = insns.iter().map(|_| asm.label()).collect();
    let reject = asm.label();
    let mut translator = Translator { asm, target, flow, labels, reject, rejects_from: None };
    translator.prologue(&insns);
    for (at, &insn) in insns.iter().enumerate() {
        if translator.flow.reached[at] {
            translator.asm.bind(translator.labels[at]);
            translator.insn(at, insn)?;
        }
    }
    translator.put_reject();
    Ok(Program {
        name: "cbpf".into(),
        program_type: target.program_type(),
        insns: translator.asm.finish()?,
        maps: Vec::new(),
        functions: Vec::new(),
    })
}

/// A load that is out of bounds of whatever packet is a return of 0.
fn lowered(insn: Insn, target: Target) -> Insn {
    let fixed = insn.class() == op::LD && insn.mode() == op::ABS && insn.ancillary().is_none();
    if !(fixed || insn.class() == op::LDX && insn.mode() == op::MSH) {
        return insn;
    }
    if insn.k >= op::LL_OFF && target != Target::Vm {
        return insn;
    }
    if insn.k.checked_add(insn.bytes()).is_some_and(|end| end <= target.reach_bytes()) {
        insn
    } else {
        Insn::stmt(op::RET | op::K, 0)
    }
}

pub(super) struct Translator {
    pub(super) asm: Asm,
    pub(super) target: Target,
    pub(super) flow: Flow,
    labels: Vec<Label>,
    /// Where a load out of bounds and a division by zero go.
    reject: Label,
    /// The first instruction that goes there, since it was last put.
    rejects_from: Option<usize>,
}

impl Translator {
    /// Sets up the registers that the program uses.
    fn prologue(&mut self, insns: &[Insn]) {
        let any = |what: &dyn Fn(Insn) -> bool| {
            insns.iter().zip(&self.flow.reached).any(|(insn, reached)| *reached && what(*insn))
        };
        let packet = any(&|insn| loads_packet(insn));
        let context = any(&|insn| insn.ancillary().is_some_and(|what| what != Ancillary::XorX));
        let length = any(&|insn| matches!(insn.class(), op::LD | op::LDX) && insn.mode() == op::LEN);
        self.set_up_loads(packet, length, context);
        for (bit, reg) in [(flow::A, A), (flow::X, X)] {
            if self.flow.needed[0] & bit != 0 {
                self.asm.mov32(reg, 0);
            }
        }
    }

    fn insn(&mut self, at: usize, insn: Insn) -> Result<(), TranslateError> {
        self.keep_reject_near();
        match insn.class() {
            op::LD | op::LDX => self.load(at, insn)?,
            op::ST => {
                self.asm.store(Size::W, Reg::R10, word(insn.k), A);
            }
            op::STX => {
                self.asm.store(Size::W, Reg::R10, word(insn.k), X);
            }
            op::ALU => self.alu(insn),
            op::JMP => self.jump(at, insn),
            op::RET => self.ret(insn),
            _ if insn.operation() == op::TXA => {
                self.asm.mov(A, X);
            }
            _ => {
                self.asm.mov(X, A);
            }
        }
        Ok(())
    }

    /// A jump to the rejection, if the condition holds.
    pub(super) fn reject_if(&mut self, cond: Cond, dst: Reg, operand: impl Into<Operand>) {
        self.rejects_from.get_or_insert(self.asm.len());
        self.asm.jump_if(cond, dst, operand, self.reject);
    }

    fn alu(&mut self, insn: Insn) {
        let alu = match insn.operation() {
            op::NEG => {
                self.asm.push(neg32(A));
                return;
            }
            op::ADD => Alu::Add,
            op::SUB => Alu::Sub,
            op::MUL => Alu::Mul,
            op::DIV => Alu::Div,
            op::OR => Alu::Or,
            op::AND => Alu::And,
            op::LSH => Alu::Lsh,
            op::RSH => Alu::Rsh,
            op::MOD => Alu::Mod,
            _ => Alu::Xor,
        };
        if insn.takes_x() && matches!(alu, Alu::Div | Alu::Mod) {
            self.reject_if(Cond::Eq, X, 0);
        }
        self.asm.alu32(alu, A, operand(insn));
    }

    /// One instruction where one of the two ways is the next instruction, else two.
    fn jump(&mut self, at: usize, insn: Insn) {
        let to = |skipped: usize| self.labels[at + 1 + skipped];
        let (jt, jf) = match insn.operation() {
            op::JA => (insn.k as usize, insn.k as usize),
            _ => (usize::from(insn.jt), usize::from(insn.jf)),
        };
        let (taken, other) = (to(jt), to(jf));
        if jt == jf {
            if jt != 0 {
                self.asm.jump(taken);
            }
            return;
        }
        let (cond, opposite) = match insn.operation() {
            op::JEQ => (Cond::Eq, Some(Cond::Ne)),
            op::JGT => (Cond::Gt, Some(Cond::Le)),
            op::JGE => (Cond::Ge, Some(Cond::Lt)),
            _ => (Cond::Set, None),
        };
        match opposite {
            Some(opposite) if jt == 0 => {
                self.asm.jump_if32(opposite, A, operand(insn), other);
            }
            _ => {
                self.asm.jump_if32(cond, A, operand(insn), taken);
                if jf != 0 {
                    self.asm.jump(other);
                }
            }
        }
    }

    fn ret(&mut self, insn: Insn) {
        match (self.target.actions(), insn.code & op::A != 0) {
            (None, true) => {}
            (None, false) => {
                self.asm.mov32(A, insn.k.cast_signed());
            }
            (Some(actions), false) => {
                self.asm.mov32(A, if insn.k == 0 { actions.reject } else { actions.accept });
            }
            (Some(actions), true) => {
                let (accept, end) = (self.asm.label(), self.asm.label());
                self.asm.jump_if32(Cond::Ne, A, 0, accept).mov32(A, actions.reject).jump(end);
                self.asm.bind(accept);
                self.asm.mov32(A, actions.accept);
                self.asm.bind(end);
            }
        }
        self.asm.exit();
    }

    /// Puts the rejection here, if anything goes there.
    fn put_reject(&mut self) {
        if self.rejects_from.take().is_some() {
            self.asm.bind(self.reject);
            self.asm.mov32(A, self.target.actions().map_or(0, |actions| actions.reject)).exit();
            self.reject = self.asm.label();
        }
    }

    /// Puts the rejection between two instructions, jumped over, before it is too far from its first jump.
    fn keep_reject_near(&mut self) {
        if self.rejects_from.is_some_and(|from| self.asm.len() - from > REACH) {
            let over = self.asm.label();
            self.asm.jump(over);
            self.put_reject();
            self.asm.bind(over);
        }
    }
}

/// Whether an instruction loads bytes of the packet.
fn loads_packet(insn: Insn) -> bool {
    match insn.class() {
        op::LD => matches!(insn.mode(), op::ABS | op::IND) && insn.ancillary().is_none(),
        op::LDX => insn.mode() == op::MSH,
        _ => false,
    }
}

/// Where a scratch word is on the stack.
pub(super) fn word(k: u32) -> i16 {
    -4 * (k as i16 + 1)
}

fn operand(insn: Insn) -> Operand {
    if insn.takes_x() { Operand::Reg(X) } else { Operand::Imm(insn.k.cast_signed()) }
}

/// `reg = -reg` on 32 bits.
fn neg32(reg: Reg) -> asm::Insn {
    asm::Insn::new(asm::op::CLASS_ALU | asm::op::ALU_NEG, reg as u8, 0, 0, 0)
}
