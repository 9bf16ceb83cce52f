//! The project's tasks: `cargo xtask bpf | test | schema | vm | deny`.
//!
//! Thin: reads the command line and hands over. Each task is a module.
#![forbid(unsafe_code)]

mod bench;
mod benign;
mod bpf;
mod deny;
mod filters;
mod oracle;
mod provide;
mod rules;
mod scan_oracle;
mod schema;
mod sieve;
mod stress;
mod tally;
mod test;
mod tools;
mod train;
mod vm;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Tasks of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the eBPF objects that the crates embed, and their MANIFEST.
    Bpf(bpf::Args),
    /// Run every test that this machine can run, and count.
    Test(test::Args),
    /// Write docs/record.schema.json and docs/SCHEMA.md.
    Schema(schema::Args),
    /// Write docs/RULES-BUILTIN.md, the list of the built-in rules.
    Rules(rules::Args),
    /// Hold licences and sources of all dependencies against deny.toml.
    Deny,
    /// Run the cases on Debian's kernels under QEMU.
    Vm(vm::Args),
    /// Measure what watching costs.
    Bench(bench::Args),
    /// Train the model that kernscope lan is built with.
    Train(train::Args),
    /// Watch honest work, which must raise no alert.
    Benign(benign::Args),
    /// Run kernscope under heavy work.
    Stress(stress::Args),
    /// Hold random filters in the kernel and the virtual machine against plain Rust.
    Filters(filters::Args),
    /// Hold byte-frequency filters against plain counting, window by window.
    Sieve(sieve::Args),
    /// Hold what rules find in files against each expression alone.
    ScanOracle(scan_oracle::Args),
    /// Compare kernscope with strace on ordinary work.
    Oracle(oracle::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Bpf(args) => bpf::run(&args),
        Task::Test(args) => test::run(&args),
        Task::Schema(args) => schema::run(&args),
        Task::Rules(args) => rules::run(&args),
        Task::Deny => deny::run(),
        Task::Vm(args) => vm::run(&args),
        Task::Bench(args) => bench::run(&args),
        Task::Benign(args) => benign::run(&args),
        Task::Train(args) => train::run(&args),
        Task::Stress(args) => stress::run(&args),
        Task::Filters(args) => filters::run(&args),
        Task::Sieve(args) => sieve::run(&args),
        Task::ScanOracle(args) => scan_oracle::run(&args),
        Task::Oracle(args) => oracle::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
