//! `kernscope filter test`: one input, judged by several engines.

use super::source::{Source, SourceArgs, built};
use super::wrong;
use crate::failure::{BROKEN, Failure, Outcome};
use crate::stream::print;
use clap::{Args, ValueEnum};
use kernscope_kit::compile::cbpf::Packet;
use kernscope_kit::compile::packet::Frame;
use kernscope_kit::compile::{Action, Compiled, Filter, Target, oracle, window};
use kernscope_kit::load::{Loaded, TestRun};
use kernscope_kit::program::Program;
use kernscope_kit::vm::{Input, Vm};
use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Judge a file by a filter: in the kernel, in the virtual machine and in plain Rust
///
/// The whole file is one input: some bytes, or with --packet and --cbpf a frame from the Ethernet header on. In the
/// kernel nothing is attached: the program is run on the input where it is.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kernscope filter test --literal password --input /etc/services
  kernscope filter test --rules gitleaks.toml --input .env --engine kernel
  kernscope filter test --packet 'udp and dst port 53' --input frame.bin --engine vm

Status: 0 when the engines agree; 1 when they do not, or one cannot judge; 2 for a
wrong command line.")]
pub(super) struct TestArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// What is judged
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// Who judges
    #[arg(long, value_enum, value_name = "ENGINE", default_value_t)]
    engine: Engine,
}

/// `--engine`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// The program that is compiled, in the virtual machine
    Vm,
    /// The program that is compiled, in the kernel; needs the privilege to load it
    Kernel,
    /// The plain Rust that says what is right
    Userspace,
    /// All of them, which must agree
    #[default]
    All,
}

/// What an engine says.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Said {
    engine: &'static str,
    is_match: bool,
}

pub(super) fn run(args: &TestArgs) -> Outcome {
    let source = args.source.read()?;
    let data = std::fs::read(&args.input)
        .map_err(|cause| Failure::usage(format_args!("read {}: {cause}", args.input.display())))?;
    let wants = |engine| args.engine == engine || args.engine == Engine::All;
    let mut said = Vec::new();
    // Whether a program may say more than is right.
    let mut may_exceed = false;
    if wants(Engine::Userspace) {
        said.push(Said { engine: "userspace", is_match: right(&source, &data) });
    }
    if wants(Engine::Vm) {
        let (program, compiled) = built(&source, Target::Vm, Action::Drop)?;
        may_exceed |= exceeds(compiled.as_ref(), &data);
        said.push(Said { engine: "vm", is_match: in_vm(&program, &data)? });
    }
    if wants(Engine::Kernel) {
        let (is_match, compiled) = in_kernel(&source, &data)?;
        may_exceed |= exceeds(compiled.as_ref(), &data);
        said.push(Said { engine: "kernel", is_match });
    }
    let mut text = String::new();
    for Said { engine, is_match } in &said {
        let _ = writeln!(text, "{engine}: {}", if *is_match { "match" } else { "no match" });
    }
    print(text.as_bytes())?;
    let right = said.iter().find(|said| said.engine == "userspace").or(said.first()).copied();
    let fits = |said: &Said| {
        right.is_none_or(|right| said.is_match == right.is_match || (may_exceed && !right.is_match))
    };
    if said.iter().all(fits) {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::with_status(
        BROKEN,
        "test filter: the engines disagree; please report the filter and the input",
    ))
}

/// Whether the program may take this data for a match that it is not.
fn exceeds(compiled: Option<&Compiled>, data: &[u8]) -> bool {
    compiled.is_some_and(|compiled| !compiled.exact() || data.len() > compiled.limit_bytes() as usize)
}

/// What is right.
fn right(source: &Source, data: &[u8]) -> bool {
    match source {
        Source::Filter(filter) => {
            let Filter { packet, content } = &**filter;
            packet.as_ref().is_none_or(|expr| Frame::new(data).matches(expr))
                && content.as_ref().is_none_or(|content| oracle::matches(content, data))
        }
        Source::Classic(classic) => classic.run(&Packet::new(data)) != 0,
    }
}

fn in_vm(program: &Program, data: &[u8]) -> Result<bool, Failure> {
    let mut data = data.to_vec();
    let said = Vm::new(program).and_then(|mut vm| vm.run(Input::Memory(&mut data))).map_err(wrong)?;
    Ok(said != 0)
}

/// Data that is no packet is put into the windows of a program for buffers; frames are run through XDP.
fn in_kernel(source: &Source, data: &[u8]) -> Result<(bool, Option<Compiled>), Failure> {
    let is_content = matches!(source, Source::Filter(filter) if filter.packet.is_none());
    let target = if is_content { Target::Buffer } else { Target::Xdp };
    let (program, compiled) = built(source, target, Action::Drop)?;
    let loaded = Loaded::load(&program).map_err(wrong)?;
    if let Some(compiled) = compiled.as_ref().filter(|_| is_content) {
        fill(&loaded, compiled, data)?;
        let said = loaded.test_run(&TestRun::default()).map_err(wrong)?;
        return Ok((target.is_match(said.retval, Action::Drop), Some(compiled.clone())));
    }
    let said = loaded.test_run(&TestRun { data, ..TestRun::default() }).map_err(wrong)?;
    Ok((target.is_match(said.retval, Action::Drop), compiled))
}

/// Puts the data into the window of every CPU, whichever it is run on.
fn fill(loaded: &Loaded, compiled: &Compiled, data: &[u8]) -> Result<(), Failure> {
    let windows = loaded.map(Compiled::WINDOW);
    let mut value = vec![0; windows.value_size()];
    value[window::LENGTH as usize..][..8].copy_from_slice(&(data.len() as u64).to_ne_bytes());
    let len = data.len().min(compiled.limit_bytes() as usize);
    value[window::DATA as usize..][..len].copy_from_slice(&data[..len]);
    for cpu in 0..windows.max_entries() {
        windows.update(&cpu.to_ne_bytes(), &value).map_err(wrong)?;
    }
    Ok(())
}
