//! A secret for eyes that should not see it.

/// Bytes that may be shown of a secret that is long enough.
const SHOWN_BYTES: usize = 4;
/// Share of a secret that may be shown: one in so many.
const SHARE: usize = 4;

/// The start of a secret, at most a quarter and four characters of it, and how many bytes follow.
pub fn redact(secret: &[u8]) -> String {
    redact_start(secret, secret.len())
}

/// The same for the first part of a secret of `whole_bytes` bytes; what is said of bytes is said of the part.
pub fn redact_start(secret: &[u8], whole_bytes: usize) -> String {
    let most = SHOWN_BYTES.min(whole_bytes / SHARE).min(secret.len());
    let shown = secret[..most].iter().take_while(|byte| byte.is_ascii_graphic()).count();
    let start: String = secret[..shown].iter().map(|byte| char::from(*byte)).collect();
    match (secret.len(), shown) {
        (0, _) => String::new(),
        (all, shown) if all == shown => start,
        (all, 0) => format!("[{all} bytes]"),
        (all, shown) => format!("{start}[{} bytes more]", all - shown),
    }
}

#[cfg(test)]
mod tests {
    use super::{redact, redact_start};

    #[test]
    fn a_part_shows_what_the_whole_would() {
        assert_eq!(redact_start(b"ghp_012", 20), "ghp_[3 bytes more]");
        assert_eq!(redact_start(b"gh", 20), "gh");
        assert_eq!(redact_start(b"abc", 3), redact(b"abc"));
    }

    #[test]
    fn never_more_than_a_quarter() {
        for (secret, shown) in [
            (&b""[..], ""),
            (b"abc", "[3 bytes]"),
            (b"abcdefgh", "ab[6 bytes more]"),
            (b"ghp_0123456789abcdef", "ghp_[16 bytes more]"),
            (b"\xff\xfe234567890123456", "[17 bytes]"),
            (b"-----BEGIN KEY-----\nabc", "----[19 bytes more]"),
        ] {
            assert_eq!(redact(secret), shown);
        }
    }
}
