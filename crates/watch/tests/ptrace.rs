//! Real programs under the ptrace back end: what is told of them, and that they notice nothing.

use kernscope_abi as abi;
use kernscope_report::{Body, Entry};
use kernscope_watch::backend::{Account, Backend, Progress, Target};
use kernscope_watch::core::{Config, Core};
use kernscope_watch::ptrace::{Options, Ptrace};
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

/// Longer than any run here takes; a run that takes longer has hung.
const LIMIT: Duration = Duration::from_secs(60);

struct Run {
    entries: Vec<Entry>,
    status: ExitStatus,
    account: Account,
    events: u64,
    coverage: kernscope_report::Coverage,
}

fn follow(ptrace: &mut Ptrace, mut between: impl FnMut(&[Entry])) -> (Vec<Entry>, u64) {
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

fn watch(argv: &[&str]) -> Run {
    let argv = argv.iter().map(OsString::from).collect();
    let mut ptrace = Ptrace::start(&Target::Command(argv), &Options::default()).unwrap();
    let (entries, events) = follow(&mut ptrace, |_| {});
    let account = ptrace.account();
    assert_eq!(account.produced.iter().sum::<u64>(), events + account.lost.values().sum::<u64>());
    Run { entries, status: ptrace.command_status().unwrap(), account, events, coverage: ptrace.coverage() }
}

fn sh(script: &str) -> Run {
    watch(&["sh", "-c", script])
}

struct Temp(PathBuf);

impl Temp {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("kernscope-ptrace-{}-{name}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        Self(dir.canonicalize().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Run {
    fn count(&self, wanted: impl Fn(&Body) -> bool) -> usize {
        self.entries.iter().filter(|entry| wanted(&entry.body)).count()
    }

    fn opens(&self, wanted: &str) -> Vec<&Entry> {
        let is_it = |entry: &&Entry| matches!(&entry.body, Body::FileOpen { path, .. } if path.path.as_deref() == Some(wanted));
        self.entries.iter().filter(is_it).collect()
    }

    fn exits(&self) -> Vec<(Option<i32>, Option<i32>)> {
        let exit = |entry: &Entry| match entry.body {
            Body::ProcessExit { code, signal, .. } => Some((code, signal)),
            _ => None,
        };
        self.entries.iter().filter_map(exit).collect()
    }
}

#[test]
fn a_shell_that_runs_a_program() {
    let temp = Temp::new("shell");
    fs::write(temp.path("in"), "hello\n").unwrap();
    let run = sh(&format!("cat {} > {}; exit 3", temp.path("in"), temp.path("out")));
    assert_eq!(run.status.code(), Some(3));
    assert_eq!(fs::read(temp.path("out")).unwrap(), b"hello\n");
    assert_eq!(run.count(|body| matches!(body, Body::ProcessFork { .. })), 1);
    let execs: Vec<_> = run
        .entries
        .iter()
        .filter_map(|entry| match &entry.body {
            Body::ProcessExec { argv, cwd, exe, .. } => Some((argv.clone(), cwd.clone(), exe.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(execs.len(), 2);
    assert_eq!(execs[1].0, ["cat".to_owned(), temp.path("in")]);
    assert_eq!(execs[1].1.as_deref(), std::env::current_dir().unwrap().to_str());
    assert!(execs[1].2.as_ref().unwrap().ends_with("/cat"));
    assert_eq!(run.opens(&temp.path("in")).len(), 1);
    assert_eq!(run.opens(&temp.path("out")).len(), 1);
    assert_eq!(run.exits(), [(Some(0), None), (Some(3), None)]);
    let closed = temp.path("in");
    assert!(
        run.count(|body| matches!(body, Body::FileClose { path, .. } if path.path.as_ref() == Some(&closed)))
            == 1
    );
    assert!(run.account.lost.is_empty());
    assert_eq!(run.account.produced[usize::from(abi::KIND_EXEC)], 2);
    assert!(run.events > 10);
    let open = run.coverage.hooks.iter().find(|hook| hook.name == "open").unwrap();
    assert_eq!(open.state, kernscope_report::State::Attached);
}
