//! Atomic operations, and the legacy loads from the packet.

use super::code::{Code, Op};
use super::context::{Context, number};
use super::error::Fault;
use super::machine::{Machine, Regs};
use super::memory::{CONTEXT, base};
use crate::asm::{Atomic, Reg};
use crate::program::ProgramType;

/// Where packet offsets below zero count from, and the length of the Ethernet header between them.
const SKF_NET_OFF: i64 = -0x10_0000;
const SKF_LL_OFF: i64 = -0x20_0000;
const ETH_HLEN: i64 = 14;

impl Machine<'_> {
    /// An atomic operation on `N` bytes.
    pub(super) fn atomic<const N: usize>(
        &mut self,
        regs: &mut Regs,
        op: &Op,
        address: u64,
    ) -> Result<(), Fault> {
        let src = usize::from(op.src & 15);
        let bytes = self.space.write(address, N)?;
        let old = number(bytes);
        let low = |value: u64| if N == 4 { u64::from(value as u32) } else { value };
        let Some(atomic) = Atomic::ALL.into_iter().find(|atomic| *atomic as i32 == op.imm) else {
            return Err(Fault::Invalid);
        };
        let value = low(regs[src]);
        let new = match atomic {
            Atomic::Add | Atomic::FetchAdd => old.wrapping_add(value),
            Atomic::Or | Atomic::FetchOr => old | value,
            Atomic::And | Atomic::FetchAnd => old & value,
            Atomic::Xor | Atomic::FetchXor => old ^ value,
            Atomic::Xchg => value,
            Atomic::Cmpxchg if old == low(regs[0]) => value,
            Atomic::Cmpxchg => old,
        };
        match bytes.len() {
            4 => bytes.copy_from_slice(&(new as u32).to_ne_bytes()),
            _ => bytes.copy_from_slice(&new.to_ne_bytes()),
        }
        if let Some(register) = Reg::new(op.src).and_then(|src| atomic.fetches_into(src)) {
            regs[register as usize] = old;
        }
        Ok(())
    }

    /// A legacy load from the packet, in network order; `None` when it is not there.
    pub(super) fn load_packet(&mut self, regs: &mut Regs, op: &Op) -> Result<Option<u64>, Fault> {
        let Context::Skb(_, kind) = self.space.context else {
            return Err(Fault::Unsupported("a load from the packet, without one,"));
        };
        if regs[6] != base(CONTEXT) {
            return Err(Fault::Argument(regs[6], "context; r6 must hold it"));
        }
        let index = if op.code == Code::PacketInd { regs[usize::from(op.src & 15)] as u32 } else { 0 };
        let offset = i64::from(index.wrapping_add_signed(op.imm).cast_signed());
        let network = if kind == ProgramType::SchedCls { ETH_HLEN } else { 0 };
        let start = match offset {
            0.. => offset,
            SKF_NET_OFF.. => offset - SKF_NET_OFF + network,
            SKF_LL_OFF.. if network == 0 => {
                return Err(Fault::Unsupported("a load before the bytes that the socket sees"));
            }
            SKF_LL_OFF.. => offset - SKF_LL_OFF,
            _ => return Ok(None),
        };
        self.clobber(regs);
        let (start, len) = (start as usize, op.off as usize);
        let bytes = self.space.packet.get(start..start + len);
        Ok(bytes.map(|bytes| bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte))))
    }
}
