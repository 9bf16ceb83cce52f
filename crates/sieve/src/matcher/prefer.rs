//! Which findings are told: those of rules whose keywords turned up, and generic ones where nothing more specific is.
//!
//! A generic rule (one with `generic` in its name) gives way where another rule found the same secret or more on its
//! lines. That other finding may begin in a later piece of the data, and the keyword that its rule asks for be anywhere;
//! so a finding is held until nothing that comes can change what becomes of it.

use super::Located;
use super::judge::LINE_BYTES;
use std::ops::Range;

/// Findings that are held at most; beyond them they are told as they stand.
const HELD_MOST: usize = 100_000;

/// A finding that waits.
#[derive(Debug)]
pub(super) struct Held {
    /// Where it begins in what was searched, which need not be what it is told as.
    pub(super) start: u64,
    pub(super) found: Located,
    /// The lines that it is on, in the whole.
    pub(super) lines: Range<u64>,
    pub(super) is_generic: bool,
}

impl Held {
    fn yields_to(&self, start: u64, secret: &[u8]) -> bool {
        self.lines.start <= start
            && start <= self.lines.end
            && memchr::memmem::find(secret, &self.found.secret).is_some()
    }
}

/// Findings of one stretch of data that were not told.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    held: Vec<Held>,
    /// Those of `held` before here are of earlier pieces.
    fresh: usize,
    /// Start and secret of specific ones that were told, and that generic ones may still give way to.
    told: Vec<(u64, Vec<u8>)>,
}

impl Waiting {
    pub(super) fn add(&mut self, held: Held) {
        self.held.push(held);
    }

    /// What is added from now on is of another piece.
    pub(super) fn next_piece(&mut self) {
        self.fresh = self.held.len();
    }

    /// Findings of the last piece.
    pub(super) fn fresh(&mut self) -> impl Iterator<Item = &mut Located> {
        let fresh = self.fresh.min(self.held.len());
        self.held[fresh..].iter_mut().map(|held| &mut held.found)
    }

    /// What can be told now that all is known that begins before `decided`, by start, end and rule; all of it at the
    /// `end`. `is_shut` says of which rules no keyword has been seen.
    pub(super) fn settle(
        &mut self,
        decided: u64,
        end: bool,
        is_shut: &mut dyn FnMut(usize) -> bool,
    ) -> Vec<Located> {
        let (generic, specific): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.held).into_iter().partition(|held| held.is_generic);
        let (mut waiting, open): (Vec<_>, Vec<_>) =
            specific.into_iter().partition(|held| is_shut(held.found.rule));
        if !generic.is_empty() || !end {
            self.told.extend(open.iter().map(|held| (held.start, held.found.secret.clone())));
        }
        let mut ready: Vec<Located> = open.into_iter().map(|held| held.found).collect();
        let shut = waiting.len();
        for held in generic {
            if self.told.iter().any(|(start, secret)| held.yields_to(*start, secret)) {
                continue;
            }
            let may_yield = decided <= held.lines.end
                || waiting[..shut].iter().any(|other| held.yields_to(other.start, &other.found.secret));
            match is_shut(held.found.rule) || may_yield && !end {
                true => waiting.push(held),
                false => ready.push(held.found),
            }
        }
        self.told.retain(|(start, _)| start + LINE_BYTES as u64 >= decided);
        if waiting.len() > HELD_MOST && !end {
            ready.extend(waiting.drain(..).map(|held| held.found));
        }
        self.held = waiting;
        ready.sort_by_key(|found| (found.start, found.end, found.rule));
        ready
    }
}
