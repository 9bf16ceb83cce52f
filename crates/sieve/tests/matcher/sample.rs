//! Texts that an expression probably matches, made from what it says.

use crate::random::Random;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Appends one; only what the expression looks around at is not heeded.
pub(crate) fn sample(hir: &Hir, random: &mut Random, text: &mut Vec<u8>) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.extend_from_slice(&literal.0),
        HirKind::Class(Class::Unicode(class)) => {
            // Mostly of the first ranges, which are ASCII; now and then of any.
            let some = if random.below(40) == 0 { class.ranges().len() } else { class.ranges().len().min(4) };
            let range = class.ranges()[random.below(some)];
            let span = range.end() as usize - range.start() as usize + 1;
            let c = char::from_u32(range.start() as u32 + random.below(span) as u32).unwrap_or(range.start());
            text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        HirKind::Class(Class::Bytes(class)) => {
            let range = class.ranges()[random.below(class.ranges().len())];
            text.push(range.start() + random.below(range.len()) as u8);
        }
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(repetition.min + 4) - repetition.min;
            for _ in 0..repetition.min as usize + random.below(most.min(6) as usize + 1) {
                sample(&repetition.sub, random, text);
            }
        }
        HirKind::Capture(capture) => sample(&capture.sub, random, text),
        HirKind::Concat(parts) => parts.iter().for_each(|part| sample(part, random, text)),
        HirKind::Alternation(parts) => sample(&parts[random.below(parts.len())], random, text),
    }
}
