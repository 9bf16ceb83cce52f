//! Frames by a packet socket.

use super::source::{Counted, Counts, Part, Source};
use super::{LiveError, Options, WITH_ADDRESSES};
use crate::capture::Frame;
use kernscope_kit::attach::Interface;
use kernscope_kit::packet::Tap;
use std::time::Duration;

/// 16 MiB: a tenth of a second of 1 Gbit/s.
const BLOCKS: u32 = 64;

#[derive(Debug)]
pub(super) struct Packets {
    tap: Tap,
    parts: [Part; 1],
}

impl Packets {
    pub(super) fn open(interface: &Interface, options: Options) -> Result<Self, LiveError> {
        let tap = Tap::open(interface, BLOCKS, options.promiscuous)?;
        if !WITH_ADDRESSES.contains(&tap.hardware()) {
            return Err(LiveError::NoAddresses(interface.to_string(), tap.hardware()));
        }
        let part = Part {
            name: format!("frames of {interface}"),
            tier: "packet socket".to_owned(),
            gap: String::new(),
        };
        Ok(Self { tap, parts: [part] })
    }
}

impl Source for Packets {
    fn wait(&self, timeout: Duration) {
        self.tap.wait(timeout);
    }

    fn drain(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> usize {
        self.tap.drain(&mut |frame| each(frame.into()))
    }

    fn stop(&mut self) {
        // Where it fails the tap ends with the process, and the account says by how much it does not close.
        let _stopped = self.tap.stop();
    }

    fn counts(&mut self) -> Counts {
        let tally = self.tap.tally().unwrap_or_default();
        let lost = vec![("ring_full", tally.dropped), ("unreadable", tally.unreadable)];
        Counts { came: tally.came, handed: tally.read, counted: 0, lost }
    }

    /// Every frame is handed over.
    fn flows(&mut self, _each: &mut dyn FnMut(Counted)) {}

    fn flows_lost(&mut self) -> u64 {
        0
    }

    fn parts(&self) -> &[Part] {
        &self.parts
    }

    fn keeps(&self) -> &[u32] {
        &[]
    }

    fn is_whole(&self) -> bool {
        true
    }
}
