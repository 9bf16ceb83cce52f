//! What detectors learn, between a run and the database: what is not written yet waits here.

use super::database::Database;
use kernscope_lan::Mac;
use kernscope_lan::anomaly::{Learnt, Sentry, What, summary};
use std::collections::HashMap;

/// Facts that wait while nothing can be written.
const WAITING_MAX: usize = 262_144;

/// What was learnt of a network.
#[derive(Debug, Default)]
pub(super) struct Memory {
    network: String,
    waiting: HashMap<(What, Mac, String), Learnt>,
}

impl Memory {
    /// Detectors go on with what the database holds of the network; what that is, in words.
    pub(super) fn begin(
        network: &str,
        database: &Database,
        sentry: &mut Sentry,
        learn_ns: u64,
    ) -> (Self, String) {
        let rows = database.learnt(network);
        sentry.remember(&rows);
        let told = format!("network {network}: {}", summary(&rows, learn_ns));
        (Self { network: network.to_owned(), waiting: HashMap::new() }, told)
    }

    /// Takes what was learnt, and writes it. Whether it is written; what is not is tried again the next time.
    pub(super) fn keep(&mut self, database: &mut Database, sentry: &mut Sentry) -> bool {
        for row in sentry.learnt() {
            let key = (row.what, row.mac, row.key.clone());
            if self.waiting.len() < WAITING_MAX || self.waiting.contains_key(&key) {
                self.waiting.insert(key, row);
            }
        }
        if self.waiting.is_empty() {
            return true;
        }
        let rows: Vec<_> = self.waiting.values().cloned().collect();
        let is_kept = database.keep_learnt(&self.network, &rows);
        if is_kept {
            self.waiting.clear();
        }
        is_kept
    }
}
