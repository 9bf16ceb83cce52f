//! `lan run`: an interface in, devices out, until it is ended.

mod shown;

use super::book::Book;
use super::config::Settings;
use super::database::{Database, default_path};
use super::memory::Memory;
use super::metrics::{Metrics, Named};
use super::replay::{cut, fingerprint, hook, limits, quiet};
use super::run_args::{BackendName, Mode, RunArgs};
use super::serve::PAGE_AT;
use super::tell::{Teller, now_ns};
use super::traffic::Traffic;
use super::tui::{self, Pulse, Tui};
use super::{ServeArgs, gateway};
use crate::failure::{BROKEN, Failure, Outcome};
use crate::stream::{note, print};
use crate::watch::signals::Signals;
use kernscope_kit::attach::Interface;
use kernscope_kit::privilege;
use kernscope_lan::Mac;
use kernscope_lan::anomaly::{Sentry, Tally};
use kernscope_lan::live::{Options, Part, Session};
use kernscope_lan::record::ONLINE_NS;
use kernscope_lan::registry::{Device, Refused, Registry};
use kernscope_lan::replay::Account;
use kernscope_report::Coverage;
use kernscope_report::clock::Clock;
use std::collections::{BTreeMap, HashMap, HashSet};
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

fn begin(settings: Settings) -> Outcome {
    let fingerprint = fingerprint(&settings.rules)?;
    let looked = settings.looks.read()?;
    let signals = Signals::install()
        .map_err(|cause| Failure::usage(format_args!("install signal handlers: {cause}")))?;
    let database = match (&settings.db, settings.no_db) {
        (_, true) => None,
        (Some(path), _) => Some(Database::create(path)?),
        (None, _) => Some(Database::create(&default_path()?)?),
    };
    let interface = settings.interface.as_deref().ok_or_else(|| {
        Failure::usage(
            "look at a network: no interface is named; give --interface IF, or `interface` in --config FILE",
        )
    })?;
    let interface = Interface::find(interface).map_err(Failure::usage)?;
    settings.notify.check(database.as_ref())?;
    let listening = settings.faces.clone().listen()?;
    if settings.faces.page.is_some() && database.is_none() {
        return Err(Failure::usage("serve the page: it is drawn from the database; leave --no-db out"));
    }
    let options = Options {
        promiscuous: settings.mode == Mode::Span,
        anomaly: Some(settings.detect),
        ..Options::default()
    };
    let has_screen = settings.has_screen && tui::can_show();
    let (mut session, backend, why) = look(settings.backend, &interface, options)?;
    let (mut memory, mut known) = (Memory::default(), String::new());
    if let Some(sentry) = session.registry.sentry() {
        if let Some(database) = &database {
            let network = settings.network.clone().unwrap_or_else(|| interface.to_string());
            (memory, known) = Memory::begin(&network, database, sentry, settings.detect.learn_ns);
        }
        gateway::of(&interface.to_string()).into_iter().for_each(|address| sentry.gateway(address));
        for (mac, category) in database.iter().flat_map(Database::known) {
            sentry.know(mac);
            sentry.describe(mac, &category);
        }
        looked.give_most(sentry);
        settings.off.iter().for_each(|rule| sentry.switch_off(rule));
        if database.is_some() || settings.faces.metrics.is_some() || has_screen {
            sentry.follow_talks();
        }
    }
    if let Some(patterns) = looked.patterns() {
        session.look_for(patterns, &interface, options.promiscuous).map_err(Failure::usage)?;
    }
    let privileges = privilege::keep_only(&session.keeps()).err().map(|cause| cause.to_string());
    let metrics = Metrics::default();
    let path = database.as_ref().map(|database| database.path().to_owned());
    let screen = has_screen.then(|| Tui::start(interface.to_string(), path.as_deref())).transpose()?;
    database.iter().try_for_each(|database| settings.notify.start(database.path()))?;
    listening.serve(database.as_ref().map(Database::path), true, &metrics)?;
    let source = format!("{interface} from {}", Clock::new(0).rfc3339(now_ns()));
    let parts = session.parts();
    let tiers: Vec<_> = parts.iter().map(|part| part.tier.as_str()).collect();
    note(format_args!("{interface}: looking by {}; Ctrl-C ends it", tiers.join(" and ")));
    (!known.is_empty()).then(|| note(known));
    let mut teller = Teller::new(settings.format);
    screen.iter().for_each(|_| teller.go_behind());
    let book = Book::new(fingerprint, source.clone());
    let traffic = Traffic::default();
    let run = Run {
        settings,
        interface,
        database,
        teller,
        book,
        backend,
        why,
        parts,
        privileges,
        source,
        traffic,
        memory,
        metrics,
        screen,
        muted_here: HashSet::new(),
        seen_ns: 0,
    };
    run.follow(session, &signals)
}

/// Begins to look, by the best back end that works; which that is, and why not a better one.
fn look(
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

    /// Brings the metrics up to date.
    fn count(&mut self, session: &mut Session) {
        if self.settings.faces.metrics.is_none() {
            return;
        }
        let now_ns = now_ns();
        let (_, lost) = session.counted();
        let frames = frames(session.account(), lost);
        let learning = session.registry.sentry().is_some_and(|sentry| sentry.is_learning());
        let all = session.registry.devices();
        let online =
            all.iter().filter(|device| now_ns.saturating_sub(device.last_ns) <= ONLINE_NS).count() as u64;
        let devices: Vec<_> = all.iter().map(|device| (device.mac, device.last_ns)).collect();
        let most = self.settings.faces.metrics_devices;
        let nameless = self.metrics.with(|numbers| {
            (numbers.frames, numbers.devices, numbers.online) = (frames, devices.len() as u64, online);
            numbers.learning = learning;
            numbers.traffic(&devices, &self.traffic, most);
            numbers.nameless()
        });
        for device in all.iter().filter(|device| nameless.binary_search(&device.mac).is_ok()) {
            let named = self.named(&session.registry, device, now_ns);
            self.metrics.with(|numbers| numbers.name(device.mac, named));
        }
    }

    fn named(&self, registry: &Registry, device: &Device, now_ns: u64) -> Named {
        let mut told = self.book.record(registry, device, now_ns);
        self.database.iter().for_each(|database| database.correct(&mut told));
        let (name, vendor) = (told.hostname.unwrap_or_default(), told.vendor.unwrap_or_default());
        Named { name, category: told.category, vendor }
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
        let place = unseen(self.settings.mode);
        Coverage {
            backend: self.backend.to_owned(),
            why: format!("{}{place}; TCP streams and IP fragments are not put together", self.why),
            hooks,
            ..Coverage::default()
        }
    }
}

/// Frames by what became of them and why.
fn frames(account: &Account, lost: Vec<(&'static str, u64)>) -> BTreeMap<(&'static str, String), u64> {
    let mut frames = BTreeMap::from([
        (("used", String::new()), account.used),
        (("counted", String::new()), account.counted),
    ]);
    frames.extend(
        account.malformed.iter().map(|(protocol, count)| (("malformed", (*protocol).to_owned()), *count)),
    );
    let unusable = account.unusable.iter().map(|(cause, count)| (("lost", cause.clone()), *count));
    frames.extend(unusable.chain(lost.into_iter().map(|(cause, count)| (("lost", cause.to_owned()), count))));
    frames
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
