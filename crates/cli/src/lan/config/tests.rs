use super::*;
use crate::args::{Cli, Command};
use clap::Parser;

/// The settings of a command line with this file.
fn settings(name: &str, text: &str, flags: &[&str]) -> Result<Settings, Failure> {
    let path = std::env::temp_dir().join(format!("kernscope-config-{name}-{}", std::process::id()));
    std::fs::write(&path, text).expect("write");
    let shown = path.display().to_string();
    let args = [&["kernscope", "lan", "run", "--config", &shown], flags].concat();
    let Command::Lan(lan) = Cli::try_parse_from(args).expect("a command line").command else {
        panic!("not lan");
    };
    let settings = Settings::of(lan.run_args().expect("run"));
    std::fs::remove_file(path).expect("remove");
    settings
}

const ALL: &str = r#"
interface = "eth7"
backend = "packet"
mode = "span"
db = "/tmp/a.db"
network = "office"
keep-days = 7
duration = 1.5
format = "jsonl"
rules = ["a.toml", "b.toml"]
learn = 5
serve = "127.0.0.1:1"
metrics = "[::1]:2"
metrics-devices = 3
token-file = "t"
host = ["a.example"]
notify-url = ["http://h/"]
notify-command = ["logger", "-t", "lan"]
notify-severity = "high"
[detect]
off = ["beacon", "volume"]
scan-vain = 3
volume-bytes = 1000
unusual-hours = 48
[looks]
mud = ["mud"]
mud-device = ["02:00:00:00:00:01=lamp"]
mud-controller = ["my-controller=192.0.2.7"]
patterns = ["a.toml"]
model = "m.onnx"
model-threshold = 0.3
"#;

#[test]
fn what_is_printed_makes_the_same_settings() {
    let first = settings("print", ALL, &[]).expect("settings");
    assert_eq!((first.detect.scan_vain, first.detect.learn_ns), (3, 5_000_000_000));
    let again = settings("again", &first.print(), &[]).expect("settings");
    assert_eq!(first, again);
    let usual = settings("usual", "", &[]).expect("settings");
    assert_eq!(settings("usual-again", &usual.print(), &[]).expect("settings"), usual);
}

/// Whoever takes the `#` away from a setting that is not set gets one that is known.
#[test]
fn every_setting_that_is_printed_is_known() {
    let printed = settings("known", "", &[]).expect("settings").print();
    let keys = |line: &str| line.starts_with("# ") && line.contains(" = ");
    let text: String = printed
        .lines()
        .map(|line| if keys(line) { line.trim_start_matches("# ") } else { line }.to_owned() + "\n")
        .collect();
    let all = settings("taken-away", &text, &[]).expect("settings");
    assert_eq!((all.interface.as_deref(), all.duration), (Some("eth0"), Some(Duration::from_secs(60))));
}

#[test]
fn flags_stand_above_the_file() {
    let flags = ["--interface", "lo", "--no-db", "--learn", "9", "--rules", "c.toml"];
    let all = settings("flags", ALL, &flags).expect("settings");
    assert_eq!((all.interface.as_deref(), all.no_db, all.db), (Some("lo"), true, None));
    assert_eq!((all.detect.learn_ns, all.rules), (9_000_000_000, vec!["c.toml".into()]));
    let all = settings("flags-db", "no-db = true", &["--db", "x"]).expect("settings");
    assert_eq!((all.no_db, all.db), (false, Some("x".into())));
}

#[test]
fn what_is_wrong_is_one_line_that_says_where() {
    for (text, said) in [
        ("interfaces = \"eth0\"", "line 1: unknown field `interfaces`"),
        ("\n[detect]\nscan-vein = 4", "line 3: unknown field `scan-vein`"),
        ("learn = \"long\"", "line 1: invalid type"),
        ("mode = \"router\"", "\"router\" is none of host, gateway, span"),
        ("[detect]\noff = [\"port_scan\"]", "no rule \"port_scan\""),
        ("interface = ", "line 1"),
    ] {
        let failure = settings("wrong", text, &[]).expect_err(text);
        assert!(failure.line().contains(said), "{}", failure.line());
        assert!(!failure.line().contains('\n'));
    }
}
