//! Places where a function of OpenSSL or BoringSSL puts an error, with what it says: they are what names the function.
//!
//! Both have one function for that, and pass it numbers and texts that the compiler puts straight into registers. So the code is
//! decoded from the function's beginning, and whenever it calls, or jumps to a call that several places share, what the
//! registers hold by then is looked at.

use super::code::Code;
use iced_x86::{Code as Opcode, Decoder, DecoderOptions, FlowControl, Instruction, OpKind, Register};
use iced_x86::{InstructionInfoFactory, OpAccess};
use std::ops::Range;

/// Registers of arguments, in order.
const ARGUMENTS: [Register; 5] = [Register::RDI, Register::RSI, Register::RDX, Register::RCX, Register::R8];

/// What registers of arguments hold where a function calls, as far as they are constants.
pub(in crate::tls) type Arguments = [Option<u64>; ARGUMENTS.len()];

/// A call, as it is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tls) struct Site {
    pub(in crate::tls) arguments: Arguments,
    /// What is called; `None` for a jump or a pointer.
    pub(in crate::tls) target: Option<u64>,
    /// The fifth argument is the address of something.
    pub(in crate::tls) has_fifth_address: bool,
}

/// What a function does.
#[derive(Clone, Debug, Default)]
pub(in crate::tls) struct Shape {
    pub(in crate::tls) sites: Vec<Site>,
    /// It writes to memory that is not its own stack.
    pub(in crate::tls) stores: bool,
}

/// Looks at a function; `None` when it does not decode.
pub(in crate::tls) fn shape(code: &Code<'_>, function: &Range<u64>) -> Option<Shape> {
    let mut decoder = Decoder::with_ip(64, code.slice(function)?, function.start, DecoderOptions::NONE);
    let mut factory = InstructionInfoFactory::new();
    let mut instruction = Instruction::default();
    let (mut shape, mut held, mut is_address) = (Shape::default(), Arguments::default(), false);
    while decoder.can_decode() {
        decoder.decode_out(&mut instruction);
        match instruction.flow_control() {
            // Padding, or the middle of something else.
            FlowControl::Exception | FlowControl::Interrupt => {
                held = Arguments::default();
                continue;
            }
            FlowControl::Call | FlowControl::IndirectCall | FlowControl::UnconditionalBranch => {
                let is_direct = instruction.flow_control() == FlowControl::Call;
                let target = is_direct.then(|| instruction.near_branch64());
                shape.sites.push(Site { arguments: held, target, has_fifth_address: is_address });
                (held, is_address) = (Arguments::default(), false);
                continue;
            }
            _ => {}
        }
        let info = factory.info(&instruction);
        shape.stores |= info.used_memory().iter().any(|memory| {
            let is_own = matches!(memory.base(), Register::RSP | Register::RBP);
            !is_own && matches!(memory.access(), OpAccess::Write | OpAccess::ReadWrite)
        });
        for used in info.used_registers().iter().filter(|used| writes(used.access())) {
            let Some(index) = ARGUMENTS.iter().position(|one| *one == used.register().full_register()) else {
                continue;
            };
            held[index] = constant(&instruction);
            if index + 1 == ARGUMENTS.len() {
                is_address = instruction.code() == Opcode::Lea_r64_m;
            }
        }
    }
    Some(shape)
}

fn writes(access: OpAccess) -> bool {
    matches!(access, OpAccess::Write | OpAccess::ReadWrite | OpAccess::CondWrite)
}

/// The constant that an instruction puts into its register.
fn constant(instruction: &Instruction) -> Option<u64> {
    match instruction.code() {
        Opcode::Mov_r32_imm32 | Opcode::Mov_rm32_imm32 | Opcode::Mov_rm64_imm32 | Opcode::Mov_r64_imm64 => {
            Some(instruction.immediate(1))
        }
        Opcode::Lea_r64_m if instruction.is_ip_rel_memory_operand() => {
            Some(instruction.ip_rel_memory_address())
        }
        Opcode::Xor_r32_rm32 | Opcode::Xor_rm32_r32
            if instruction.op1_kind() == OpKind::Register
                && instruction.op0_register() == instruction.op1_register() =>
        {
            Some(0)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_held_until_a_call_and_no_longer() {
        let bytes = [
            &[0xbf, 0x10, 0, 0, 0][..],      // mov edi, 16
            &[0x31, 0xf6],                   // xor esi, esi
            &[0xba, 0x42, 0, 0, 0],          // mov edx, 66
            &[0x48, 0x8d, 0x0d, 0, 1, 0, 0], // lea rcx, [rip + 0x100]
            &[0x49, 0x89, 0xc0],             // mov r8, rax
            &[0xe8, 0, 0, 0, 0],             // call the next
            &[0x4c, 0x8d, 0x44, 0x24, 8],    // lea r8, [rsp + 8]
            &[0x48, 0x89, 0x44, 0x24, 8],    // mov [rsp + 8], rax
            &[0xeb, 0xfe],                   // jmp
        ]
        .concat();
        let code = Code { address: 0x1000, bytes: &bytes, starts: &[] };
        let shape = shape(&code, &(0x1000..0x1000 + bytes.len() as u64)).expect("code");
        assert_eq!(shape.sites.len(), 2);
        assert_eq!(shape.sites[0].arguments, [Some(16), Some(0), Some(66), Some(0x1113), None]);
        assert_eq!(shape.sites[0].target, Some(0x101b));
        assert_eq!((shape.sites[1].arguments, shape.sites[1].has_fifth_address), ([None; 5], true));
        assert!(!shape.stores, "on the stack only");
    }
}
