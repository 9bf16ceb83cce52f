//! What a source of frames can do, what it counts, and how it says what it is made of.

use crate::Mac;
use crate::anomaly::Flow;
use crate::capture::Frame;
use crate::sought::Reach;
use std::time::Duration;

/// Where frames come from.
pub(super) trait Source: std::fmt::Debug {
    /// Waits for frames, or so long.
    fn wait(&self, timeout: Duration);
    /// Hands waiting frames to `each`, a batch of them; how many there were.
    fn drain(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> usize;
    /// Hands what was counted in the kernel to `each`; behind [`Source::stop`], all of it.
    fn flows(&mut self, each: &mut dyn FnMut(Counted));
    /// Frames that were counted in the kernel, and whose sender is not known any more.
    fn flows_lost(&mut self) -> u64;
    /// Lets no more frames in. Those that came are still to be drained.
    fn stop(&mut self);
    /// What the kernel counted so far.
    fn counts(&mut self) -> Counts;
    /// What it is made of.
    fn parts(&self) -> &[Part];
    /// Whether every frame is handed over.
    fn is_whole(&self) -> bool;
    /// Capabilities that it goes on needing.
    fn keeps(&self) -> &[u32];
}

/// A part of a source, for the coverage statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// What it sees.
    pub name: String,
    /// By what means.
    pub tier: String,
    /// What it does not see; empty when nothing is missing.
    pub gap: String,
}

/// What the kernel noted of one device, until `last_ns` (since 1970).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    /// Frames that were counted and not handed over.
    Frames { mac: Mac, frames: u64, bytes: u64, flow: Option<Flow>, last_ns: u64 },
    /// What it sought, in frames that were handed over, counted or lost.
    Sought { mac: Mac, reach: Box<Reach>, last_ns: u64 },
}

/// What the kernel counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Frames that came.
    pub(super) came: u64,
    /// Frames that were handed to this process.
    pub(super) handed: u64,
    /// Frames that were only counted.
    pub(super) counted: u64,
    /// Frames that were lost, by cause.
    pub(super) lost: Vec<(&'static str, u64)>,
}

impl Counts {
    /// Whether every frame that came is accounted for.
    pub(super) fn closes(&self) -> bool {
        self.came == self.handed + self.counted + self.lost.iter().map(|(_, count)| count).sum::<u64>()
    }
}
