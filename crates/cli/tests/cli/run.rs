//! Running kernscope, and reading what it wrote.

use serde_json::Value;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// kernscope with nothing of the caller's environment that changes what it prints.
pub(crate) fn kernscope<S: AsRef<OsStr>>(args: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kernscope"));
    command.args(args).stdin(Stdio::null());
    for name in ["NO_COLOR", "COLUMNS", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command.env("TERM", "xterm").env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command
}

/// Runs it to its end.
pub(crate) fn run<S: AsRef<OsStr>>(args: &[S]) -> Output {
    kernscope(args).output().expect("kernscope runs")
}

/// A wrong command line: status 2, and one line that says `said`.
pub(crate) fn refused(args: &[&str], said: &str) {
    let output = run(args);
    let line = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {line}");
    assert_eq!(line.matches('\n').count(), 1, "{args:?}: {line}");
    assert!(line.starts_with("kernscope: ") && line.contains(said), "{args:?}: {line}");
    assert!(output.stdout.is_empty(), "{args:?}");
}

/// Watches a shell script with the ptrace back end and these options.
pub(crate) fn watch(options: &[&str], script: &str) -> Command {
    let mut args = vec!["watch", "--backend", "ptrace"];
    args.extend_from_slice(options);
    args.extend_from_slice(&["--", "/bin/sh", "-c", script]);
    kernscope(&args)
}

/// Watches a command by eBPF; what it printed and the records, or `None`, said aloud, where that is not possible.
pub(crate) fn watch_by_ebpf(dir: &Dir, options: &[&str], command: &[&str]) -> Option<(Output, Vec<Value>)> {
    let out = dir.text("out");
    let fixed = ["watch", "--backend", "ebpf", "--format", "jsonl", "--output", &out];
    let output = run(&[&fixed, options, &["--"], command].concat());
    if !was_possible(&output) {
        return None;
    }
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    Some((output, records(&dir.path("out"))))
}

/// Whether it was more than set-up; why not is said aloud.
pub(crate) fn was_possible(output: &Output) -> bool {
    let is = output.status.code() != Some(2);
    if !is {
        eprintln!("skipped: {}", stderr(output));
    }
    is
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A directory of one test's own, removed at its end.
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("kernscope-cli-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).expect("a fresh directory");
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).into_os_string().into_string().expect("UTF-8")
    }
}

impl AsRef<Path> for Dir {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Records of a file, checked: each valid against the schema, numbers without a gap, `coverage` and `ledger` at the
/// end, the ledger closed and in agreement with the number of lines.
pub(crate) fn records(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("readable");
    checked(&text)
}

/// The same for text.
pub(crate) fn checked(text: &str) -> Vec<Value> {
    let schema = kernscope_report::schema::value();
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    assert!(text.ends_with('\n'), "the last line is whole");
    let records: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    for (seq, record) in records.iter().enumerate() {
        let faults: Vec<_> = validator.iter_errors(record).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{record}: {faults:?}");
        assert_eq!(record["seq"], seq, "{record}");
    }
    let [told @ .., coverage, ledger] = records.as_slice() else { panic!("no end: {text}") };
    assert_eq!(coverage["kind"], "coverage");
    assert_eq!(ledger["kind"], "ledger");
    assert_eq!(ledger["closes"], true, "{ledger}");
    assert_eq!(ledger["emitted"], told.len(), "{ledger}");
    records
}
