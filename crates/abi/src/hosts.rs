//! The list of hosts that a policy is judged by in the kernel, as words of an array.
//!
//! Word 0 says what holds ([`ON`] and the others, with the number of rules); two halves of [`MAX_RULES`] rules follow. A rule is
//! [`RULE_WORDS`] words: the address, its high half first (IPv4 as `::ffff:a.b.c.d`), and [`rule`]'s word. What the lists mean together is
//! what they mean for paths ([`crate::paths::denied`], class 0).

/// Rules of one half.
pub const MAX_RULES: u32 = 512;
/// Words of a rule.
pub const RULE_WORDS: u32 = 3;
/// Words of the array.
pub const WORDS: u32 = 1 + 2 * MAX_RULES * RULE_WORDS;

/// Bits of the number that counts up with each list.
pub const GENERATION: u64 = 0xffff_ffff;
/// Where the number of rules is.
pub const COUNT_SHIFT: u32 = 32;
/// Its bits.
pub const COUNT_MASK: u64 = 0xffff;
/// There is a list.
pub const ON: u64 = 1 << 48;
/// The second half holds.
pub const SECOND: u64 = 1 << 49;
/// Who is on no list is denied.
pub const DEFAULT_DENIED: u64 = 1 << 50;

/// The word of a rule: how many bits of the address count, which list ([`ALLOW`](crate::paths::ALLOW), ...), and ports.
pub const fn rule(bits: u8, list: u8, first_port: u16, last_port: u16) -> u64 {
    bits as u64 | (list as u64) << 8 | (first_port as u64) << 16 | (last_port as u64) << 32
}

/// The word where the rules of a half begin.
pub const fn start(word: u64) -> u32 {
    if word & SECOND == 0 { 1 } else { 1 + MAX_RULES * RULE_WORDS }
}

/// The list of a rule if it means this address and port; else 0.
pub const fn matches(rule: u64, high: u64, low: u64, address: (u64, u64), port: u16) -> u32 {
    let (first, last) = ((rule >> 16) as u16, (rule >> 32) as u16);
    let bits = rule as u8 as u32;
    let differ_high = high ^ address.0;
    let differ_low = low ^ address.1;
    let same = if bits == 0 {
        true
    } else if bits <= 64 {
        differ_high >> (64 - bits) == 0
    } else {
        differ_high == 0 && differ_low >> ((128 - bits) & 63) == 0
    };
    if same && first <= port && port <= last { (rule >> 8) as u8 as u32 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: u64 = 0xffff_0000_0000;

    #[test]
    fn networks_and_ports_are_met_at_their_ends() {
        let net = rule(96 + 8, 2, 80, 90);
        let at = |host: u64, port| matches(net, 0, V4 | 0x0a00_0000, (0, V4 | host), port);
        assert_eq!([at(0x0aff_ffff, 80), at(0x0a00_0000, 90)], [2, 2]);
        assert_eq!([at(0x0b00_0000, 80), at(0x0a00_0001, 79), at(0x0a00_0001, 91)], [0, 0, 0]);
        let all = rule(0, 1, 0, u16::MAX);
        assert_eq!(matches(all, 0, 0, (u64::MAX, 7), 1), 1);
        let one = rule(128, 4, 1, 1);
        assert_eq!(matches(one, 5, 6, (5, 6), 1), 4);
        assert_eq!(matches(one, 5, 6, (5, 7), 1), 0);
        let half = rule(64, 4, 1, 1);
        assert_eq!(matches(half, 5, 6, (5, 7), 1), 4);
        assert_eq!(matches(half, 5, 6, (4, 6), 1), 0);
    }
}
