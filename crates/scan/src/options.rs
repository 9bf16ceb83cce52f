//! What to look at, and how.

use crate::Limits;
use std::path::PathBuf;

/// What to look at, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Files and directories; `-` is standard input.
    pub roots: Vec<PathBuf>,
    /// Git repositories, or folders in them, whose whole history is looked at.
    pub histories: Vec<PathBuf>,
    /// Threads that scan; at least 1.
    pub threads: usize,
    /// Larger files are left out; `None`: any size.
    pub max_file_bytes: Option<u64>,
    /// Look at files and directories whose name begins with a dot.
    pub hidden: bool,
    /// Leave out what `.gitignore`, `.ignore` and git's own lists name, and `.git` itself.
    pub ignore: bool,
    /// Look into archives and compressed files.
    pub archives: bool,
    /// How far archives are opened.
    pub limits: Limits,
    /// Follow symbolic links below the roots. Roots are followed always.
    pub follow: bool,
    /// Files that are left out, by device and inode: what the scan itself writes.
    pub own: Vec<(u64, u64)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            roots: Vec::new(),
            histories: Vec::new(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            max_file_bytes: None,
            hidden: true,
            ignore: true,
            archives: true,
            limits: Limits::default(),
            follow: false,
            own: Vec::new(),
        }
    }
}
