//! `lan list`, `lan device` and `lan export`: what is remembered.

use super::database::{failed, open};
use super::tell::{Teller, now_ns};
use super::{DeviceArgs, ExportArgs, ExportFormat, ListArgs, csv, pretty};
use crate::args::Format;
use crate::failure::{Failure, Outcome};
use crate::stream::print;
use kernscope_lan::store::{Correction, Store};
use kernscope_report::pretty::clean;
use kernscope_report::{Coverage, Device};
use std::process::ExitCode;

pub(super) fn list(args: &ListArgs) -> Outcome {
    let store = open(args.db.as_deref())?;
    let devices = store.devices(now_ns()).map_err(failed)?;
    tell(args.format, &store, devices)
}

pub(super) fn device(args: &DeviceArgs) -> Outcome {
    let mut store = open(args.db.as_deref())?;
    let said = args.correction();
    if args.forget {
        store.uncorrect(args.mac).map_err(failed)?;
    } else if !said.is_empty() {
        store.correct(args.mac, &said).map_err(failed)?;
    }
    let Some(device) = store.device(args.mac, now_ns()).map_err(failed)? else {
        if !said.is_empty() || args.forget {
            // What was said is kept for when it is seen.
            return Ok(ExitCode::SUCCESS);
        }
        let path = store.path().display();
        return Err(Failure::usage(format_args!(
            "device {}: not in {path}; see kernscope lan list",
            args.mac
        )));
    };
    if args.format == Format::Jsonl {
        return tell(args.format, &store, vec![device]);
    }
    let corrections = store.corrections().map_err(failed)?;
    let note = corrections.get(&device.mac).and_then(|said| said.note.as_deref());
    let learnt = store.learnt_of(args.mac).map_err(failed)?;
    let lines: String = pretty::whole(&device, note, &learnt)
        .iter()
        .map(|line| clean::text(line).into_owned() + "\n")
        .collect();
    print(lines.as_bytes())
}

pub(super) fn export(args: &ExportArgs) -> Outcome {
    let devices = open(args.db.as_deref())?.devices(now_ns()).map_err(failed)?;
    let text = match args.format {
        ExportFormat::Csv => csv::table(&devices),
        ExportFormat::Json => serde_json::to_string_pretty(&devices).map_err(failed)? + "\n",
    };
    print(text.as_bytes())
}

fn tell(format: Format, store: &Store, devices: Vec<Device>) -> Outcome {
    let mut teller = Teller::new(format);
    let now_ns = now_ns();
    devices.into_iter().for_each(|device| teller.device(device, now_ns));
    let coverage = Coverage {
        backend: "database".to_owned(),
        why: format!("what was written to {} is told, nothing is looked at now", store.path().display()),
        ..Coverage::default()
    };
    teller.end(coverage).map_or(Ok(ExitCode::SUCCESS), Err)
}

impl DeviceArgs {
    fn correction(&self) -> Correction {
        Correction {
            label: self.label.clone(),
            name: self.name.clone(),
            device_type: self.kind.clone(),
            category: self.category.clone(),
            note: self.note.clone(),
        }
    }
}
