//! `cargo xtask test`: the one command that runs every test, and counts them.
//!
//! Each part tells its own closing line; what cannot run here is named and counts as skipped. The last line is
//! `N passed, N failed, N skipped`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::bpf::{self, Checked};
use crate::provide::{self, Need};
use crate::tally::Tally;
use crate::{benign, filters, rules, schema, sieve, tools, vm};

/// Flags of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run the cases on other kernels under QEMU as well; so does a set CI variable
    #[arg(long)]
    vm: bool,
    /// Rebuild nothing and boot nothing: the host's tests and the cases
    #[arg(long, conflicts_with = "vm")]
    quick: bool,
}

/// What has run so far.
#[derive(Default)]
struct Session {
    parts: Vec<(String, Tally)>,
    /// Rebuilt objects to test instead of the committed ones.
    objects: Option<PathBuf>,
}

/// Runs the task.
pub(crate) fn run(args: &Args) -> Result<()> {
    let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
    let mut session = Session::default();
    session.check("schema", || schema::check().map(|()| Tally::passed(1)));
    session.check("list of rules", || rules::check().map(|()| Tally::passed(1)));
    if args.quick {
        session.skip("eBPF objects", "--quick was given");
    } else {
        session.objects();
    }
    session.host();
    session.filters();
    session.check("byte-frequency windows", || counted(&mut sieve::for_tests()?));
    session.cases();
    session.benign();
    if args.vm || (in_ci && !args.quick) {
        session.with(&provide::VM, "other kernels", || vm::matrix(&vm::Args::loading()));
        session.with(&provide::VM, "cases on other kernels", || vm::matrix(&vm::Args::cases()));
    } else {
        session.skip("kernels", "not asked for; add --vm");
    }
    session.close()
}

impl Session {
    /// Runs a part; an error is a failure.
    fn check(&mut self, name: &str, part: impl FnOnce() -> Result<Tally>) {
        println!("test: {name}");
        let tally = part().unwrap_or_else(|error| {
            println!("test: {name}: FAIL: {error:#}");
            Tally::failed(1)
        });
        self.parts.push((name.to_owned(), tally));
    }

    /// Runs a part if the machine has, or can be given, what it needs.
    fn with(&mut self, need: &Need, name: &str, part: impl FnOnce() -> Result<Tally>) {
        match provide::provide(need) {
            Ok(None) => self.check(name, part),
            Ok(Some(how)) => self.skip(name, &format!("tools are missing: {how}")),
            Err(error) => self.skip(name, &format!("tools cannot be installed: {error:#}")),
        }
    }

    fn skip(&mut self, name: &str, why: &str) {
        println!("test: {name}: SKIPPED: {why}");
        self.parts.push((name.to_owned(), Tally::skipped(1)));
    }

    /// Rebuilds the eBPF objects. Where the toolchain is another than MANIFEST's, the rebuilt ones are tested.
    fn objects(&mut self) {
        let name = "eBPF objects";
        match provide::provide(&provide::BPF)
            .and_then(|missing| provide::provide_bpf_linker().map(|()| missing))
        {
            Ok(None) => {}
            Ok(Some(how)) => println!("test: {name}: tools are missing: {how}"),
            Err(error) => println!("test: {name}: tools cannot be installed: {error:#}"),
        }
        match bpf::check() {
            Ok(Checked::Same) => self.parts.push((name.to_owned(), Tally::passed(1))),
            Ok(Checked::Rebuilt(dir)) => {
                self.skip(name, "another toolchain than MANIFEST's; the tests use what it built");
                self.objects = Some(dir);
            }
            Ok(Checked::Skipped(why)) => self.skip(name, &format!("nothing was rebuilt: {why}")),
            Ok(Checked::Stale(why)) => self.check(name, || bail!(why)),
            Err(error) => self.check(name, || Err(error)),
        }
    }

    /// A cargo that embeds the objects under test.
    fn cargo(&self) -> Command {
        let mut cargo = tools::cargo();
        self.embed(&mut cargo);
        cargo
    }

    fn embed<'a>(&self, cargo: &'a mut Command) -> &'a mut Command {
        if let Some(dir) = &self.objects {
            cargo.env("KERNSCOPE_OBJECTS", dir);
        }
        cargo
    }

    /// Unit, property and command-line tests of the workspace.
    fn host(&mut self) {
        match provide::provide(&provide::PEERS) {
            Ok(None) => {}
            Ok(Some(how)) => println!("test: some tests lack their peers and leave themselves out: {how}"),
            Err(error) => println!("test: peers of tests cannot be installed: {error:#}"),
        }
        if tools::find("cargo-nextest").is_some() {
            let mut nextest = self.cargo();
            nextest.args(["nextest", "run", "--workspace", "--locked", "--no-fail-fast", "--color", "never"]);
            self.check("workspace", || counted(&mut nextest));
            let mut doc = self.cargo();
            doc.args(["test", "--workspace", "--locked", "--doc", "--quiet"]);
            self.check("documentation", || counted(&mut doc));
        } else {
            let mut test = self.cargo();
            test.args(["test", "--workspace", "--locked", "--no-fail-fast"]);
            self.check("workspace", || counted(&mut test));
        }
    }

    /// Random filters on this kernel.
    fn filters(&mut self) {
        if !provide::is_root() {
            return self.skip("filters", "needs root");
        }
        self.check("filters", || counted(&mut filters::for_tests()?));
    }

    /// The case files on this kernel, by every back end that the privileges allow.
    fn cases(&mut self) {
        let root = tools::root();
        let mut build = tools::workspace("build", "dev");
        self.embed(&mut build).args(["--bin", "kernscope", "--bin", "cases"]);
        if let Err(error) = tools::run(&mut build) {
            return self.check("cases", || Err(error));
        }
        let built = tools::target_dir().join("debug");
        let mut backends = vec!["ptrace"];
        if provide::is_root() {
            backends.insert(0, "ebpf");
        } else {
            self.skip("cases by eBPF", "needs root");
        }
        let mut runner = Command::new(built.join("cases"));
        runner.current_dir(&root).arg("--kernscope").arg(built.join("kernscope"));
        backends.iter().for_each(|backend| {
            runner.args(["--backend", backend]);
        });
        runner.arg("--schema").arg(Path::new("docs/record.schema.json")).args(["--lifecycle", "tests/cases"]);
        self.with(&provide::CASES, "cases", || counted(&mut runner));
        if backends.contains(&"ebpf") {
            let mut runner = Command::new(built.join("cases"));
            runner.current_dir(&root).arg("--kernscope").arg(built.join("kernscope"));
            runner.args(["--backend", "ebpf", "--watch-arg=--syscall-hooks=tracepoint"]);
            runner.args(vm::WITHOUT_DETECTIONS).arg("tests/cases");
            self.with(&provide::CASES, "cases by plain tracepoints", || counted(&mut runner));
        }
    }

    /// Honest work, which must raise no alert, by what the cases have built.
    fn benign(&mut self) {
        if !provide::is_root() {
            return self.skip("honest work", "needs root");
        }
        self.check("honest work", || benign::for_tests(&tools::target_dir().join("debug/kernscope")));
    }

    /// The closing lines.
    fn close(self) -> Result<()> {
        println!("test: in all");
        for (name, tally) in &self.parts {
            println!("  {name}: {tally}");
        }
        let total: Tally = self.parts.into_iter().map(|(_, tally)| tally).sum();
        println!("{total}");
        if total.failed > 0 {
            bail!("{} tests failed", total.failed);
        }
        Ok(())
    }
}

/// Runs a test runner and adds up its closing lines. One that fails without telling of a failure is one itself.
fn counted(command: &mut Command) -> Result<Tally> {
    let (output, succeeded) = tools::watch(command)?;
    let tally: Tally = output.lines().filter_map(Tally::parse).sum();
    if !succeeded && tally.failed == 0 {
        return Ok(tally + Tally::failed(1));
    }
    Ok(tally)
}
