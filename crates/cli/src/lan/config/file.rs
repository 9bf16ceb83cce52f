//! The file of `--config`: TOML, every key known.

use super::super::run_args::{BackendName, Least, Mode};
use crate::args::Format;
use crate::failure::Failure;
use crate::lan::looks::Looks;
use clap::ValueEnum;
use kernscope_lan::anomaly::{Options, RULES};
use kernscope_sieve::toml_error;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

const HOUR_NS: u64 = 3_600_000_000_000;

/// What a file says; what it leaves out is the default.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct File {
    pub(super) interface: Option<String>,
    #[serde(deserialize_with = "named")]
    pub(super) backend: Option<BackendName>,
    #[serde(deserialize_with = "named")]
    pub(super) mode: Option<Mode>,
    pub(super) db: Option<PathBuf>,
    pub(super) no_db: Option<bool>,
    pub(super) network: Option<String>,
    pub(super) keep_days: Option<u32>,
    #[serde(deserialize_with = "seconds")]
    pub(super) duration: Option<Duration>,
    #[serde(deserialize_with = "named")]
    pub(super) format: Option<Format>,
    pub(super) rules: Option<Vec<PathBuf>>,
    pub(super) learn: Option<u64>,
    pub(super) serve: Option<SocketAddr>,
    pub(super) metrics: Option<SocketAddr>,
    pub(super) metrics_devices: Option<usize>,
    pub(super) token_file: Option<PathBuf>,
    pub(super) host: Option<Vec<String>>,
    pub(super) notify_url: Option<Vec<String>>,
    pub(super) notify_command: Option<Vec<String>>,
    #[serde(deserialize_with = "named")]
    pub(super) notify_severity: Option<Least>,
    pub(super) detect: Detect,
    pub(super) looks: Looks,
}

/// `[detect]`: how detectors are set, see [`Options`].
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Detect {
    off: Vec<String>,
    scan_vain: Option<usize>,
    scan_vain_far: Option<usize>,
    arp_unasked: Option<u32>,
    arp_turns: Option<u32>,
    guesses: Option<usize>,
    beacon_strange: Option<usize>,
    beacon_named: Option<usize>,
    beacon_spread_percent: Option<u32>,
    volume_bytes: Option<u64>,
    volume_factor: Option<u64>,
    new_devices: Option<u64>,
    unusual_hours: Option<u64>,
    unusual_intervals: Option<usize>,
}

impl Detect {
    /// How detectors are set, and which rules are switched off.
    pub(super) fn options(self, learn_s: Option<u64>) -> Result<(Options, Vec<String>), Failure> {
        if let Some(rule) = self.off.iter().find(|rule| !RULES.contains(&rule.as_str())) {
            let line =
                format_args!("config: detect.off: there is no rule {rule:?}; there are {}", RULES.join(", "));
            return Err(Failure::usage(line));
        }
        let usual = Options::default();
        let options = Options {
            learn_ns: learn_s.map_or(usual.learn_ns, |s| s.saturating_mul(1_000_000_000)),
            scan_vain: self.scan_vain.unwrap_or(usual.scan_vain),
            scan_vain_far: self.scan_vain_far.unwrap_or(usual.scan_vain_far),
            arp_unasked: self.arp_unasked.unwrap_or(usual.arp_unasked),
            arp_turns: self.arp_turns.unwrap_or(usual.arp_turns),
            guesses: self.guesses.unwrap_or(usual.guesses),
            beacon_strange: self.beacon_strange.unwrap_or(usual.beacon_strange),
            beacon_named: self.beacon_named.unwrap_or(usual.beacon_named),
            beacon_spread_percent: self.beacon_spread_percent.unwrap_or(usual.beacon_spread_percent),
            volume_bytes: self.volume_bytes.unwrap_or(usual.volume_bytes),
            volume_factor: self.volume_factor.unwrap_or(usual.volume_factor),
            new_devices: self.new_devices.unwrap_or(usual.new_devices),
            unusual_learn_ns: self
                .unusual_hours
                .map_or(usual.unusual_learn_ns, |hours| hours.saturating_mul(HOUR_NS)),
            unusual_intervals: self.unusual_intervals.unwrap_or(usual.unusual_intervals),
        };
        Ok((options, self.off))
    }
}

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<File, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|cause| {
        Failure::usage(format_args!("read config {shown}: {cause}; --print-config writes one"))
    })?;
    parse(&text).map_err(|why| {
        Failure::usage(format_args!("config {shown}: {why}; --print-config shows every setting"))
    })
}

/// The file, or in which line it is wrong and why.
pub(super) fn parse(text: &str) -> Result<File, String> {
    toml::from_str(text).map_err(|error| toml_error::one_line(text, &error))
}

/// One of the words that the flag takes.
fn named<'de, D: Deserializer<'de>, T: ValueEnum>(deserializer: D) -> Result<Option<T>, D::Error> {
    let word = String::deserialize(deserializer)?;
    T::from_str(&word, false).map(Some).map_err(|_| {
        let all = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let all: Vec<_> = all.map(|value| value.get_name().to_owned()).collect();
        D::Error::custom(format!("{word:?} is none of {}", all.join(", ")))
    })
}

/// A number of seconds, of which a part will do.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    Duration::try_from_secs_f64(seconds).map(Some).map_err(D::Error::custom)
}
