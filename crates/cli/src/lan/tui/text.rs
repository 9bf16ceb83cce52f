//! Names and times, short and safe to show.

use kernscope_report::Device;
use kernscope_report::clock::Clock;
use kernscope_report::pretty::clean;

/// Longer names are cut: they stand in lists.
const NAME_LETTERS_MAX: usize = 120;

/// What a person calls a device: its name, else what it is, else who made it.
pub(super) fn title(device: &Device) -> String {
    let kind = (device.device_type != "unknown").then_some(&device.device_type);
    let words = device.hostname.as_ref().or(kind).or(device.vendor.as_ref());
    words.map_or_else(|| device.mac.clone(), |words| short(words))
}

/// A text of strangers, safe to show, and of a length that fits.
pub(super) fn short(text: &str) -> String {
    let cut = clean::cut_end(text, NAME_LETTERS_MAX);
    clean::text(&cut).into_owned()
}

pub(super) fn search_text(device: &Device) -> String {
    let vendor = device.vendor.as_deref().unwrap_or_default();
    let names = device.names.iter().map(|name| name.name.as_str());
    let words = [device.device_type.as_str(), &device.category, vendor, &device.mac];
    let words = words.into_iter().chain(names).chain(device.hostname.as_deref());
    let words = words.chain(device.ips.iter().chain(&device.roles).map(String::as_str));
    words.map(short).collect::<Vec<_>>().join(" ").to_lowercase()
}

/// A time for people, in UTC.
pub(super) fn when(ns: u64) -> String {
    let text = Clock::new(0).rfc3339(ns).to_owned();
    text.get(..19).map_or_else(String::new, |head| head.replace('T', " "))
}

/// How long ago, short.
pub(super) fn ago(now_ns: u64, then_ns: u64) -> String {
    if then_ns == 0 {
        return String::new();
    }
    match now_ns.saturating_sub(then_ns) / 1_000_000_000 {
        0..2 => "now".to_owned(),
        s @ ..90 => format!("{s} s"),
        s @ ..5_400 => format!("{} min", s / 60),
        s @ ..129_600 => format!("{} h", s / 3600),
        s @ ..63_072_000 => format!("{} d", s / 86_400),
        s => format!("{} y", s / 31_536_000),
    }
}
