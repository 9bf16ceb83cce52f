//! What is compiled: a condition, or classic BPF.

use super::condition::ConditionArgs;
use super::wrong;
use crate::failure::Failure;
use clap::{Args, ValueEnum};
use kernscope_kit::compile::cbpf::{self, Classic};
use kernscope_kit::compile::{Action, Compiled, Filter, Host, LoopShape, Options, Target, Verdict, compile};
use kernscope_kit::program::Program;
use std::path::{Path, PathBuf};

/// A condition or a file with classic BPF.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("condition").required(true).multiple(true).args(["packet", "literal", "regex", "bytes", "rules", "cbpf"]))]
pub(super) struct SourceArgs {
    #[command(flatten)]
    condition: ConditionArgs,
    /// Translate this classic BPF instead: what `tcpdump -ddd` prints
    #[arg(long, value_name = "FILE", conflicts_with_all = ["packet", "literal", "regex", "bytes", "rules", "ignore_case"])]
    cbpf: Option<PathBuf>,
}

/// `--target`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum TargetArg {
    Xdp,
    Tc,
    Socket,
    Vm,
}

impl TargetArg {
    pub(super) fn target(self) -> Target {
        match self {
            TargetArg::Xdp => Target::Xdp,
            TargetArg::Tc => Target::Tc,
            TargetArg::Socket => Target::Socket,
            TargetArg::Vm => Target::Vm,
        }
    }
}

/// What was understood of the arguments.
pub(super) enum Source {
    Filter(Box<Filter>),
    Classic(Classic),
}

impl SourceArgs {
    pub(super) fn read(&self) -> Result<Source, Failure> {
        match &self.cbpf {
            Some(path) => classic(path).map(Source::Classic),
            None => Ok(Source::Filter(Box::new(self.condition.filter()?))),
        }
    }

    /// Whether the condition itself is wider than what it stands for.
    pub(super) fn has_rules(&self) -> bool {
        self.condition.has_rules()
    }
}

fn classic(path: &Path) -> Result<Classic, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|cause| Failure::usage(format_args!("read {}: {cause}", path.display())))?;
    Classic::parse(&text).map_err(|cause| wrong(format_args!("{}: {cause}", path.display())))
}

/// The program, and for a filter what else is known of it.
pub(super) fn built(
    source: &Source,
    target: Target,
    on_match: Action,
) -> Result<(Program, Option<Compiled>), Failure> {
    // The virtual machine takes any shape of loop, so what it runs does not depend on this kernel.
    let host = if target == Target::Vm { Host::new(LoopShape::MayGoto) } else { Host::running() };
    match source {
        Source::Filter(filter) => {
            let options = Options { on_match, ..Options::new(target, host) };
            let compiled = compile(filter, &options).map_err(Failure::usage)?;
            Ok((compiled.program.clone(), Some(compiled)))
        }
        Source::Classic(classic) => {
            let returns = |verdict| target.returns(verdict, on_match).cast_signed();
            let actions = cbpf::Actions { accept: returns(Verdict::Match), reject: returns(Verdict::Clear) };
            let target = match target {
                Target::Xdp => cbpf::Target::Xdp(actions),
                Target::Tc => cbpf::Target::Tc(actions),
                Target::Socket | Target::Datagram => cbpf::Target::Socket,
                Target::Vm | Target::Buffer => cbpf::Target::Vm,
            };
            Ok((classic.translate(target).map_err(Failure::usage)?, None))
        }
    }
}
