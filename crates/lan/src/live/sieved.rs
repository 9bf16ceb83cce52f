//! Frames beside those that the programs hand over: the ones in which patterns may be, by a packet socket with the kit's filter.
//!
//! The programs of `kernel` count most frames without handing them over; what they hold would be missed. Here the kernel looks into each
//! frame, and only what may match comes to this process, where the patterns decide. The answer is the one that userspace gives where it
//! sees every frame.

use super::{LiveError, Part};
use crate::capture::Frame;
use kernscope_kit::attach::{Interface, SocketFilter, socket_target};
use kernscope_kit::compile::{Action, Content, Filter, Host, Options, compile};
use kernscope_kit::load::Loaded;
use kernscope_kit::packet::Tap;

/// 4 MiB: what may match is little.
const BLOCKS: u32 = 16;

#[derive(Debug)]
pub(super) struct Sieved {
    tap: Tap,
    /// The program, held as long as the socket.
    _loaded: Option<Loaded>,
    name: String,
    /// Why every frame is handed over, if it is.
    why: Option<String>,
}

impl Sieved {
    pub(super) fn open(
        interface: &Interface,
        promiscuous: bool,
        content: &Content,
    ) -> Result<Self, LiveError> {
        let tap = Tap::open(interface, BLOCKS, promiscuous)?;
        let filtered = filter(&tap, content);
        let why = filtered.as_ref().err().cloned();
        let name = format!("content of frames of {interface}");
        Ok(Self { tap, _loaded: filtered.ok(), name, why })
    }

    pub(super) fn drain(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> usize {
        self.tap.drain(&mut |frame| each(frame.into()))
    }

    pub(super) fn stop(&self) {
        let _stopped = self.tap.stop();
    }

    /// Frames for which there was no room.
    pub(super) fn lost(&mut self) -> u64 {
        self.tap.tally().map_or(0, |tally| tally.dropped + tally.unreadable)
    }

    pub(super) fn part(&self) -> Part {
        let tier = if self.why.is_none() { "socket filter" } else { "packet socket" };
        let gap = self.why.as_ref().map(|why| format!("every frame is looked at in userspace: {why}"));
        Part { name: self.name.clone(), tier: tier.to_owned(), gap: gap.unwrap_or_default() }
    }
}

/// Puts the condition on the socket, where it stays as long as that is open.
fn filter(tap: &Tap, content: &Content) -> Result<Loaded, String> {
    let target = socket_target(tap).map_err(|error| error.to_string())?;
    let target = target.ok_or("the socket takes no filter")?;
    let options = Options { on_match: Action::Pass, ..Options::new(target, Host::running()) };
    let compiled = compile(&Filter::content(content.clone()), &options).map_err(|error| error.to_string())?;
    let loaded = Loaded::load(&compiled.program).map_err(|error| error.brief())?;
    SocketFilter::attach(tap, &loaded).map_err(|error| error.to_string())?.keep();
    Ok(loaded)
}
