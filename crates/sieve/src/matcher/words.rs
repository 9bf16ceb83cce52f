//! Keywords in data.

/// Whether one of these lower-case words is in the data, in any case of ASCII letters.
pub(super) fn contains_any(data: &[u8], words: &[Vec<u8>]) -> bool {
    words.iter().any(|word| contains(data, word))
}

fn contains(data: &[u8], word: &[u8]) -> bool {
    let Some((&first, rest)) = word.split_first() else { return true };
    let fits =
        |at: usize| data.get(at + 1..at + word.len()).is_some_and(|behind| behind.eq_ignore_ascii_case(rest));
    memchr::memchr2_iter(first, first.to_ascii_uppercase(), data).any(fits)
}
