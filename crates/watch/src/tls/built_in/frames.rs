//! Where functions begin, by the table with which stacks are unwound: most programs have one, stripped or not.
//!
//! Format: `.eh_frame_hdr` of the Linux Standard Base (LSB 5.0, 10.6.2), in the one encoding that linkers write: pairs of 4 bytes, a
//! function's beginning and what is said of it, both relative to the table, in order.

/// Version, then how the table is encoded: `DW_EH_PE_udata4`, and `DW_EH_PE_datarel | DW_EH_PE_sdata4`.
const VERSION: u8 = 1;
const COUNT_ENCODING: u8 = 0x03;
const TABLE_ENCODING: u8 = 0x3b;
/// Bytes before the number of pairs, before the pairs, and of one.
const COUNT_AT: usize = 8;
const TABLE_AT: usize = 12;
const PAIR_BYTES: usize = 8;

/// Addresses of functions, in order; none when the table is of another shape. `address`: where the table is.
pub(super) fn starts(address: u64, table: &[u8]) -> Vec<u64> {
    let [VERSION, _, COUNT_ENCODING, TABLE_ENCODING, ..] = table else { return Vec::new() };
    let number = |at: usize| Some(u32::from_le_bytes(*table.get(at..)?.first_chunk()?));
    let count = number(COUNT_AT).unwrap_or(0) as usize;
    let pairs = table.get(TABLE_AT..).unwrap_or_default().chunks_exact(PAIR_BYTES).take(count);
    let mut starts: Vec<u64> = pairs
        .filter_map(|pair| {
            let relative = i32::from_le_bytes(*pair.first_chunk()?);
            Some(address.wrapping_add_signed(i64::from(relative)))
        })
        .collect();
    starts.sort_unstable();
    starts
}

#[cfg(test)]
mod tests {
    use super::starts;

    #[test]
    fn pairs_are_relative_to_the_table() {
        let mut table = vec![1, 0x1b, 0x03, 0x3b, 0, 0, 0, 0, 2, 0, 0, 0];
        table.extend([(-0x100_i32), 0, 0x20, 0].map(i32::to_le_bytes).concat());
        assert_eq!(starts(0x1000, &table), [0xf00, 0x1020]);
        for len in 0..table.len() {
            assert!(starts(0x1000, &table[..len]).len() < 2);
        }
        table[3] = 0x1b;
        assert!(starts(0x1000, &table).is_empty());
    }
}
