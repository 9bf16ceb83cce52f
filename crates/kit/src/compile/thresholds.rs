//! The text form of thresholds: `a>=3,b>=1;window=64`.

use super::content::Content;

/// A text that is not thresholds, in one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parse thresholds {text:?}: {cause}")]
pub struct ThresholdsError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub cause: String,
}

/// Reads counts of bytes and the window they must be met in.
///
/// A byte is a character, or `\xHH`, or `\n`, `\r`, `\t`, `\\`; so that `,`, `;` and white space can be meant, they
/// may be written `\x2c`, `\x3b`, `\x20`.
///
/// # Errors
/// What does not have this form, names a byte beyond ASCII otherwise than by `\xHH`, or has no window.
///
/// ```
/// use kernscope_kit::compile::{Content, parse_thresholds};
/// let Content::Thresholds { counts, window } = parse_thresholds("a>=3, \\x00>=1; window=64")? else { panic!() };
/// assert_eq!((counts, window), (vec![(b'a', 3), (0, 1)], 64));
/// # Ok::<(), kernscope_kit::compile::ThresholdsError>(())
/// ```
pub fn parse(text: &str) -> Result<Content, ThresholdsError> {
    let fail = |cause: String| ThresholdsError { text: text.to_owned(), cause };
    let (counts, window) =
        text.split_once(';').ok_or_else(|| fail("no window; end with ;window=BYTES".to_owned()))?;
    let window =
        window.trim().strip_prefix("window").map(str::trim_start).and_then(|rest| rest.strip_prefix('='));
    let window = window.and_then(|bytes| bytes.trim().parse::<u32>().ok()).filter(|&bytes| bytes > 0);
    let window = window.ok_or_else(|| fail("after ; comes window=BYTES, 1 or more".to_owned()))?;
    let counts = counts.split(',').map(|part| count(part.trim()).map_err(&fail)).collect::<Result<_, _>>()?;
    Ok(Content::Thresholds { counts, window })
}

/// One `byte>=count`.
fn count(part: &str) -> Result<(u8, u32), String> {
    let wrong = || format!("{part:?} is not BYTE>=COUNT");
    // The byte itself may be > or =.
    let at = part.char_indices().skip(1).find(|&(at, _)| part[at..].trim_start().starts_with(">="));
    let (byte, count) = part.split_at(at.ok_or_else(wrong)?.0);
    let count = count.trim_start().trim_start_matches(">=").trim().parse().map_err(|_| wrong())?;
    Ok((self::byte(byte.trim())?, count))
}

fn byte(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() => Ok(*byte),
        [b'\\', b'n'] => Ok(b'\n'),
        [b'\\', b'r'] => Ok(b'\r'),
        [b'\\', b't'] => Ok(b'\t'),
        [b'\\', b'\\'] => Ok(b'\\'),
        [b'\\', b'x', _, _] if text.is_ascii() => {
            u8::from_str_radix(&text[2..], 16).map_err(|_| format!("{text:?} is not \\xHH"))
        }
        _ => Err(format!("{text:?} is not one byte; beyond ASCII, write \\xHH")),
    }
}
