//! What is wrong on a network: detectors that follow every frame and raise alerts.
//!
//! A [`Sentry`] is fed with the frames that a registry learns from, in their order and with their times, so that a capture
//! gives the same alerts whenever it is replayed. One file a detector; what all of them have to know of the network is in
//! `scene`. No threshold is made of captures at hand: each is a matter of how protocols work, and says so where it stands.
//!
//! What is new on a network is news only when the network is known: detectors of newcomers keep quiet for a time of learning
//! ([`Options::learn_ns`], of time in which frames came), and [`Sentry::is_learning`] tells it. What is wrong in itself is told from the first frame on.

mod activity;
mod alert;
mod arp;
mod beacon;
mod brute;
mod contact;
mod dhcp;
mod group;
mod habit;
mod kinds;
mod learnt;
mod models;
mod newcomer;
mod options;
mod pattern;
mod profile;
mod recent;
mod resolver;
mod routers;
mod scan;
mod scene;
mod talks;
mod volume;

pub use activity::{DEVICES_MAX, FEATURES, FEATURES_LEN, INTERVAL_NS, Vector};
pub use alert::Alert;
pub use learnt::{Learnt, What, summary, words};
pub use models::Judge;
pub use options::{Options, RULES};
pub use pattern::Patterns;
pub(crate) use talks::{Amount, Flow};
pub use talks::{Channel, Peer, SPAN_S, Talk, TalkKey, Tally, Volume};

use crate::link::Link;
use crate::mud::Profiles;
use crate::packet::{Packet, Transport};
use crate::signal::Signal;
use crate::{Mac, Seeks};
use alert::Alerts;
use learnt::Notes;
use scene::Scene;
use std::fmt;
use std::net::IpAddr;

/// A frame, as detectors see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    /// Nanoseconds since 1970.
    pub(crate) now_ns: u64,
    pub(crate) link: &'a Link<'a>,
    pub(crate) packet: Option<&'a Packet<'a>>,
    /// What decoders made of it.
    pub(crate) said: &'a [(Mac, Signal)],
}

impl Seen<'_> {
    /// A segment of TCP that neither begins nor refuses a connection.
    fn is_within_connection(&self) -> bool {
        self.packet.is_some_and(|packet| match &packet.carried {
            Transport::Tcp(tcp) => tcp.ack() && !tcp.syn() && !tcp.rst(),
            _ => false,
        })
    }
}

/// One thing that is looked for.
trait Detector: fmt::Debug {
    /// A frame came; the scene knows of it already.
    fn frame(&mut self, seen: &Seen<'_>, scene: &Scene, alerts: &mut Alerts);

    /// It is so late, and perhaps nothing came.
    fn tick(&mut self, _now_ns: u64, _scene: &Scene, _alerts: &mut Alerts) {}

    /// What sort of device it is.
    fn describe(&mut self, _mac: Mac, _category: &str) {}

    /// What it cannot tell, and why.
    fn gap(&self) -> Option<String> {
        None
    }

    /// Notes what it learnt since the last time, for later runs.
    fn learnt(&mut self, _notes: &mut Notes) {}

    /// An earlier run learnt this. Rows of others come as well.
    fn remember(&mut self, _row: &Learnt) {}
}

/// All detectors, and what they raised.
#[derive(Debug)]
pub struct Sentry {
    scene: Scene,
    /// Those that look at every frame.
    of_all: Vec<Box<dyn Detector>>,
    /// Those that need not see segments within a connection, which most frames are.
    of_signs: Vec<Box<dyn Detector>>,
    alerts: Alerts,
    volumes: volume::Volumes,
    notes: Notes,
    models: models::Models,
    patterns: Option<Patterns>,
    /// Frames for the patterns come apart.
    sieved_apart: bool,
    /// Who talks to whom, if somebody wants to know.
    talks: Option<talks::Talks>,
}

impl Sentry {
    /// With all detectors.
    pub fn new(options: Options) -> Self {
        Self {
            scene: Scene::new(options.learn_ns),
            of_all: vec![Box::new(newcomer::Newcomers::new(options)), Box::new(brute::Guesses::new(options))],
            of_signs: vec![
                Box::new(scan::Scans::new(options)),
                Box::new(arp::Claims::new(options)),
                Box::new(dhcp::Servers::default()),
                Box::new(routers::Routers::default()),
                Box::new(beacon::Beacons::new(options)),
                Box::new(resolver::Resolvers::new()),
                Box::new(kinds::Kinds::new(options)),
            ],
            alerts: Alerts::default(),
            volumes: volume::Volumes::new(options),
            notes: Notes::default(),
            models: models::Models::new(options),
            patterns: None,
            sieved_apart: false,
            talks: None,
        }
    }

    /// What a rule finds is not told. Alerts of it are neither kept nor counted.
    pub fn switch_off(&mut self, rule: &str) {
        self.alerts.switch_off(rule);
    }

    /// It is known from elsewhere that an address is the gateway's.
    pub fn gateway(&mut self, address: IpAddr) {
        self.scene.gateway(address);
    }

    /// Holds devices to the descriptions of their makers.
    pub fn profiles(&mut self, profiles: Profiles) {
        self.of_signs.push(Box::new(profile::Outside::new(profiles)));
    }

    /// Asks a model about what devices did; what it scores above the threshold is told.
    pub fn model(&mut self, judge: Box<dyn Judge>, threshold: f32) {
        self.models.give(judge, threshold);
    }

    /// Looks for these in payloads.
    pub fn patterns(&mut self, patterns: Patterns) {
        self.patterns = Some(patterns);
    }

    /// What frames must hold in which the patterns are looked for, which come apart from here on; if there are any.
    pub(crate) fn sieve_apart(&mut self) -> Option<&Patterns> {
        self.sieved_apart = true;
        self.patterns.as_ref()
    }

    /// A frame that is for the patterns alone.
    pub(crate) fn sieved(&mut self, now_ns: u64, link: &Link<'_>) {
        let alerts = &mut self.alerts;
        self.patterns.iter_mut().for_each(|patterns| patterns.raw(now_ns, link, alerts));
    }

    /// What sort of device it is, in the words of `device` records.
    pub fn describe(&mut self, mac: Mac, category: &str) {
        self.of_all
            .iter_mut()
            .chain(&mut self.of_signs)
            .for_each(|detector| detector.describe(mac, category));
    }

    /// What detectors cannot tell, and why.
    pub fn gaps(&self) -> Vec<String> {
        let of_detectors = self.of_all.iter().chain(&self.of_signs).filter_map(|detector| detector.gap());
        of_detectors.chain(self.models.gap()).collect()
    }

    /// A device was here before: it is no news.
    pub fn know(&mut self, mac: Mac) {
        self.scene.know(mac);
    }

    pub(crate) fn frame(&mut self, seen: &Seen<'_>) {
        self.scene.learn(seen);
        let Self { scene, of_all, of_signs, alerts, volumes, talks, patterns, models, .. } = self;
        if let (Some(patterns), Some(packet)) =
            (patterns.as_mut().filter(|_| !self.sieved_apart), seen.packet)
        {
            patterns.packet(seen.now_ns, seen.link, packet, alerts);
        }
        talks.iter_mut().for_each(|talks| talks.frame(seen, scene));
        volumes.frame(seen, scene, alerts);
        models.frame(seen, scene, alerts);
        of_all.iter_mut().for_each(|detector| detector.frame(seen, scene, alerts));
        if !seen.is_within_connection() {
            of_signs.iter_mut().for_each(|detector| detector.frame(seen, scene, alerts));
        }
    }

    /// What was learnt of the network since the last time, for [`Sentry::remember`] of a later run.
    pub fn learnt(&mut self) -> Vec<Learnt> {
        let notes = &mut self.notes;
        self.scene.learnt(notes);
        self.volumes.learnt(notes);
        self.models.learnt(notes);
        self.of_all.iter_mut().chain(&mut self.of_signs).for_each(|detector| detector.learnt(notes));
        self.notes.take()
    }

    /// Goes on with what an earlier run learnt. To be told before the first frame.
    pub fn remember(&mut self, rows: &[Learnt]) {
        for row in rows {
            self.scene.remember(row);
            self.volumes.remember(row);
            self.models.remember(row);
            self.of_all.iter_mut().chain(&mut self.of_signs).for_each(|detector| detector.remember(row));
        }
    }

    /// It is `now_ns`, by the clock of the frames: decides what waited for an answer.
    pub fn tick(&mut self, now_ns: u64) {
        for detector in self.of_all.iter_mut().chain(&mut self.of_signs) {
            detector.tick(now_ns, &self.scene, &mut self.alerts);
        }
        self.models.tick(now_ns, &self.scene, &mut self.alerts);
    }

    /// Frames of a flow that the kernel counted and nobody read.
    pub(crate) fn counted(&mut self, flow: Flow, amount: Amount) {
        self.models.counted(&flow, amount);
        self.volumes.counted(&flow, amount, &self.scene, &mut self.alerts);
        self.talks.iter_mut().for_each(|talks| talks.add(flow, amount, &self.scene));
    }

    /// Also follows who talks to whom, from here on. Whoever asks for it should take it every few seconds.
    pub fn follow_talks(&mut self) {
        self.talks.get_or_insert_default();
    }

    /// Who talked to whom since the last time; nothing unless it is followed.
    pub fn take_talks(&mut self) -> Tally {
        self.talks.as_mut().map(talks::Talks::take).unwrap_or_default()
    }

    /// Whether talks had better be taken soon: beyond what is held they are told together.
    pub fn has_many_talks(&self) -> bool {
        self.talks.as_ref().is_some_and(talks::Talks::is_large)
    }

    /// What a device sought in a minute, as the kernel counted it; frames of it may have been lost.
    pub(crate) fn sought(&mut self, mac: Mac, minute: Seeks, now_ns: u64) {
        scan::of_counts(mac, minute, now_ns, &mut self.alerts);
    }

    /// Alerts that were not told yet; each is given once, and again when it comes back after an hour.
    pub fn news(&mut self) -> Vec<Alert> {
        self.alerts.news()
    }

    /// All alerts so far.
    pub fn alerts(&self) -> &[Alert] {
        self.alerts.all()
    }

    /// Alerts beyond the 10,000 that are kept.
    pub fn refused(&self) -> u64 {
        self.alerts.refused()
    }

    /// Whether the network is still being learnt, and what is new on it not told.
    pub fn is_learning(&self) -> bool {
        self.scene.is_learning()
    }
}

/// A span of time in words.
fn seconds(ns: u64) -> String {
    match ns / 1_000_000_000 {
        0 => "a second".to_owned(),
        s @ ..120 => format!("{s} seconds"),
        s @ ..7200 => format!("{} minutes", s / 60),
        s => format!("{} hours", s / 3600),
    }
}

#[cfg(test)]
mod tests;
