//! The last bytes that went one way on a connection, and what rules find in them.
//!
//! What is new is judged together with the end of what came before it, so that a secret is found wherever calls split it, if it has
//! at most [`WINDOW_BYTES`]. When that is done is for the caller to say: the more is new, the less is looked at twice. What ends where
//! the bytes do may go on, or be none for what follows: it is *open* until more was judged, or until [`Window::settle`] says that
//! nothing comes.

use super::judges::{Judges, RuleId};
use kernscope_sieve::redact::redact_start;
use std::ops::Range;

/// Bytes that are kept to be judged with those that come.
pub(crate) const WINDOW_BYTES: usize = 8 * 1024;

/// What a rule has found; places are offsets in the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Find {
    pub(crate) rule: RuleId,
    /// The whole match.
    pub(crate) span: Range<u64>,
    /// The secret in it.
    pub(crate) secret: Range<u64>,
    is_open: bool,
    is_told: bool,
}

/// One direction of a connection.
#[derive(Debug, Default)]
pub(crate) struct Window {
    bytes: Vec<u8>,
    /// Where in the stream the first byte lies.
    base: u64,
    /// Something came before the first byte that is not here any more.
    is_cut: bool,
    /// Up to where rules have looked.
    judged: u64,
    finds: Vec<Find>,
}

impl Window {
    /// Begins anew at `offset`: what came before is not connected with what comes.
    pub(crate) fn restart(&mut self, offset: u64) {
        *self = Self { base: offset, judged: offset, ..Self::default() };
    }

    /// Where the next byte is expected.
    pub(crate) fn end(&self) -> u64 {
        self.base.saturating_add(self.bytes.len() as u64)
    }

    /// Bytes that are kept.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds bytes.
    pub(crate) fn push(&mut self, data: &[u8]) {
        self.bytes.extend_from_slice(data);
    }

    /// Bytes that were added since rules have looked.
    pub(crate) fn new_bytes(&self) -> u64 {
        self.end().saturating_sub(self.judged)
    }

    /// Holds rules against what was added, and what it may belong to.
    pub(crate) fn judge(&mut self, judges: &mut Judges) {
        if self.new_bytes() == 0 {
            return;
        }
        let open = self.finds.iter().filter(|find| find.is_open).map(|find| find.span.start);
        let from = open.fold(self.judged, u64::min).saturating_sub(WINDOW_BYTES as u64).max(self.base);
        self.finds.retain(|find| !find.is_open);
        let (is_cut, end) = (self.is_cut || from > self.base, self.end());
        let place = |range: Range<usize>| from + range.start as u64..from + range.end as u64;
        for hit in judges.find(self.slice(&(from..end))) {
            let (span, secret) = (place(hit.span), place(hit.secret));
            // What begins with a cut may be the end of something else.
            let is_doubtful = is_cut && span.start == from;
            let is_open = span.end == end;
            let known =
                self.finds.iter_mut().find(|find| find.rule == hit.rule && overlap(&find.span, &span));
            match known {
                Some(find) => find.grow(&span, &secret),
                None => self.finds.push(Find { rule: hit.rule, span, secret, is_open, is_told: is_doubtful }),
            }
        }
        self.judged = end;
    }

    /// Nothing more comes, or not soon: what is open counts as it is.
    pub(crate) fn settle(&mut self) {
        self.finds.iter_mut().for_each(|find| find.is_open = false);
    }

    /// What was found, is sure, and was not given out before; with the bytes of the secret.
    pub(crate) fn fresh(&mut self) -> Vec<(Find, Vec<u8>)> {
        let mut fresh: Vec<Find> = Vec::new();
        for find in self.finds.iter_mut().filter(|find| !find.is_open && !find.is_told) {
            find.is_told = true;
            fresh.push(find.clone());
        }
        fresh.sort_by_key(|find| (find.span.start, find.span.end));
        fresh.into_iter().map(|find| (find.clone(), self.slice(&find.secret).to_vec())).collect()
    }

    /// The bytes of a place in the stream, as far as they are here.
    pub(crate) fn slice(&self, place: &Range<u64>) -> &[u8] {
        let at = |offset: u64| (offset.saturating_sub(self.base) as usize).min(self.bytes.len());
        &self.bytes[at(place.start)..at(place.end)]
    }

    /// The bytes of a place with every part of a secret redacted, and how many secrets have a part there.
    pub(crate) fn shown(&self, place: &Range<u64>) -> (Vec<u8>, u64) {
        let mut hidden: Vec<Range<u64>> = self.finds.iter().map(|find| find.secret.clone()).collect();
        hidden.retain(|secret| !secret.is_empty() && overlap(secret, place));
        hidden.sort_by_key(|secret| secret.start);
        let mut merged: Vec<Range<u64>> = Vec::new();
        for secret in hidden {
            match merged.last_mut() {
                Some(last) if secret.start < last.end => last.end = last.end.max(secret.end),
                _ => merged.push(secret),
            }
        }
        let (mut shown, mut done) = (Vec::new(), place.start);
        for secret in &merged {
            let part = secret.start.max(place.start)..secret.end.min(place.end);
            shown.extend_from_slice(self.slice(&(done..part.start)));
            let whole_bytes = (secret.end - secret.start) as usize;
            let text = match part.start == secret.start {
                true => redact_start(self.slice(&part), whole_bytes),
                false => format!("[{} bytes]", part.end - part.start),
            };
            shown.extend_from_slice(text.as_bytes());
            done = part.end;
        }
        shown.extend_from_slice(self.slice(&(done..place.end)));
        (shown, merged.len() as u64)
    }

    /// Forgets all but the last `bytes` bytes, and nothing from `needed` on.
    pub(crate) fn trim(&mut self, bytes: usize, needed: Option<u64>) {
        let wanted = self.end().saturating_sub(bytes as u64);
        let base = needed.map_or(wanted, |needed| wanted.min(needed)).max(self.base);
        if base == self.base {
            return;
        }
        self.bytes.drain(..(base - self.base) as usize);
        self.base = base;
        self.is_cut = true;
        self.finds.retain(|find| find.span.end.max(find.secret.end) > base);
    }
}

impl Find {
    /// The same goes on farther than was known.
    fn grow(&mut self, span: &Range<u64>, secret: &Range<u64>) {
        self.span.end = self.span.end.max(span.end);
        if overlap(&self.secret, secret) || self.secret.end == secret.start {
            self.secret.end = self.secret.end.max(secret.end);
        }
    }
}

fn overlap(a: &Range<u64>, b: &Range<u64>) -> bool {
    a.start < b.end && b.start < a.end
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernscope_sieve::matcher::Matcher;
    use kernscope_sieve::rules::RuleSet;

    const RULES: &str = "[[rule]]\nid = 'token'\nregex = '\\btok_[0-9a-f]{8,12}\\b'\n\
        [[rule]]\nid = 'named'\nregex = 'pass=([^;]{4,});'";

    fn judges() -> Judges {
        Judges::with(Matcher::new(RuleSet::parse(RULES).expect("rules")))
    }

    fn push(window: &mut Window, data: &[u8], judges: &mut Judges) {
        window.push(data);
        window.judge(judges);
    }

    /// What is shown of each part, once all are there, and what was found.
    fn shown(parts: &[&[u8]], judges: &mut Judges) -> (Vec<String>, Vec<String>) {
        let mut window = Window::default();
        let mut places = Vec::new();
        for part in parts {
            places.push(window.end()..window.end() + part.len() as u64);
            push(&mut window, part, judges);
        }
        window.settle();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        let fresh = window.fresh().into_iter().map(|(_, secret)| text(secret)).collect();
        (places.iter().map(|place| text(window.shown(place).0)).collect(), fresh)
    }

    #[test]
    fn a_secret_is_hidden_wherever_it_is_split() {
        let text = b"say tok_0123456789ab, pass=swordfish; end";
        let mut judges = judges();
        for split in 0..=text.len() {
            let (parts, found) = shown(&[&text[..split], &text[split..]], &mut judges);
            assert_eq!(found, ["tok_0123456789ab", "swordfish"], "split at {split}");
            let all = parts.concat();
            for hidden in ["0123", "456789ab", "word", "fish"] {
                assert!(!all.contains(hidden), "split at {split}: {all}");
            }
            assert!(all.starts_with("say t") && all.ends_with("; end"), "split at {split}: {all}");
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        let (parts, found) = shown(&bytes, &mut judges);
        assert_eq!(found.len(), 2);
        assert_eq!(parts.len(), text.len());
        assert!(parts.concat().matches("[1 bytes]").count() > 10);
    }

    #[test]
    fn what_is_open_is_decided_by_what_follows() {
        let (mut window, mut judges) = (Window::default(), judges());
        push(&mut window, b"tok_01234567", &mut judges);
        assert_eq!(window.fresh(), []);
        push(&mut window, b"zz", &mut judges);
        window.settle();
        assert_eq!(window.fresh(), [], "a word goes on: it was none");
        push(&mut window, b" tok_01234567", &mut judges);
        window.settle();
        assert_eq!(window.fresh().len(), 1);
        push(&mut window, b"89 ", &mut judges);
        assert_eq!(window.fresh(), [], "told once, though it grew");
        assert_eq!(window.shown(&(27..30)).0, b"[2 bytes] ");
    }

    #[test]
    fn what_is_trimmed_stays_hidden() {
        let (mut window, mut judges) = (Window::default(), judges());
        push(&mut window, b"pass=swordfish; and more", &mut judges);
        window.trim(14, None);
        assert_eq!(window.shown(&(10..24)), (b"[4 bytes]; and more".to_vec(), 1));
        push(&mut window, b".", &mut judges);
        assert_eq!(window.fresh().len(), 1);
        window.trim(WINDOW_BYTES, Some(0));
        assert_eq!(window.len(), 15, "nothing comes back");
        window.restart(100);
        assert_eq!((window.end(), window.len()), (100, 0));
    }
}
