//! The interpreter: one loop, one `match`.
//!
//! The loop keeps registers, place and budget in locals; what is rare is in functions of [`Machine`].

use super::alu::{alu32, alu64, holds32, holds64};
use super::code::{Code, Op, operations};
use super::context::Context;
use super::error::{Fault, VmError};
use super::machine::{Machine, Regs};
use super::memory::{CONTEXT, PACKET, Space, base, function, map_address, map_handle};
use super::{Input, Vm};
use crate::asm::{Alu, Cond};

/// Runs the first program of the machine.
pub(super) fn run(vm: &mut Vm, input: Input<'_>) -> Result<u64, VmError> {
    let (r1, r2, packet, context): (u64, u64, &mut [u8], Context<'_>) = match input {
        Input::Memory(memory) => {
            let start = if memory.is_empty() { 0 } else { base(PACKET) };
            (start, memory.len() as u64, memory, Context::Memory)
        }
        Input::Xdp(packet) => (base(CONTEXT), vm.fill.registers, packet, Context::Xdp),
        Input::Skb(packet) => {
            let context = Context::skb(&vm.skb, packet.len(), vm.program_type);
            (base(CONTEXT), vm.fill.registers, packet, context)
        }
        Input::Context(bytes) => (base(CONTEXT), vm.fill.registers, &mut [], Context::Bytes(bytes)),
    };
    let mut regs: Regs = [vm.fill.registers; 16];
    (regs[1], regs[2]) = (r1, r2);
    let space = Space::new(&mut vm.memory, packet, context);
    let mut machine = Machine::new(&vm.codes, space, &mut vm.world, vm.budget, vm.fill);
    let result = machine.start(&mut regs).and_then(|()| machine.run(&mut regs));
    result.map_err(|fault| machine.error(fault))
}

/// Where an instruction finds its operands.
fn d(op: &Op) -> usize {
    usize::from(op.dst & 15)
}

fn s(op: &Op) -> usize {
    usize::from(op.src & 15)
}

fn k(op: &Op) -> u64 {
    i64::from(op.imm).cast_unsigned()
}

fn place(register: u64, op: &Op) -> u64 {
    register.wrapping_add_signed(op.off.into())
}

fn target(pc: usize, op: &Op) -> usize {
    pc.wrapping_add_signed(op.off as isize)
}

fn extended(value: u64, bits: u32) -> u64 {
    (value << (64 - bits)).cast_signed().wrapping_shr(64 - bits).cast_unsigned()
}

/// The `match` over all codes: the arms of the operations that come in four, and then the given ones.
macro_rules! interpret {
    (
        ($op:ident, $regs:ident, $pc:ident, { $($rest:tt)* })
        alu { $($ak64:ident $ar64:ident $ak32:ident $ar32:ident ($alu:ident, $signed:literal);)* }
        jump { $($jk64:ident $jr64:ident $jk32:ident $jr32:ident ($cond:ident);)* }
    ) => {
        match $op.code {
            $(
                Code::$ak64 => $regs[d(&$op)] = alu64(Alu::$alu, $signed, $regs[d(&$op)], k(&$op)),
                Code::$ar64 => $regs[d(&$op)] = alu64(Alu::$alu, $signed, $regs[d(&$op)], $regs[s(&$op)]),
                Code::$ak32 => {
                    $regs[d(&$op)] = alu32(Alu::$alu, $signed, $regs[d(&$op)] as u32, k(&$op) as u32).into();
                }
                Code::$ar32 => {
                    let (a, b) = ($regs[d(&$op)] as u32, $regs[s(&$op)] as u32);
                    $regs[d(&$op)] = alu32(Alu::$alu, $signed, a, b).into();
                }
            )*
            $(
                Code::$jk64 => if holds64(Cond::$cond, $regs[d(&$op)], k(&$op)) {
                    $pc = target($pc, &$op);
                }
                Code::$jr64 => if holds64(Cond::$cond, $regs[d(&$op)], $regs[s(&$op)]) {
                    $pc = target($pc, &$op);
                }
                Code::$jk32 => if holds32(Cond::$cond, $regs[d(&$op)] as u32, k(&$op) as u32) {
                    $pc = target($pc, &$op);
                }
                Code::$jr32 => if holds32(Cond::$cond, $regs[d(&$op)] as u32, $regs[s(&$op)] as u32) {
                    $pc = target($pc, &$op);
                }
            )*
            $($rest)*
        }
    };
}

impl Machine<'_> {
    /// Runs to the last `exit`.
    fn run(&mut self, regs: &mut Regs) -> Result<u64, Fault> {
        let (mut ops, mut pc) = self.place();
        let mut left = self.budget();
        // Every way out of the loop leaves behind where it was.
        macro_rules! attempt {
            ($result:expr, $at:expr) => {
                match $result {
                    Ok(value) => value,
                    Err(fault) => {
                        self.stop_at($at);
                        return Err(fault);
                    }
                }
            };
        }
        loop {
            let at = pc;
            let Some(&op) = ops.get(at) else { attempt!(Err(Fault::PastEnd), at) };
            if left == 0 {
                attempt!(Err(Fault::Budget), at);
            }
            left -= 1;
            pc += 1;
            operations! { interpret!(op, regs, pc, {
                Code::Sx8To64 => regs[d(&op)] = extended(regs[s(&op)], 8),
                Code::Sx16To64 => regs[d(&op)] = extended(regs[s(&op)], 16),
                Code::Sx32To64 => regs[d(&op)] = extended(regs[s(&op)], 32),
                Code::Sx8To32 => regs[d(&op)] = u64::from(extended(regs[s(&op)], 8) as u32),
                Code::Sx16To32 => regs[d(&op)] = u64::from(extended(regs[s(&op)], 16) as u32),
                Code::Neg64 => regs[d(&op)] = regs[d(&op)].wrapping_neg(),
                Code::Neg32 => regs[d(&op)] = u64::from((regs[d(&op)] as u32).wrapping_neg()),
                Code::Low16 => regs[d(&op)] &= 0xffff,
                Code::Low32 => regs[d(&op)] &= 0xffff_ffff,
                Code::Swap16 => regs[d(&op)] = u64::from((regs[d(&op)] as u16).swap_bytes()),
                Code::Swap32 => regs[d(&op)] = u64::from((regs[d(&op)] as u32).swap_bytes()),
                Code::Swap64 => regs[d(&op)] = regs[d(&op)].swap_bytes(),
                Code::Nop => {}
                Code::Load8 => regs[d(&op)] = attempt!(self.space.load::<1>(place(regs[s(&op)], &op)), at),
                Code::Load16 => regs[d(&op)] = attempt!(self.space.load::<2>(place(regs[s(&op)], &op)), at),
                Code::Load32 => regs[d(&op)] = attempt!(self.space.load::<4>(place(regs[s(&op)], &op)), at),
                Code::Load64 => regs[d(&op)] = attempt!(self.space.load::<8>(place(regs[s(&op)], &op)), at),
                Code::LoadS8 => {
                    regs[d(&op)] = extended(attempt!(self.space.load::<1>(place(regs[s(&op)], &op)), at), 8);
                }
                Code::LoadS16 => {
                    regs[d(&op)] = extended(attempt!(self.space.load::<2>(place(regs[s(&op)], &op)), at), 16);
                }
                Code::LoadS32 => {
                    regs[d(&op)] = extended(attempt!(self.space.load::<4>(place(regs[s(&op)], &op)), at), 32);
                }
                Code::Store8R => {
                    let value = (regs[s(&op)] as u8).to_ne_bytes();
                    attempt!(self.space.store(place(regs[d(&op)], &op), value), at);
                }
                Code::Store16R => {
                    let value = (regs[s(&op)] as u16).to_ne_bytes();
                    attempt!(self.space.store(place(regs[d(&op)], &op), value), at);
                }
                Code::Store32R => {
                    let value = (regs[s(&op)] as u32).to_ne_bytes();
                    attempt!(self.space.store(place(regs[d(&op)], &op), value), at);
                }
                Code::Store64R => {
                    let value = regs[s(&op)].to_ne_bytes();
                    attempt!(self.space.store(place(regs[d(&op)], &op), value), at);
                }
                Code::Store8K => {
                    attempt!(self.space.store(place(regs[d(&op)], &op), (op.imm as u8).to_ne_bytes()), at);
                }
                Code::Store16K => {
                    attempt!(self.space.store(place(regs[d(&op)], &op), (op.imm as u16).to_ne_bytes()), at);
                }
                Code::Store32K => {
                    attempt!(self.space.store(place(regs[d(&op)], &op), op.imm.to_ne_bytes()), at);
                }
                Code::Store64K => {
                    attempt!(self.space.store(place(regs[d(&op)], &op), k(&op).to_ne_bytes()), at);
                }
                Code::Atomic32 => attempt!(self.atomic::<4>(regs, &op, place(regs[d(&op)], &op)), at),
                Code::Atomic64 => attempt!(self.atomic::<8>(regs, &op, place(regs[d(&op)], &op)), at),
                Code::Imm64 => {
                    let (low, high) = (op.imm.cast_unsigned(), op.off.cast_unsigned());
                    regs[d(&op)] = u64::from(high) << 32 | u64::from(low);
                    pc += 1;
                }
                Code::Map => {
                    attempt!(self.has_map(&op), at);
                    regs[d(&op)] = map_handle(op.imm.cast_unsigned());
                    pc += 1;
                }
                Code::MapValue => {
                    attempt!(self.has_map(&op), at);
                    regs[d(&op)] = map_address(op.imm.cast_unsigned(), op.off.cast_unsigned().into());
                    pc += 1;
                }
                Code::Function => {
                    regs[d(&op)] = function(target(pc, &op) as u32);
                    pc += 1;
                }
                Code::PacketAbs | Code::PacketInd => {
                    match attempt!(self.load_packet(regs, &op), at) {
                        Some(value) => regs[0] = value,
                        // Beyond the packet, the function returns 0.
                        None => {
                            regs[0] = 0;
                            match attempt!(self.leave(regs), at) {
                                Some(next) => (ops, pc) = next,
                                None => return self.end(regs[0], left),
                            }
                        }
                    }
                }
                Code::Jump => pc = target(pc, &op),
                Code::MayGoto => if self.rounds_are_over() {
                    pc = target(pc, &op);
                }
                Code::CallHelper | Code::CallReg => {
                    let helper = if op.code == Code::CallHelper { op.imm.into() } else { regs[s(&op)].cast_signed() };
                    (ops, pc) = attempt!(self.call_helper(regs, helper, (ops, pc), left), at);
                }
                Code::CallLocal => {
                    attempt!(self.enter(regs, pc, None), at);
                    pc = target(pc, &op);
                }
                Code::CallKfunc => attempt!(self.call_kfunc(regs, op.imm), at),
                Code::Exit => match attempt!(self.leave(regs), at) {
                    Some(next) => (ops, pc) = next,
                    None => return self.end(regs[0], left),
                },
                Code::Invalid => attempt!(Err(Fault::Invalid), at),
                Code::WritesR10 => attempt!(Err(Fault::FramePointer), at),
                Code::MapByFd => attempt!(Err(Fault::Unsupported("a map by its descriptor")), at),
                Code::Variable => attempt!(Err(Fault::Unsupported("a variable of the kernel")), at),
                Code::CastSpace => attempt!(Err(Fault::Unsupported("an arena")), at),
                Code::PerCpu => attempt!(Err(Fault::Unsupported("an address of the kernel's own")), at),
            }) }
        }
    }
}
