//! Code without symbols: which instructions name an address, and where the functions around them lie.
//!
//! Nothing is decoded to find either. An address is named by `lea`, relative to the instruction, or by `mov` as it is. Functions begin
//! where the program's table for unwinding stacks says; without one, where another one calls, or behind the padding that
//! linkers put between functions, and aligned by compilers: of all places before an instruction the nearest such one. That is
//! an assumption: the caller decodes from there and sees whether it makes sense.

use memchr::{memchr_iter, memmem};
use std::collections::BTreeSet;
use std::ops::Range;

/// Alignment of functions, bytes.
const ALIGN: u64 = 16;
/// Longest function that is looked at, bytes.
const MAX_FUNCTION_BYTES: u64 = 16 * 1024;
/// `int3`, with which linkers fill gaps between functions.
const PADDING: u8 = 0xcc;
/// `call` with a relative target.
const CALL: u8 = 0xe8;
/// `lea`, behind its prefix; and what its operands begin with when they are relative to the instruction.
const LEA: u8 = 0x8d;
const RELATIVE: u8 = 0b0000_0101;
const RELATIVE_MASK: u8 = 0b1100_0111;
/// `mov` of a number into a register of 32 bits: one of eight.
const MOV: Range<u8> = 0xb8..0xc0;

/// Executable bytes and their address.
#[derive(Clone, Copy, Debug)]
pub(in crate::tls) struct Code<'data> {
    pub(in crate::tls) address: u64,
    pub(in crate::tls) bytes: &'data [u8],
    /// Where functions begin, in order, if that is known.
    pub(in crate::tls) starts: &'data [u64],
}

impl<'data> Code<'data> {
    /// Addresses of the operands of instructions that may load one of these addresses, with the address that they load.
    pub(super) fn references(&self, wanted: &[u64]) -> Vec<(u64, u64)> {
        let mut found = Vec::new();
        for at in memchr_iter(LEA, self.bytes) {
            let Some([modrm, operand @ ..]) =
                self.bytes.get(at + 1..).and_then(|rest| rest.first_chunk::<5>())
            else {
                continue;
            };
            let next = self.address + at as u64 + 6;
            let target = next.wrapping_add_signed(i64::from(i32::from_le_bytes(*operand)));
            if modrm & RELATIVE_MASK == RELATIVE && wanted.contains(&target) {
                found.push((next - 4, target));
            }
        }
        for &target in wanted {
            let Ok(number) = u32::try_from(target) else { continue };
            for at in memmem::find_iter(self.bytes, &number.to_le_bytes()) {
                if at > 0 && MOV.contains(&self.bytes[at - 1]) {
                    found.push((self.address + at as u64, target));
                }
            }
        }
        found.sort_unstable();
        found
    }

    /// The functions that have these addresses, as far as their ends are seen; in order, each once.
    pub(super) fn functions(&self, within: &[u64]) -> Vec<Range<u64>> {
        let mut found: Vec<Range<u64>> = match self.starts {
            [] => {
                let called = self.called_near(within);
                within.iter().filter_map(|at| self.assumed(*at, &called)).collect()
            }
            _ => within.iter().filter_map(|at| self.known(*at)).collect(),
        };
        found.sort_unstable_by_key(|function| function.start);
        found.dedup();
        found
    }

    /// The function around an address, by the table.
    fn known(&self, at: u64) -> Option<Range<u64>> {
        let next = self.starts.partition_point(|start| *start <= at);
        let start = *self.starts.get(next.checked_sub(1)?)?;
        let most = (start + MAX_FUNCTION_BYTES).min(self.end());
        (at < most).then(|| start..self.starts.get(next).map_or(most, |next| *next.min(&most)))
    }

    /// The function around an address, by calls and padding.
    fn assumed(&self, at: u64, called: &BTreeSet<u64>) -> Option<Range<u64>> {
        let is_start = |start: &u64| called.contains(start) || self.is_behind_padding(*start);
        let first = at.saturating_sub(MAX_FUNCTION_BYTES).max(self.address).div_ceil(ALIGN);
        let start = (first..=at / ALIGN).rev().map(|number| number * ALIGN).find(is_start)?;
        let most = (start + MAX_FUNCTION_BYTES).min(self.end());
        let next = (at / ALIGN + 1..most / ALIGN).map(|number| number * ALIGN).find(is_start);
        Some(start..next.unwrap_or(most))
    }

    /// Where calls of these functions are.
    pub(super) fn calls_of(&self, functions: &[u64]) -> Vec<(u64, u64)> {
        self.calls().filter(|(_, target)| functions.contains(target)).collect()
    }

    /// The bytes from an address on.
    pub(super) fn slice(&self, range: &Range<u64>) -> Option<&'data [u8]> {
        let at = |address: u64| usize::try_from(address.checked_sub(self.address)?).ok();
        self.bytes.get(at(range.start)?..at(range.end)?)
    }

    fn end(&self) -> u64 {
        self.address + self.bytes.len() as u64
    }

    /// What looks like a call: its address, and its target.
    fn calls(&self) -> impl Iterator<Item = (u64, u64)> {
        memchr_iter(CALL, self.bytes).filter_map(|at| {
            let operand = self.bytes.get(at + 1..)?.first_chunk()?;
            let at = self.address + at as u64;
            Some((at, (at + 5).wrapping_add_signed(i64::from(i32::from_le_bytes(*operand)))))
        })
    }

    /// Targets of calls around these addresses.
    fn called_near(&self, within: &[u64]) -> BTreeSet<u64> {
        let mut spans: Vec<Range<u64>> = Vec::new();
        for &at in within {
            let span = at.saturating_sub(MAX_FUNCTION_BYTES)..at + MAX_FUNCTION_BYTES;
            match spans.last_mut() {
                Some(last) if last.end >= span.start => last.end = span.end,
                _ => spans.push(span),
            }
        }
        let is_near = |target: &u64| {
            let after = spans.partition_point(|span| span.start <= *target);
            after > 0 && spans[after - 1].contains(target)
        };
        self.calls()
            .map(|(_, target)| target)
            .filter(|target| target % ALIGN == 0 && is_near(target))
            .collect()
    }

    /// Whether there is something before an address that is never run.
    fn is_behind_padding(&self, address: u64) -> bool {
        let Some(before) = address.checked_sub(self.address).and_then(|at| self.bytes.get(..at as usize))
        else {
            return false;
        };
        before.last().is_none_or(|last| *last == PADDING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At 0x1000: a function that ends; padding; at 0x1010 one that loads 0x2000 in both ways and is called at 0x1030.
    fn code() -> Vec<u8> {
        let mut bytes = vec![0xc3; 1];
        bytes.resize(0x10, PADDING);
        bytes.extend([0x48, 0x8d, 0x0d, 0xe9, 0x0f, 0, 0]); // lea rcx, [rip + 0xfe9]
        bytes.extend([0xb9, 0x00, 0x20, 0x00, 0x00, 0xc3]); // mov ecx, 0x2000; ret
        bytes.resize(0x30, 0x90);
        bytes.extend([0xe8, 0xdb, 0xff, 0xff, 0xff, 0xc3]); // call 0x1010; ret
        bytes
    }

    #[test]
    fn what_names_an_address_and_the_function_around_it() {
        let bytes = code();
        let code = Code { address: 0x1000, bytes: &bytes, starts: &[] };
        assert_eq!(code.references(&[0x2000]), [(0x1013, 0x2000), (0x1018, 0x2000)]);
        assert_eq!(code.references(&[0x2001]), []);
        assert_eq!(code.calls_of(&[0x1010]), [(0x1030, 0x1010)]);
        let functions = code.functions(&[0x1013, 0x1018]);
        assert_eq!(functions[0].start, 0x1010);
        assert_eq!(functions.len(), 1, "{functions:x?}");
        let known = Code { starts: &[0x1000, 0x1018, 0x1030], ..code };
        assert_eq!(known.functions(&[0x1013, 0x1018]), [0x1000..0x1018, 0x1018..0x1030]);
        assert_eq!(known.functions(&[0xfff, 0x1035]).first(), Some(&(0x1030..0x1036)));
    }

    #[test]
    fn cuts_give_less_and_never_a_panic() {
        let bytes = code();
        for len in 0..bytes.len() {
            let code = Code { address: 0x1000, bytes: &bytes[..len], starts: &[] };
            code.references(&[0x2000, u64::MAX]);
            code.functions(&[0x1000, 0x1013, 0x2000]);
        }
    }
}
