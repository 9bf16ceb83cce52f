//! From roots to files, one by one, in an order that does not depend on the machine.

use crate::history::{Blob, History};
use crate::tally::one_line;
use crate::{Options, filesystem};
use ignore::{DirEntry, Walk, WalkBuilder};
use kernscope_sieve::matcher::Matcher;
use kernscope_sieve::rules::AnyOf;
use std::cell::LazyCell;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// One thing to look at.
#[derive(Debug)]
pub(crate) enum Job {
    /// Standard input.
    Stdin,
    /// What a root names, whatever it is; only a directory is none.
    Root(PathBuf),
    /// A file of a tree, and how many bytes of its path are the root's.
    File(PathBuf, usize),
    /// Something of a tree that is no file.
    Other(&'static str),
    /// A blob of a history.
    Blob(Blob),
    /// A history that ends early, since the clone is shallow.
    Shallow,
    /// Part of a history that could not be walked; a line.
    BrokenHistory(String),
    /// What could not be looked at; a line.
    Broken(String),
}

/// The jobs of a scan.
pub(crate) struct Jobs {
    roots: std::vec::IntoIter<PathBuf>,
    /// Each with the expressions that rules have for paths.
    histories: std::vec::IntoIter<(PathBuf, Arc<AnyOf>)>,
    history: Option<History>,
    tree: Option<Tree>,
    options: Options,
    /// Directories that were left out because they are the kernel's.
    kernels: Arc<AtomicU64>,
    told: u64,
}

struct Tree {
    walk: Walk,
    root_len: usize,
}

impl Jobs {
    pub(crate) fn new(options: &Options, matcher: &Matcher) -> Self {
        let asked = LazyCell::new(|| Arc::new(matcher.path_conditions()));
        let histories = options.histories.iter().map(|path| (path.clone(), Arc::clone(&asked)));
        Self {
            roots: options.roots.clone().into_iter(),
            histories: histories.collect::<Vec<_>>().into_iter(),
            history: None,
            tree: None,
            options: options.clone(),
            kernels: Arc::default(),
            told: 0,
        }
    }

    /// The next of the histories, which come behind all roots.
    fn past(&mut self) -> Option<Job> {
        loop {
            if let Some(job) = self.history.as_mut().and_then(Iterator::next) {
                return Some(job);
            }
            let (path, asked) = self.histories.next()?;
            match History::open(&path, asked) {
                Ok(history) => self.history = Some(history),
                Err(line) => return Some(Job::BrokenHistory(line)),
            }
        }
    }

    fn begin(&mut self, root: PathBuf) -> Option<Job> {
        if root.as_os_str() == "-" {
            return Some(Job::Stdin);
        }
        if !root.is_dir() {
            return Some(Job::Root(root));
        }
        if filesystem::is_the_kernels(&root) {
            return Some(Job::Other("kernel_filesystem"));
        }
        self.tree = Some(self.tree(&root));
        None
    }

    fn tree(&self, root: &Path) -> Tree {
        let (follow, kernels) = (self.options.follow, Arc::clone(&self.kernels));
        let device = std::fs::metadata(root).map_or(0, |found| found.dev());
        let (ignore, no_git) = (self.options.ignore, OsStr::new(".git"));
        let walk = WalkBuilder::new(root)
            .standard_filters(ignore)
            .hidden(!self.options.hidden)
            .follow_links(follow)
            .sort_by_file_name(OsStr::cmp)
            .filter_entry(move |entry| {
                let is_dir = entry.file_type().is_some_and(|kind| kind.is_dir());
                if ignore && entry.depth() > 0 && entry.file_name() == no_git {
                    return false;
                }
                let elsewhere = || entry.metadata().is_ok_and(|found| found.dev() != device);
                let kernels_own = is_dir && elsewhere() && filesystem::is_the_kernels(entry.path());
                kernels.fetch_add(u64::from(kernels_own), Ordering::Relaxed);
                !kernels_own
            })
            .build();
        Tree { walk, root_len: root_len(root) }
    }

    /// What an entry of a tree is to us; `None`: nothing by itself.
    fn job(&self, entry: Result<DirEntry, ignore::Error>, root_len: usize) -> Option<Job> {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return Some(Job::Broken(unwalked(&error))),
        };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            return None;
        }
        if kind.is_file() {
            return Some(Job::File(entry.into_path(), root_len));
        }
        Some(Job::Other(if kind.is_symlink() { "symlink" } else { "not_a_file" }))
    }
}

impl Iterator for Jobs {
    type Item = Job;

    fn next(&mut self) -> Option<Job> {
        loop {
            if self.kernels.load(Ordering::Relaxed) > self.told {
                self.told += 1;
                return Some(Job::Other("kernel_filesystem"));
            }
            let Some(tree) = &mut self.tree else {
                let Some(root) = self.roots.next() else { return self.past() };
                match self.begin(root) {
                    Some(job) => return Some(job),
                    None => continue,
                }
            };
            let root_len = tree.root_len;
            let Some(entry) = tree.walk.next() else {
                self.tree = None;
                continue;
            };
            if let Some(job) = self.job(entry, root_len) {
                return Some(job);
            }
        }
    }
}

/// Bytes of a path below `root` that are the root's, the slash behind it included.
fn root_len(root: &Path) -> usize {
    let bytes = root.as_os_str().as_bytes();
    bytes.len() + usize::from(!bytes.ends_with(b"/"))
}

fn unwalked(error: &ignore::Error) -> String {
    format!("walk {}", one_line(error))
}
