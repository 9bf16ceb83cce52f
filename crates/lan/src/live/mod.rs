//! A network interface as it is now: frames of the kernel into a registry, with an account that the kernel's own counts close.
//!
//! A [`Session`] reads from one of two sources: programs in the kernel, which hand over what there is to learn from and count
//! the rest (`kernel`), or a packet socket, which hands over every frame (`packet`). Both feed the same decoder, so
//! that a device is described alike whatever saw it.

mod kernel;
mod packet;
mod sieved;
mod source;

pub use source::Part;

use crate::Registry;
use crate::anomaly::{self, Amount, Patterns, Sentry};
use crate::link;
use crate::registry::Limits;
use crate::replay::Account;
use kernscope_kit::attach::{AttachError, Interface};
use kernscope_kit::load::{LoadError, Loaded, UseError};
use kernscope_kit::program::ProgramType;
use kernscope_report::clock;
use sieved::Sieved;
use source::{Counted, Source};
use std::time::{Duration, Instant};

/// Most batches that are read before signals and clocks are looked at again.
const BATCHES_MAX: usize = 64;
/// How often counts of flows are taken from the kernel.
const FLOWS_EVERY: Duration = Duration::from_secs(1);
/// `ARPHRD_ETHER` and `ARPHRD_LOOPBACK`.
const WITH_ADDRESSES: [u16; 2] = [1, 772];

/// How an interface is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Frames for other machines as well.
    pub promiscuous: bool,
    /// Whether detectors follow, and how they are set.
    pub anomaly: Option<anomaly::Options>,
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
    /// The kernel refused a program or a map.
    #[error("{}", .0.brief())]
    Load(#[from] LoadError),
    /// The kernel refused to hand out a map.
    #[error(transparent)]
    Use(UseError),
    /// A program could not be made.
    #[error("generate the programs of lan: {0}")]
    Generate(String),
    /// Its frames have no hardware addresses.
    #[error(
        "look at {0}: its frames name no sender (hardware type {1}); choose an Ethernet or wireless interface"
    )]
    NoAddresses(String, u16),
}

/// Loads the program that looks at frames in the kernel, for XDP or for tc, with maps of its own and on no interface.
///
/// # Errors
/// [`LiveError`] when it cannot be made, or the kernel refuses it.
///
/// # Minimum kernel
/// 5.10; XDP for frames in several pieces from 5.18.
pub fn load(program_type: ProgramType) -> Result<Loaded, LiveError> {
    kernel::load(program_type)
}

/// An interface that is being looked at.
#[derive(Debug)]
pub struct Session {
    source: Box<dyn Source>,
    /// What is known of its devices.
    pub registry: Registry,
    account: Account,
    flows_at: Instant,
    /// Where frames for the patterns come from, if the source hands over only some.
    sieved: Option<Sieved>,
}

impl Session {
    /// Begins to look at an interface by programs in the kernel.
    ///
    /// # Errors
    /// [`LiveError`]: of privileges, of a kernel that cannot, of another program that is there.
    ///
    /// # Minimum kernel
    /// 5.10.
    pub fn kernel(interface: &Interface, options: Options) -> Result<Self, LiveError> {
        Ok(Self::of(Box::new(kernel::Programs::attach(interface, options)?), options))
    }

    /// Begins to look at an interface by a packet socket.
    ///
    /// # Errors
    /// [`LiveError`]; `EPERM` without `CAP_NET_RAW`.
    pub fn packet(interface: &Interface, options: Options) -> Result<Self, LiveError> {
        Ok(Self::of(Box::new(packet::Packets::open(interface, options)?), options))
    }

    fn of(source: Box<dyn Source>, options: Options) -> Self {
        let registry = Registry::new(options.limits);
        let registry = match options.anomaly {
            Some(options) => registry.watched(Sentry::new(options)),
            None => registry,
        };
        let account = Account::default();
        Self { source, registry, account, flows_at: Instant::now() + FLOWS_EVERY, sieved: None }
    }

    /// Looks for patterns in all frames: those that the source hands over, or, where it hands over only some, those in which the kernel
    /// finds that one may be.
    ///
    /// # Errors
    /// [`LiveError`] when there is no second socket to be had.
    ///
    /// # Privileges
    /// `CAP_NET_RAW`, and `CAP_BPF` for the filter; without the latter every frame is looked at here.
    pub fn look_for(
        &mut self,
        patterns: Patterns,
        interface: &Interface,
        promiscuous: bool,
    ) -> Result<(), LiveError> {
        let Some(sentry) = self.registry.sentry() else { return Ok(()) };
        sentry.patterns(patterns);
        if self.source.is_whole() {
            return Ok(());
        }
        let Some(patterns) = sentry.sieve_apart() else { return Ok(()) };
        self.sieved = Some(Sieved::open(interface, promiscuous, patterns.content())?);
        Ok(())
    }

    /// The account so far: of frames that this process read or was told of.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Frames that came so far, and those that were lost, by cause, as the kernel counts them.
    pub fn counted(&mut self) -> (u64, Vec<(&'static str, u64)>) {
        let counts = self.source.counts();
        (counts.came, counts.lost)
    }

    /// What it looks by.
    pub fn parts(&self) -> Vec<Part> {
        self.source.parts().iter().cloned().chain(self.sieved.iter().map(Sieved::part)).collect()
    }

    /// Numbers of the capabilities that it goes on needing; all others may be given up.
    pub fn keeps(&self) -> Vec<u32> {
        self.source.keeps().to_vec()
    }

    /// Takes what is there; waits for it so long at most.
    pub fn poll(&mut self, timeout: Duration) {
        if self.take() == 0 {
            self.source.wait(timeout);
            self.take();
        }
        if Instant::now() >= self.flows_at {
            self.flows_at = Instant::now() + FLOWS_EVERY;
            self.flows();
        }
    }

    fn take(&mut self) -> usize {
        self.sieve();
        let Self { source, registry, account, .. } = self;
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

    /// Takes the frames that are for the patterns alone. They are in no account: the source has them in its own.
    fn sieve(&mut self) {
        let Self { sieved: Some(sieved), registry, .. } = self else { return };
        let Some(sentry) = registry.sentry() else { return };
        for _ in 0..BATCHES_MAX {
            let taken = sieved.drain(&mut |frame| {
                if let Ok(Some(link)) = link::read(frame.link, frame.bytes) {
                    sentry.sieved(frame.ts_ns, &link);
                }
            });
            if taken == 0 {
                break;
            }
        }
    }

    /// Frames in which patterns may have been, and for which there was no room.
    pub fn unsieved(&mut self) -> u64 {
        self.sieved.as_mut().map_or(0, Sieved::lost)
    }

    fn flows(&mut self) {
        let Self { source, registry, account, .. } = self;
        source.flows(&mut |counted| match counted {
            Counted::Frames { mac, frames, bytes, flow, last_ns } => {
                account.counted += frames;
                registry.talked(mac, frames, last_ns);
                let amount = Amount { frames, bytes, connections: 0, last_ns };
                if let (Some(sentry), Some(flow)) = (registry.sentry(), flow) {
                    sentry.counted(flow, amount);
                }
            }
            Counted::Sought { mac, reach, last_ns } => registry.sought(mac, &reach, last_ns),
        });
        let now_ns = clock::monotonic_ns().saturating_add_signed(clock::realtime_offset_ns());
        registry.sentry().into_iter().for_each(|sentry| sentry.tick(now_ns));
    }

    /// Stops, takes what is still there, and gives the account: of frames, `frames` is the kernel's count. Waits for frames
    /// that are under way no longer than `patience`.
    pub fn end(mut self, patience: Duration) -> (Registry, Account) {
        self.source.stop();
        self.sieved.iter().for_each(Sieved::stop);
        let start = Instant::now();
        self.poll(Duration::ZERO);
        while !self.source.counts().closes() && start.elapsed() < patience {
            self.poll(Duration::from_millis(5));
        }
        self.sieve();
        self.flows();
        let Self { mut source, mut registry, mut account, .. } = self;
        registry.sentry().into_iter().for_each(|sentry| sentry.tick(u64::MAX));
        let counts = source.counts();
        account.frames = counts.came;
        for (cause, count) in counts.lost.into_iter().chain([("flow_evicted", source.flows_lost())]) {
            account.unusable(cause, count);
        }
        (registry, account)
    }
}
