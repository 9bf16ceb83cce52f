//! The binary: reads the command line, runs one subcommand, ends with its status.
//!
//! Statuses: that of the watched command; 0; 1 when a run broke off; 2 for a wrong command line or set-up, with
//! one line that says what to do about it.
#![forbid(unsafe_code)]

mod args;
mod completions;
mod detections;
mod doctor;
mod failure;
mod filter;
mod lan;
mod man;
mod records;
mod rules;
mod scan;
mod screen;
mod state;
mod stop;
mod stream;
mod tui;
mod watch;
mod web;

use args::{Cli, Command};
use std::process::ExitCode;

fn main() -> ExitCode {
    let outcome = match args::parse() {
        Ok(Cli { command: Command::Watch(args) }) => watch::run(*args),
        Ok(Cli { command: Command::Filter(args) }) => filter::run(args),
        Ok(Cli { command: Command::Scan(args) }) => scan::run(args),
        Ok(Cli { command: Command::Lan(args) }) => lan::run(args),
        Ok(Cli { command: Command::Sessions(args) }) => records::sessions(&args),
        Ok(Cli { command: Command::Show(args) }) => records::show(&args),
        Ok(Cli { command: Command::Query(args) }) => records::query(&args),
        Ok(Cli { command: Command::Detections(args) }) => detections::run(&args),
        Ok(Cli { command: Command::Doctor(args) }) => doctor::run(args.format),
        Ok(Cli { command: Command::Completions(args) }) => completions::run(&args),
        Ok(Cli { command: Command::Man(args) }) => man::run(&args),
        Err(stop) => stop.end(),
    };
    outcome.unwrap_or_else(|failure| failure.tell())
}
