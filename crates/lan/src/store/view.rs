//! One record of a device from all that was seen of it.
//!
//! What changes (addresses) is the newest word; what it is, the surest; counts are sums.

use crate::record::ONLINE_NS;
use kernscope_report::clock::Clock;
use kernscope_report::{Device, Sought};

/// One record for each device. `sightings` are in order of the device, of each the newest first.
pub(super) fn devices(sightings: &[Device], now_ns: u64) -> Vec<Device> {
    let online_since = Clock::new(0).rfc3339(now_ns.saturating_sub(ONLINE_NS)).to_owned();
    let of_one = sightings.chunk_by(|a, b| a.mac == b.mac);
    of_one
        .filter_map(join)
        .map(|device| Device { online: device.last_seen >= online_since, ..device })
        .collect()
}

/// One record of the sightings of one device, the newest first; `None` of none.
pub fn join(sightings: &[Device]) -> Option<Device> {
    let mut device = sightings.first()?.clone();
    for older in &sightings[1..] {
        device.frames += older.frames;
        device.first_seen = device.first_seen.min(older.first_seen.clone());
        if device.ips.is_empty() {
            device.ips.clone_from(&older.ips);
        }
        device.hostname = device.hostname.take().or_else(|| older.hostname.clone());
        device.os = device.os.take().or_else(|| older.os.clone());
        device.model = device.model.take().or_else(|| older.model.clone());
        add_new(&mut device.names, &older.names);
        add_new(&mut device.roles, &older.roles);
        device.sought = most(device.sought, older.sought);
        add_new(&mut device.same_as, &older.same_as);
        if surety(older) > surety(&device) {
            device.device_type.clone_from(&older.device_type);
            device.category.clone_from(&older.category);
            device.label.clone_from(&older.label);
            device.one_of.clone_from(&older.one_of);
            device.evidence.clone_from(&older.evidence);
            device.confidence = older.confidence;
        }
    }
    Some(device)
}

/// A class is more than a sort, a sort more than nothing.
fn surety(device: &Device) -> (bool, bool, f64) {
    (device.label.is_some(), device.category != "unknown", device.confidence)
}

/// Of two counts of different things that may have met, the greater is sure.
fn most(one: Option<Sought>, other: Option<Sought>) -> Option<Sought> {
    let (Some(a), Some(b)) = (one, other) else { return one.or(other) };
    Some(Sought {
        addresses: a.addresses.max(b.addresses),
        ports: a.ports.max(b.ports),
        addresses_a_minute: a.addresses_a_minute.max(b.addresses_a_minute),
        ports_a_minute: a.ports_a_minute.max(b.ports_a_minute),
    })
}

fn add_new<T: PartialEq + Clone>(known: &mut Vec<T>, more: &[T]) {
    for one in more {
        if !known.contains(one) {
            known.push(one.clone());
        }
    }
}
