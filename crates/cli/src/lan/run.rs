//! `lan run`: an interface in, devices out, until it is ended.

use super::book::Book;
use super::database::{Database, default_path};
use super::replay::{cut, detectors, fingerprint, hook, limits, quiet};
use super::tell::{Teller, now_ns};
use super::{BackendName, Mode, RunArgs, gateway};
use crate::failure::{BROKEN, Failure, Outcome};
use crate::stream::note;
use crate::watch::signals::Signals;
use kernscope_kit::attach::Interface;
use kernscope_kit::privilege;
use kernscope_lan::anomaly::Sentry;
use kernscope_lan::live::{Options, Part, Session};
use kernscope_lan::registry::{Refused, Registry};
use kernscope_lan::replay::Account;
use kernscope_report::Coverage;
use kernscope_report::clock::Clock;
use std::collections::HashSet;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long frames are waited for before signals and clocks are looked at.
const TICK: Duration = Duration::from_millis(100);
/// How often what is new is told.
const TOLD: Duration = Duration::from_secs(1);
/// How often what was seen is written to the database.
const KEPT: Duration = Duration::from_secs(10);
/// How often what is old is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(3600);
/// How long frames that are under way at the end are waited for.
const PATIENCE: Duration = Duration::from_millis(500);

pub(super) fn run(args: &RunArgs) -> Outcome {
    let fingerprint = fingerprint(&args.rules)?;
    let signals = Signals::install()
        .map_err(|cause| Failure::usage(format_args!("install signal handlers: {cause}")))?;
    let database = match (&args.db, args.no_db) {
        (_, true) => None,
        (Some(path), _) => Some(Database::create(path)?),
        (None, _) => Some(Database::create(&default_path()?)?),
    };
    let interface = Interface::find(&args.interface).map_err(Failure::usage)?;
    let options = Options {
        promiscuous: args.mode == Mode::Span,
        anomaly: Some(detectors(args.learn)),
        ..Options::default()
    };
    let (mut session, backend, why) = begin(args.backend, &interface, options)?;
    if let Some(sentry) = session.registry.sentry() {
        gateway::of(&interface.to_string()).into_iter().for_each(|address| sentry.gateway(address));
        let known = database.iter().flat_map(Database::known);
        known.for_each(|mac| sentry.know(mac));
    }
    let privileges = privilege::keep_only(&session.keeps()).err().map(|cause| cause.to_string());
    let source = format!("{interface} from {}", Clock::new(0).rfc3339(now_ns()));
    let parts = session.parts();
    let tiers: Vec<_> = parts.iter().map(|part| part.tier.as_str()).collect();
    note(format_args!("{interface}: looking by {}; Ctrl-C ends it", tiers.join(" and ")));
    let teller = Teller::new(args.format);
    let book = Book::new(fingerprint, source);
    let run = Run { args, interface, database, teller, book, backend, why, parts, privileges };
    run.follow(session, &signals)
}

/// Begins to look, by the best back end that works; which that is, and why not a better one.
fn begin(
    backend: BackendName,
    interface: &Interface,
    options: Options,
) -> Result<(Session, &'static str, String), Failure> {
    let packet = || Session::packet(interface, options).map_err(Failure::usage);
    match backend {
        BackendName::Packet => Ok((packet()?, "packet", String::new())),
        BackendName::Xdp => {
            let session = Session::kernel(interface, options).map_err(Failure::usage)?;
            Ok((session, "xdp", String::new()))
        }
        BackendName::Auto => match Session::kernel(interface, options) {
            Ok(session) => Ok((session, "xdp", String::new())),
            Err(why) => Ok((packet()?, "packet", format!("not by xdp: {why}; "))),
        },
    }
}

/// A run, and who is told.
struct Run<'a> {
    args: &'a RunArgs,
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
}

impl Run<'_> {
    fn follow(mut self, mut session: Session, signals: &Signals) -> Outcome {
        let is_gone = self.watch(&mut session, signals);
        signals.release();
        let (mut registry, account) = session.end(PATIENCE);
        let now_ns = now_ns();
        self.keep(&mut registry, now_ns);
        for device in registry.devices() {
            let told = self.book.record(&registry, device, now_ns);
            self.tell(told, now_ns);
        }
        self.tell_alerts(&mut registry);
        self.teller.frames(&account);
        let quiet = registry.sentry().map(|sentry| quiet(sentry.is_learning(), sentry.refused()));
        let coverage = self.coverage(&account, registry.refused(), quiet.unwrap_or_default());
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
        let (mut tell_at, mut keep_at, mut forget_at) = (TOLD, KEPT, Duration::ZERO);
        let mut stop = false;
        while !stop && !self.teller.is_deaf() && self.args.duration.is_none_or(|all| start.elapsed() < all) {
            let left = self.args.duration.map_or(TICK, |all| all.saturating_sub(start.elapsed()));
            session.poll(TICK.min(left));
            signals.poll(false, |_, _| stop = true);
            let now = start.elapsed();
            if now >= tell_at {
                tell_at = now + TOLD;
                self.tell_news(&mut session.registry);
                if !self.interface.is_there() {
                    return true;
                }
            }
            if now >= keep_at {
                keep_at = now + KEPT;
                self.keep(&mut session.registry, now_ns());
            }
            if now >= forget_at {
                forget_at = now + FORGOTTEN;
                let days = self.args.keep_days;
                self.database.as_mut().into_iter().for_each(|database| database.forget(days));
            }
        }
        false
    }

    fn tell_news(&mut self, registry: &mut Registry) {
        let now_ns = now_ns();
        for told in self.book.news(registry, now_ns) {
            self.tell(told, now_ns);
        }
        self.tell_alerts(registry);
        self.teller.flush();
    }

    fn tell_alerts(&mut self, registry: &mut Registry) {
        let news = registry.sentry().map(Sentry::news).unwrap_or_default();
        let (source, nothing) = (self.interface.to_string(), HashSet::new());
        let muted = self.database.as_ref().map(Database::muted).unwrap_or(&nothing);
        news.iter().for_each(|alert| self.teller.alert(alert, &source, muted));
    }

    fn tell(&mut self, mut device: kernscope_report::Device, now_ns: u64) {
        if let Some(database) = &self.database {
            database.correct(&mut device);
        }
        device.source = self.interface.to_string();
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
        if database.keep(&devices) && database.keep_alerts(&alerts) {
            self.book.kept(now_ns);
        }
    }

    fn coverage(&self, account: &Account, refused: Refused, quiet: String) -> Coverage {
        let lost: Vec<_> = account.unusable.iter().map(|(cause, count)| format!("{cause} {count}")).collect();
        let lost = if lost.is_empty() { String::new() } else { format!("frames lost: {}", lost.join(", ")) };
        let privileges = self.privileges.as_ref().map(|cause| format!("not given up: {cause}"));
        let mut hooks: Vec<_> =
            self.parts.iter().map(|part| hook(&part.name, &part.tier, part.gap.clone())).collect();
        hooks.push(hook("account", "kernel", lost));
        hooks.push(hook("ends of frames", "kernel", cut(account.cut)));
        hooks.push(hook("registry", "memory", limits(refused)));
        hooks.push(hook("alerts", "memory", quiet));
        hooks.push(hook("privileges", "capabilities", privileges.unwrap_or_default()));
        let place = unseen(self.args.mode);
        Coverage {
            backend: self.backend.to_owned(),
            why: format!("{}{place}; TCP streams and IP fragments are not put together", self.why),
            hooks,
            ..Coverage::default()
        }
    }
}

/// What cannot be seen from a place.
fn unseen(mode: Mode) -> &'static str {
    match mode {
        Mode::Host => {
            "seen are frames from and to this machine and those to all; what other devices say to each other is not"
        }
        Mode::Gateway => {
            "seen is what crosses this interface; what devices beyond it say to each other directly is not"
        }
        Mode::Span => {
            "seen are the copies that the switch sends; those that it leaves out are not, and a frame that it copies twice \
             counts twice"
        }
    }
}
