//! Who an address block belongs to: the IEEE's public registries (MA-L, MA-M, MA-S, IAB).
//!
//! `data/oui.tsv` holds them as lines of prefix and name, in order of the prefix, which has 6, 7 or 9 hex digits. It is
//! searched where it lies, so that it costs no memory of its own and no time at the start.

use crate::Mac;

const TABLE: &str = include_str!("../data/oui.tsv");

/// The owner of the longest registered block that `mac` lies in; `None` for random addresses and unknown blocks.
///
/// ```
/// use kernscope_lan::oui;
/// let mac = "00:17:88:24:76:ff".parse().unwrap();
/// assert_eq!(oui::vendor(mac), Some("Philips Lighting BV"));
/// ```
pub fn vendor(mac: Mac) -> Option<&'static str> {
    if mac.is_local() || mac.is_group() {
        return None;
    }
    let digits: String = mac.0.iter().map(|byte| format!("{byte:02x}")).collect();
    [9, 7, 6].into_iter().find_map(|length| find(digits.get(..length)?))
}

fn find(prefix: &str) -> Option<&'static str> {
    let (mut low, mut high) = (0, TABLE.len());
    while low < high {
        // The line that holds the middle byte.
        let middle = low + (high - low) / 2;
        let start = TABLE.as_bytes()[..middle].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let line = TABLE.get(start..)?.lines().next()?;
        let (known, name) = line.split_once('\t')?;
        match known.cmp(prefix) {
            std::cmp::Ordering::Equal => return Some(name),
            std::cmp::Ordering::Less => low = start + line.len() + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_found() {
        let mut last = "";
        for (n, line) in TABLE.lines().enumerate() {
            let (prefix, name) = line.split_once('\t').expect("a prefix and a name");
            assert!(last < prefix && matches!(prefix.len(), 6 | 7 | 9), "{line}");
            last = prefix;
            if n % 97 == 0 {
                assert_eq!(find(prefix), Some(name));
            }
        }
        assert_eq!((find("000000000"), find("zzz"), find("")), (None, None, None));
    }

    #[test]
    fn random_addresses_have_no_vendor() {
        assert_eq!(vendor(Mac([2, 0x17, 0x88, 0, 0, 1])), None);
        assert_eq!(vendor(Mac([0xff; 6])), None);
    }
}
