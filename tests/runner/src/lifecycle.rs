//! What a declarative case cannot say: signals to kernscope itself, attaching to what runs already, two at once,
//! output that nobody takes.
//!
//! Scenarios synchronise through files in their directory, never through time.

mod attach;
mod output;
mod signals;

use crate::case::Backend;
use crate::leftovers::Before;
use crate::process::{Outcome, Running, plain_environment, wait_until};
use crate::stream::{Schema, Stream};
use crate::suite::{Tally, tell};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The longest that any step of a scenario may take.
const STEP: Duration = Duration::from_secs(30);

/// One scenario.
struct Scenario {
    name: &'static str,
    backends: &'static [Backend],
    play: fn(&Stage<'_>) -> Result<()>,
}

const BOTH: &[Backend] = &[Backend::Ebpf, Backend::Ptrace];

const SCENARIOS: &[Scenario] = &[
    Scenario { name: "interrupt", backends: BOTH, play: signals::interrupt },
    Scenario { name: "interrupt-ignored", backends: BOTH, play: signals::interrupt_ignored },
    Scenario { name: "interrupt-twice", backends: BOTH, play: signals::interrupt_twice },
    Scenario { name: "terminate", backends: BOTH, play: signals::terminate },
    Scenario { name: "hang-up", backends: BOTH, play: signals::hang_up },
    Scenario { name: "kernscope-killed", backends: BOTH, play: signals::killed },
    Scenario { name: "two-at-once", backends: BOTH, play: attach::two_at_once },
    Scenario { name: "attach", backends: BOTH, play: attach::to_a_shell },
    Scenario { name: "attach-to-threads", backends: BOTH, play: attach::to_threads_and_children },
    Scenario { name: "attach-and-leave", backends: BOTH, play: attach::and_leave },
    Scenario { name: "watch-all", backends: &[Backend::Ebpf], play: attach::all },
    Scenario { name: "disk-full", backends: BOTH, play: output::disk_full },
    Scenario { name: "reader-gone", backends: BOTH, play: output::reader_gone },
    Scenario { name: "reader-asleep", backends: BOTH, play: output::reader_asleep },
    Scenario { name: "output-is-private", backends: BOTH, play: output::private_file },
    Scenario { name: "command-not-found", backends: BOTH, play: output::not_found },
    Scenario { name: "record-and-replay", backends: BOTH, play: output::replay },
];

/// What the scenarios share.
#[derive(Debug)]
pub struct Theatre<'a> {
    /// The binary under test.
    pub kernscope: &'a Path,
    /// Where each scenario gets its directory.
    pub base: &'a Path,
    /// A compiled `attach.c`.
    pub attach_program: &'a Path,
    /// The JSON schema.
    pub schema: Option<&'a Schema>,
}

/// One scenario's directory and back end.
struct Stage<'a> {
    theatre: &'a Theatre<'a>,
    backend: Backend,
    dir: PathBuf,
}

/// The scenarios whose name contains `filter`: names, and the back ends that they are for.
pub fn names(filter: &str) -> impl Iterator<Item = (&'static str, &'static [Backend])> {
    let chosen = SCENARIOS.iter().filter(move |scenario| scenario.name.contains(filter));
    chosen.map(|scenario| (scenario.name, scenario.backends))
}

/// Plays the scenarios whose name contains `filter`.
///
/// # Errors
/// When `out` cannot be written.
pub fn play_all(
    theatre: &Theatre<'_>,
    backends: &[Backend],
    filter: &str,
    out: &mut dyn Write,
    tally: &mut Tally,
) -> Result<()> {
    for scenario in SCENARIOS.iter().filter(|scenario| scenario.name.contains(filter)) {
        for &backend in backends.iter().filter(|backend| scenario.backends.contains(backend)) {
            let before = if backend == Backend::Ebpf { Before::look() } else { None };
            let mut problems = Vec::new();
            if let Err(error) =
                Stage::set(theatre, scenario, backend).and_then(|stage| (scenario.play)(&stage))
            {
                problems.push(format!("{error:#}"));
            }
            problems
                .extend(before.iter().flat_map(Before::left_behind).map(|id| format!("left behind: {id}")));
            tell(out, tally, &format!("{} [{}]", scenario.name, backend.name()), &problems)?;
        }
    }
    Ok(())
}

impl<'a> Stage<'a> {
    fn set(theatre: &'a Theatre<'a>, scenario: &Scenario, backend: Backend) -> Result<Self> {
        let dir = theatre.base.join(format!("{}-{}", scenario.name, backend.name()));
        std::fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
        Ok(Self { theatre, backend, dir })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// A program by itself.
    fn start(&self, stem: &str, program: &Path, args: &[&str]) -> Result<Running> {
        let mut command = Command::new(program);
        command.args(args).current_dir(&self.dir);
        plain_environment(&mut command, &self.dir);
        Running::start(command, &self.path(stem))
    }

    /// `kernscope watch ...`, the records going to `<stem>.jsonl`.
    fn watch(&self, stem: &str, target: &[&str]) -> Result<Running> {
        let records = self.path(stem).with_extension("jsonl");
        let records = records.to_string_lossy();
        let mut args =
            vec!["watch", "--backend", self.backend.name(), "--format", "jsonl", "--output", &records];
        args.extend_from_slice(target);
        self.start(stem, self.theatre.kernscope, &args)
    }

    /// `kernscope watch -- sh -c SCRIPT`.
    fn watch_script(&self, stem: &str, script: &str) -> Result<Running> {
        self.watch(stem, &["--", "/bin/sh", "-c", script])
    }

    /// Waits for a file that a script makes; the watch must still run meanwhile.
    fn await_file(&self, name: &str, watch: &mut Running) -> Result<()> {
        let path = self.path(name);
        let seen = wait_until(STEP, || {
            if path.exists() {
                return Some(true);
            }
            (!watch.is_running()).then_some(false)
        });
        match seen {
            Some(true) => Ok(()),
            Some(false) if path.exists() => Ok(()),
            Some(false) => bail!("ended before {name} was made: {}", watch.stderr_so_far()),
            None => bail!("{name} was not made"),
        }
    }

    /// Waits until the watch has written a record of this kind.
    fn await_record(&self, stem: &str, kind: &str, watch: &mut Running) -> Result<()> {
        let path = self.path(stem).with_extension("jsonl");
        let wanted = format!("\"kind\":\"{kind}\"");
        let seen = wait_until(STEP, || {
            let text = std::fs::read(&path).unwrap_or_default();
            if String::from_utf8_lossy(&text).contains(&wanted) {
                return Some(true);
            }
            (!watch.is_running()).then_some(false)
        });
        ensure!(seen == Some(true), "no {kind} record was written: {}", watch.stderr_so_far());
        Ok(())
    }

    fn touch(&self, name: &str) -> Result<()> {
        std::fs::write(self.path(name), "").with_context(|| format!("create {name}"))
    }

    /// The records of a run that has ended, checked as a stream.
    fn records(&self, stem: &str) -> Result<Vec<Value>> {
        let path = self.path(stem).with_extension("jsonl");
        let text = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        self.checked(&text)
    }

    fn checked(&self, text: &[u8]) -> Result<Vec<Value>> {
        let mut problems = Vec::new();
        let stream = Stream::parse(text, &mut problems);
        stream.check(self.theatre.schema, self.backend, &mut problems);
        ensure!(problems.is_empty(), "{}", problems.join("\n  "));
        Ok(stream.records)
    }
}

/// Ends `running` within the step limit with this status.
fn finish(running: Running, status: i32) -> Result<Outcome> {
    let outcome = running.finish(STEP)?;
    ensure!(
        outcome.status == Some(status),
        "exit status {:?}, wanted {status}: {}",
        outcome.status,
        String::from_utf8_lossy(&outcome.stderr)
    );
    Ok(outcome)
}

/// A record of this kind for which `test` holds.
fn expect(records: &[Value], kind: &str, what: &str, test: impl Fn(&Value) -> bool) -> Result<()> {
    ensure!(records.iter().any(|record| record["kind"] == kind && test(record)), "missing: {kind} {what}");
    Ok(())
}

/// The process that a script wrote into a file.
fn pid_in(path: &Path) -> Result<nix::unistd::Pid> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let pid = text.trim().parse().with_context(|| format!("process id in {}", path.display()))?;
    Ok(nix::unistd::Pid::from_raw(pid))
}

/// Whether a process is there and not a zombie.
fn alive(pid: nix::unistd::Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}
