//! How surprising a secret is.

/// Shannon entropy, bits a character. As gitleaks computes it: characters are counted, and divided by bytes; a byte that
/// is no part of a character counts as one.
pub fn entropy(secret: &[u8]) -> f64 {
    let mut counts = std::collections::BTreeMap::<char, u32>::new();
    for chunk in secret.utf8_chunks() {
        chunk.valid().chars().for_each(|c| *counts.entry(c).or_default() += 1);
        *counts.entry(char::REPLACEMENT_CHARACTER).or_default() += chunk.invalid().len() as u32;
    }
    let bytes = secret.len() as f64;
    let bits = |count: &u32| {
        let share = f64::from(*count) / bytes;
        -share * share.log2()
    };
    counts.values().filter(|count| **count > 0).map(bits).sum()
}

#[cfg(test)]
mod tests {
    use super::entropy;

    #[test]
    fn known_values() {
        for (text, bits) in
            [(&b""[..], 0.0), (b"aaaa", 0.0), (b"abab", 1.0), (b"abcd", 2.0), (b"0123456789abcdef", 4.0)]
        {
            assert!((entropy(text) - bits).abs() < 1e-12, "{}", text.escape_ascii());
        }
        // Two characters in four bytes: half of what two different bytes in two would give, twice.
        assert!((entropy("äö".as_bytes()) - 1.0).abs() < 1e-12);
        assert!((entropy(b"\xff\xffab") - 1.5).abs() < 1e-12);
    }
}
