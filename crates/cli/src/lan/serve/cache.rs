//! Answers that hold until the database changes.

use hyper::body::Bytes;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// While a run writes, an answer is this old at most.
const HOLDS: Duration = Duration::from_secs(30);
const ANSWERS_MAX: usize = 128;

/// Answers by path and query.
#[derive(Default)]
pub(super) struct Cache {
    version: i64,
    answers: HashMap<String, (Instant, Bytes)>,
}

impl Cache {
    /// An answer, if it still holds.
    pub(super) fn get(&mut self, version: i64, path: &str, query: &str) -> Option<Bytes> {
        if version != self.version {
            self.version = version;
            self.answers.clear();
        }
        let (since, bytes) = self.answers.get(&key(path, query))?;
        (since.elapsed() < HOLDS).then(|| bytes.clone())
    }

    pub(super) fn put(&mut self, path: &str, query: &str, text: String) -> Bytes {
        if self.answers.len() >= ANSWERS_MAX {
            self.answers.clear();
        }
        let bytes = Bytes::from(text);
        self.answers.insert(key(path, query), (Instant::now(), bytes.clone()));
        bytes
    }

    pub(super) fn clear(&mut self) {
        self.answers.clear();
    }
}

fn key(path: &str, query: &str) -> String {
    format!("{path}?{query}")
}
