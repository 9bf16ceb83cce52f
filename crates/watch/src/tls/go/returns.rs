//! Where a function of Go returns.
//!
//! Go's compiler puts nothing but instructions between a function's beginning and its end, so they are decoded one behind the
//! other. A function that does anything else than return to leave has no answer: a part of its calls would go by unseen.

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, OpKind};

/// Offsets in the code of all return instructions; `None` when it does not decode, has none, or leaves by a jump.
pub(super) fn returns(code: &[u8]) -> Option<Vec<u64>> {
    let mut decoder = Decoder::with_ip(64, code, 0, DecoderOptions::NONE);
    let mut found = Vec::new();
    let mut instruction = Instruction::default();
    while decoder.can_decode() {
        decoder.decode_out(&mut instruction);
        if instruction.is_invalid() {
            return None;
        }
        match instruction.flow_control() {
            FlowControl::Return => found.push(instruction.ip()),
            FlowControl::UnconditionalBranch | FlowControl::ConditionalBranch
                if !stays(&instruction, code) =>
            {
                return None;
            }
            FlowControl::IndirectBranch => return None,
            _ => {}
        }
    }
    (!found.is_empty()).then_some(found)
}

/// Whether a jump goes to the function's own code.
fn stays(jump: &Instruction, code: &[u8]) -> bool {
    jump.op0_kind() == OpKind::NearBranch64 && jump.near_branch64() < code.len() as u64
}

#[cfg(test)]
mod tests {
    use super::returns;

    #[test]
    fn every_return_is_found_and_bytes_within_instructions_are_none() {
        // mov eax, 0xc3c3c3c3; test eax, eax; je +1; ret; ret; int3
        let code = [0xb8, 0xc3, 0xc3, 0xc3, 0xc3, 0x85, 0xc0, 0x74, 0x01, 0xc3, 0xc3, 0xcc];
        assert_eq!(returns(&code), Some(vec![9, 10]));
    }

    #[test]
    fn what_leaves_by_a_jump_or_is_no_code_has_no_answer() {
        assert_eq!(returns(&[0xc3, 0xeb, 0x40]), None, "jmp behind the end");
        assert_eq!(returns(&[0xc3, 0xff, 0xe0]), None, "jmp rax");
        assert_eq!(returns(&[0xc3, 0x06]), None, "no instruction of 64-bit code");
        assert_eq!(returns(&[0xb8, 0xc3, 0xc3, 0xc3]), None, "cut");
        assert_eq!(returns(&[0x90]), None, "no return");
        assert_eq!(returns(&[]), None);
    }
}
