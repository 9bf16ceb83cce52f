//! What detectors are given to hold the network against: descriptions of makers, patterns.
//!
//! One struct for the flags of `lan run` and `lan replay` and for the keys of the file; read once, and given to the detectors of each
//! network.

use crate::failure::Failure;
use crate::rules;
use crate::stream::note;
use clap::Args;
use kernscope_lan::Mac;
use kernscope_lan::anomaly::{Judge, Patterns, Sentry};
use kernscope_lan::mud::{Profile, Profiles};
use kernscope_sieve::rules::RuleSet;
use serde::Deserialize;
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// Longest MUD file, bytes; those that makers publish have some ten thousand.
const MUD_BYTES_MAX: u64 = 4 << 20;
/// Longest model, bytes.
#[cfg(feature = "onnx")]
const MODEL_BYTES_MAX: u64 = 64 << 20;

/// Flags, and keys of the file.
#[derive(Args, Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Looks {
    /// Hold devices to this MUD file (RFC 8520), or to those of this folder
    #[arg(long, value_name = "FILE|DIR")]
    pub(super) mud: Vec<PathBuf>,
    /// A device is of the MUD file with this name or mud-url, whether it says so or not
    #[arg(long, value_name = "MAC=NAME|URL")]
    pub(super) mud_device: Vec<String>,
    /// This address is the controller that MUD files name so; my-controller is the devices' own
    #[arg(long, value_name = "NAME=ADDRESS")]
    pub(super) mud_controller: Vec<String>,
    /// Look for the content that these rules find (docs/RULES.md) in what devices send
    #[arg(long, value_name = "FILE")]
    pub(super) patterns: Vec<PathBuf>,
    /// Ask this model (ONNX) about what each device does within five minutes
    #[arg(long, value_name = "FILE")]
    pub(super) model: Option<PathBuf>,
    /// Tell what the model scores above this [default: 0.5]
    #[arg(long, value_name = "SCORE")]
    pub(super) model_threshold: Option<f32>,
}

/// What was read.
#[derive(Clone, Debug)]
pub(super) struct Looked {
    profiles: Profiles,
    patterns: Option<Patterns>,
    model: Option<Model>,
    threshold: f32,
}

impl Looks {
    /// What the flags say, else what the file does.
    pub(super) fn over(&self, file: Self) -> Self {
        let either = |flag: &Vec<PathBuf>, file| if flag.is_empty() { file } else { flag.clone() };
        let words = |flag: &Vec<String>, file| if flag.is_empty() { file } else { flag.clone() };
        Self {
            mud: either(&self.mud, file.mud),
            mud_device: words(&self.mud_device, file.mud_device),
            mud_controller: words(&self.mud_controller, file.mud_controller),
            patterns: either(&self.patterns, file.patterns),
            model: self.model.clone().or(file.model),
            model_threshold: self.model_threshold.or(file.model_threshold),
        }
    }

    /// Reads all files.
    ///
    /// # Errors
    /// At the first that cannot be read, or is not what it should be.
    pub(super) fn read(&self) -> Result<Looked, Failure> {
        Ok(Looked {
            profiles: self.profiles()?,
            patterns: self.patterns()?,
            model: self.model.as_deref().map(model).transpose()?,
            threshold: self.model_threshold.unwrap_or(0.5),
        })
    }

    fn profiles(&self) -> Result<Profiles, Failure> {
        let (mut profiles, mut names) = (Profiles::default(), HashMap::new());
        for path in &self.mud {
            for file in files(path)? {
                let profile = profile(&file)?;
                let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                names.insert(stem, profile.url.clone());
                profiles.add(profile);
            }
        }
        for said in &self.mud_device {
            let wrong = |why: &str| Failure::usage(format_args!("mud-device {said:?}: {why}"));
            let (mac, name) = said.split_once('=').ok_or_else(|| wrong("write it as MAC=NAME"))?;
            let mac: Mac =
                mac.parse().map_err(|cause: kernscope_lan::mac::NotMac| wrong(&cause.to_string()))?;
            let name = name.strip_suffix(".json").filter(|stem| names.contains_key(*stem)).unwrap_or(name);
            let url = names.get(name).map_or(name, String::as_str);
            if !profiles.bind(mac, url) {
                return Err(wrong("no file of --mud has this name or mud-url"));
            }
        }
        for said in &self.mud_controller {
            let address = said
                .rsplit_once('=')
                .and_then(|(name, address)| Some((name, address.parse::<IpAddr>().ok()?)));
            let (name, address) = address.ok_or_else(|| {
                Failure::usage(format_args!("mud-controller {said:?}: write it as my-controller=192.0.2.7"))
            })?;
            profiles.controller(name, address);
        }
        Ok(profiles)
    }

    fn patterns(&self) -> Result<Option<Patterns>, Failure> {
        let mut all: Option<RuleSet> = None;
        for file in &self.patterns {
            all.get_or_insert_default().extend_with(rules::for_matching(file, true)?);
        }
        all.map(|rules| Patterns::new(rules).map_err(Failure::usage)).transpose()
    }
}

impl Looked {
    /// Gives it to detectors that see every frame.
    pub(super) fn give(&self, sentry: &mut Sentry) {
        self.give_most(sentry);
        self.patterns.iter().for_each(|patterns| sentry.patterns(patterns.clone()));
    }

    /// All but the patterns.
    pub(super) fn give_most(&self, sentry: &mut Sentry) {
        if !self.profiles.is_empty() {
            sentry.profiles(self.profiles.clone());
        }
        if let Some(model) = &self.model {
            sentry.model(judge(model), self.threshold);
        }
    }

    /// The patterns, if there are any.
    pub(super) fn patterns(&self) -> Option<Patterns> {
        self.patterns.clone()
    }
}

#[cfg(feature = "onnx")]
type Model = kernscope_lan::model::Onnx;

/// There is none to be had.
#[cfg(not(feature = "onnx"))]
#[derive(Clone, Debug)]
enum Model {}

/// A model of its own, for the detectors of one network.
#[cfg(feature = "onnx")]
fn judge(model: &Model) -> Box<dyn Judge> {
    Box::new(model.clone())
}

#[cfg(not(feature = "onnx"))]
fn judge(model: &Model) -> Box<dyn Judge> {
    match *model {}
}

#[cfg(feature = "onnx")]
fn model(path: &Path) -> Result<Model, Failure> {
    let shown = path.display();
    let failed = |why: String| Failure::usage(format_args!("model {shown}: {why}"));
    let read = |cause: std::io::Error| failed(format!("{cause}; give an ONNX file (docs/LAN.md)"));
    let bytes = std::fs::metadata(path).map_err(read)?.len();
    if bytes > MODEL_BYTES_MAX {
        return Err(failed(format!("has {bytes} bytes, more than {MODEL_BYTES_MAX}")));
    }
    Model::read(&std::fs::read(path).map_err(read)?).map_err(failed)
}

#[cfg(not(feature = "onnx"))]
fn model(path: &Path) -> Result<Model, Failure> {
    let shown = path.display();
    Err(Failure::usage(format_args!("model {shown}: this kernscope was built without the feature onnx")))
}

/// The file, or the JSON files of a folder, by name.
fn files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed =
        |cause: std::io::Error| Failure::usage(format_args!("read MUD files {}: {cause}", path.display()));
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries: Result<Vec<_>, _> = std::fs::read_dir(path).map_err(failed)?.collect();
    let all = entries.map_err(failed)?.into_iter().map(|entry| entry.path());
    let mut all: Vec<_> = all.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    all.sort_unstable();
    if all.is_empty() {
        return Err(Failure::usage(format_args!("read MUD files {}: no *.json is in it", path.display())));
    }
    Ok(all)
}

/// One file; what is in it and not looked at is told.
fn profile(path: &Path) -> Result<Profile, Failure> {
    let shown = path.display();
    let failed = |why: String| Failure::usage(format_args!("MUD file {shown}: {why}"));
    let bytes = std::fs::metadata(path)
        .map_err(|cause| failed(format!("{cause}; give a JSON file (RFC 8520)")))?
        .len();
    if bytes > MUD_BYTES_MAX {
        return Err(failed(format!("has {bytes} bytes, more than {MUD_BYTES_MAX}")));
    }
    let text = std::fs::read_to_string(path)
        .map_err(|cause| failed(format!("{cause}; give a JSON file (RFC 8520)")))?;
    let profile = Profile::parse(&text).map_err(failed)?;
    profile.notes.iter().for_each(|line| note(format_args!("MUD file {shown}: {line}")));
    Ok(profile)
}
