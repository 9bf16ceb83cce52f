//! What the page asks for, as JSON.

use super::map;
use crate::lan::tell::now_ns;
use kernscope_lan::Mac;
use kernscope_lan::store::{KeptAlert, Store, StoreError};
use kernscope_report::Device;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Devices that a list has at most.
const DEVICES_MAX: usize = 10_000;
const ALERTS_MAX: usize = 2_000;
const TALKS_MAX: usize = 200;
/// Talks that the map is drawn of.
const MAP_TALKS_MAX: usize = 20_000;
const RUNS_MAX: usize = 100;
const HOUR_S: u64 = 3_600;
const WEEK_HOURS: u64 = 168;
/// Longer names are cut: the list has a thousand of them.
const NAME_LETTERS_MAX: usize = 120;

type Answer = Result<String, StoreError>;

/// Answers from a database.
pub(super) struct Answers<'a> {
    pub(super) store: &'a Store,
}

impl Answers<'_> {
    /// The answer to a path below `/api/`; `None` where there is no such thing.
    pub(super) fn get(&self, path: &str, query: &str) -> Result<Option<String>, StoreError> {
        match path.split_once('/') {
            None if path == "devices" => self.devices().map(Some),
            None if path == "map" => self.map().map(Some),
            None if path == "alerts" => self.alerts().map(Some),
            None if path == "traffic" => self.traffic(hours(query)).map(Some),
            Some(("device", mac)) => match mac.parse() {
                Ok(mac) => self.device(mac, hours(query)),
                Err(_) => Ok(None),
            },
            _ => Ok(None),
        }
    }

    pub(super) fn state(&self, live: bool, may_write: bool) -> Answer {
        Ok(json!({
            "version": env!("CARGO_PKG_VERSION"),
            "database": self.store.path().display().to_string(),
            "live": live,
            "may_write": may_write,
        })
        .to_string())
    }

    fn devices(&self) -> Answer {
        let devices = self.store.devices(now_ns())?;
        let mut alerts: HashMap<String, u64> = HashMap::new();
        for kept in self.store.alerts()?.into_iter().filter(is_open) {
            *alerts.entry(kept.alert.mac).or_default() += 1;
        }
        let bytes: HashMap<_, _> = self
            .store
            .volumes_by_device(self.since(24)?)?
            .into_iter()
            .map(|(mac, sent, received)| (mac, (sent, received)))
            .collect();
        let rows: Vec<_> = devices
            .iter()
            .take(DEVICES_MAX)
            .map(|device| {
                let (sent, received) = bytes.get(&device.mac).copied().unwrap_or_default();
                row(device, sent, received, alerts.get(&device.mac).copied().unwrap_or_default())
            })
            .collect();
        Ok(json!({ "total": devices.len(), "devices": rows }).to_string())
    }

    fn device(&self, mac: Mac, hours: u64) -> Result<Option<String>, StoreError> {
        let Some(device) = self.store.device(mac, now_ns())? else { return Ok(None) };
        let runs = self.store.history(mac)?;
        let runs: Vec<_> = runs
            .iter()
            .take(RUNS_MAX)
            .map(|run| {
                json!({ "source": run.source, "first_seen": run.first_seen, "last_seen": run.last_seen,
                    "frames": run.frames, "ips": run.ips, "hostname": run.hostname.as_deref().map(short),
                    "device_type": run.device_type })
            })
            .collect();
        let names = self.names()?;
        let talks: Vec<_> = self
            .store
            .talks_of(mac, TALKS_MAX)?
            .into_iter()
            .map(|talk| {
                // Seen from this device, whichever of the two is the client.
                let is_own = talk.mac == device.mac;
                let peer = if is_own { talk.peer } else { talk.mac };
                let (sent, received) =
                    if is_own { (talk.sent, talk.received) } else { (talk.received, talk.sent) };
                json!({ "name": names.get(&peer), "peer": peer, "service": talk.service, "sent": sent,
                    "received": received, "connections": talk.connections, "last_s": talk.last_s,
                    "inward": !is_own })
            })
            .collect();
        let alerts: Vec<_> =
            self.store.alerts()?.into_iter().filter(|kept| kept.alert.mac == device.mac).map(alert).collect();
        // Back from when it said something last.
        let mut all = self.store.volumes(Some(mac), 0)?;
        let until = all.last().map_or(0, |last| last.start_s) + kernscope_lan::anomaly::SPAN_S;
        let since = until.saturating_sub(hours * HOUR_S);
        all.retain(|span| span.start_s >= since);
        let spans = spans(&all);
        Ok(Some(
            json!({ "device": device, "runs": runs, "talks": talks, "alerts": alerts, "since_s": since,
            "until_s": until,
            "span_s": kernscope_lan::anomaly::SPAN_S, "spans": spans })
            .to_string(),
        ))
    }

    fn alerts(&self) -> Answer {
        let names = self.names()?;
        let alerts: Vec<_> = self
            .store
            .alerts()?
            .into_iter()
            .take(ALERTS_MAX)
            .map(|kept| {
                let name = names.get(&kept.alert.mac).cloned();
                let mut value = alert(kept);
                value["name"] = name.into();
                value
            })
            .collect();
        Ok(json!({ "alerts": alerts }).to_string())
    }

    fn traffic(&self, hours: u64) -> Answer {
        let since = self.since(hours)?;
        let names = self.names()?;
        let top: Vec<_> = self
            .store
            .volumes_by_device(since)?
            .into_iter()
            .take(50)
            .map(|(mac, sent, received)| json!({ "name": names.get(&mac), "mac": mac, "sent": sent, "received": received }))
            .collect();
        let spans = spans(&self.store.volumes(None, since)?);
        Ok(json!({ "since_s": since, "until_s": since + hours * HOUR_S, "span_s": kernscope_lan::anomaly::SPAN_S, "spans": spans, "top": top })
            .to_string())
    }

    fn map(&self) -> Answer {
        let devices = self.store.devices(now_ns())?;
        let talks = self.store.largest_talks(MAP_TALKS_MAX)?;
        Ok(map::draw(&devices, &talks).to_string())
    }

    /// So many hours before the last thing that is kept, so that an old capture has plots as well.
    fn since(&self, hours: u64) -> Result<u64, StoreError> {
        let last = self.store.last_span()?.unwrap_or_default();
        Ok((last + kernscope_lan::anomaly::SPAN_S).saturating_sub(hours * HOUR_S))
    }

    fn names(&self) -> Result<HashMap<String, String>, StoreError> {
        let devices = self.store.devices(now_ns())?;
        Ok(devices.into_iter().map(|device| (device.mac.clone(), title(&device))).collect())
    }
}

/// What a person calls a device: its name, else what it is, else who made it.
pub(super) fn title(device: &Device) -> String {
    let kind = (device.device_type != "unknown").then_some(&device.device_type);
    let words = device.hostname.as_ref().or(kind).or(device.vendor.as_ref());
    words.map_or_else(|| device.mac.clone(), |words| short(words))
}

fn short(text: &str) -> String {
    text.chars().take(NAME_LETTERS_MAX).collect()
}

fn row(device: &Device, sent: u64, received: u64, alerts: u64) -> Value {
    json!({
        "mac": device.mac, "name": device.hostname.as_deref().map(short), "type": device.device_type,
        "category": device.category, "vendor": device.vendor, "random": device.mac_random,
        "ips": device.ips.iter().take(3).collect::<Vec<_>>(), "online": device.online, "roles": device.roles,
        "first": device.first_seen, "last": device.last_seen, "frames": device.frames, "sent": sent,
        "received": received, "alerts": alerts,
    })
}

fn alert(kept: KeptAlert) -> Value {
    let muted = kept.muted;
    let mut value = json!(kept.alert);
    value["muted"] = muted.into();
    value["acknowledged"] = kept.alert.acknowledged.into();
    value
}

fn is_open(kept: &KeptAlert) -> bool {
    !kept.muted && !kept.alert.acknowledged
}

fn spans(spans: &[kernscope_lan::store::Span]) -> Vec<[u64; 3]> {
    spans.iter().map(|span| [span.start_s, span.sent, span.received]).collect()
}

/// `hours=N` of a query: a day unless it says else, a week at most.
fn hours(query: &str) -> u64 {
    let hours = query.split('&').find_map(|pair| pair.strip_prefix("hours="));
    hours.and_then(|hours| hours.parse().ok()).unwrap_or(24).clamp(1, WEEK_HOURS)
}
