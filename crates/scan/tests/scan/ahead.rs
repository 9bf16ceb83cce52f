//! Files that are read twice: rules that nothing leads to, with keywords that may be anywhere.

use kernscope_scan::{BUFFER_BYTES, Options, scan_data};
use kernscope_sieve::matcher::Matcher;
use kernscope_sieve::rules::RuleSet;
use std::io::Cursor;

const RULES: &str = r"
[[rule]]
id = 'digits'
regex = '\b[0-9a-f]{40}\b'
keywords = ['acmecorp', 'other']
";

/// Offsets of what is found in a file of three buffers that is dashes but for these texts.
fn found(texts: &[(usize, &str)]) -> Vec<u64> {
    let mut data = vec![b'-'; 3 * BUFFER_BYTES];
    for (at, text) in texts {
        data[*at..at + text.len()].copy_from_slice(text.as_bytes());
    }
    let matcher = Matcher::new(RuleSet::parse(RULES).expect("rules"));
    let outcome = scan_data(&Options::default(), &matcher, &false.into(), b"file", Cursor::new(data));
    assert_eq!(outcome.tally.filtered_by.get("scanned"), Some(&1), "{outcome:?}");
    outcome.found.iter().map(|found| found.at.start).collect()
}

#[test]
fn a_keyword_counts_wherever_in_the_file_it_is() {
    let digits = "0123456789abcdef0123456789abcdef01234567";
    let (first, last) = (7, 3 * BUFFER_BYTES - 40);
    assert_eq!(found(&[(first, digits), (last, digits)]), [0; 0], "without a keyword");
    assert_eq!(found(&[(first, digits), (last, digits), (100, "ACMEcorp")]), [first as u64, last as u64]);
    // Where it is cut by the end of a buffer, too: the last bytes of one are in front of the next.
    for keyword in ["acmecorp", "Other"] {
        for at in [0, 1, 3, 7, 8] {
            let at = 2 * BUFFER_BYTES - at;
            assert_eq!(found(&[(first, digits), (at, keyword)]), [first as u64], "{keyword} at {at}");
            let at = at - BUFFER_BYTES;
            assert_eq!(found(&[(last, digits), (at, keyword)]), [last as u64], "{keyword} at {at}");
        }
    }
}
