//! Runs programs under the ptrace back end and collects what is told.

use kernscope_report::{Body, Entry};
use kernscope_watch::backend::{Account, Backend, Progress, Target};
use kernscope_watch::core::{Config, Core};
use kernscope_watch::ptrace::{Options, Ptrace};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

/// Longer than any run here takes; a run that takes longer has hung.
const LIMIT: Duration = Duration::from_secs(60);

/// A run that has ended.
pub(crate) struct Run {
    pub entries: Vec<Entry>,
    pub status: ExitStatus,
    pub account: Account,
    pub events: u64,
    pub coverage: kernscope_report::Coverage,
}

/// Polls until the tree has ended. `between` is called between two polls with what has been told so far.
pub(crate) fn follow(ptrace: &mut Ptrace, mut between: impl FnMut(&[Entry])) -> (Vec<Entry>, u64) {
    let mut core = Core::new(Config { counts: false, ..Config::default() });
    let (mut entries, mut events) = (Vec::new(), 0);
    let until = Instant::now() + LIMIT;
    loop {
        let progress = ptrace.poll(Duration::from_millis(20), &mut |bytes| {
            events += 1;
            core.step(bytes, &mut entries);
        });
        if progress.unwrap() == Progress::Ended {
            break;
        }
        between(&entries);
        assert!(Instant::now() < until, "the run hangs");
    }
    core.finish(&mut entries);
    assert_eq!(core.tally().undecodable, 0);
    assert!(core.tally().balanced());
    (entries, events)
}

/// Runs a command under the back end.
pub(crate) fn watch(argv: &[&str]) -> Run {
    let argv = argv.iter().map(OsString::from).collect();
    let mut ptrace = Ptrace::start(&Target::Command(argv), &Options::default()).unwrap();
    let (entries, events) = follow(&mut ptrace, |_| {});
    let account = ptrace.account();
    assert_eq!(account.produced.iter().sum::<u64>(), events + account.lost.values().sum::<u64>());
    Run { entries, status: ptrace.command_status().unwrap(), account, events, coverage: ptrace.coverage() }
}

/// Runs a shell script.
pub(crate) fn sh(script: &str) -> Run {
    watch(&["sh", "-c", script])
}

/// Compiles a C program into `dir`.
pub(crate) fn compile(dir: &Path, name: &str, source: &str) -> PathBuf {
    let (file, program) = (dir.join(format!("{name}.c")), dir.join(name));
    fs::write(&file, source).unwrap();
    let cc =
        Command::new("cc").args(["-O1", "-w", "-pthread", "-o"]).arg(&program).arg(&file).output().unwrap();
    assert!(cc.status.success(), "{}", String::from_utf8_lossy(&cc.stderr));
    program
}

/// A directory that goes away with its test.
pub(crate) struct Temp(pub PathBuf);

impl Temp {
    pub(crate) fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("kernscope-ptrace-{}-{name}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        Self(dir.canonicalize().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Run {
    pub(crate) fn count(&self, wanted: impl Fn(&Body) -> bool) -> usize {
        self.entries.iter().filter(|entry| wanted(&entry.body)).count()
    }

    pub(crate) fn opens(&self, wanted: &str) -> Vec<&Entry> {
        let is_it = |entry: &&Entry| matches!(&entry.body, Body::FileOpen { path, .. } if path.path.as_deref() == Some(wanted));
        self.entries.iter().filter(is_it).collect()
    }

    pub(crate) fn exits(&self) -> Vec<(Option<i32>, Option<i32>)> {
        let exit = |entry: &Entry| match entry.body {
            Body::ProcessExit { code, signal, .. } => Some((code, signal)),
            _ => None,
        };
        self.entries.iter().filter_map(exit).collect()
    }
}

/// The path of a record, and what the call returned, for those that name one.
pub(crate) fn path_and_ret(body: &Body) -> Option<(&str, i64)> {
    let (path, ret) = match body {
        Body::FileOpen { path, ret, .. } => (path, *ret),
        _ => body.path_call().map(|call| (&call.path, call.ret))?,
    };
    Some((path.path.as_deref()?, ret))
}
