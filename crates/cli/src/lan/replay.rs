//! `lan replay`: files in, devices out.

use super::ReplayArgs;
use super::tell::Teller;
use crate::failure::{Failure, Outcome, USAGE};
use crate::stream::note;
use kernscope_lan::Registry;
use kernscope_lan::fingerprint::{Fingerprint, Rules};
use kernscope_lan::record::records;
use kernscope_lan::replay::{Account, replay};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(super) fn run(args: &ReplayArgs) -> Outcome {
    let mut teller = Teller::new(args.format);
    let fingerprint = fingerprint(&args.rules)?;
    let mut troubles = 0u32;
    for path in &args.files {
        let shown = path.display().to_string();
        let mut registry = Registry::default();
        match read(path, &mut registry) {
            Err(cause) => {
                note(format_args!("open {shown}: {cause}; give a pcap or pcapng file"));
                troubles += 1;
                teller.unreadable();
            }
            Ok(account) => {
                if let Some(fault) = &account.fault {
                    note(format_args!("{shown}: {fault}"));
                    troubles += 1;
                }
                for device in records(&registry, &fingerprint, account.last_ns, &shown) {
                    teller.device(device, account.last_ns);
                }
                teller.file(&account, registry.refused());
            }
        }
    }
    match teller.end() {
        Some(failure) => Err(failure),
        None if troubles > 0 => Ok(ExitCode::from(USAGE)),
        None => Ok(ExitCode::SUCCESS),
    }
}

fn read(path: &Path, registry: &mut Registry) -> std::io::Result<Account> {
    if path == Path::new("-") {
        return Ok(replay(std::io::stdin().lock(), registry));
    }
    Ok(replay(File::open(path)?, registry))
}

/// The built-in rules and those of `files`.
fn fingerprint(files: &[PathBuf]) -> Result<Fingerprint, Failure> {
    let mut fingerprint = Fingerprint::built_in();
    for file in files {
        let shown = file.display();
        let text = std::fs::read_to_string(file)
            .map_err(|cause| Failure::usage(format_args!("read rules {shown}: {cause}; give a TOML file")))?;
        let rules =
            Rules::parse(&text).map_err(|why| Failure::usage(format_args!("rules {shown}: {why}")))?;
        fingerprint.extend(rules);
    }
    Ok(fingerprint)
}
