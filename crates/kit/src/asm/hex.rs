//! Bytes and instructions as hexadecimal text, the way conformance tools pass them around.

use super::insn::Insn;
use std::fmt::Write;

/// Text that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HexError {
    /// A character that is neither a digit nor white space.
    #[error("read hexadecimal: {0:?} is no hexadecimal digit")]
    Digit(char),
    /// Half a byte.
    #[error("read hexadecimal: {0} digits are no whole bytes")]
    Half(usize),
    /// A part of an instruction.
    #[error("read bytecode: {0} bytes are no whole instructions of 8 bytes")]
    Part(usize),
}

/// Bytes from pairs of digits; white space anywhere is skipped.
///
/// # Errors
/// A character that is no digit, or an odd number of digits.
pub fn from_hex(text: &str) -> Result<Vec<u8>, HexError> {
    let digits = text.chars().filter(|c| !c.is_whitespace());
    let values: Vec<u8> = digits
        .map(|c| c.to_digit(16).map(|value| value as u8).ok_or(HexError::Digit(c)))
        .collect::<Result<_, _>>()?;
    if !values.len().is_multiple_of(2) {
        return Err(HexError::Half(values.len()));
    }
    Ok(values.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// Two digits a byte.
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Insn {
    /// Instructions from their bytes, eight each, in the order of memory.
    ///
    /// # Errors
    /// A number of bytes that is no multiple of eight.
    pub fn all_from_bytes(bytes: &[u8]) -> Result<Vec<Insn>, HexError> {
        let (insns, rest) = bytes.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(HexError::Part(bytes.len()));
        }
        Ok(insns.iter().map(|insn| Insn::from_bytes(*insn)).collect())
    }

    /// The bytes of instructions, eight each, in the order of memory.
    pub fn all_to_bytes(insns: &[Insn]) -> Vec<u8> {
        insns.iter().flat_map(|insn| insn.to_bytes()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes() {
        assert_eq!(from_hex(" b7 00\n0000 "), Ok(vec![0xb7, 0, 0, 0]));
        assert_eq!(from_hex(""), Ok(vec![]));
        assert_eq!(from_hex("b"), Err(HexError::Half(1)));
        assert_eq!(from_hex("0x"), Err(HexError::Digit('x')));
        assert_eq!(to_hex(&[0xb7, 0, 0xff]), "b700ff");
    }

    #[test]
    fn bytes_and_instructions() {
        let insns = [Insn::call(-2), Insn::EXIT];
        assert_eq!(Insn::all_from_bytes(&Insn::all_to_bytes(&insns)), Ok(insns.to_vec()));
        assert_eq!(Insn::all_from_bytes(&[0; 9]), Err(HexError::Part(9)));
    }
}
