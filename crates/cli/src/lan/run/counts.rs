//! The numbers of a run, for who asks for metrics.

use super::Run;
use crate::lan::metrics::Named;
use crate::lan::tell::now_ns;
use kernscope_lan::live::Session;
use kernscope_lan::record::ONLINE_NS;
use kernscope_lan::registry::{Device, Registry};
use kernscope_lan::replay::Account;
use std::collections::BTreeMap;

impl Run {
    /// Brings the metrics up to date.
    pub(super) fn count(&mut self, session: &mut Session) {
        if self.settings.faces.metrics.is_none() {
            return;
        }
        let now_ns = now_ns();
        let (_, lost) = session.counted();
        let frames = frames(session.account(), lost);
        let learning = session.registry.sentry().is_some_and(|sentry| sentry.is_learning());
        let all = session.registry.devices();
        let online =
            all.iter().filter(|device| now_ns.saturating_sub(device.last_ns) <= ONLINE_NS).count() as u64;
        let devices: Vec<_> = all.iter().map(|device| (device.mac, device.last_ns)).collect();
        let most = self.settings.faces.metrics_devices;
        let nameless = self.metrics.with(|numbers| {
            (numbers.frames, numbers.devices, numbers.online) = (frames, devices.len() as u64, online);
            numbers.learning = learning;
            numbers.traffic(&devices, &self.traffic, most);
            numbers.nameless()
        });
        for device in all.iter().filter(|device| nameless.binary_search(&device.mac).is_ok()) {
            let named = self.named(&session.registry, device, now_ns);
            self.metrics.with(|numbers| numbers.name(device.mac, named));
        }
    }

    fn named(&self, registry: &Registry, device: &Device, now_ns: u64) -> Named {
        let mut told = self.book.record(registry, device, now_ns);
        self.database.iter().for_each(|database| database.correct(&mut told));
        let (name, vendor) = (told.hostname.unwrap_or_default(), told.vendor.unwrap_or_default());
        Named { name, category: told.category, vendor }
    }
}

/// Frames by what became of them and why.
fn frames(account: &Account, lost: Vec<(&'static str, u64)>) -> BTreeMap<(&'static str, String), u64> {
    let mut frames = BTreeMap::from([
        (("used", String::new()), account.used),
        (("counted", String::new()), account.counted),
    ]);
    frames.extend(
        account.malformed.iter().map(|(protocol, count)| (("malformed", (*protocol).to_owned()), *count)),
    );
    let unusable = account.unusable.iter().map(|(cause, count)| (("lost", cause.clone()), *count));
    frames.extend(unusable.chain(lost.into_iter().map(|(cause, count)| (("lost", cause.to_owned()), count))));
    frames
}
