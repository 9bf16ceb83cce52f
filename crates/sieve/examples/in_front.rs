//! The sieve in front of a matcher of one's own: `in_front FILE` prints lines with something like a key of Acme.
//!
//! The matcher here is a regular expression, tried on the lines that hold a literal it cannot do without.

use kernscope_sieve::prefilter::Prefilter;
use regex::bytes::Regex;
use std::collections::BTreeSet;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("no file; give FILE")?;
    let data = std::fs::read(path)?;
    let prefilter = Prefilter::new(["acme_key", "acme-token"]);
    let matcher = Regex::new(r"(?i)acme[_-](?:key|token)\W{1,3}[0-9a-f]{8,}")?;
    let mut lines = BTreeSet::new();
    prefilter.find(&data, &mut |_, at| {
        let start = memchr::memrchr(b'\n', &data[..at]).map_or(0, |end| end + 1);
        let end = memchr::memchr(b'\n', &data[at..]).map_or(data.len(), |len| at + len);
        lines.insert((start, end));
    });
    for line in lines.into_iter().map(|(start, end)| &data[start..end]).filter(|line| matcher.is_match(line))
    {
        println!("{}", line.escape_ascii());
    }
    Ok(())
}
