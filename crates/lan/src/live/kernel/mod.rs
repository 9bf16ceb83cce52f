//! Frames by two generated programs: XDP for what comes in, tc for what goes out.
//!
//! The programs send to a ring what the decoders can learn from, and count the rest by flow. What makes that safe: of a frame
//! that begins no message, a device is told its address, the shape of the packet (protocol, service, length) and where it
//! was sent to. All of that follows from flow and length. So a frame is only counted if one of the same flow and length was
//! *sent*; that it was there comes with the counts, and when to a second: asking the clock for each would cost more than all
//! else. Eight lengths a flow are remembered, each in its place: one that was forgotten is sent again.
//!
//! Flows are in two maps, of which the programs use one. Once a second the reader takes what is in the other, empties it,
//! and lets the programs use that one: nobody adds to a map while it is read, so that no count is lost between reading and
//! deleting. A flow that had to give way for others took its counts with it: the difference to the counters is told.

mod headers;
mod layout;
mod program;
mod send;
mod sketch;

use super::source::{Counted, Counts, Part, Source};
use super::{LiveError, Options};
use crate::capture::{Frame, LinkType};
use kernscope_kit::attach::{AttachError, Direction, Interface, Tc, TcTier, Xdp};
use kernscope_kit::load::{LoadError, Loaded, Map};
use kernscope_kit::packet::{Promiscuous, hardware};
use kernscope_kit::privilege::{CAP_BPF, CAP_NET_ADMIN};
use kernscope_kit::program::{Program, ProgramType};
use kernscope_kit::ring::Ring;
use kernscope_report::clock;
use layout::{ACTIVE, CAME, COUNTED, COUNTERS, FLOWS, OTHERS, RING, RING_FULL, Record, SOUGHT, UNREADABLE};
use program::Copying;
use std::time::Duration;

/// Frames taken from the ring in one go.
const BATCH: usize = 1024;

/// The program of a hook.
fn program(program_type: ProgramType, copying: Copying) -> Result<Program, LiveError> {
    program::program(program_type, copying).map_err(|why| LiveError::Generate(why.to_string()))
}

/// Loads the program for XDP, if it can be for frames in several pieces, else one that cuts them; and why that.
fn load_xdp() -> Result<(Loaded, Option<LoadError>), LiveError> {
    match Loaded::load_in_pieces(&program(ProgramType::Xdp, Copying::Helper)?) {
        Ok(loaded) => Ok((loaded, None)),
        // A kernel that cannot do either refuses both; what it says of the second is what counts then.
        Err(why) => Ok((Loaded::load(&program(ProgramType::Xdp, Copying::Loop)?)?, Some(why))),
    }
}

/// Loads the program of a hook with maps of its own.
pub(super) fn load(program_type: ProgramType) -> Result<Loaded, LiveError> {
    match program_type {
        ProgramType::Xdp => load_xdp().map(|(loaded, _)| loaded),
        other => Ok(Loaded::load(&program(other, Copying::Helper)?)?),
    }
}

/// The programs, as long as they are wanted.
#[derive(Debug)]
pub(super) struct Programs {
    ring: Ring,
    maps: Vec<Map>,
    hooks: Option<Hooks>,
    parts: Vec<Part>,
    keeps: Vec<u32>,
    /// Which map of each pair the programs use.
    active: usize,
    /// Since when, nanoseconds since 1970.
    changed_ns: u64,
    /// Frames that were taken from the maps of flows.
    taken: u64,
    /// Records that no program of ours wrote.
    strange: u64,
    offset_ns: i64,
}

#[derive(Debug)]
#[expect(dead_code, reason = "guards are held for their drop")]
struct Hooks {
    xdp: Xdp,
    tc: Option<Tc>,
    promiscuous: Option<Promiscuous>,
}

impl Programs {
    pub(super) fn attach(interface: &Interface, options: Options) -> Result<Self, LiveError> {
        let kind = hardware(interface)?;
        if !super::WITH_ADDRESSES.contains(&kind) {
            return Err(LiveError::NoAddresses(interface.to_string(), kind));
        }
        let (ingress, refused) = load_xdp()?;
        let own: Result<Vec<_>, _> = ingress.maps().iter().map(Map::try_clone).collect();
        let maps = own.map_err(LiveError::Use)?;
        let ring = Ring::of(ingress.map(RING)).map_err(|err| LiveError::Generate(err.to_string()))?;
        let promiscuous = options.promiscuous.then(|| Promiscuous::hold(interface)).transpose()?;
        let xdp = Xdp::attach(&ingress, interface)?;
        let mut parts = vec![Part {
            name: format!("frames that come in by {interface}"),
            tier: format!("XDP in {} mode", xdp.mode()),
            gap: refused.as_ref().map(cut).unwrap_or_default(),
        }];
        let egress = egress(&ingress, &program(ProgramType::SchedCls, Copying::Helper)?, interface);
        let tier = egress.as_ref().map_or_else(|_| "none".to_owned(), |tc| tc.tier().to_string());
        let gap = egress.as_ref().err().map(|why| format!("what this machine sends is not seen: {why}"));
        parts.push(Part {
            name: format!("frames that go out by {interface}"),
            tier,
            gap: gap.unwrap_or_default(),
        });
        let mut keeps = vec![CAP_BPF];
        // A link goes with its descriptor; a filter has to be taken off.
        keeps.extend(egress.as_ref().is_ok_and(|tc| tc.tier() == TcTier::Clsact).then_some(CAP_NET_ADMIN));
        let hooks = Some(Hooks { xdp, tc: egress.ok(), promiscuous });
        let offset_ns = clock::realtime_offset_ns();
        Ok(Self {
            ring,
            maps,
            hooks,
            parts,
            keeps,
            active: 0,
            changed_ns: 0,
            taken: 0,
            strange: 0,
            offset_ns,
        })
    }

    fn counter(&self, offset: i16) -> u64 {
        let each = self.map(COUNTERS.0).lookup_each_cpu(&[0; 4]).ok().flatten().unwrap_or_default();
        let word =
            |value: &Vec<u8>| value.get(offset as usize..)?.first_chunk().copied().map(u64::from_ne_bytes);
        each.iter().filter_map(word).sum()
    }

    fn now_ns(&self) -> u64 {
        clock::monotonic_ns().saturating_add_signed(self.offset_ns)
    }

    fn map(&self, index: u32) -> &Map {
        &self.maps[index as usize]
    }

    /// Takes what is in the maps of a pair that no program uses, and empties them. It came until `last_ns`.
    fn take_flows(&mut self, which: usize, last_ns: u64, each: &mut dyn FnMut(Counted)) {
        for pair in [FLOWS, OTHERS] {
            self.taken += take_map(&self.maps[pair[which].0 as usize], last_ns, each);
        }
        take_sought(&self.maps[SOUGHT[which].0 as usize], last_ns, each);
    }
}

/// Takes what was counted in a map, and empties it; how many frames those were.
fn take_map(map: &Map, last_ns: u64, each: &mut dyn FnMut(Counted)) -> u64 {
    let mut taken = 0;
    // Deleting while following the keys begins anew at times.
    let keys: Vec<_> = map.keys().filter_map(Result::ok).collect();
    for key in keys {
        let values = map.lookup_each_cpu(&key).ok().flatten().unwrap_or_default();
        let frames = values.iter().filter_map(|value| layout::counted(value)).sum();
        if let (Some(mac), true) = (layout::sender(&key), frames > 0) {
            taken += frames;
            let bytes = values.iter().filter_map(|value| layout::wire(value)).sum();
            each(Counted::Frames { mac, frames, bytes, flow: layout::flow(&key), last_ns });
        }
        // One that is not there any more gave way for another.
        let _gone = map.delete(&key);
    }
    taken
}

/// Takes what devices sought, and empties the map.
fn take_sought(map: &Map, last_ns: u64, each: &mut dyn FnMut(Counted)) {
    let keys: Vec<_> = map.keys().filter_map(Result::ok).collect();
    for key in keys {
        let value = map.lookup(&key).ok().flatten().unwrap_or_default();
        if let (Some(mac), Some(reach)) = (layout::sender(&key), layout::reach(&value)) {
            each(Counted::Sought { mac, reach: Box::new(reach), last_ns });
        }
        let _gone = map.delete(&key);
    }
}

/// What the program that copies by itself does not hand over.
fn cut(refused: &LoadError) -> String {
    let bytes = layout::KEPT_BYTES[1];
    format!("frames are cut at {bytes} bytes; whole ones need Linux 5.18: {}", refused.brief())
}

fn egress(ingress: &Loaded, program: &Program, interface: &Interface) -> Result<Tc, String> {
    let shared: Result<Vec<_>, _> = ingress.maps().iter().map(Map::try_clone).collect();
    let loaded = Loaded::with_maps(program, shared.map_err(|err| err.to_string())?)
        .map_err(|err: LoadError| err.brief())?;
    Tc::attach(&loaded, interface, Direction::Egress).map_err(|err: AttachError| err.to_string())
}

impl Source for Programs {
    fn wait(&self, timeout: Duration) {
        self.ring.wait(timeout);
    }

    fn drain(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> usize {
        let Self { ring, strange, offset_ns, .. } = self;
        ring.drain(BATCH, &mut |record| {
            let Some(record) = Record::read(record) else {
                *strange += 1;
                return;
            };
            each(Frame {
                ts_ns: record.ts_ns.saturating_add_signed(*offset_ns),
                link: LinkType::Ethernet,
                bytes: record.bytes,
                wire_bytes: record.wire_bytes,
            });
        })
    }

    fn flows(&mut self, each: &mut dyn FnMut(Counted)) {
        let idle = 1 - self.active;
        self.take_flows(idle, self.changed_ns, each);
        if self.hooks.is_none() {
            // Nobody adds to either.
            return self.take_flows(self.active, self.now_ns(), each);
        }
        // A program that read the old number a moment ago has ended long before its map is read, a second from now.
        if self.map(ACTIVE.0).update(&[0; 4], &(idle as u32).to_ne_bytes()).is_ok() {
            (self.active, self.changed_ns) = (idle, self.now_ns());
        }
    }

    fn stop(&mut self) {
        self.hooks = None;
    }

    fn counts(&mut self) -> Counts {
        let counted = self.counter(COUNTED);
        Counts {
            came: self.counter(CAME),
            handed: self.ring.tally().records - self.strange,
            counted,
            lost: vec![
                ("ring_full", self.counter(RING_FULL)),
                ("unreadable", self.counter(UNREADABLE) + self.strange),
            ],
        }
    }

    fn flows_lost(&mut self) -> u64 {
        self.counter(COUNTED).saturating_sub(self.taken)
    }

    fn parts(&self) -> &[Part] {
        &self.parts
    }

    fn keeps(&self) -> &[u32] {
        &self.keeps
    }

    fn is_whole(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests;
