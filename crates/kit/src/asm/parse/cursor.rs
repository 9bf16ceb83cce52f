//! What is left of a line, and how words are taken off it. White space between words does not count.

use crate::asm::{Insn, Reg, Size, Width};

/// What is wrong with a line.
pub(super) type Cause = String;

/// The rest of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Cursor<'a> {
        Cursor { rest: text.trim() }
    }

    /// What is left.
    pub(super) fn rest(&self) -> &'a str {
        self.rest
    }

    /// Takes this text if it comes next.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let next = self.rest.strip_prefix(text);
        self.rest = next.map_or(self.rest, str::trim_start);
        next.is_some()
    }

    /// Takes the first of these that comes next.
    pub(super) fn one_of<T: Copy>(&mut self, choices: &[(&str, T)]) -> Option<T> {
        choices.iter().find(|(text, _)| self.eat(text)).map(|(_, value)| *value)
    }

    /// This text must come next.
    pub(super) fn expect(&mut self, text: &str) -> Result<(), Cause> {
        if self.eat(text) { Ok(()) } else { Err(self.wrong(&format!("`{text}`"))) }
    }

    /// The word that comes next: letters, digits, `_` and `.`, the first no digit.
    pub(super) fn peek_word(&self) -> Option<&'a str> {
        let word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let end = self.rest.find(|c| !word(c)).unwrap_or(self.rest.len());
        let text = &self.rest[..end];
        text.starts_with(|c: char| !c.is_ascii_digit()).then_some(text)
    }

    /// Takes a word.
    pub(super) fn word(&mut self) -> Option<&'a str> {
        let word = self.peek_word()?;
        self.rest = self.rest[word.len()..].trim_start();
        Some(word)
    }

    /// Takes this word, whole.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        self.peek_word() == Some(word) && self.word().is_some()
    }

    /// `%r1`, `r1` or `w1`, if one comes next.
    pub(super) fn try_register(&mut self) -> Result<Option<(Reg, Width)>, Cause> {
        let mut ahead = *self;
        ahead.eat("%");
        let Some(word) = ahead.word() else { return Ok(None) };
        let (width, number) = match word.split_at_checked(1) {
            Some(("r", number)) => (Width::W64, number),
            Some(("w", number)) => (Width::W32, number),
            _ => return Ok(None),
        };
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(None);
        }
        let reg = number.parse().ok().and_then(Reg::new);
        *self = ahead;
        reg.map(|reg| Some((reg, width)))
            .ok_or_else(|| format!("there is no register `{word}`; the last is r10"))
    }

    /// A register under either name.
    pub(super) fn register(&mut self) -> Result<Reg, Cause> {
        Ok(self.sized_register()?.0)
    }

    /// A register, and the width that its name says.
    pub(super) fn sized_register(&mut self) -> Result<(Reg, Width), Cause> {
        self.try_register()?.ok_or_else(|| self.wrong("a register"))
    }

    /// A whole number, decimal or `0x`, with or without sign, if one comes next.
    pub(super) fn try_number(&mut self) -> Result<Option<i128>, Cause> {
        let mut ahead = *self;
        let sign = ahead.one_of(&[("+", 1), ("-", -1)]);
        let radix = if ahead.rest.starts_with("0x") || ahead.rest.starts_with("0X") { 16 } else { 10 };
        let text = if radix == 16 { &ahead.rest[2..] } else { ahead.rest };
        let end = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
        if end == 0 || !ahead.rest.starts_with(|c: char| c.is_ascii_digit()) {
            return Ok(None);
        }
        let (digits, rest) = text.split_at(end);
        // Sixteen hexadecimal digits are all that any field has.
        let value = u64::from_str_radix(digits, radix)
            .map_err(|_| format!("`{digits}` is no number of at most 64 bits"))?;
        self.rest = rest.trim_start();
        Ok(Some(sign.unwrap_or(1) * i128::from(value)))
    }

    /// A whole number between these, both included.
    pub(super) fn number(&mut self, min: i128, max: i128) -> Result<i128, Cause> {
        let value = self.try_number()?.ok_or_else(|| self.wrong("a number"))?;
        if value < min || value > max {
            return Err(format!("{value} is not between {min} and {max}"));
        }
        Ok(value)
    }

    /// 32 bits, written signed or unsigned.
    pub(super) fn imm32(&mut self) -> Result<i32, Cause> {
        let value = self.number(i32::MIN.into(), u32::MAX.into())?;
        Ok(value as u32 as i32)
    }

    /// 64 bits, written signed or unsigned.
    pub(super) fn imm64(&mut self) -> Result<u64, Cause> {
        let value = self.number(i64::MIN.into(), u64::MAX.into())?;
        Ok(value as u64)
    }

    /// 16 bits, signed.
    pub(super) fn offset(&mut self) -> Result<i16, Cause> {
        let value = self.number(i16::MIN.into(), i16::MAX.into())?;
        Ok(value as i16)
    }

    /// Nothing may be left.
    pub(super) fn end(&self) -> Result<(), Cause> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.wrong("the end of the line")) }
    }

    /// "expected X, found Y"
    pub(super) fn wrong(&self, expected: &str) -> Cause {
        if self.rest.is_empty() {
            return format!("expected {expected}, found the end of the line");
        }
        let shown: String = self.rest.chars().take(40).collect();
        format!("expected {expected}, found `{shown}`")
    }
}

/// `b`, `h`, `w` or `dw`.
pub(super) fn size_of_suffix(suffix: &str) -> Option<Size> {
    match suffix {
        "b" => Some(Size::B),
        "h" => Some(Size::H),
        "w" => Some(Size::W),
        "dw" => Some(Size::Dw),
        _ => None,
    }
}

/// `.raw 0x...`: eight bytes that are no instruction.
pub(super) fn raw(cursor: &mut Cursor<'_>) -> Result<Insn, Cause> {
    Ok(Insn::from_word(cursor.imm64()?))
}
