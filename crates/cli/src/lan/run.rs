//! `lan run`: an interface in, devices out, until it is ended.

mod counts;
mod cover;
mod shown;
mod start;

use super::ServeArgs;
use super::book::Book;
use super::config::Settings;
use super::database::Database;
use super::memory::Memory;
use super::metrics::{Metrics, Named};
use super::replay::{hook, quiet};
use super::run_args::RunArgs;
use super::serve::PAGE_AT;
use super::tell::{Teller, now_ns};
use super::traffic::Traffic;
use super::tui::{Pulse, Tui};
use crate::failure::{BROKEN, Failure, Outcome};
use crate::stream::print;
use crate::watch::signals::Signals;
use kernscope_kit::attach::Interface;
use kernscope_lan::Mac;
use kernscope_lan::anomaly::{Sentry, Tally};
use kernscope_lan::live::{Part, Session};
use kernscope_lan::registry::Registry;
use start::begin;
use std::collections::{HashMap, HashSet};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long frames are waited for before signals and clocks are looked at.
const TICK: Duration = Duration::from_millis(100);
/// How often what is new is told.
const TOLD: Duration = Duration::from_secs(1);
/// How often what was seen is written to the database.
const KEPT: Duration = Duration::from_secs(10);
/// The same while a page may be looked at.
const SHOWN: Duration = Duration::from_secs(2);
/// How often what is old is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(3600);
/// How long frames that are under way at the end are waited for.
const PATIENCE: Duration = Duration::from_millis(500);

pub(super) fn run(args: &RunArgs) -> Outcome {
    let settings = Settings::of(args)?;
    if args.print_config {
        return print(settings.print().as_bytes());
    }
    begin(settings)
}

/// `lan serve --interface`: a run that is looked at by the page.
pub(super) fn serve(args: &ServeArgs) -> Outcome {
    let mut settings = Settings::of(&args.run)?;
    // The page is its face, and its address is to be read.
    settings.has_screen = false;
    settings.faces.page = args.listen.or(settings.faces.page).or(Some(PAGE_AT));
    if args.run.print_config {
        return print(settings.print().as_bytes());
    }
    begin(settings)
}

/// A run, and who is told.
struct Run {
    settings: Settings,
    interface: Interface,
    database: Option<Database>,
    teller: Teller,
    book: Book,
    backend: &'static str,
    /// Why not a better back end.
    why: String,
    parts: Vec<Part>,
    /// Why privileges could not be given up.
    privileges: Option<String>,
    /// What the database calls this run.
    source: String,
    traffic: Traffic,
    memory: Memory,
    metrics: Metrics,
    screen: Option<Tui>,
    /// Alerts that the user of the screen muted, where there is no database to keep that.
    muted_here: HashSet<String>,
    /// What was seen up to here was handed to the screen.
    seen_ns: u64,
}

impl Run {
    fn follow(mut self, mut session: Session, signals: &Signals) -> Outcome {
        let is_gone = self.watch(&mut session, signals);
        if let Some(screen) = self.screen.take() {
            screen.close();
            self.teller.come_forward();
        }
        signals.release();
        let unsieved = session.unsieved();
        let (mut registry, account) = session.end(PATIENCE);
        let now_ns = now_ns();
        self.take_talks(&mut registry);
        self.keep(&mut registry, now_ns);
        for device in registry.devices() {
            let told = self.corrected(self.book.record(&registry, device, now_ns));
            self.tell(told, now_ns);
        }
        self.tell_alerts(&mut registry);
        self.teller.frames(&account);
        let quiet = registry.sentry().map(|sentry| quiet(sentry.is_learning(), sentry.refused()));
        let mut gaps = registry.sentry().map(|sentry| sentry.gaps()).unwrap_or_default();
        gaps.extend(
            (unsieved > 0).then(|| format!("{unsieved} frames were not searched for patterns: no room")),
        );
        let mut coverage = self.coverage(&account, registry.refused(), quiet.unwrap_or_default());
        coverage.hooks.push(hook("detectors", "memory", gaps.join("; ")));
        if let Some(failure) = self.teller.end(coverage) {
            return Err(failure);
        }
        if is_gone {
            let line = format_args!("interface {} is gone; what was seen before is told", self.interface);
            return Err(Failure::with_status(BROKEN, line));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Follows the interface until it is to end. Whether the interface is gone.
    fn watch(&mut self, session: &mut Session, signals: &Signals) -> bool {
        let start = Instant::now();
        // Who looks at the page does not wait for ten seconds.
        let kept = if self.settings.faces.page.is_some() { SHOWN } else { KEPT };
        let (mut tell_at, mut keep_at, mut forget_at) = (TOLD, kept, Duration::ZERO);
        let mut stop = false;
        while !stop
            && !self.teller.is_deaf()
            && self.settings.duration.is_none_or(|all| start.elapsed() < all)
        {
            let left = self.settings.duration.map_or(TICK, |all| all.saturating_sub(start.elapsed()));
            session.poll(TICK.min(left));
            signals.poll(false, |_, _| stop = true);
            stop |= self.do_wishes(&mut session.registry);
            let now = start.elapsed();
            if now >= tell_at {
                tell_at = now + TOLD;
                let mut pulse = Pulse { tally: self.take_talks(&mut session.registry), ..Pulse::default() };
                pulse.devices = self.tell_news(&mut session.registry);
                self.show(session, pulse);
                self.count(session);
                if !self.interface.is_there() {
                    return true;
                }
            }
            if now >= keep_at {
                keep_at = now + kept;
                self.keep(&mut session.registry, now_ns());
            }
            if now >= forget_at {
                forget_at = now + FORGOTTEN;
                let days = self.settings.keep_days;
                self.database.as_mut().into_iter().for_each(|database| database.forget(days));
            }
        }
        false
    }

    /// Tells what is new; the devices of which more is known, where a screen shows them.
    fn tell_news(&mut self, registry: &mut Registry) -> HashMap<Mac, kernscope_report::Device> {
        let now_ns = now_ns();
        let mut news = HashMap::new();
        for (device, is_told) in self.book.news(registry, now_ns) {
            let device = self.corrected(device);
            if let Ok(mac) = device.mac.parse() {
                registry.sentry().into_iter().for_each(|sentry| sentry.describe(mac, &device.category));
                if self.screen.is_some() {
                    news.insert(mac, device.clone());
                }
            }
            if is_told {
                self.tell(device, now_ns);
            }
        }
        self.tell_alerts(registry);
        self.teller.flush();
        news
    }

    /// Takes who talked to whom; the same for the screen, if there is one.
    fn take_talks(&mut self, registry: &mut Registry) -> Tally {
        let tally = registry.sentry().map(Sentry::take_talks).unwrap_or_default();
        let copy = if self.screen.is_some() { tally.clone() } else { Tally::default() };
        self.traffic.add(tally, self.database.is_some());
        copy
    }

    fn tell_alerts(&mut self, registry: &mut Registry) {
        let news = registry.sentry().map(Sentry::news).unwrap_or_default();
        let source = self.interface.to_string();
        let muted = self.database.as_ref().map(Database::muted).unwrap_or(&self.muted_here);
        let mut told = Vec::new();
        for alert in news {
            if !muted.contains(&alert.id()) {
                self.metrics.with(|numbers| numbers.alert(alert.rule, alert.severity));
                told.push(alert.record(Vec::new(), &source));
            }
            self.teller.alert(&alert, &source, muted);
        }
        if let Some(database) = &mut self.database {
            self.settings.notify.post(database, &told);
        }
    }

    /// As the user says, of this interface.
    fn corrected(&self, mut device: kernscope_report::Device) -> kernscope_report::Device {
        self.database.iter().for_each(|database| database.correct(&mut device));
        device.source = self.interface.to_string();
        device
    }

    fn tell(&mut self, device: kernscope_report::Device, now_ns: u64) {
        let mac = device.mac.parse();
        if let Ok(mac) = mac {
            let name = device.hostname.clone().unwrap_or_default();
            let vendor = device.vendor.clone().unwrap_or_default();
            let category = device.category.clone();
            self.metrics.with(|numbers| numbers.name(mac, Named { name, category, vendor }));
        }
        self.teller.device(device, now_ns);
    }

    fn keep(&mut self, registry: &mut Registry, now_ns: u64) {
        self.book.compare(registry);
        let Some(database) = &mut self.database else { return };
        let source = self.interface.to_string();
        let seen = registry.sentry().map(|sentry| sentry.alerts()).unwrap_or_default().iter();
        let new = seen.filter(|alert| alert.last_ns >= self.book.kept_ns());
        let alerts: Vec<_> = new.map(|alert| alert.record(Vec::new(), &source)).collect();
        let devices = self.book.seen(registry, now_ns);
        let mut is_kept = database.keep(&devices) && database.keep_alerts(&alerts);
        self.traffic.write(|tally| {
            is_kept = is_kept && database.keep_talks(&self.source, tally);
            is_kept
        });
        if let Some(sentry) = registry.sentry() {
            is_kept &= self.memory.keep(database, sentry);
        }
        database.refresh();
        if is_kept {
            self.book.kept(now_ns);
        }
        self.metrics.with(|numbers| match is_kept {
            true => numbers.written_s = now_ns / 1_000_000_000,
            false => numbers.writes_failed += 1,
        });
    }
}
