//! The settings of `lan run`: flags above a file, the file above the defaults.
//!
//! A key of the file is called as its flag. What the file says wrong, or says that nobody knows, is one line: a setting
//! that is misspelt and then ignored would be believed to hold.

mod file;
mod print;

use super::looks::Looks;
use super::notify::Notify;
use super::run_args::{BackendName, Mode, RunArgs};
use super::serve::Faces;
use crate::args::Format;
use crate::failure::Failure;
use file::File;
use kernscope_lan::anomaly::Options;
use std::path::PathBuf;
use std::time::Duration;

/// What a run does.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settings {
    /// `None` only where settings are printed.
    pub(super) interface: Option<String>,
    pub(super) backend: BackendName,
    pub(super) mode: Mode,
    pub(super) db: Option<PathBuf>,
    pub(super) no_db: bool,
    /// What the database calls this network; the interface when nothing else is said.
    pub(super) network: Option<String>,
    pub(super) keep_days: u32,
    pub(super) duration: Option<Duration>,
    pub(super) format: Format,
    /// On a terminal a screen may show it: nobody asked for lines.
    pub(super) has_screen: bool,
    pub(super) rules: Vec<PathBuf>,
    pub(super) detect: Options,
    /// What the network is held against.
    pub(super) looks: Looks,
    /// To whom alerts are told.
    pub(super) notify: Notify,
    /// What is served, and to whom.
    pub(super) faces: Faces,
    /// Rules of alerts that nothing is told of.
    pub(super) off: Vec<String>,
}

impl Settings {
    /// The settings that flags and their file make.
    ///
    /// # Errors
    /// When the file cannot be read, or says what cannot be.
    pub(super) fn of(args: &RunArgs) -> Result<Self, Failure> {
        let file = args.config.as_deref().map_or_else(|| Ok(File::default()), file::read)?;
        let (detect, off) = file.detect.options(args.learn.or(file.learn))?;
        let has_db = args.db.is_some();
        let format = args.format.or(file.format).unwrap_or_default();
        Ok(Self {
            interface: args.interface.clone().or(file.interface),
            backend: args.backend.or(file.backend).unwrap_or_default(),
            mode: args.mode.or(file.mode).unwrap_or_default(),
            db: args.db.clone().or(file.db).filter(|_| !args.no_db),
            no_db: args.no_db || (file.no_db.unwrap_or_default() && !has_db),
            network: args.network.clone().or(file.network),
            keep_days: args.keep_days.or(file.keep_days).unwrap_or(90),
            duration: args.duration.or(file.duration),
            format,
            has_screen: args.format.is_none() && format == Format::Pretty,
            rules: either(&args.rules, file.rules),
            detect,
            looks: args.looks.over(file.looks),
            notify: Notify {
                urls: either(&args.notify_url, file.notify_url),
                command: either(&args.notify_command, file.notify_command),
                least: args.notify_severity.or(file.notify_severity).unwrap_or_default().into(),
            },
            faces: Faces {
                page: args.serve.or(file.serve),
                metrics: args.metrics.or(file.metrics),
                metrics_devices: args.metrics_devices.or(file.metrics_devices).unwrap_or(100),
                token_file: args.token_file.clone().or(file.token_file),
                hosts: either(&args.host, file.host),
            },
            off,
        })
    }

    /// As a file for `--config`, each setting with what it means.
    pub(super) fn print(&self) -> String {
        print::file(self)
    }
}

/// The words of a flag, else those of the file.
fn either<T: Clone>(flag: &[T], file: Option<Vec<T>>) -> Vec<T> {
    if flag.is_empty() { file.unwrap_or_default() } else { flag.to_vec() }
}

#[cfg(test)]
mod tests;
