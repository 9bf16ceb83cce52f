//! A run is set up: files and rules first, then the interface; privileges are given up before the first frame is read.

use super::Run;
use crate::failure::{Failure, Outcome};
use crate::lan::book::Book;
use crate::lan::config::Settings;
use crate::lan::database::{Database, default_path};
use crate::lan::gateway;
use crate::lan::memory::Memory;
use crate::lan::metrics::Metrics;
use crate::lan::replay::fingerprint;
use crate::lan::run_args::{BackendName, Mode};
use crate::lan::tell::{Teller, now_ns};
use crate::lan::traffic::Traffic;
use crate::lan::tui::{self, Tui};
use crate::stream::note;
use crate::watch::signals::Signals;
use kernscope_kit::attach::Interface;
use kernscope_kit::privilege;
use kernscope_lan::anomaly::Sentry;
use kernscope_lan::live::{Options, Session};
use kernscope_report::clock::Clock;
use std::collections::HashSet;

/// Sets everything up, then follows the interface.
pub(super) fn begin(settings: Settings) -> Outcome {
    let fingerprint = fingerprint(&settings.rules)?;
    let looked = settings.looks.read()?;
    let signals = Signals::install()
        .map_err(|cause| Failure::usage(format_args!("install signal handlers: {cause}")))?;
    let database = database(&settings)?;
    let interface = interface(&settings)?;
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
        (memory, known) = teach(sentry, &settings, &interface, database.as_ref());
        looked.give_most(sentry);
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

/// Where what is seen is kept, if it is.
fn database(settings: &Settings) -> Result<Option<Database>, Failure> {
    match (&settings.db, settings.no_db) {
        (_, true) => Ok(None),
        (Some(path), _) => Database::create(path).map(Some),
        (None, _) => Database::create(&default_path()?).map(Some),
    }
}

fn interface(settings: &Settings) -> Result<Interface, Failure> {
    let name = settings.interface.as_deref().ok_or_else(|| {
        Failure::usage(
            "look at a network: no interface is named; give --interface IF, or `interface` in --config FILE",
        )
    })?;
    Interface::find(name).map_err(Failure::usage)
}

/// Tells the detectors what is known before the first frame; what they learn goes into the memory that comes back, with a line on
/// what earlier runs have learnt.
fn teach(
    sentry: &mut Sentry,
    settings: &Settings,
    interface: &Interface,
    database: Option<&Database>,
) -> (Memory, String) {
    let memory = database.map(|database| {
        let network = settings.network.clone().unwrap_or_else(|| interface.to_string());
        Memory::begin(&network, database, sentry, settings.detect.learn_ns)
    });
    gateway::of(&interface.to_string()).into_iter().for_each(|address| sentry.gateway(address));
    for (mac, category) in database.into_iter().flat_map(Database::known) {
        sentry.know(mac);
        sentry.describe(mac, &category);
    }
    settings.off.iter().for_each(|rule| sentry.switch_off(rule));
    memory.unwrap_or_default()
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
