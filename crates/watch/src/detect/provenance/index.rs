//! The texts that were received last, and which of them hold most of a command.

use super::grams::Grams;
use super::{MAX_GRAMS, MAX_TEXTS, Origin, Way};
use crate::core::ProcId;
use std::collections::{HashMap, VecDeque};

/// Of a hundred hashes of a command so many must be among those of the text.
const PERCENT: usize = 95;

/// What came with a record.
#[derive(Debug)]
pub(super) struct Text {
    seq: u64,
    way: Way,
    from: &'static str,
    /// Who received it from whom, for people.
    whom: String,
    /// What is compared of it, until it is hashed.
    plain: Vec<u8>,
    grams: Grams,
}

impl Text {
    pub(super) fn new(seq: u64, way: Way, from: &'static str, whom: String, plain: Vec<u8>) -> Self {
        Self { seq, way, from, whom, plain, grams: Grams::default() }
    }

    /// What it takes of [`MAX_GRAMS`].
    fn size(&self) -> usize {
        self.plain.len() + self.grams.len()
    }
}

/// Texts, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Heard {
    texts: VecDeque<Text>,
    /// Those at the end that are not hashed.
    new: usize,
    size: usize,
    /// In how many of the hashed ones each hash is.
    known: HashMap<u32, u32>,
}

impl Heard {
    /// Keeps a text, and as many of the last ones as there is room for.
    pub(super) fn keep(&mut self, text: Text) {
        self.size += text.size();
        self.texts.push_back(text);
        self.new += 1;
        while (self.size > MAX_GRAMS && self.texts.len() > 1) || self.texts.len() > MAX_TEXTS {
            let Some(oldest) = self.texts.pop_front() else { break };
            self.new = self.new.min(self.texts.len());
            self.size -= oldest.size();
            for gram in oldest.grams.iter() {
                if let Some(count) = self.known.get_mut(&gram).filter(|count| **count > 1) {
                    *count -= 1;
                } else {
                    self.known.remove(&gram);
                }
            }
        }
    }

    /// Hashes what is not hashed yet.
    pub(super) fn index(&mut self) {
        let hashed = self.texts.len() - std::mem::take(&mut self.new);
        for text in self.texts.iter_mut().skip(hashed) {
            self.size -= text.size();
            text.grams = Grams::of_plain(&std::mem::take(&mut text.plain));
            self.size += text.size();
            text.grams.iter().for_each(|gram| *self.known.entry(gram).or_default() += 1);
        }
    }

    /// Whether a text of the last record, `seq`, has anything of a command. Nothing is hashed for good by that.
    pub(super) fn is_news(&self, seq: u64, command: &Grams) -> bool {
        self.texts.iter().rev().take_while(|text| text.seq == seq).any(|text| command.is_any_in(&text.plain))
    }

    /// The conversation of one of the processes `by` that a command stands in. Of what is hashed.
    pub(super) fn origin(&self, by: &[ProcId], command: &Grams) -> Option<Origin> {
        let known = command.iter().filter(|gram| self.known.contains_key(gram)).count();
        if !is_most(known, command.len()) {
            return None;
        }
        let is_own = |way: &Way| by.iter().any(|id| (id.pid, id.start_ns) == (way.0, way.1));
        let mut ways: Vec<Way> = self.texts.iter().map(|text| text.way).filter(is_own).collect();
        ways.sort_unstable();
        ways.dedup();
        ways.into_iter().find_map(|way| {
            let mut open: Vec<u32> = command.iter().collect();
            let all = open.len();
            let (mut seqs, mut last) = (Vec::new(), None);
            for text in self.texts.iter().filter(|text| text.way == way) {
                let before = open.len();
                open.retain(|gram| !text.grams.has(*gram));
                if open.len() < before {
                    seqs.push(text.seq);
                    last = Some(text);
                }
            }
            let text = last.filter(|_| is_most(all - open.len(), all))?;
            let because = format!("the command stands in what {}, by {}", text.whom, text.from);
            Some(Origin { from: vec![text.from.to_owned()], seqs, because })
        })
    }
}

/// Whether so many hashes of a command are nearly all.
fn is_most(some: usize, all: usize) -> bool {
    some * 100 >= all * PERCENT
}
