//! A capture file from its first frame to its last: a registry, and an account of every frame.

use crate::Registry;
use crate::anomaly::Tally;
use crate::capture::{Capture, Fault, Frame, LinkType};
use crate::link;
use std::collections::BTreeMap;
use std::io::Read;

/// What became of frames.
#[derive(Debug, Default)]
pub struct Account {
    /// Frames that came: those of a file up to where it ends or breaks, or those that the kernel counted.
    pub frames: u64,
    /// Frames that were read and that broke the rules of no protocol.
    pub used: u64,
    /// Frames of flows that the kernel counted, and that say nothing beyond that.
    pub counted: u64,
    /// Frames that broke a protocol's rules, by protocol; what was understood of them is used.
    pub malformed: BTreeMap<&'static str, u64>,
    /// Frames that say nothing of a device, or that were lost, by link type or reason.
    pub unusable: BTreeMap<String, u64>,
    /// Frames that came cut, among them all.
    pub cut: u64,
    /// When the last frame was, nanoseconds since 1970.
    pub last_ns: u64,
    /// Why the file ends before its end, if it does.
    pub fault: Option<Fault>,
}

impl Account {
    /// Lets the registry learn from a frame, and notes what became of it.
    pub fn take(&mut self, frame: &Frame<'_>, registry: &mut Registry) {
        self.frames += 1;
        self.cut += u64::from(frame.bytes.len() < frame.wire_bytes as usize);
        self.last_ns = self.last_ns.max(frame.ts_ns);
        match link::read(frame.link, frame.bytes) {
            Ok(Some(link)) => match registry.frame(frame.ts_ns, &link) {
                Ok(()) => self.used += 1,
                Err(bad) => *self.malformed.entry(bad.protocol).or_default() += 1,
            },
            Ok(None) => self.unusable(&unusable(frame.link), 1),
            Err(_) => *self.malformed.entry("link").or_default() += 1,
        }
    }

    /// Notes frames that nothing was made of.
    pub(crate) fn unusable(&mut self, reason: &str, count: u64) {
        if count > 0 {
            *self.unusable.entry(reason.to_owned()).or_default() += count;
        }
    }
}

/// Reads a capture to its end, or to where it breaks.
pub fn replay(reader: impl Read, registry: &mut Registry) -> Account {
    replay_taking(reader, registry, &mut |_| {})
}

/// The same, handing on who talked to whom whenever much of it is held, and at the end; nothing unless the registry's detectors
/// follow talks.
pub fn replay_taking(reader: impl Read, registry: &mut Registry, each: &mut dyn FnMut(Tally)) -> Account {
    let mut account = Account::default();
    account.fault = read(reader, registry, &mut account, each).err();
    registry.sentry().into_iter().for_each(|sentry| each(sentry.take_talks()));
    // Nothing more comes: what waits for an answer has none.
    registry.sentry().into_iter().for_each(|sentry| sentry.tick(u64::MAX));
    account
}

fn read(
    reader: impl Read,
    registry: &mut Registry,
    account: &mut Account,
    each: &mut dyn FnMut(Tally),
) -> Result<(), Fault> {
    let mut capture = Capture::open(reader)?;
    while let Some(frame) = capture.next_frame()? {
        account.take(&frame, registry);
        if account.frames.is_multiple_of(1024)
            && let Some(sentry) = registry.sentry().filter(|sentry| sentry.has_many_talks())
        {
            each(sentry.take_talks());
        }
    }
    Ok(())
}

fn unusable(link: LinkType) -> String {
    match link {
        LinkType::RawIp => "raw_ip".to_owned(),
        LinkType::Other(number) => format!("link_type_{number}"),
        other => format!("{other:?}").to_lowercase(),
    }
}
