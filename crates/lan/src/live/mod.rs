//! A network interface as it is now: frames of the kernel into a registry, with an account that the kernel's own counts close.
//!
//! A [`Session`] reads from one of several sources. All give the same frames to the same decoder, so that a device is
//! described alike whatever saw it.

mod packet;

use crate::Registry;
use crate::capture::Frame;
use crate::registry::Limits;
use crate::replay::Account;
use kernscope_kit::attach::{AttachError, Interface};
use std::time::Duration;

/// Most blocks or batches that are read before signals and clocks are looked at again.
const BATCHES_MAX: usize = 64;

/// Where frames come from.
trait Source: std::fmt::Debug {
    /// Waits for frames, or so long.
    fn wait(&self, timeout: Duration);
    /// Hands waiting frames to `each`, a batch of them; how many there were.
    fn drain(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> usize;
    /// Lets no more frames in. Those that came are still to be drained.
    fn stop(&mut self);
    /// What the kernel counted so far.
    fn counts(&mut self) -> Counts;
}

/// What the kernel counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames that came.
    pub came: u64,
    /// Frames that were handed to this process.
    pub handed: u64,
    /// Frames that were lost, by cause.
    pub lost: Vec<(&'static str, u64)>,
}

impl Counts {
    /// Whether every frame that came was handed over or lost.
    pub fn closes(&self) -> bool {
        self.came == self.handed + self.lost.iter().map(|(_, count)| count).sum::<u64>()
    }
}

/// How an interface is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Frames for other machines as well.
    pub promiscuous: bool,
    /// How much the registry keeps.
    pub limits: Limits,
}

/// Why an interface cannot be looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LiveError {
    /// The kernel refused.
    #[error(transparent)]
    Attach(#[from] AttachError),
    /// Its frames have no hardware addresses.
    #[error(
        "look at {0}: its frames name no sender (hardware type {1}); choose an Ethernet or wireless interface"
    )]
    NoAddresses(String, u16),
}

/// An interface that is being looked at.
#[derive(Debug)]
pub struct Session {
    source: Box<dyn Source>,
    /// What is known of its devices.
    pub registry: Registry,
    account: Account,
}

impl Session {
    /// Begins to look at an interface by a packet socket.
    ///
    /// # Errors
    /// [`LiveError`]; `EPERM` without `CAP_NET_RAW`.
    pub fn packet(interface: &Interface, options: Options) -> Result<Self, LiveError> {
        Ok(Self::of(Box::new(packet::Packets::open(interface, options)?), options))
    }

    fn of(source: Box<dyn Source>, options: Options) -> Self {
        Self { source, registry: Registry::new(options.limits), account: Account::default() }
    }

    /// Takes what is there; waits for it so long at most.
    pub fn poll(&mut self, timeout: Duration) {
        if self.take() == 0 {
            self.source.wait(timeout);
            self.take();
        }
    }

    fn take(&mut self) -> usize {
        let Self { source, registry, account } = self;
        let mut all = 0;
        for _ in 0..BATCHES_MAX {
            let taken = source.drain(&mut |frame| account.take(&frame, registry));
            all += taken;
            if taken == 0 {
                break;
            }
        }
        all
    }

    /// Stops, takes what is still there, and gives the account: of frames, `frames` is the kernel's count. Waits for frames
    /// that are under way no longer than `patience`.
    pub fn end(mut self, patience: Duration) -> (Registry, Account) {
        self.source.stop();
        let start = std::time::Instant::now();
        while !self.source.counts().closes() && start.elapsed() < patience {
            self.poll(Duration::from_millis(5));
        }
        let Self { mut source, registry, mut account } = self;
        let counts = source.counts();
        account.frames = counts.came;
        for (cause, count) in counts.lost {
            account.unusable(cause, count);
        }
        (registry, account)
    }
}
