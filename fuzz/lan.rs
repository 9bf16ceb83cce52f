//! What the targets of lan share: what must hold whatever was read.

use kernscope_lan::Registry;
use kernscope_lan::anomaly::{Options, Sentry};
use kernscope_lan::fingerprint::{Fingerprint, Model, Rules};
use kernscope_lan::record::records;
use kernscope_lan::registry::Limits;
use kernscope_lan::replay::Account;
use std::sync::LazyLock;

/// Small, so that they are met.
pub const LIMITS: Limits = Limits { devices: 32, facts: 64, addresses: 8, in_all: 512 };

/// Rules alone: the model looks at words, not at bytes, and would take most of the time.
static FINGERPRINT: LazyLock<Fingerprint> =
    LazyLock::new(|| Fingerprint::new(Rules::built_in(), Model::default()));

/// A registry with detectors, for which nothing is too early to be told.
pub fn watched() -> Registry {
    Registry::new(LIMITS).watched(Sentry::new(Options { learn_ns: 0, ..Options::default() }))
}

/// Every frame is accounted for, limits hold, and every record is one.
pub fn check(registry: &Registry, account: &Account) {
    let unread = account.malformed.values().sum::<u64>() + account.unusable.values().sum::<u64>();
    assert_eq!(account.frames, account.used + unread);
    let devices = registry.devices();
    assert!(devices.len() <= LIMITS.devices);
    for device in &devices {
        assert!(device.facts().len() <= LIMITS.facts && device.names().len() <= LIMITS.addresses);
    }
    for record in records(registry, &FINGERPRINT, account.last_ns, "fuzz") {
        assert!((0.0..=1.0).contains(&record.confidence), "{record:?}");
        let text = serde_json::to_string(&record).expect("a record");
        let _same: kernscope_report::Device = serde_json::from_str(&text).expect("reads what it wrote");
    }
}
