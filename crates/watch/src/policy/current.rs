//! The policy of a run, which may become another one while it is used.

use super::Policy;
use std::sync::{Arc, Mutex, PoisonError};

/// A policy that can be put in place of another, at once: whoever asks gets the old one or the new one.
#[derive(Clone, Debug)]
pub struct Current(Arc<Mutex<Arc<Policy>>>);

impl Current {
    /// Begins with this one.
    pub fn new(policy: Policy) -> Self {
        Self(Arc::new(Mutex::new(Arc::new(policy))))
    }

    /// The one that holds.
    pub fn get(&self) -> Arc<Policy> {
        // Whoever had it did nothing but copy a pointer.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on it is this one.
    pub fn set(&self, policy: Policy) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(policy);
    }
}
