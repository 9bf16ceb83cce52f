//! What one device tried of a sort (ports of a target, targets of a service), and how much of it in vain.

use super::contact::Outcome;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::Hash;

/// The pace is that of the last so many.
const PACE_OF: usize = 15;
/// Who takes longer may have more reasons.
const VAIN_SLOW_MIN: usize = 20;
/// Tries for each that was in vain: scanners try twice or thrice.
const TRIES_MAX: usize = 4;
/// In vain for each that was answered.
const VAIN_SHARE: usize = 2;
const ENDS_NS: u64 = 900_000_000_000;
const SLOW_NS: u64 = 60_000_000_000;
/// Groups of each sort, and different ones of a group, that are kept.
pub(super) const GROUPS_MAX: usize = 16_384;
pub(super) const DIFFERENT_MAX: usize = 1_024;

/// What one tried of a sort.
#[derive(Debug)]
pub(super) struct Group<T> {
    pub(super) vain: BTreeSet<T>,
    pub(super) answered: BTreeSet<T>,
    /// How often it tried in vain, the same ones again and again included.
    tries: usize,
    pub(super) began_ns: u64,
    pub(super) last_ns: u64,
    /// When the last [`PACE_OF`] were tried.
    latest_ns: VecDeque<u64>,
    /// Told as this, when there were so many.
    pub(super) told: Option<(&'static str, usize)>,
}

impl<T: Ord + Copy> Group<T> {
    fn new(at_ns: u64) -> Self {
        Self {
            vain: BTreeSet::new(),
            answered: BTreeSet::new(),
            tries: 0,
            began_ns: at_ns,
            last_ns: at_ns,
            latest_ns: VecDeque::with_capacity(PACE_OF),
            told: None,
        }
    }

    /// Takes an outcome; whether it is a new one in vain.
    pub(super) fn take(&mut self, what: T, outcome: &Outcome) -> bool {
        if outcome.answered {
            self.vain.remove(&what);
            if self.answered.len() < DIFFERENT_MAX {
                self.answered.insert(what);
            }
            return false;
        }
        if outcome.at_ns.saturating_sub(self.last_ns) > ENDS_NS {
            *self = Self::new(outcome.at_ns);
        }
        self.tries += 1;
        let is_new = self.vain.len() < DIFFERENT_MAX && self.vain.insert(what);
        if is_new {
            self.began_ns = self.began_ns.min(outcome.at_ns);
            self.last_ns = self.last_ns.max(outcome.at_ns);
            if self.latest_ns.len() == PACE_OF {
                self.latest_ns.pop_front();
            }
            self.latest_ns.push_back(outcome.at_ns);
        }
        is_new
    }

    pub(super) fn is_slow(&self) -> bool {
        let (first, last) = (self.latest_ns.front(), self.latest_ns.back());
        first.zip(last).is_none_or(|(first, last)| last.saturating_sub(*first) > SLOW_NS)
    }

    /// Whether it is to be told now: when there are `least`, and each time that there are twice as many. `fixed` of them are
    /// not at ports that are drawn by chance.
    pub(super) fn is_due(&self, least: usize, fixed: usize) -> bool {
        let vain = self.vain.len();
        if vain < self.answered.len() * VAIN_SHARE {
            return false;
        }
        match self.told {
            Some((_, told)) => vain >= told * 2,
            // Slowly, who looks for a few things over and over is no scanner.
            None if self.is_slow() => fixed >= least.max(VAIN_SLOW_MIN) && vain * TRIES_MAX >= self.tries,
            None => vain >= least,
        }
    }
}

/// The group of a key, made if there is room; those that ended give way.
pub(super) fn group<K: Eq + Hash, T: Ord + Copy>(
    groups: &mut HashMap<K, Group<T>>,
    key: K,
    at_ns: u64,
) -> Option<&mut Group<T>> {
    if groups.len() >= GROUPS_MAX && !groups.contains_key(&key) {
        groups.retain(|_, group| {
            let quiet_ns = at_ns.saturating_sub(group.last_ns);
            quiet_ns < SLOW_NS || (quiet_ns < ENDS_NS && group.vain.len() > 1)
        });
        if groups.len() >= GROUPS_MAX {
            return None;
        }
    }
    Some(groups.entry(key).or_insert_with(|| Group::new(at_ns)))
}
