//! What a run on an interface has told of whom, and what of it is written: so that a device is told when something is new of it.

use kernscope_lan::Mac;
use kernscope_lan::fingerprint::Fingerprint;
use kernscope_lan::record::{is_online, record};
use kernscope_lan::registry::{Device, Registry};
use kernscope_lan::same::{Suggestions, suggest};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// How a device was told last.
struct Told {
    /// How much was known of it, see `Device::news`.
    news: u64,
    online: bool,
    digest: u64,
}

/// What a person would see change: not how often it was seen, nor how sure an answer is.
fn digest(device: &kernscope_report::Device) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&device.ips, &device.hostname, &device.device_type, &device.category).hash(&mut hasher);
    (&device.label, &device.one_of, &device.os, &device.model, &device.roles, device.online)
        .hash(&mut hasher);
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

    /// Devices of which more is known now than the last time, or which fell silent or came back since, and whether they are told
    /// otherwise than they were.
    pub(super) fn news(&mut self, registry: &Registry, now_ns: u64) -> Vec<(kernscope_report::Device, bool)> {
        let mut news = Vec::new();
        for device in registry.devices() {
            let told = self.told.get(&device.mac);
            let online = is_online(device, now_ns);
            if told.is_some_and(|told| (told.news, told.online) == (device.news, online)) {
                continue;
            }
            let record = self.record(registry, device, now_ns);
            let digest = digest(&record);
            let is_other = told.is_none_or(|told| told.digest != digest);
            news.push((record, is_other));
            self.told.insert(device.mac, Told { news: device.news, online, digest });
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

#[cfg(test)]
mod tests {
    use super::*;
    use kernscope_lan::record::ONLINE_NS;
    use kernscope_lan::replay::replay;

    /// A capture of one frame, an ARP announcement, at a second.
    fn capture(second: u32) -> Vec<u8> {
        let mut frame = vec![0xff; 6];
        frame.extend([0, 0x17, 0x88, 1, 2, 3, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
        frame.extend([0, 0x17, 0x88, 1, 2, 3, 192, 0, 2, 7, 0, 0, 0, 0, 0, 0, 192, 0, 2, 7]);
        let mut file =
            vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0];
        for word in [second, 0, frame.len() as u32, frame.len() as u32] {
            file.extend(word.to_le_bytes());
        }
        [file, frame].concat()
    }

    #[test]
    fn who_falls_silent_is_told_once_and_again_when_it_is_back() {
        const SECOND_NS: u64 = 1_000_000_000;
        let mut registry = Registry::default();
        let mut book = Book::new(Fingerprint::built_in(), "made".to_owned());
        let mut told = |registry: &Registry, now_ns: u64| -> Vec<(bool, bool)> {
            book.news(registry, now_ns)
                .into_iter()
                .map(|(device, is_other)| (device.online, is_other))
                .collect()
        };
        replay(&capture(1000)[..], &mut registry);
        let last_ns = 1000 * SECOND_NS;
        assert_eq!(told(&registry, last_ns), [(true, true)]);
        assert_eq!(told(&registry, last_ns + ONLINE_NS), []);
        assert_eq!(told(&registry, last_ns + ONLINE_NS + 1), [(false, true)]);
        assert_eq!(told(&registry, last_ns + 2 * ONLINE_NS), []);
        replay(&capture(2000)[..], &mut registry);
        assert_eq!(told(&registry, 2000 * SECOND_NS), [(true, true)]);
    }
}
