//! What every filter means, said as plainly as Rust allows: no tables, no skipping, no windows that slide.
//!
//! Slow on purpose. The kernel, the virtual machine and this must agree on every input.

use super::content::Content;

/// Whether `data` meets the condition.
pub fn matches(content: &Content, data: &[u8]) -> bool {
    match content {
        Content::Literal { bytes, fold } => occurs(bytes, *fold, data),
        Content::Literals { list, fold } => list.iter().any(|bytes| occurs(bytes, *fold, data)),
        Content::ClassRun { class, min } => {
            let min = *min as usize;
            min == 0 || data.windows(min).any(|run| run.iter().all(|&byte| class.contains(byte)))
        }
        Content::Thresholds { counts, window } => {
            let window = (*window as usize).min(data.len());
            let met = |part: &[u8]| counts.iter().all(|&(byte, count)| often(byte, part) >= count as usize);
            if window == 0 { met(&[]) } else { data.windows(window).any(met) }
        }
        Content::Regex(regex) => regex.is_match(data),
        Content::Anchored(anchors) => anchors.is_match(data),
        Content::Dfa(dfa) => dfa.accepted(data) != 0,
        Content::All(all) => all.iter().all(|content| matches(content, data)),
        Content::Any(any) => any.iter().any(|content| matches(content, data)),
    }
}

fn occurs(bytes: &[u8], fold: bool, data: &[u8]) -> bool {
    bytes.is_empty()
        || data
            .windows(bytes.len())
            .any(|here| if fold { here.eq_ignore_ascii_case(bytes) } else { here == bytes })
}

fn often(byte: u8, data: &[u8]) -> usize {
    data.iter().filter(|&&here| here == byte).count()
}
