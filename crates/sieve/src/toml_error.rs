//! What is wrong with a file of TOML, in one line.

/// The line that is to blame, counted from 1, where one is.
pub fn line(text: &str, error: &toml::de::Error) -> Option<usize> {
    error.span().map(|span| line_at(text, span.start))
}

/// Such as `line 3: unknown field`.
pub fn one_line(text: &str, error: &toml::de::Error) -> String {
    let cause = joined(error.message());
    match line(text, error) {
        Some(line) => format!("line {line}: {cause}"),
        None => cause,
    }
}

/// A cause of several lines, such as a drawing of an expression, as one.
pub fn joined(cause: &str) -> String {
    cause.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", ")
}

/// The line of a byte, counted from 1.
fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}
