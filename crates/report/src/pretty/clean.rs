//! Text from strangers, made safe to show on a terminal.
//!
//! Control characters (ESC among them), the C1 set, and characters that reorder or hide text stand as Rust
//! would write them (`\n`, `\u{1b}`), so that a file name can neither move the cursor nor pose as another.

use std::borrow::Cow;

/// `text` with nothing in it that steers a terminal; line breaks included.
///
/// ```
/// use kernscope_report::pretty::clean;
/// assert_eq!(clean::text("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
/// ```
pub fn text(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| (b' '..0x7f).contains(&b)) || !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unsafe(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// An argument vector as a shell would take it, cleaned.
pub fn command(argv: &[String]) -> String {
    let mut out = String::new();
    for (n, arg) in argv.iter().enumerate() {
        if n > 0 {
            out.push(' ');
        }
        let plain = |c: char| c.is_alphanumeric() || "_@%+=:,./-^".contains(c);
        if !arg.is_empty() && arg.chars().all(plain) {
            out.push_str(&text(arg));
        } else {
            out.push('\'');
            out.push_str(&text(arg).replace('\'', "'\\''"));
            out.push('\'');
        }
    }
    out
}

/// At most `max` characters, the end left out.
pub fn cut_end(text: &str, max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(max) {
        None => Cow::Borrowed(text),
        Some((at, _)) => Cow::Owned(format!("{}…", &text[..at])),
    }
}

/// At most `max` characters, the middle left out: both ends of a path say something.
pub fn cut_middle(text: &str, max: usize) -> Cow<'_, str> {
    let count = text.chars().count();
    if count <= max {
        return Cow::Borrowed(text);
    }
    let head: String = text.chars().take(max / 3).collect();
    let tail: String = text.chars().skip(count - (max - max / 3)).collect();
    Cow::Owned(format!("{head}…{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_gets_through() {
        for hostile in ["\u{1b}]0;title\u{7}", "\u{9b}31m", "a\rb", "\u{202e}gpj.exe", "\u{7f}", "a\u{200b}b"]
        {
            let shown = text(hostile);
            assert!(!shown.chars().any(is_unsafe), "{shown:?}");
            assert_ne!(shown, hostile);
        }
        assert!(matches!(text("/tmp/grün 日本"), Cow::Borrowed(_)));
    }

    #[test]
    fn commands_are_quoted_where_a_shell_needs_it() {
        let argv = ["sh", "-c", "echo 'a b'", "", "x\ny"].map(str::to_owned);
        assert_eq!(command(&argv), "sh -c 'echo '\\''a b'\\''' '' 'x\\ny'");
    }

    #[test]
    fn cuts_keep_whole_characters() {
        assert_eq!(cut_end("äöü", 2), "äö…");
        assert_eq!(cut_end("äöü", 3), "äöü");
        assert_eq!(cut_middle("äbcdefghü", 6), "äb…fghü");
    }
}
