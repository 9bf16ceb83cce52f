//! Texts that an expression is made of, multiplied out as long as they are few.
//!
//! Behind a character that is not ASCII nothing more is asked for: it is rare, and in texts without case one of a few
//! spellings of a letter (`\u{17f}` is an s), each of which would double the texts.

use crate::compile::byteset::ByteSet;
use crate::compile::text::Text;
use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

/// Most texts that one place of an expression is multiplied out to, those of classes counted one by one: that bounds the
/// states in which several of them are half way.
const MOST_TEXTS: usize = 64;
/// Longest text.
const LONGEST: usize = 64;
/// Most bytes of a class in a text: larger ones go to the tail.
const MOST_IN_CLASS: usize = 8;

/// Texts of which one begins where the parts of an expression do.
pub(super) struct Texts {
    /// Those that these parts follow.
    pub(super) texts: Vec<Text>,
    /// Those that end with a character beyond ASCII, which anything may follow.
    pub(super) spelled: Vec<Text>,
    /// What is left of the parts.
    pub(super) rest: Vec<Hir>,
}

/// Texts that begin at the first of these parts and go on as long as they are few.
pub(super) fn texts_from(parts: &[Hir]) -> Option<Texts> {
    let mut texts = vec![Text::new()];
    let mut used = 0;
    let mut rest = Vec::new();
    for part in parts {
        if let Some(longer) = exact(part).and_then(|more| product(&texts, &more)) {
            texts = longer;
            used += 1;
            continue;
        }
        if let HirKind::Repetition(repetition) = part.kind()
            && let Some((longer, times)) = some_times(&texts, repetition)
        {
            texts = longer;
            used += 1;
            rest = again(repetition, times);
        }
        break;
    }
    if texts.iter().any(Vec::is_empty) {
        return None;
    }
    rest.extend_from_slice(&parts[used..]);
    let (spelled, texts) = texts.into_iter().partition(ends_beyond_ascii);
    Some(Texts { texts, spelled, rest })
}

/// What is left of a repetition after `times`.
pub(super) fn again(repetition: &Repetition, times: u32) -> Vec<Hir> {
    let min = repetition.min.saturating_sub(times);
    let max = repetition.max.map(|max| max.saturating_sub(times));
    let left = Repetition { min, max, greedy: true, sub: repetition.sub.clone() };
    if max == Some(0) { Vec::new() } else { vec![Hir::repetition(left)] }
}

fn ends_beyond_ascii(text: &Text) -> bool {
    text.last().is_some_and(|set| !set.is_empty() && set.iter().all(|byte| byte > 0x7f))
}

/// Texts followed by as many repetitions as are sure and leave them few, and how many that is.
fn some_times(texts: &[Text], repetition: &Repetition) -> Option<(Vec<Text>, u32)> {
    let more = exact(&repetition.sub)?;
    let mut longer = texts.to_vec();
    let mut times = 0;
    while times < repetition.min {
        let Some(next) = product(&longer, &more) else { break };
        longer = next;
        times += 1;
    }
    (times > 0).then_some((longer, times))
}

/// All that a part can match, if that is little.
fn exact(part: &Hir) -> Option<Vec<Text>> {
    match part.kind() {
        HirKind::Empty => Some(vec![Text::new()]),
        HirKind::Literal(literal) => {
            Some(vec![literal.0.iter().map(|&byte| ByteSet::of(byte, false)).collect()])
        }
        HirKind::Class(Class::Bytes(class)) => {
            let set =
                class.ranges().iter().fold(ByteSet::EMPTY, |set, range| set.with(range.start(), range.end()));
            (set.len() <= MOST_IN_CLASS).then(|| vec![vec![set]])
        }
        HirKind::Repetition(Repetition { min: 0, max: Some(1), sub, .. }) => {
            let mut texts = exact(sub)?;
            texts.push(Text::new());
            Some(texts)
        }
        HirKind::Repetition(Repetition { min, max: Some(max), sub, .. }) if min == max => {
            let once = exact(sub)?;
            (0..*min).try_fold(vec![Text::new()], |texts, _| product(&texts, &once))
        }
        HirKind::Concat(parts) => {
            parts.iter().try_fold(vec![Text::new()], |texts, part| product(&texts, &exact(part)?))
        }
        HirKind::Alternation(parts) => {
            let texts: Option<Vec<Vec<Text>>> = parts.iter().map(exact).collect();
            texts.map(|texts| texts.concat()).filter(|texts| multiplied(texts) <= MOST_TEXTS)
        }
        _ => None,
    }
}

/// How many texts these are with a byte at each place; a letter in both cases is one.
fn multiplied(texts: &[Text]) -> usize {
    let of_text = |text: &Text| text.iter().map(ByteSet::caseless_len).fold(1, usize::saturating_mul);
    texts.iter().map(of_text).fold(0, usize::saturating_add)
}

/// Every text of one list before every one of another, if that is not too much.
fn product(before: &[Text], after: &[Text]) -> Option<Vec<Text>> {
    let longest = |texts: &[Text]| texts.iter().map(Vec::len).max().unwrap_or(0);
    if multiplied(before).saturating_mul(multiplied(after)) > MOST_TEXTS
        || longest(before) + longest(after) > LONGEST
    {
        return None;
    }
    let joined = |start: &Text| {
        let start = start.clone();
        after.iter().map(move |end| [&start[..], end].concat())
    };
    let (done, open): (Vec<&Text>, Vec<&Text>) = before.iter().partition(|text| ends_beyond_ascii(text));
    Some(done.into_iter().cloned().chain(open.into_iter().flat_map(joined)).collect())
}
