//! Which function calls which, as far as the code itself says: by address, or by an entry of the table of addresses (`.got`) that the
//! dynamic linker fills with where the program lies.

use super::Function;
use crate::tls::image::Image;
use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, OpKind};
use object::ReadRef;
use std::collections::HashMap;

/// Longest function that is decoded, bytes.
const MAX_FUNCTION_BYTES: u64 = 64 << 10;
/// How many functions may lie between one and another.
const MOST_BETWEEN: u32 = 2;
/// `Elf64_Rela`: where, what kind (the lower half of the second word), what is put there; and the kind for an address of the program itself.
const RELOCATION_BYTES: usize = 24;
const RELATIVE: u64 = 8;

/// The functions of a program and the addresses that are put into it.
pub(super) struct Calls<'i, 'data, R: ReadRef<'data>> {
    image: &'i Image<'data, R>,
    functions: HashMap<u64, u64>,
    put: HashMap<u64, u64>,
}

impl<'i, 'data, R: ReadRef<'data>> Calls<'i, 'data, R> {
    /// `functions`: those that may lie between.
    pub(super) fn new(image: &'i Image<'data, R>, functions: &[Function]) -> Self {
        let table = image.section(".rela.dyn").map(|(_, bytes)| bytes).unwrap_or_default();
        let put = table.chunks_exact(RELOCATION_BYTES).filter_map(|relocation| {
            let word = |at: usize| Some(u64::from_le_bytes(*relocation.get(at..)?.first_chunk()?));
            (word(8)? as u32 as u64 == RELATIVE).then_some((word(0)?, word(16)?))
        });
        let functions = functions.iter().map(|function| (function.address, function.bytes));
        Self { image, functions: functions.collect(), put: put.collect() }
    }

    /// Whether there are functions in `from`, and each calls one of `to`, or goes on with it, itself or by few others.
    pub(super) fn all_reach(&self, from: &[Function], to: &[Function]) -> bool {
        !from.is_empty() && from.iter().all(|function| self.reaches(function, to, MOST_BETWEEN))
    }

    fn reaches(&self, from: &Function, to: &[Function], between: u32) -> bool {
        let targets = self.targets(from);
        if targets.iter().any(|target| to.iter().any(|function| function.address == *target)) {
            return true;
        }
        let next = |address: &u64| Some(Function { address: *address, bytes: *self.functions.get(address)? });
        between > 0 && targets.iter().filter_map(next).any(|next| self.reaches(&next, to, between - 1))
    }

    /// Addresses that a function calls or jumps to.
    fn targets(&self, function: &Function) -> Vec<u64> {
        let (address, bytes) = (function.address, function.bytes);
        let code = (bytes <= MAX_FUNCTION_BYTES).then(|| self.image.bytes(address, bytes)).flatten();
        let mut decoder = Decoder::with_ip(64, code.unwrap_or_default(), address, DecoderOptions::NONE);
        let (mut targets, mut instruction) = (Vec::new(), Instruction::default());
        while decoder.can_decode() {
            decoder.decode_out(&mut instruction);
            let target = match instruction.flow_control() {
                FlowControl::Call | FlowControl::UnconditionalBranch
                    if instruction.op0_kind() == OpKind::NearBranch64 =>
                {
                    Some(instruction.near_branch64())
                }
                // Called there, or loaded to be called.
                _ if instruction.is_ip_rel_memory_operand() => {
                    self.put_at(instruction.ip_rel_memory_address())
                }
                _ => None,
            };
            targets.extend(target);
        }
        targets.sort_unstable();
        targets.dedup();
        targets
    }

    /// The address that is at a place: put there, or in the file.
    fn put_at(&self, place: u64) -> Option<u64> {
        let in_file = || Some(u64::from_le_bytes(*self.image.bytes(place, 8)?.first_chunk()?));
        self.put.get(&place).copied().or_else(in_file)
    }
}
