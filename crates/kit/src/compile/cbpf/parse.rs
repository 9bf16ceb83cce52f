//! The two text forms that tcpdump writes: numbers (`-ddd`) and a C table (`-dd`).

use super::{Classic, Insn, op};

/// Text that is not a classic program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read classic BPF, line {line}: {cause}")]
pub struct ParseError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, and what is expected.
    pub cause: String,
}

impl ParseError {
    fn new(line: usize, cause: impl Into<String>) -> Self {
        Self { line, cause: cause.into() }
    }
}

/// Reads either form; the first character that is not blank tells which. What it reads is not yet checked.
pub(super) fn parse(text: &str) -> Result<Classic, ParseError> {
    let mut lines = text
        .lines()
        .map(str::trim)
        .enumerate()
        .map(|(at, line)| (at + 1, line))
        .filter(|(_, line)| !line.is_empty());
    let Some(&(_, first)) = lines.clone().peekable().peek() else {
        return Err(ParseError::new(
            1,
            "there is nothing; `tcpdump -ddd EXPRESSION` writes what is read here",
        ));
    };
    if first.starts_with('{') {
        return lines.map(|(at, line)| c_line(at, line)).collect::<Result<_, _>>().map(Classic::new);
    }
    let (at, count) = lines.next().unwrap_or((1, first));
    let count = number::<usize>(at, count, "the number of instructions")?;
    if count > op::MAXINSNS {
        return Err(ParseError::new(
            at,
            format!("{count} instructions; the kernel takes {} at most", op::MAXINSNS),
        ));
    }
    let insns = lines.map(|(at, line)| numbers_line(at, line)).collect::<Result<Vec<_>, _>>()?;
    if insns.len() != count {
        let cause = format!("{count} instructions are announced, {} follow", insns.len());
        return Err(ParseError::new(at, cause));
    }
    Ok(Classic::new(insns))
}

/// `code jt jf k`
fn numbers_line(at: usize, line: &str) -> Result<Insn, ParseError> {
    fields(at, line.split_ascii_whitespace(), "`code jt jf k`")
}

/// `{ 0x28, 0, 0, 0x0000000c },`
fn c_line(at: usize, line: &str) -> Result<Insn, ParseError> {
    let shape = "`{ code, jt, jf, k },`";
    let inner =
        line.trim_end_matches(',').trim_end().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let inner = inner.ok_or_else(|| ParseError::new(at, format!("{shape} is expected")))?;
    fields(at, inner.split(',').map(str::trim), shape)
}

fn fields<'a>(at: usize, fields: impl Iterator<Item = &'a str>, shape: &str) -> Result<Insn, ParseError> {
    let fields: Vec<_> = fields.collect();
    let &[code, jt, jf, k] = fields.as_slice() else {
        return Err(ParseError::new(at, format!("{shape} is expected, {} fields are there", fields.len())));
    };
    Ok(Insn {
        code: number(at, code, "the code")?,
        jt: number(at, jt, "jt")?,
        jf: number(at, jf, "jf")?,
        k: number(at, k, "k")?,
    })
}

/// A decimal or `0x` number that fits.
fn number<T: TryFrom<u64>>(at: usize, text: &str, what: &str) -> Result<T, ParseError> {
    let value = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) if hex.starts_with(|c: char| c.is_ascii_hexdigit()) => u64::from_str_radix(hex, 16),
        Some(_) => "".parse(),
        None if text.starts_with('+') => "".parse(),
        None => text.parse(),
    };
    let value = value.map_err(|_| ParseError::new(at, format!("{what} is `{text}`, not a number")))?;
    T::try_from(value).map_err(|_| ParseError::new(at, format!("{what} is {value}, which does not fit")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_forms_alike() {
        let numbers = parse("4\n40 0 0 12\n21 0 1 2048\n6 0 0 262144\n6 0 0 0\n").unwrap();
        let table = parse(
            "{ 0x28, 0, 0, 0x0000000c },\n{ 0x15, 0, 1, 0x00000800 },\n{ 0x6, 0, 0, 0x00040000 },\n{ 0x6, 0, 0, 0x00000000 },\n",
        )
        .unwrap();
        assert_eq!(numbers, table);
        assert_eq!(numbers.insns()[1], Insn::jump(0x15, 2048, 0, 1));
        assert_eq!(parse(&numbers.to_string()).unwrap(), numbers);
    }

    #[test]
    fn names_the_line_and_the_cause() {
        for (text, says) in [
            ("", "line 1: there is nothing"),
            ("x", "line 1: the number of instructions is `x`, not a number"),
            ("5000\n", "5000 instructions; the kernel takes 4096"),
            ("2\n6 0 0 0\n", "line 1: 2 instructions are announced, 1 follow"),
            ("1\n\n6 0 0\n", "line 3: `code jt jf k` is expected, 3 fields are there"),
            ("1\n6 0 256 0\n", "line 2: jf is 256, which does not fit"),
            ("1\n6 0 0 4294967296\n", "line 2: k is 4294967296, which does not fit"),
            ("1\n6 0 0 -1\n", "line 2: k is `-1`, not a number"),
            ("1\n6 0 0 0x\n", "line 2: k is `0x`, not a number"),
            ("1\n6 0 0 +1\n", "line 2: k is `+1`, not a number"),
            ("{ 6, 0, 0, 0 },\n{ 6, 0, 0", "line 2: `{ code, jt, jf, k },` is expected"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text:?} gave {error:?}, not {says:?}");
        }
    }
}
