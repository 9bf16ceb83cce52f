//! Frames by a packet socket.

use super::{Counts, LiveError, Options, Source};
use crate::capture::{Frame, LinkType};
use kernscope_kit::attach::Interface;
use kernscope_kit::packet::Tap;
use std::time::Duration;

/// 16 MiB: a tenth of a second of 1 Gbit/s.
const BLOCKS: u32 = 64;
/// `ARPHRD_ETHER` and `ARPHRD_LOOPBACK`.
const WITH_ADDRESSES: [u16; 2] = [1, 772];

#[derive(Debug)]
pub(super) struct Packets {
    tap: Tap,
}

impl Packets {
    pub(super) fn open(interface: &Interface, options: Options) -> Result<Self, LiveError> {
        let tap = Tap::open(interface, BLOCKS, options.promiscuous)?;
        if !WITH_ADDRESSES.contains(&tap.hardware()) {
            return Err(LiveError::NoAddresses(interface.to_string(), tap.hardware()));
        }
        Ok(Self { tap })
    }
}

impl Source for Packets {
    fn wait(&self, timeout: Duration) {
        self.tap.wait(timeout);
    }

    fn drain(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> usize {
        self.tap.drain(&mut |frame| {
            each(Frame {
                ts_ns: frame.ts_ns,
                link: LinkType::Ethernet,
                bytes: frame.bytes,
                wire_bytes: frame.wire_bytes,
            });
        })
    }

    fn stop(&mut self) {
        // Where it fails the tap ends with the process, and the account says by how much it does not close.
        let _stopped = self.tap.stop();
    }

    fn counts(&mut self) -> Counts {
        let tally = self.tap.tally().unwrap_or_default();
        let lost = vec![("ring_full", tally.dropped), ("unreadable", tally.unreadable)];
        Counts { came: tally.came, handed: tally.read, lost }
    }
}
