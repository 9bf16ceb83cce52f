//! What a thread keeps while it looks at data, by rule. What a piece of data has nothing to do with is not gone through.

use super::engine::EngineCache;
use super::finder::Use;
use super::windows::Windows;

/// Memory that is used again from data to data; one a thread.
#[derive(Debug)]
pub struct Scratch {
    /// Rules of which a beginning has been met in this piece, and by rule whether it is one of them: those alone have windows
    /// and have taken steps.
    met: Vec<usize>,
    is_met: Vec<bool>,
    pub(super) windows: Vec<Windows>,
    /// By rule: a keyword has been seen.
    pub(super) open: Vec<bool>,
    /// By rule: where the next match may begin, in the whole.
    pub(super) resume: Vec<u64>,
    pub(super) caches: Vec<EngineCache>,
}

impl Scratch {
    /// For so many rules.
    pub(super) fn new(count: usize) -> Self {
        Self {
            met: Vec::new(),
            is_met: vec![false; count],
            windows: vec![Windows::default(); count],
            open: vec![false; count],
            resume: vec![0; count],
            caches: (0..count).map(|_| EngineCache::default()).collect(),
        }
    }

    /// Forgets the data that was.
    pub(super) fn restart(&mut self) {
        self.open.fill(false);
        self.resume.fill(0);
    }

    /// Notes a keyword.
    pub(super) fn note(&mut self, used: Use) {
        if let Use::Gate(rule) = used {
            self.open[rule] = true;
        }
    }

    /// Notes that a beginning of a rule has been met.
    pub(super) fn meet(&mut self, rule: usize) {
        if !std::mem::replace(&mut self.is_met[rule], true) {
            self.met.push(rule);
        }
    }

    /// The rules that have been met, in order; it is as if none had been.
    pub(super) fn take_met(&mut self, more: &[usize]) -> Vec<usize> {
        more.iter().for_each(|rule| self.meet(*rule));
        let mut met = std::mem::take(&mut self.met);
        met.iter().for_each(|rule| self.is_met[*rule] = false);
        met.sort_unstable();
        met
    }

    /// Forgets what was kept of these rules for a piece.
    pub(super) fn leave(&mut self, mut met: Vec<usize>) {
        for rule in met.drain(..) {
            self.windows[rule].clear();
            self.caches[rule].restart();
        }
        self.met = met;
    }
}
