//! How devices, coverage and the account of a run are told.

use super::pretty;
use crate::args::Format;
use crate::failure::{BROKEN, Failure};
use kernscope_lan::anomaly::Alert;
use kernscope_lan::replay::Account;
use kernscope_report::pretty::clean;
use kernscope_report::{Alert as Record, Body, Coverage, Device, Entry, Ledger, Sequencer, clock};
use std::collections::{HashMap, HashSet};
use std::io::{BufWriter, ErrorKind, Stdout, Write};

/// Writes records to standard output, and counts.
pub(super) struct Teller {
    format: Format,
    output: BufWriter<Stdout>,
    sequencer: Sequencer,
    ledger: Ledger,
    next_seq: u64,
    /// Where a device was told last, by its address.
    told_at: HashMap<String, u64>,
    deaf: bool,
    broken: Option<Failure>,
    /// A screen shows it: lines of alerts wait until it is gone, devices are told again at the end.
    behind: Option<Vec<String>>,
}

/// Lines that wait behind a screen; the oldest are told, the newest of a flood are in the database.
const BEHIND_MAX: usize = 1_000;

impl Teller {
    pub(super) fn new(format: Format) -> Self {
        Self {
            format,
            output: BufWriter::new(std::io::stdout()),
            // Times of frames are wall time already.
            sequencer: Sequencer::new(0),
            ledger: Ledger::default(),
            next_seq: 0,
            told_at: HashMap::new(),
            deaf: false,
            broken: None,
            behind: None,
        }
    }

    /// From here on a screen shows what is told, until [`Teller::come_forward`].
    pub(super) fn go_behind(&mut self) {
        self.behind = Some(Vec::new());
    }

    /// The screen is gone: tells the alerts that it showed.
    pub(super) fn come_forward(&mut self) {
        for line in self.behind.take().into_iter().flatten() {
            let written = self.output.write_all(line.as_bytes());
            self.note(written);
        }
    }

    /// Tells a device; `ts_ns` is when it was known, since 1970.
    pub(super) fn device(&mut self, device: Device, ts_ns: u64) {
        self.ledger.seen += 1;
        self.ledger.emitted += 1;
        *self.ledger.seen_by.entry("device".to_owned()).or_default() += 1;
        self.told_at.insert(device.mac.clone(), self.next_seq);
        self.tell(ts_ns, Body::Device(device));
    }

    /// Tells an alert, behind the device that it is about. A user may have muted it.
    pub(super) fn alert(&mut self, alert: &Alert, source: &str, muted: &HashSet<String>) {
        self.count_alert();
        if muted.contains(&alert.id()) {
            return self.filtered("alert_muted".to_owned(), 1);
        }
        self.ledger.emitted += 1;
        let evidence = self.told_at.get(&alert.mac.to_string()).copied().into_iter().collect();
        self.tell(alert.last_ns, Body::Alert(alert.record(evidence, source)));
    }

    /// Tells an alert as it was kept.
    pub(super) fn kept_alert(&mut self, alert: Record) {
        self.count_alert();
        self.ledger.emitted += 1;
        self.tell(now_ns(), Body::Alert(alert));
    }

    fn count_alert(&mut self) {
        self.ledger.seen += 1;
        *self.ledger.seen_by.entry("alert".to_owned()).or_default() += 1;
    }

    /// Takes frames into the account: each was used, broke rules, or says nothing.
    pub(super) fn frames(&mut self, account: &Account) {
        self.ledger.seen += account.frames;
        *self.ledger.seen_by.entry("frame".to_owned()).or_default() += account.frames;
        self.filtered("frame_used".to_owned(), account.used);
        self.filtered("frame_counted".to_owned(), account.counted);
        for (protocol, count) in &account.malformed {
            self.filtered(format!("malformed_{protocol}"), *count);
        }
        for (reason, count) in &account.unusable {
            *self.ledger.lost.entry(reason.clone()).or_default() += count;
        }
    }

    fn filtered(&mut self, reason: String, count: u64) {
        if count > 0 {
            self.ledger.filtered += count;
            *self.ledger.filtered_by.entry(reason).or_default() += count;
        }
    }

    /// Whether nobody reads any more.
    pub(super) fn is_deaf(&self) -> bool {
        self.deaf
    }

    /// Hands on what is gathered.
    pub(super) fn flush(&mut self) {
        let flushed = self.output.flush();
        self.note(flushed);
    }

    /// Tells what was covered and the account. Gives why the output is not whole, if so.
    pub(super) fn end(mut self, coverage: Coverage) -> Option<Failure> {
        let ledger = std::mem::take(&mut self.ledger).close();
        let now_ns = now_ns();
        self.tell(now_ns, Body::Coverage(coverage));
        self.tell(now_ns, Body::Ledger(ledger));
        self.flush();
        self.broken
    }

    fn tell(&mut self, ts_ns: u64, body: Body) {
        if self.deaf {
            return;
        }
        self.next_seq += 1;
        let is_alert = matches!(body, Body::Alert(_));
        if self.behind.is_some() && !is_alert {
            return;
        }
        let text = match self.format {
            // A name may hold a line break; the lines are ours.
            Format::Pretty => {
                pretty::lines(&body).iter().map(|line| clean::text(line).into_owned() + "\n").collect()
            }
            Format::Jsonl => {
                let entry = Entry { ts_ns, proc: None, body, escaped: Vec::new() };
                serde_json::to_string(&self.sequencer.stamp(&entry)).unwrap_or_default() + "\n"
            }
        };
        if let Some(behind) = &mut self.behind {
            behind.extend((behind.len() < BEHIND_MAX).then_some(text));
            return;
        }
        let written = self.output.write_all(text.as_bytes());
        self.note(written);
    }

    /// A reader that has seen enough is no failure.
    fn note(&mut self, written: std::io::Result<()>) {
        let Err(cause) = written else { return };
        self.deaf = true;
        if cause.kind() != ErrorKind::BrokenPipe {
            self.broken = Some(Failure::with_status(BROKEN, format_args!("write standard output: {cause}")));
        }
    }
}

/// Now, nanoseconds since 1970.
pub(super) fn now_ns() -> u64 {
    let now = i128::from(clock::monotonic_ns()) + i128::from(clock::realtime_offset_ns());
    u64::try_from(now).unwrap_or(0)
}
