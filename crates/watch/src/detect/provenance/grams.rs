//! Texts made comparable: letters, digits and `/._-` of them, hashed eight at a time.
//!
//! What JSON adds goes: quotes, backslashes, `\n`, `\u0022`. So does white space, since shells and models set it as they like.

/// Characters that are hashed together.
const LEN: usize = 8;
/// Bytes of one text that are looked at.
const MAX_BYTES: usize = 64 * 1024;

/// Hashes of a text, in order and each once.
#[derive(Debug, Default)]
pub(super) struct Grams(Vec<u32>);

impl Grams {
    /// Those of a text by itself.
    pub(super) fn of(text: &str) -> Self {
        Self::of_plain(&plain(text))
    }

    /// Those of a text of which only what is compared is left.
    pub(super) fn of_plain(plain: &[u8]) -> Self {
        let mut all: Vec<u32> = hashes(plain).collect();
        all.sort_unstable();
        all.dedup();
        Self(all)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn has(&self, gram: u32) -> bool {
        self.0.binary_search(&gram).is_ok()
    }

    /// Whether any is in what is left of a text.
    pub(super) fn is_any_in(&self, plain: &[u8]) -> bool {
        let mut some = [0_u64; 64];
        let bit = |gram: u32| ((gram >> 26) as usize, 1 << (gram >> 20 & 63));
        self.iter().map(bit).for_each(|(word, bit)| some[word] |= bit);
        hashes(plain).any(|gram| {
            let (word, bit) = bit(gram);
            some[word] & bit != 0 && self.has(gram)
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter().copied()
    }
}

/// What is compared of a text that follows upon `tail`, with that before it; `tail` becomes the end of both.
pub(super) fn plain_after(tail: &mut Vec<u8>, text: &str) -> Vec<u8> {
    let mut whole = std::mem::take(tail);
    whole.extend(plain(text));
    tail.extend_from_slice(&whole[whole.len().saturating_sub(LEN - 1)..]);
    whole
}

/// Fibonacci hashing (Knuth, The Art of Computer Programming 3, 6.4) of eight characters.
fn hash(eight: &[u8; LEN]) -> u32 {
    (u64::from_le_bytes(*eight).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}

/// All of what is left of a text, in order.
fn hashes(plain: &[u8]) -> impl Iterator<Item = u32> {
    plain.windows(LEN).filter_map(|eight| eight.first_chunk()).map(hash)
}

/// What is left of a text.
fn plain(text: &str) -> Vec<u8> {
    let bytes = &text.as_bytes()[..text.len().min(MAX_BYTES)];
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        if byte == b'\\' {
            while bytes.get(at) == Some(&b'\\') {
                at += 1;
            }
            at += match bytes.get(at) {
                Some(b'n' | b't' | b'r') => 1,
                Some(b'u')
                    if bytes
                        .get(at + 1..at + 5)
                        .is_some_and(|four| four.iter().all(u8::is_ascii_hexdigit)) =>
                {
                    5
                }
                _ => 0,
            };
        } else if byte.is_ascii_alphanumeric() || b"/._-".contains(&byte) {
            out.push(byte);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_in(command: &str, text: &str) -> bool {
        let (command, text) = (Grams::of(command), Grams::of(text));
        command.len() > 0 && command.iter().all(|gram| text.has(gram))
    }

    #[test]
    fn json_makes_no_difference() {
        let command = "grep -rn \"a b\" /srv/docs | head -3\necho 'done'";
        assert!(is_in(command, &serde_json::json!({ "command": command }).to_string()));
        let twice =
            serde_json::json!({ "arguments": serde_json::json!({ "c": command }).to_string() }).to_string();
        assert!(is_in(command, &twice));
        assert!(is_in(command, "x: grep -rn \\u0022a b\\u0022 /srv/docs | head -3\\necho 'done' y"));
        assert!(!is_in(command, "grep -rn \"a c\" /srv/docs | head -3"));
    }

    #[test]
    fn pieces_are_joined() {
        let command = Grams::of("cat /srv/notes/today.txt");
        let mut tail = Vec::new();
        let mut part = |text| Grams::of_plain(&plain_after(&mut tail, text));
        let parts = [part("run cat /srv/no"), part("tes/today.txt now")];
        assert!(command.iter().all(|gram| parts.iter().any(|part| part.has(gram))));
    }
}
