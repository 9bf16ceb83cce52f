//! Settings as a file, each with what it means. One that is not set stands behind a `#`.

use super::Settings;
use crate::lan::looks::Looks;
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use toml::Value;

/// The file so far.
struct Page(String);

impl Page {
    /// A setting, or an example of it behind a `#`.
    fn setting(&mut self, means: &str, key: &str, value: Option<Value>, example: Value) {
        let line = match value {
            Some(value) => format!("{key} = {value}"),
            None => format!("# {key} = {example}"),
        };
        self.0 += &format!("\n# {means}\n{line}\n");
    }

    fn set(&mut self, means: &str, key: &str, value: impl Into<Value>) {
        let value = value.into();
        self.setting(means, key, Some(value.clone()), value);
    }

    fn section(&mut self, means: &str, name: &str) {
        self.0 += &format!("\n\n# {means}\n[{name}]\n");
    }
}

/// A file that makes these settings.
pub(super) fn file(settings: &Settings) -> String {
    let mut page = Page(
        "# Settings of `kernscope lan run --config FILE`. A flag of the same name stands above what is here.\n"
            .to_owned(),
    );
    of_the_run(&mut page, settings);
    of_faces(&mut page, settings);
    of_detectors(&mut page, settings);
    of_looks(&mut page, &settings.looks);
    page.0
}

fn of_the_run(page: &mut Page, settings: &Settings) {
    let interface = settings.interface.clone().map(Value::from);
    page.setting("The network interface.", "interface", interface, "eth0".into());
    page.set(
        "How to see: auto, xdp (programs in the kernel), packet (every frame by a socket).",
        "backend",
        word(settings.backend),
    );
    page.set(
        "Where this machine stands: host, gateway, span (a mirror port of a switch).",
        "mode",
        word(settings.mode),
    );
    page.setting(
        "The database; else lan.db in $XDG_STATE_HOME/kernscope or ~/.local/state/kernscope.",
        "db",
        settings.db.as_deref().map(text),
        "/var/lib/kernscope/lan.db".into(),
    );
    page.set("Remember nothing.", "no-db", settings.no_db);
    page.setting(
        "What was learnt of which network to go on with; else that of the interface.",
        "network",
        settings.network.clone().map(Value::from),
        "office".into(),
    );
    page.set("Forget what was seen last so many days ago.", "keep-days", i64::from(settings.keep_days));
    let duration = settings.duration.map(|all| Value::from(all.as_secs_f64()));
    page.setting("End after so many seconds.", "duration", duration, 60.0.into());
    page.set(
        "How to tell: pretty (lines for people), jsonl (docs/SCHEMA.md).",
        "format",
        word(settings.format),
    );
    let rules: Vec<Value> = settings.rules.iter().map(|path| text(path)).collect();
    page.set("Files with rules of your own that say what a device is.", "rules", rules);
    let learn_s = settings.detect.learn_ns / 1_000_000_000;
    page.set("Seconds of learning before what is new is told.", "learn", number(learn_s));
}

fn of_faces(page: &mut Page, settings: &Settings) {
    let faces = &settings.faces;
    let at = |address: std::net::SocketAddr| Value::from(address.to_string());
    page.setting("Where the page is served.", "serve", faces.page.map(at), "127.0.0.1:8077".into());
    page.setting(
        "Where metrics are served for Prometheus.",
        "metrics",
        faces.metrics.map(at),
        "127.0.0.1:9108".into(),
    );
    let most = number(faces.metrics_devices as u64);
    page.set("So many devices have metrics of their own, the others together.", "metrics-devices", most);
    page.setting(
        "Who looks needs the token in this file; without it page and metrics are for this machine only.",
        "token-file",
        faces.token_file.as_deref().map(text),
        "/etc/kernscope/token".into(),
    );
    let hosts: Vec<Value> = faces.hosts.iter().cloned().map(Value::from).collect();
    page.set("Names that page and metrics are called by, beside addresses and localhost.", "host", hosts);
    let words = |words: &[String]| words.iter().cloned().map(Value::from).collect::<Vec<Value>>();
    let notify = &settings.notify;
    page.set("Web servers that alerts are told to, http://HOST/PATH.", "notify-url", words(&notify.urls));
    page.set(
        "A command and its arguments that alerts are told to, on its standard input.",
        "notify-command",
        words(&notify.command),
    );
    page.set(
        "Alerts below this are not told elsewhere: low, medium, high.",
        "notify-severity",
        notify.least.word(),
    );
}

fn of_detectors(page: &mut Page, settings: &Settings) {
    let options = &settings.detect;
    page.section("When alerts are raised (docs/LAN.md has the rules).", "detect");
    let off: Vec<Value> = settings.off.iter().cloned().map(Value::from).collect();
    page.set("Rules of which nothing is told.", "off", off);
    let rows: [(&str, &str, u64); 13] = [
        ("Ports or targets here, tried in vain, that are a scan.", "scan-vain", options.scan_vain as u64),
        ("The same of targets on the internet.", "scan-vain-far", options.scan_vain_far as u64),
        (
            "Replies that nobody asked for, for another's address, that are spoofing.",
            "arp-unasked",
            options.arp_unasked.into(),
        ),
        ("Turns in which two claim one address that are a conflict.", "arp-turns", options.arp_turns.into()),
        (
            "Connections or refusals a minute that are guessing of passwords.",
            "guesses",
            options.guesses as u64,
        ),
        (
            "Regular contacts with an address that nobody looked up that are a beacon.",
            "beacon-strange",
            options.beacon_strange as u64,
        ),
        ("The same of a name, or of an address here.", "beacon-named", options.beacon_named as u64),
        (
            "Spread of the middle half of the gaps, in percent of their median, that is still regular.",
            "beacon-spread-percent",
            options.beacon_spread_percent.into(),
        ),
        ("Bytes within five minutes that are much.", "volume-bytes", options.volume_bytes),
        ("And so many times what was most before.", "volume-factor", options.volume_factor),
        ("More new devices within an hour than this are told as one.", "new-devices", options.new_devices),
        (
            "Hours for which each device is learnt before its model tells what is unusual.",
            "unusual-hours",
            options.unusual_learn_ns / 3_600_000_000_000,
        ),
        (
            "Intervals of five minutes running that have to be far out to be unusual.",
            "unusual-intervals",
            options.unusual_intervals as u64,
        ),
    ];
    rows.into_iter().for_each(|(means, key, value)| page.set(means, key, number(value)));
}

fn of_looks(page: &mut Page, looks: &Looks) {
    page.section("What devices are held against (docs/LAN.md).", "looks");
    let paths = |paths: &[PathBuf]| paths.iter().map(|path| text(path)).collect::<Vec<Value>>();
    let words = |words: &[String]| words.iter().cloned().map(Value::from).collect::<Vec<Value>>();
    page.set("MUD files (RFC 8520), or folders of them.", "mud", paths(&looks.mud));
    page.set(
        "Which device is of which MUD file: MAC=NAME, the file's name or its mud-url.",
        "mud-device",
        words(&looks.mud_device),
    );
    page.set(
        "Who the controllers are that MUD files name: my-controller=192.0.2.7.",
        "mud-controller",
        words(&looks.mud_controller),
    );
    page.setting(
        "A model in ONNX that judges what devices do within five minutes.",
        "model",
        looks.model.as_deref().map(text),
        "contrib/models/intervals.onnx".into(),
    );
    let threshold = looks.model_threshold.map(|threshold| Value::from(f64::from(threshold)));
    page.setting("What it scores above this is told.", "model-threshold", threshold, 0.5.into());
    page.set(
        "Files of rules for content that is known to be bad (docs/RULES.md).",
        "patterns",
        paths(&looks.patterns),
    );
}

fn word(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn text(path: &Path) -> Value {
    path.to_string_lossy().into_owned().into()
}

/// TOML's numbers are signed.
fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
