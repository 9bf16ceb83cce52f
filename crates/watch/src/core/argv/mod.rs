//! Arguments of commands without their secrets.
//!
//! Two things know secrets: the rules that content is held against, and shapes of arguments (`shapes`): `--password=...`, the argument
//! after `--token`, `-p...` of programs of which that is the password, `scheme://user:password@host`, headers. Both look at the whole
//! command, put together with spaces, so that a rule may ask for words before the secret.

mod shapes;

use crate::talk::judges::Judges;
use kernscope_sieve::redact::redact;
use std::ops::Range;

/// Longest command, in bytes, that rules are tried on; of a longer one the rest is held against shapes alone.
const MAX_RULED_BYTES: usize = 256 * 1024;
/// Fewest bytes of a text in which a rule finds a secret.
const MIN_RULED_BYTES: usize = 12;
/// What stands for a secret that its place gives away.
const HIDDEN: &str = "<redacted>";
/// Shorter ones are not looked for elsewhere: they would be found in words.
const MIN_SECRET_BYTES: usize = 4;

/// A command as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The arguments.
    pub(crate) argv: Vec<String>,
    /// What is not in them.
    pub(crate) secrets: Vec<String>,
}

/// The arguments without secrets, as records have them.
pub fn shown(argv: &[String]) -> Vec<String> {
    hide(argv, &mut Judges::default()).map_or_else(|| argv.to_vec(), |shown| shown.argv)
}

/// What of a command is shown; `None` where that is all of it.
pub(crate) fn hide(argv: &[String], judges: &mut Judges) -> Option<Shown> {
    let mut hidden: Vec<(Range<usize>, bool)> =
        shapes::secrets(argv).into_iter().map(|range| (range, true)).collect();
    let line = argv.join(" ");
    if line.len() >= MIN_RULED_BYTES {
        let ruled = &line.as_bytes()[..line.len().min(MAX_RULED_BYTES)];
        hidden.extend(judges.find_in_short(ruled).into_iter().map(|hit| (hit.secret, false)));
    }
    hidden.retain(|(range, _)| !range.is_empty());
    if hidden.is_empty() {
        return None;
    }
    let hidden = merged(hidden);
    let secrets = hidden.iter().filter_map(|(range, _)| line.get(range.clone()));
    let secrets = secrets.filter(|secret| secret.len() >= MIN_SECRET_BYTES).map(str::to_owned).collect();
    Some(Shown { argv: without(argv, &hidden), secrets })
}

/// Replaces known secrets in another text about a command.
pub(crate) fn blot(text: &mut String, secrets: &[String]) {
    for secret in secrets {
        if text.contains(secret.as_str()) {
            *text = text.replace(secret.as_str(), HIDDEN);
        }
    }
}

/// In order, and none over another; what a shape knows is wholly hidden.
fn merged(mut all: Vec<(Range<usize>, bool)>) -> Vec<(Range<usize>, bool)> {
    all.sort_by_key(|(range, _)| (range.start, range.end));
    let mut out: Vec<(Range<usize>, bool)> = Vec::new();
    for (range, is_shape) in all {
        match out.last_mut() {
            Some((last, whole)) if range.start < last.end => {
                last.end = last.end.max(range.end);
                *whole |= is_shape;
            }
            _ => out.push((range, is_shape)),
        }
    }
    out
}

/// The arguments with these places of the line replaced.
fn without(argv: &[String], hidden: &[(Range<usize>, bool)]) -> Vec<String> {
    let mut begin = 0;
    let mut out = Vec::with_capacity(argv.len());
    for arg in argv {
        let whole = begin..begin + arg.len();
        let (mut text, mut done) = (String::with_capacity(arg.len()), 0);
        let first = hidden.partition_point(|(range, _)| range.end <= whole.start);
        for (range, is_shape) in hidden[first..].iter().take_while(|(range, _)| range.start < whole.end) {
            // A rule goes by bytes, and may end within a character.
            let at = arg.floor_char_boundary(range.start.saturating_sub(begin));
            let end = arg.ceil_char_boundary(range.end.min(whole.end) - begin);
            text.push_str(&arg[done.min(at)..at]);
            match is_shape {
                true => text.push_str(HIDDEN),
                false => text.push_str(&redact(&arg.as_bytes()[at..end])),
            }
            done = end;
        }
        text.push_str(&arg[done..]);
        out.push(text);
        begin = whole.end + 1;
    }
    out
}

#[cfg(test)]
mod tests;
