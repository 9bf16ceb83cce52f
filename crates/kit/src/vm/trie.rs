//! Keys of tries: a length in bits, then as many bytes as an address has.
//!
//! The machine compares a key with each prefix; there are few, and none of the kernel's structure is needed.

/// The slot of the longest prefix that a key has.
pub(super) fn longest<'a>(slots: impl Iterator<Item = (&'a Box<[u8]>, &'a u32)>, key: &[u8]) -> Option<u32> {
    let (most, address) = prefix(key)?;
    let matching = slots.filter_map(|(known, slot)| {
        let (bits, known) = prefix(known)?;
        (bits <= most && same_bits(known, address, bits as usize)).then_some((bits, *slot))
    });
    matching.max().map(|(_, slot)| slot)
}

/// Length in bits and bytes of a key of a trie.
fn prefix(key: &[u8]) -> Option<(u32, &[u8])> {
    let (bits, address) = key.split_first_chunk::<4>()?;
    Some((u32::from_ne_bytes(*bits), address))
}

/// Whether the first bits are the same.
fn same_bits(a: &[u8], b: &[u8], bits: usize) -> bool {
    let (whole, rest) = (bits / 8, bits % 8);
    let same = a.len() == b.len() && whole <= a.len() && a[..whole] == b[..whole];
    same && (rest == 0 || whole < a.len() && (a[whole] ^ b[whole]) >> (8 - rest) == 0)
}
