//! One case under one back end: directory, setup, the watched run, the judgement.

use crate::case::{Backend, Case, Cases};
use crate::judge::{Judge, unknown_fields};
use crate::leave_out::Admitted;
use crate::leftovers::Before;
use crate::process::{Outcome, Running, plain_environment};
use crate::programs::Programs;
use crate::stream::{Schema, Stream};
use crate::vars::Vars;
use anyhow::{Context, Result, bail};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Most of a program's standard error shown with a failure, bytes.
const STDERR_SHOWN: usize = 1500;

/// What all cases share.
#[derive(Debug)]
pub struct Setting<'a> {
    /// The binary under test.
    pub kernscope: PathBuf,
    /// Where each case gets its directory.
    pub base: PathBuf,
    /// The C programs.
    pub programs: &'a Programs,
    /// The JSON schema; `None` when it is not at hand.
    pub schema: Option<&'a Schema>,
    /// All cases, for the leave-outs.
    pub cases: &'a Cases,
    /// Further arguments of `kernscope watch` with eBPF.
    pub ebpf_args: &'a [String],
}

/// What a run gave.
#[derive(Debug)]
pub struct Verdict {
    /// What is wrong; empty when nothing is.
    pub problems: Vec<String>,
    /// The records.
    pub stream: Stream,
    /// Placeholders with what the program told.
    pub vars: Vars,
}

/// Runs `case` under `backend`, or unwatched (`None`: checks the program and its exit status alone).
///
/// # Errors
/// When the case cannot be set up: that is no judgement about kernscope.
pub fn run(setting: &Setting<'_>, case: &Case, backend: Option<Backend>) -> Result<Verdict> {
    let place = Place::make(&setting.base, case)?;
    let mut vars = Vars::default();
    vars.set("DIR", place.dir.to_string_lossy());
    vars.set("UID", case.as_user.unwrap_or_else(|| nix::unistd::getuid().as_raw()).to_string());
    vars.set("BINDIR", setting.programs.bin_dir().to_string_lossy());
    let argv = command_line(setting, case, &place, &mut vars)?;
    set_up(case, &place, &vars)?;

    let before = if backend == Some(Backend::Ebpf) { Before::look() } else { None };
    let outcome = execute(setting, case, &place, backend, &argv)?;
    vars.take_facts(&outcome.stdout);

    let mut problems = Vec::new();
    let mut stream = Stream::default();
    check_outcome(case, &outcome, backend.is_some(), &mut problems);
    if let Some(backend) = backend {
        let text = std::fs::read(&place.records).unwrap_or_default();
        stream = Stream::parse(&text, &mut problems);
        stream.check(setting.schema, backend, &mut problems);
        let admitted = Admitted::new(&setting.cases.leave_outs, backend, stream.coverage());
        Judge { records: &stream.records, backend, admitted }.check(case, &mut vars, &mut problems);
        if let Some(schema) = setting.schema {
            problems.extend(unknown_fields(case, schema));
        }
        problems
            .extend(before.iter().flat_map(Before::left_behind).map(|left| format!("left behind: {left}")));
    }
    if !problems.is_empty() {
        let cut = outcome.stderr.len().saturating_sub(STDERR_SHOWN);
        problems.push(format!("standard error: {}", String::from_utf8_lossy(&outcome.stderr[cut..]).trim()));
    }
    Ok(Verdict { problems, stream, vars })
}

/// The directories of one run.
struct Place {
    /// `<base>/<case>`: scripts, output, records.
    home: PathBuf,
    /// `<base>/<case>/d`: the program's working directory.
    dir: PathBuf,
    records: PathBuf,
}

impl Place {
    fn make(base: &Path, case: &Case) -> Result<Self> {
        let home = base.join(&case.name);
        if home.exists() {
            std::fs::remove_dir_all(&home).with_context(|| format!("remove {}", home.display()))?;
        }
        let dir = home.join("d");
        std::fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
        if let Some(uid) = case.as_user {
            for path in [&home, &dir] {
                std::os::unix::fs::chown(path, Some(uid), Some(uid))
                    .with_context(|| format!("give {} to user {uid}", path.display()))?;
            }
        }
        Ok(Self { records: home.join("records.jsonl"), home, dir })
    }
}

fn command_line(setting: &Setting<'_>, case: &Case, place: &Place, vars: &mut Vars) -> Result<Vec<String>> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let mut argv = if let Some(name) = &case.c {
        let binary = text(&setting.programs.binary(name)?);
        vars.set("BIN", binary.clone());
        vec![binary]
    } else if let Some(script) = &case.sh {
        vec!["/bin/sh".to_owned(), "-c".to_owned(), vars.expand(script), "sh".to_owned()]
    } else if let Some(script) = &case.python {
        let file = place.home.join("case.py");
        std::fs::write(&file, script).with_context(|| format!("write {}", file.display()))?;
        vec!["python3".to_owned(), "-I".to_owned(), text(&file)]
    } else if let Some(argv) = &case.argv {
        argv.iter().map(|arg| vars.expand(arg)).collect()
    } else {
        bail!("case {}: no program", case.name);
    };
    argv.extend(case.args.iter().map(|arg| vars.expand(arg)));
    Ok(argv)
}

fn set_up(case: &Case, place: &Place, vars: &Vars) -> Result<()> {
    if case.setup.is_empty() {
        return Ok(());
    }
    let mut command = Command::new("/bin/sh");
    command.arg("-ec").arg(vars.expand(&case.setup));
    let outcome = start(command, case, place, "setup")?.finish(Duration::from_secs(case.timeout_s))?;
    if outcome.status != Some(0) {
        bail!("set up case {}: {}", case.name, String::from_utf8_lossy(&outcome.stderr));
    }
    Ok(())
}

fn execute(
    setting: &Setting<'_>,
    case: &Case,
    place: &Place,
    backend: Option<Backend>,
    argv: &[String],
) -> Result<Outcome> {
    let command = match backend {
        None => {
            let mut command = Command::new(&argv[0]);
            command.args(&argv[1..]);
            command
        }
        Some(backend) => {
            let mut command = Command::new(&setting.kernscope);
            command.args(["watch", "--backend", backend.name(), "--format", "jsonl", "--output"]);
            command.arg(&place.records).args(&case.watch_args);
            if backend == Backend::Ebpf {
                command.args(setting.ebpf_args);
            }
            command.arg("--").args(argv);
            command
        }
    };
    start(command, case, place, "run")?.finish(Duration::from_secs(case.timeout_s))
}

fn start(mut command: Command, case: &Case, place: &Place, stem: &str) -> Result<Running> {
    plain_environment(&mut command, &place.dir);
    command.current_dir(&place.dir);
    if let Some(uid) = case.as_user {
        command.uid(uid).gid(uid);
    }
    Running::start(command, &place.home.join(stem))
}

fn check_outcome(case: &Case, outcome: &Outcome, watched: bool, problems: &mut Vec<String>) {
    match outcome.status {
        None => problems.push(format!("did not end within {} s", case.timeout_s)),
        Some(status) if status != case.exit => {
            problems.push(format!("exit status {status}, wanted {}", case.exit));
        }
        Some(_) => {}
    }
    if let (Some(pattern), true) = (&case.stderr, watched) {
        let text = String::from_utf8_lossy(&outcome.stderr);
        if !regex::Regex::new(pattern).is_ok_and(|re| re.is_match(&text)) {
            problems.push(format!("standard error does not match {pattern}"));
        }
    }
}
