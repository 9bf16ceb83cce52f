//! `lan replay`: files in, devices out.

use super::ReplayArgs;
use super::database::Database;
use super::memory::Memory;
use super::tell::Teller;
use crate::failure::{Failure, Outcome, USAGE};
use crate::stream::note;
use kernscope_lan::Registry;
use kernscope_lan::anomaly::{Options, Sentry, Tally};
use kernscope_lan::fingerprint::{Fingerprint, Rules};
use kernscope_lan::record::records;
use kernscope_lan::registry::Refused;
use kernscope_lan::replay::{Account, replay_taking};
use kernscope_report::{Coverage, Hook, State};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(super) fn run(args: &ReplayArgs) -> Outcome {
    let mut teller = Teller::new(args.format);
    let fingerprint = fingerprint(&args.rules)?;
    let looked = args.looks.read()?;
    let mut database = args.db.as_deref().map(Database::create).transpose()?;
    let (mut gaps, nothing) = (Gaps::default(), HashSet::new());
    for path in &args.files {
        let shown = path.display().to_string();
        let mut registry = Registry::default().watched(Sentry::new(detectors(args.learn)));
        registry.sentry().into_iter().for_each(|sentry| looked.give(sentry));
        if let (Some(database), Some(sentry)) = (&mut database, registry.sentry()) {
            gaps.troubles += u32::from(!database.begin_source(&source(path)));
            sentry.follow_talks();
        }
        let mut memory = begin(args, &database, &mut registry);
        let mut troubles = 0;
        let account = match read(path, &mut registry, &mut |tally| {
            troubles += u32::from(!keep(&mut database, path, &tally))
        }) {
            Ok(account) => account,
            Err(cause) => {
                note(format_args!("open {shown}: {cause}; give a pcap or pcapng file"));
                gaps.unreadable();
                continue;
            }
        };
        gaps.troubles += troubles;
        if let Some(fault) = &account.fault {
            note(format_args!("{shown}: {fault}"));
            gaps.troubles += 1;
        }
        let mut devices = records(&registry, &fingerprint, account.last_ns, &source(path));
        if let Some(database) = &mut database {
            gaps.troubles += u32::from(!database.keep(&devices));
            devices.iter_mut().for_each(|device| database.correct(device));
        }
        devices.into_iter().for_each(|device| {
            teller.device(kernscope_report::Device { source: shown.clone(), ..device }, account.last_ns);
        });
        teller.frames(&account);
        gaps.file(&account, registry.refused());
        if let Some(sentry) = registry.sentry() {
            let muted = database.as_ref().map(Database::muted).unwrap_or(&nothing);
            sentry.news().iter().for_each(|alert| teller.alert(alert, &shown, muted));
            let kept: Vec<_> =
                sentry.alerts().iter().map(|alert| alert.record(Vec::new(), &source(path))).collect();
            let is_kept = database.as_mut().is_none_or(|database| database.keep_alerts(&kept));
            gaps.troubles += u32::from(!is_kept);
            if let (Some(memory), Some(database)) = (&mut memory, &mut database) {
                gaps.troubles += u32::from(!memory.keep(database, sentry));
            }
            gaps.learning |= sentry.is_learning();
            gaps.alerts_refused += sentry.refused();
            gaps.detectors.extend(sentry.gaps());
        }
    }
    match teller.end(gaps.coverage()) {
        Some(failure) => Err(failure),
        None if gaps.troubles > 0 => Ok(ExitCode::from(USAGE)),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// Goes on with what the database has learnt of the network, if the files are one.
fn begin(args: &ReplayArgs, database: &Option<Database>, registry: &mut Registry) -> Option<Memory> {
    let (network, database, sentry) = (args.network.as_deref()?, database.as_ref()?, registry.sentry()?);
    for (mac, category) in database.known() {
        sentry.know(mac);
        sentry.describe(mac, &category);
    }
    let (memory, known) = Memory::begin(network, database, sentry, detectors(args.learn).learn_ns);
    note(known);
    Some(memory)
}

/// Keeps who talked to whom, where there is a database. Whether it is kept.
fn keep(database: &mut Option<Database>, path: &Path, tally: &Tally) -> bool {
    database.as_mut().is_none_or(|database| database.keep_talks(&source(path), tally))
}

fn read(path: &Path, registry: &mut Registry, each: &mut dyn FnMut(Tally)) -> std::io::Result<Account> {
    if path == Path::new("-") {
        return Ok(replay_taking(std::io::stdin().lock(), registry, each));
    }
    Ok(replay_taking(File::open(path)?, registry, each))
}

/// What a database calls a file: the same file by another name is no other source.
fn source(path: &Path) -> String {
    path.canonicalize().unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// The built-in rules and those of `files`.
pub(super) fn fingerprint(files: &[PathBuf]) -> Result<Fingerprint, Failure> {
    let mut fingerprint = Fingerprint::built_in();
    for file in files {
        let shown = file.display();
        let text = std::fs::read_to_string(file)
            .map_err(|cause| Failure::usage(format_args!("read rules {shown}: {cause}; give a TOML file")))?;
        let rules =
            Rules::parse(&text).map_err(|why| Failure::usage(format_args!("rules {shown}: {why}")))?;
        fingerprint.extend(rules);
    }
    Ok(fingerprint)
}

/// What was not looked at, and why.
#[derive(Default)]
struct Gaps {
    troubles: u32,
    unusable: BTreeMap<String, u64>,
    cut: u64,
    refused: Refused,
    /// Some file ended before its network was learnt.
    learning: bool,
    alerts_refused: u64,
    /// What detectors could not tell, and why.
    detectors: BTreeSet<String>,
}

impl Gaps {
    fn unreadable(&mut self) {
        self.troubles += 1;
        *self.unusable.entry("unreadable_file".to_owned()).or_default() += 1;
    }

    fn file(&mut self, account: &Account, refused: Refused) {
        for (reason, count) in &account.unusable {
            *self.unusable.entry(reason.clone()).or_default() += count;
        }
        self.cut += account.cut;
        self.refused.devices += refused.devices;
        self.refused.frames += refused.frames;
        self.refused.facts += refused.facts;
    }

    fn coverage(&self) -> Coverage {
        let unusable: Vec<_> =
            self.unusable.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        let frames = match unusable.join(", ") {
            list if list.is_empty() => list,
            list => format!("frames that name no device, or files not opened: {list}"),
        };
        Coverage {
            backend: "replay".to_owned(),
            why: "what the capture does not hold is not seen; TCP streams and IP fragments are not put together"
                .to_owned(),
            hooks: vec![
                hook("frames", "file", frames),
                hook("ends of frames", "file", cut(self.cut)),
                hook("registry", "file", limits(self.refused)),
                hook("alerts", "file", quiet(self.learning, self.alerts_refused)),
                hook("detectors", "file", self.detectors.iter().cloned().collect::<Vec<_>>().join("; ")),
            ],
            ..Coverage::default()
        }
    }
}

/// A part of a run; what is wrong with it, if anything.
pub(super) fn hook(name: &str, tier: &str, why: String) -> Hook {
    let state = if why.is_empty() { State::Attached } else { State::Partial };
    Hook { name: name.to_owned(), tier: tier.to_owned(), state, why }
}

/// That frames came cut, in words.
pub(super) fn cut(frames: u64) -> String {
    if frames == 0 {
        String::new()
    } else {
        format!("{frames} frames are cut; what stands behind is not seen")
    }
}

/// How detectors are set by `--learn`.
pub(super) fn detectors(learn_s: u64) -> Options {
    Options { learn_ns: learn_s.saturating_mul(1_000_000_000), ..Options::default() }
}

/// What detectors did not tell, in words.
pub(super) fn quiet(learning: bool, refused: u64) -> String {
    let learning = learning.then(|| "still learning (--learn): what is new was not told".to_owned());
    let refused = (refused > 0).then(|| format!("{refused} alerts beyond 10,000 were counted only"));
    learning.into_iter().chain(refused).collect::<Vec<_>>().join("; ")
}

/// What limits of memory left out, in words.
pub(super) fn limits(refused: Refused) -> String {
    let Refused { devices, frames, facts } = refused;
    let counts = [
        (devices, "devices of which least was known were forgotten for others"),
        (frames, "frames of such"),
        (facts, "facts are not kept"),
    ];
    let told: Vec<_> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if told.is_empty() { String::new() } else { format!("limits reached: {}", told.join(", ")) }
}
