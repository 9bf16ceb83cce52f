//! Port scans: many ports of one target, or one service of many targets, tried in vain.
//!
//! Not how much a device tries tells a scan, but how much of it is in vain: who works knows where services are (Jung, Paxson,
//! Berger and Balakrishnan, *Fast portscan detection using sequential hypothesis testing*, IEEE S&P 2004). A scan goes on as
//! long as something new is tried in vain within a quarter of an hour, so that slow ones count as well; it is called slow when
//! it took more than a minute to become one.
//!
//! In vain for other reasons, and no scan: an address that was looked up (its server is down, or the line is), ports that are
//! drawn by chance unless many are tried at once, neighbours that a router asks for.

use super::alert::{Alert, Alerts};
use super::contact::{Contacts, Outcome, Service, Who};
use super::group::{DIFFERENT_MAX, GROUPS_MAX, Group, group};
use super::scene::Scene;
use super::{Detector, Options, Seen, seconds};
use crate::decode::on_link;
use crate::{Mac, Seeks};
use kernscope_report::Severity;
use std::collections::HashMap;
use std::fmt::Display;
use std::net::IpAddr;

/// Where no answer was ever heard, from anybody, answers may go another way.
const DEAF_FACTOR: usize = 4;
/// Ports from here on are drawn by chance (RFC 6335 and Linux).
const BY_CHANCE: u16 = 32_768;

/// Follows contacts.
#[derive(Debug)]
pub(super) struct Scans {
    contacts: Contacts,
    outcomes: Vec<Outcome>,
    /// Ports, by who tried them and of whom.
    ports: HashMap<(Who, IpAddr), Group<Service>>,
    /// Targets, by who tried them and for what.
    targets: HashMap<(Who, Service), Group<IpAddr>>,
    /// Different contacts on the internet that were in vain, by who tried.
    far: HashMap<Who, usize>,
    /// So many in vain are a scan: more than a person, or a device that looks for its server, ever tries; and of targets on the
    /// internet, where peers of peer-to-peer networks come and go.
    least: usize,
    least_far: usize,
}

impl Scans {
    pub(super) fn new(options: Options) -> Self {
        Self {
            contacts: Contacts::new(),
            outcomes: Vec::new(),
            ports: HashMap::new(),
            targets: HashMap::new(),
            far: HashMap::new(),
            least: options.scan_vain,
            least_far: options.scan_vain_far,
        }
    }

    fn judge(&mut self, scene: &Scene, alerts: &mut Alerts) {
        for outcome in std::mem::take(&mut self.outcomes) {
            if matches!(outcome.service, Service::Tcp(_) | Service::Udp(_)) {
                self.vertical(&outcome, alerts);
            }
            // A name was asked for: it is one that somebody has.
            if on_link(outcome.target) || scene.name(&outcome.target).is_none() {
                self.horizontal(&outcome, alerts);
            }
        }
    }

    fn least(&self, target: IpAddr) -> usize {
        let least = if on_link(target) { self.least } else { self.least_far };
        if self.contacts.hears_answers { least } else { least * DEAF_FACTOR }
    }

    fn vertical(&mut self, outcome: &Outcome, alerts: &mut Alerts) {
        let least = if self.contacts.hears_answers { self.least } else { self.least * DEAF_FACTOR };
        let key = (outcome.who, outcome.target);
        let Some(group) = group(&mut self.ports, key, outcome.at_ns) else { return };
        if !group.take(outcome.service, outcome) || group.vain.len() < least {
            return;
        }
        let fixed = group.vain.iter().filter(|service| !is_by_chance(**service)).count();
        if !group.is_due(least, fixed) {
            return;
        }
        let rule = if group.is_slow() { "port_scan_slow" } else { "port_scan_vertical" };
        let (rule, _) = *group.told.insert((group.told.map_or(rule, |(rule, _)| rule), group.vain.len()));
        alerts.raise(ports_alert(rule, outcome, group));
    }

    fn horizontal(&mut self, outcome: &Outcome, alerts: &mut Alerts) {
        let least = match outcome.service {
            // Who has an address says so to all.
            Service::Neighbour => self.least,
            _ => self.least(outcome.target),
        };
        let key = (outcome.who, outcome.service);
        let Some(group) = group(&mut self.targets, key, outcome.at_ns) else { return };
        if !group.take(outcome.target, outcome) {
            return;
        }
        let mut share = 1;
        if !on_link(outcome.target) {
            // Peers are at all sorts of ports.
            if self.far.len() >= GROUPS_MAX {
                self.far.clear();
            }
            let far = self.far.entry(outcome.who).or_default();
            *far += 1;
            share = *far / group.vain.len().max(1);
        }
        let fixed = if is_by_chance(outcome.service) { 0 } else { group.vain.len() };
        if share > 2 || !group.is_due(least, fixed) {
            return;
        }
        let rule = if group.is_slow() { "port_scan_slow" } else { "port_scan_horizontal" };
        let (rule, _) = *group.told.insert((group.told.map_or(rule, |(rule, _)| rule), group.vain.len()));
        alerts.raise(targets_alert(rule, outcome, group));
    }
}

impl Detector for Scans {
    fn frame(&mut self, seen: &Seen<'_>, scene: &Scene, alerts: &mut Alerts) {
        self.contacts.follow(seen, scene, &mut self.outcomes);
        if !self.outcomes.is_empty() {
            self.judge(scene, alerts);
        }
    }

    fn tick(&mut self, now_ns: u64, scene: &Scene, alerts: &mut Alerts) {
        self.contacts.expire(now_ns, scene, &mut self.outcomes);
        self.judge(scene, alerts);
    }
}

fn is_by_chance(service: Service) -> bool {
    matches!(service, Service::Tcp(port) | Service::Udp(port) if port >= BY_CHANCE)
}

/// From here it is one of ours; from afar the world tries everybody.
fn severity(who: Who) -> Severity {
    if on_link(who.ip) { Severity::High } else { Severity::Medium }
}

fn ports_alert(rule: &'static str, outcome: &Outcome, group: &Group<Service>) -> Alert {
    let Outcome { who, target, .. } = outcome;
    let vain = more(group.vain.len());
    let what = format!("vertical port scan: {} tried {vain} ports of {target}", who.ip);
    Alert { subject: target.to_string(), ..told(rule, *who, group, &what, "ports") }
}

fn targets_alert(rule: &'static str, outcome: &Outcome, group: &Group<IpAddr>) -> Alert {
    let Outcome { who, service, .. } = outcome;
    let vain = more(group.vain.len());
    let what = format!("horizontal port scan: {} sought {vain} addresses by {service}", who.ip);
    let alert = Alert { subject: service.to_string(), ..told(rule, *who, group, &what, "addresses") };
    match *service {
        Service::Neighbour => Alert { severity: Severity::Medium, ..alert },
        _ => alert,
    }
}

/// What both kinds of scans are told by; `those` is what was sought.
fn told<T: Display>(rule: &'static str, who: Who, group: &Group<T>, what: &str, those: &str) -> Alert {
    let pace = if rule == "port_scan_slow" { "slow " } else { "" };
    let within = seconds(group.last_ns - group.began_ns);
    Alert {
        rule,
        severity: severity(who),
        mac: who.mac,
        ip: Some(who.ip),
        subject: String::new(),
        message: format!("{pace}{what} in vain within {within}"),
        because: vec![
            format!("no answer or a refusal from {}", list(group.vain.iter())),
            format!("{} {those} answered", group.answered.len()),
        ],
        count: group.vain.len() as u64,
        first_ns: group.began_ns,
        last_ns: group.last_ns,
    }
}

fn more(count: usize) -> String {
    if count >= DIFFERENT_MAX { format!("{count} or more") } else { count.to_string() }
}

/// The first few.
fn list<T: ToString>(all: impl Iterator<Item = T>) -> String {
    let mut words: Vec<_> = all.take(9).map(|one| one.to_string()).collect();
    if words.len() == 9 {
        words[8] = "...".to_owned();
    }
    words.join(", ")
}

/// So many ports of so few addresses in a minute are a scan, whatever became of them.
const PORTS_A_MINUTE: u32 = 200;
const ADDRESSES_A_MINUTE: u32 = 4;

/// A scan by the counts of the kernel alone: so fast a one that its frames were lost on their way here.
pub(super) fn of_counts(mac: Mac, minute: Seeks, now_ns: u64, alerts: &mut Alerts) {
    let Seeks { addresses, ports } = minute;
    if ports < PORTS_A_MINUTE || addresses > ADDRESSES_A_MINUTE || alerts.has("port_scan_vertical", mac) {
        return;
    }
    alerts.raise(Alert {
        rule: "port_scan_vertical",
        severity: Severity::High,
        mac,
        ip: None,
        subject: "counted".to_owned(),
        message: format!(
            "vertical port scan: {mac} sought {ports} ports of {addresses} addresses within a minute"
        ),
        because: vec!["counted in the kernel; its frames were too many to be read".to_owned()],
        count: u64::from(ports),
        first_ns: now_ns,
        last_ns: now_ns,
    });
}
