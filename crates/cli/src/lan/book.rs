//! What a run on an interface has told of whom, and what of it is written: so that a device is told when something is new of it.

use kernscope_lan::Mac;
use kernscope_lan::fingerprint::Fingerprint;
use kernscope_lan::record::record;
use kernscope_lan::registry::{Device, Registry};
use kernscope_lan::same::{Suggestions, suggest};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// How a device was told last.
struct Told {
    /// How much was known of it, see `Device::news`.
    news: u64,
    digest: u64,
}

/// What a person would see change: not how often it was seen, nor how sure an answer is.
fn digest(device: &kernscope_report::Device) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&device.ips, &device.hostname, &device.device_type, &device.category).hash(&mut hasher);
    (&device.label, &device.os, &device.model, &device.roles).hash(&mut hasher);
    hasher.finish()
}

/// What was told of whom, and written.
pub(super) struct Book {
    fingerprint: Fingerprint,
    source: String,
    /// Which devices may be one, when it was looked at last.
    same: Suggestions,
    told: HashMap<Mac, Told>,
    /// What was seen up to here is written.
    kept_ns: u64,
}

impl Book {
    /// An empty one; `source` is what the database calls this run.
    pub(super) fn new(fingerprint: Fingerprint, source: String) -> Self {
        Self { fingerprint, source, same: Suggestions::new(), told: HashMap::new(), kept_ns: 0 }
    }

    /// Looks anew which devices may be one.
    pub(super) fn compare(&mut self, registry: &Registry) {
        self.same = suggest(&registry.devices());
    }

    /// What was seen up to here is written.
    pub(super) fn kept(&mut self, now_ns: u64) {
        self.kept_ns = now_ns;
    }

    /// Up to when what was seen is written, nanoseconds since 1970.
    pub(super) fn kept_ns(&self) -> u64 {
        self.kept_ns
    }

    pub(super) fn record(
        &self,
        registry: &Registry,
        device: &Device,
        now_ns: u64,
    ) -> kernscope_report::Device {
        record(registry, &self.fingerprint, &self.same, device, now_ns, &self.source)
    }

    /// Devices of which more is known now than the last time, and whether they are told otherwise than they were.
    pub(super) fn news(&mut self, registry: &Registry, now_ns: u64) -> Vec<(kernscope_report::Device, bool)> {
        let mut news = Vec::new();
        for device in registry.devices() {
            let told = self.told.get(&device.mac);
            if told.is_some_and(|told| told.news == device.news) {
                continue;
            }
            let record = self.record(registry, device, now_ns);
            let digest = digest(&record);
            let is_other = told.is_none_or(|told| told.digest != digest);
            news.push((record, is_other));
            self.told.insert(device.mac, Told { news: device.news, digest });
        }
        news
    }

    /// Devices that were seen since they were written.
    pub(super) fn seen(&self, registry: &Registry, now_ns: u64) -> Vec<kernscope_report::Device> {
        let since = |device: &&Device| device.last_ns >= self.kept_ns;
        registry
            .devices()
            .into_iter()
            .filter(since)
            .map(|device| self.record(registry, device, now_ns))
            .collect()
    }
}
