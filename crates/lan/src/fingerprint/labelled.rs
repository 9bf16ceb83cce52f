//! Labelled captures: a folder a class, and `devices.csv`, which says which hardware address it is in them.

use super::features;
use super::train::Example;
use crate::replay::replay;
use crate::{Mac, Registry};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// What was read, and what was not.
#[derive(Debug, Default)]
pub struct Labelled {
    /// A device in one capture each.
    pub examples: Vec<Example>,
    /// Captures in which the device sent nothing, or that broke: one line each.
    pub notes: Vec<String>,
}

/// Reads all captures under `root`, in the order of `devices.csv` and then by name.
///
/// # Errors
/// A folder or list that cannot be read, or a line of the list that is none.
pub fn read(root: &Path) -> io::Result<Labelled> {
    let list = root.join("devices.csv");
    let text = fs::read_to_string(&list).map_err(|cause| about(&list, &cause))?;
    let mut labelled = Labelled::default();
    for line in text.lines().skip(1).filter(|line| !line.trim().is_empty()) {
        let mut fields = line.split(',');
        let (Some(label), Some(mac)) = (fields.next(), fields.next()) else {
            return Err(io::Error::other(format!("{}: {line:?} is not device,mac", list.display())));
        };
        let mac: Mac = mac.trim().parse().map_err(io::Error::other)?;
        let folder = root.join(label);
        let entries = fs::read_dir(&folder).map_err(|cause| about(&folder, &cause))?;
        let mut files: Vec<PathBuf> =
            entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
        files.sort_unstable();
        for file in files {
            labelled.capture(label, mac, &file)?;
        }
    }
    Ok(labelled)
}

fn about(path: &Path, cause: &io::Error) -> io::Error {
    io::Error::new(cause.kind(), format!("read {}: {cause}", path.display()))
}

impl Labelled {
    fn capture(&mut self, label: &str, mac: Mac, file: &Path) -> io::Result<()> {
        let mut registry = Registry::default();
        let account = replay(File::open(file).map_err(|cause| about(file, &cause))?, &mut registry);
        if let Some(fault) = account.fault {
            self.notes.push(format!("{}: {fault}", file.display()));
        }
        let devices = registry.devices();
        let Some(device) = devices.into_iter().find(|device| device.mac == mac) else {
            self.notes.push(format!("{}: no frame of {mac}", file.display()));
            return Ok(());
        };
        self.examples.push(Example {
            label: label.to_owned(),
            capture: format!("{label}/{}", file.file_name().unwrap_or_default().display()),
            features: features(device, &registry.roles(device)),
        });
        Ok(())
    }
}
