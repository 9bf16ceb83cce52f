//! How devices, coverage and the account of a replay are told.

use crate::args::Format;
use crate::failure::{BROKEN, Failure};
use kernscope_lan::registry::Refused;
use kernscope_lan::replay::Account;
use kernscope_report::pretty::clean;
use kernscope_report::{Body, Coverage, Device, Entry, Hook, Ledger, Sequencer, State, clock};
use std::collections::BTreeMap;
use std::io::{BufWriter, ErrorKind, Stdout, Write};

/// Writes records to standard output, and counts.
pub(super) struct Teller {
    format: Format,
    output: BufWriter<Stdout>,
    sequencer: Sequencer,
    ledger: Ledger,
    unusable: BTreeMap<String, u64>,
    refused: Refused,
    broken: Option<Failure>,
}

impl Teller {
    pub(super) fn new(format: Format) -> Self {
        Self {
            format,
            output: BufWriter::new(std::io::stdout()),
            // Times in captures are wall time already.
            sequencer: Sequencer::new(0),
            ledger: Ledger::default(),
            unusable: BTreeMap::new(),
            refused: Refused::default(),
            broken: None,
        }
    }

    /// Tells a device; `ts_ns` is the end of its capture.
    pub(super) fn device(&mut self, device: Device, ts_ns: u64) {
        self.ledger.seen += 1;
        self.ledger.emitted += 1;
        *self.ledger.seen_by.entry("device".to_owned()).or_default() += 1;
        self.tell(ts_ns, Body::Device(device));
    }

    /// Counts a file that could not be opened.
    pub(super) fn unreadable(&mut self) {
        *self.unusable.entry("unreadable_file".to_owned()).or_default() += 1;
    }

    /// Takes a file into the account.
    pub(super) fn file(&mut self, account: &Account, refused: Refused) {
        self.ledger.seen += account.frames;
        *self.ledger.seen_by.entry("frame".to_owned()).or_default() += account.frames;
        let mut filter = |reason: String, count: u64| {
            if count > 0 {
                self.ledger.filtered += count;
                *self.ledger.filtered_by.entry(reason).or_default() += count;
            }
        };
        filter("frame_used".to_owned(), account.used);
        for (protocol, count) in &account.malformed {
            filter(format!("malformed_{protocol}"), *count);
        }
        for (reason, count) in &account.unusable {
            *self.ledger.lost.entry(reason.clone()).or_default() += count;
            *self.unusable.entry(reason.clone()).or_default() += count;
        }
        self.refused.frames += refused.frames;
        self.refused.facts += refused.facts;
    }

    /// Tells what was covered and the account. Gives why the output is not whole, if so.
    pub(super) fn end(mut self) -> Option<Failure> {
        let coverage = self.coverage();
        let ledger = std::mem::take(&mut self.ledger).close();
        let now = u64::try_from(i128::from(clock::monotonic_ns()) + i128::from(clock::realtime_offset_ns()));
        let now = now.unwrap_or(0);
        self.tell(now, Body::Coverage(coverage));
        self.tell(now, Body::Ledger(ledger));
        let flushed = self.output.flush();
        self.note(flushed);
        self.broken
    }

    fn coverage(&self) -> Coverage {
        let list = |counts: &BTreeMap<String, u64>| {
            counts.iter().map(|(reason, count)| format!("{reason} {count}")).collect::<Vec<_>>().join(", ")
        };
        let hook = |name: &str, why: String| Hook {
            name: name.to_owned(),
            tier: "file".to_owned(),
            state: if why.is_empty() { State::Attached } else { State::Partial },
            why,
        };
        let refused = match self.refused {
            Refused { frames: 0, facts: 0 } => String::new(),
            Refused { frames, facts } => {
                format!("limits reached: {frames} frames of further devices and {facts} facts are not kept")
            }
        };
        let frames = match list(&self.unusable) {
            list if list.is_empty() => list,
            list => format!("frames that name no device, or files not opened: {list}"),
        };
        Coverage {
            backend: "replay".to_owned(),
            why: "what the capture does not hold is not seen; TCP streams and IP fragments are not put together"
                .to_owned(),
            hooks: vec![hook("frames", frames), hook("registry", refused)],
            ..Coverage::default()
        }
    }

    fn tell(&mut self, ts_ns: u64, body: Body) {
        if self.broken.is_some() {
            return;
        }
        let line = match self.format {
            Format::Pretty => clean::text(&pretty(&body)).into_owned(),
            Format::Jsonl => {
                let entry = Entry { ts_ns, proc: None, body, escaped: Vec::new() };
                serde_json::to_string(&self.sequencer.stamp(&entry)).unwrap_or_default()
            }
        };
        let written = writeln!(self.output, "{line}");
        self.note(written);
    }

    /// A reader that has seen enough is no failure.
    fn note(&mut self, written: std::io::Result<()>) {
        if let Err(cause) = written
            && cause.kind() != ErrorKind::BrokenPipe
        {
            self.broken = Some(Failure::with_status(BROKEN, format_args!("write standard output: {cause}")));
        }
    }
}

fn pretty(body: &Body) -> String {
    match body {
        Body::Device(device) => line(device),
        Body::Coverage(coverage) => {
            let gaps: Vec<_> = coverage.hooks.iter().map(|hook| hook.why.as_str()).collect();
            let gaps: Vec<_> =
                [coverage.why.as_str()].into_iter().chain(gaps).filter(|gap| !gap.is_empty()).collect();
            format!("coverage {}", gaps.join("; "))
        }
        Body::Ledger(ledger) => format!(
            "ledger seen {} = emitted {} + filtered {} + lost {}",
            ledger.seen,
            ledger.emitted,
            ledger.filtered,
            ledger.lost.values().sum::<u64>()
        ),
        _ => String::new(),
    }
}

/// A device in one line: address, what it is and how sure, name, maker, addresses.
fn line(device: &Device) -> String {
    let sure = match device.confidence {
        0.0 => String::new(),
        confidence => format!(" ({:.0} %)", confidence * 100.0),
    };
    let mut parts = vec![format!("{} {}{sure}", device.mac, device.device_type)];
    parts.extend(device.label.as_ref().filter(|label| **label != device.device_type).cloned());
    parts.extend(device.hostname.as_ref().map(|name| format!("\"{name}\"")));
    parts.push(match &device.vendor {
        Some(vendor) => vendor.clone(),
        None if device.mac_random => "random address".to_owned(),
        None => "unknown vendor".to_owned(),
    });
    parts.extend((!device.roles.is_empty()).then(|| device.roles.join(" ")));
    parts.extend((!device.ips.is_empty()).then(|| device.ips.join(" ")));
    parts.join("  ")
}
