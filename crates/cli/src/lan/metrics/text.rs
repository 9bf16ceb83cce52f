//! The text format of Prometheus, version 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use super::Numbers;
use std::fmt::{Display, Write};

/// Names of devices come from strangers: longer ones are cut.
const LABEL_BYTES_MAX: usize = 128;

/// Everything, as Prometheus reads it.
pub(super) fn page(numbers: &Numbers) -> String {
    let mut page = Page(String::new());
    page.family("kernscope_build_info", "gauge", "Which kernscope this is.");
    page.sample("kernscope_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    page.family(
        "kernscope_lan_frames_total",
        "counter",
        "Frames by what became of them: used, counted (in the kernel), malformed, lost; and why.",
    );
    for ((fate, cause), count) in &numbers.frames {
        page.sample("kernscope_lan_frames_total", &[("fate", fate), ("cause", cause)], count);
    }
    page.gauge("kernscope_lan_devices", "Devices that are known.", numbers.devices);
    page.gauge("kernscope_lan_devices_online", "Devices that were seen within five minutes.", numbers.online);
    page.gauge("kernscope_lan_learning", "1 while the network is learnt.", u64::from(numbers.learning));
    page.gauge(
        "kernscope_lan_written_timestamp_seconds",
        "When something was written to the database last; 0 without one.",
        numbers.written_s,
    );
    page.family("kernscope_lan_writes_failed_total", "counter", "Writes to the database that failed.");
    page.sample("kernscope_lan_writes_failed_total", &[], numbers.writes_failed);
    page.family("kernscope_lan_alerts_total", "counter", "Alerts that were told, by rule.");
    for ((rule, severity), count) in &numbers.alerts {
        page.sample("kernscope_lan_alerts_total", &[("rule", rule), ("severity", severity.word())], count);
    }
    devices(&mut page, numbers);
    page.0
}

fn devices(page: &mut Page, numbers: &Numbers) {
    let name = "kernscope_lan_device_info";
    page.family(name, "gauge", "What a device is called; join it by mac.");
    for (mac, series) in &numbers.series {
        let (mac, named) = (mac.to_string(), &series.named);
        let labels =
            [("mac", &mac), ("name", &named.name), ("category", &named.category), ("vendor", &named.vendor)];
        page.sample(name, &labels.map(|(label, value)| (label, value.as_str())), 1);
    }
    let name = "kernscope_lan_device_bytes_total";
    page.family(
        name,
        "counter",
        "Bytes of frames that a device sent, or that were sent to it alone; others together.",
    );
    let own = numbers.series.iter().map(|(mac, series)| (mac.to_string(), series.bytes));
    for (mac, bytes) in own.chain([("other".to_owned(), numbers.other)]) {
        page.sample(name, &[("mac", &mac), ("direction", "sent")], bytes.sent);
        page.sample(name, &[("mac", &mac), ("direction", "received")], bytes.received);
    }
    let name = "kernscope_lan_device_last_seen_timestamp_seconds";
    page.family(name, "gauge", "When a device sent something last.");
    for (mac, series) in &numbers.series {
        page.sample(name, &[("mac", &mac.to_string())], series.last_s);
    }
}

struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, means: &str) {
        // Writing to a string does not fail.
        let _ = write!(self.0, "# HELP {name} {means}\n# TYPE {name} {kind}\n");
    }

    fn gauge(&mut self, name: &str, means: &str, value: u64) {
        self.family(name, "gauge", means);
        self.sample(name, &[], value);
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0 += name;
        for (at, (label, text)) in labels.iter().enumerate() {
            let _ = write!(self.0, "{}{label}=\"{}\"", if at == 0 { '{' } else { ',' }, escaped(text));
        }
        let _ = writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }
}

/// A label's value: backslash, quote and line feed stand as the format wants them; other control characters are left out.
pub(super) fn escaped(text: &str) -> String {
    let cut = &text[..text.floor_char_boundary(LABEL_BYTES_MAX)];
    let mut out = String::with_capacity(cut.len());
    for letter in cut.chars() {
        match letter {
            '\\' => out += "\\\\",
            '"' => out += "\\\"",
            '\n' => out += "\\n",
            control if control.is_control() => {}
            other => out.push(other),
        }
    }
    out
}
