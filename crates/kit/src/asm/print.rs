//! Instructions as text, as `bpftool prog dump xlated` prints them.
//!
//! [`Form`]'s `Display` is the text alone; [`Listing`] adds index and code, which make it exact: what it prints,
//! [`parse`](super::parse()) reads back to the same instructions. Eight bytes that are no instruction are printed as
//! `.raw` and a number, so that every program has a listing.
//!
//! Source of the notation: `kernel/bpf/disasm.c` and `tools/bpf/bpftool/xlated_dumper.c`, v6.12.

use super::form::{Form, Imm64, Order, Width};
use super::helper;
use super::insn::{Alu, Atomic, Cond, Insn, Operand, Reg, Size};
use std::fmt::{self, Display, Formatter};

/// A whole program, one line an instruction: `   0: (b7) r0 = 0`.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a>(pub &'a [Insn]);

impl Display for Listing<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut at = 0;
        while let Some(line) = Line::at(self.0, at) {
            writeln!(f, "{line}")?;
            at += line.slots();
        }
        Ok(())
    }
}

/// One line of a [`Listing`].
#[derive(Clone, Copy, Debug)]
pub struct Line {
    at: usize,
    insn: Insn,
    form: Option<Form>,
}

impl Line {
    /// The line of the instruction at this index, if the program is that long.
    pub fn at(insns: &[Insn], at: usize) -> Option<Line> {
        let insn = *insns.get(at)?;
        Some(Line { at, insn, form: Form::decode(&insns[at..]).map(|(form, _)| form) })
    }

    fn slots(&self) -> usize {
        self.form.map_or(1, |form| form.slots())
    }
}

impl Display for Line {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Line { at, insn, form } = self;
        // Four wide, and from 1000 on with a space all the same.
        write!(f, " {at:3}: ({:02x}) ", insn.code)?;
        match form {
            Some(form) => form.fmt(f),
            None => write!(f, ".raw {:#018x}", insn.to_word()),
        }
    }
}

impl Display for Form {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Form::Alu { width, alu, signed, dst, operand } => {
                write!(f, "{} {}= {}", in_width(dst, width), alu_sign(alu, signed), Value(operand, width))
            }
            Form::MovSigned { width, bits, dst, src } => {
                write!(f, "{} = (s{bits}){}", in_width(dst, width), in_width(src, width))
            }
            Form::Neg { width, dst } => write!(f, "{0} = -{0}", in_width(dst, width)),
            Form::Order { order, bits, dst } => write!(f, "{dst} = {}{bits} {dst}", order_word(order)),
            Form::CastSpace { dst, src, to, from } => {
                write!(f, "{dst} = addr_space_cast({src}, {to}, {from})")
            }
            Form::PerCpu { dst, src } => write!(f, "{dst} = &(void __percpu *)({src})"),
            Form::Load { size, signed, dst, base, off } => {
                write!(f, "{dst} = *{}", Place { size, signed, base, off })
            }
            Form::Store { size, base, off, operand } => {
                write!(f, "*{} = {}", unsigned(size, base, off), Value(operand, Width::W64))
            }
            Form::Atomic { atomic, size, base, off, src } => {
                atomic_text(f, atomic, unsigned(size, base, off), src)
            }
            Form::LoadAcquire { size, dst, base, off } => {
                write!(f, "{dst} = load_acquire({})", unsigned(size, base, off))
            }
            Form::StoreRelease { size, base, off, src } => {
                write!(f, "store_release({}, {src})", unsigned(size, base, off))
            }
            Form::NoSpec => f.write_str("nospec"),
            Form::Load64 { dst, imm } => write!(f, "{dst} = {imm}"),
            Form::LoadAbs { size, imm } => write!(f, "r0 = *(u{} *)skb[{imm}]", 8 * size.bytes()),
            Form::LoadInd { size, src, imm } => {
                write!(f, "r0 = *(u{} *)skb[{src} + {imm}]", 8 * size.bytes())
            }
            Form::Jump { off } => write!(f, "goto pc{off:+}"),
            Form::JumpLong { off } => write!(f, "gotol pc{off:+}"),
            Form::JumpIf { width, cond, dst, operand, off } => {
                write!(f, "if {} {} ", in_width(dst, width), cond_sign(cond))?;
                match operand {
                    Operand::Reg(src) => write!(f, "{}", in_width(src, width))?,
                    Operand::Imm(imm) => write!(f, "{imm:#x}")?,
                }
                write!(f, " goto pc{off:+}")
            }
            Form::MayGoto { off } => write!(f, "may_goto pc{off:+}"),
            Form::CallHelper { helper } => match helper::name(helper) {
                Some(name) => write!(f, "call bpf_{name}#{helper}"),
                None => write!(f, "call unknown#{helper}"),
            },
            Form::CallReg { reg } => write!(f, "callx {reg}"),
            Form::CallLocal { off } => write!(f, "call pc{off:+}"),
            Form::CallKfunc { id, module: 0 } => write!(f, "call kernel-function#{id}"),
            Form::CallKfunc { id, module } => write!(f, "call kernel-function#{id}@{module}"),
            Form::Exit => f.write_str("exit"),
        }
    }
}

impl Display for Reg {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", *self as u8)
    }
}

impl Display for Imm64 {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Imm64::Value(value) => write!(f, "{value:#x}"),
            Imm64::MapFd(fd) => write!(f, "map[id:{fd}]"),
            Imm64::MapFdValue(fd, off) => write!(f, "map[id:{fd}][0]+{off}"),
            Imm64::Variable(id, 0) => write!(f, "btf[id:{id}]"),
            Imm64::Variable(id, fd) => write!(f, "btf[id:{id}]+{}", fd.cast_unsigned()),
            Imm64::Function(off) => write!(f, "subprog[{off:+}]"),
            Imm64::MapIdx(index) => write!(f, "map[idx:{index}]"),
            Imm64::MapIdxValue(index, off) => write!(f, "map[idx:{index}]+{off}"),
        }
    }
}

/// A register under the name of its width: `r1` or `w1`.
fn in_width(reg: Reg, width: Width) -> InWidth {
    InWidth(reg, width)
}

struct InWidth(Reg, Width);

impl Display for InWidth {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let letter = if self.1 == Width::W64 { 'r' } else { 'w' };
        write!(f, "{letter}{}", self.0 as u8)
    }
}

struct Value(Operand, Width);

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Operand::Reg(reg) => in_width(reg, self.1).fmt(f),
            Operand::Imm(imm) => imm.fmt(f),
        }
    }
}

/// `(u32 *)(r1 +4)`
struct Place {
    size: Size,
    signed: bool,
    base: Reg,
    off: i16,
}

fn unsigned(size: Size, base: Reg, off: i16) -> Place {
    Place { size, signed: false, base, off }
}

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let letter = if self.signed { 's' } else { 'u' };
        write!(f, "({letter}{} *)({} {:+})", 8 * self.size.bytes(), self.base, self.off)
    }
}

fn atomic_text(f: &mut Formatter<'_>, atomic: Atomic, place: Place, src: Reg) -> fmt::Result {
    let wide = if place.size == Size::Dw { "64" } else { "" };
    let sign = match atomic {
        Atomic::Add => "+",
        Atomic::Or => "|",
        Atomic::And => "&",
        Atomic::Xor => "^",
        Atomic::Cmpxchg => return write!(f, "r0 = atomic{wide}_cmpxchg({place}, r0, {src})"),
        Atomic::FetchAdd => return write!(f, "{src} = atomic{wide}_fetch_add({place}, {src})"),
        Atomic::FetchOr => return write!(f, "{src} = atomic{wide}_fetch_or({place}, {src})"),
        Atomic::FetchAnd => return write!(f, "{src} = atomic{wide}_fetch_and({place}, {src})"),
        Atomic::FetchXor => return write!(f, "{src} = atomic{wide}_fetch_xor({place}, {src})"),
        Atomic::Xchg => return write!(f, "{src} = atomic{wide}_xchg({place}, {src})"),
    };
    write!(f, "lock *{place} {sign}= {src}")
}

fn alu_sign(alu: Alu, signed: bool) -> &'static str {
    match alu {
        Alu::Add => "+",
        Alu::Sub => "-",
        Alu::Mul => "*",
        Alu::Div if signed => "s/",
        Alu::Div => "/",
        Alu::Or => "|",
        Alu::And => "&",
        Alu::Lsh => "<<",
        Alu::Rsh => ">>",
        Alu::Mod if signed => "s%",
        Alu::Mod => "%",
        Alu::Xor => "^",
        Alu::Mov => "",
        Alu::Arsh => "s>>",
    }
}

pub(super) fn cond_sign(cond: Cond) -> &'static str {
    match cond {
        Cond::Eq => "==",
        Cond::Gt => ">",
        Cond::Ge => ">=",
        Cond::Set => "&",
        Cond::Ne => "!=",
        Cond::Sgt => "s>",
        Cond::Sge => "s>=",
        Cond::Lt => "<",
        Cond::Le => "<=",
        Cond::Slt => "s<",
        Cond::Sle => "s<=",
    }
}

fn order_word(order: Order) -> &'static str {
    match order {
        Order::Le => "le",
        Order::Be => "be",
        Order::Swap => "bswap",
    }
}
