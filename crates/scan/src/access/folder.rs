//! A folder, and whether a file is below it.

use super::mounts;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A folder by the path that the kernel has for it, and where that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) device: u64,
    /// The mount that `path` goes through.
    pub(super) mount: u64,
    /// Its path in its file system.
    inner: Vec<u8>,
}

impl Folder {
    /// The folder that `path` names, links resolved.
    pub(super) fn find(path: &Path) -> Result<Self, String> {
        let failed = |error: io::Error| format!("watch {}: {error}; name a folder", path.display());
        Self::look_up(path).map_err(failed)
    }

    fn look_up(path: &Path) -> io::Result<Self> {
        let path = path.canonicalize()?;
        let file = File::open(&path)?;
        let found = file.metadata()?;
        if !found.is_dir() {
            return Err(io::Error::other("it is no folder"));
        }
        let mount = mounts::id_of(file.as_fd())?;
        let own = nix::unistd::getpid().as_raw();
        let inner = mounts::inner(own, mount, path.as_os_str().as_bytes());
        let inner = inner.ok_or_else(|| io::Error::other("its mount is not in /proc/self/mountinfo"))?;
        Ok(Self { path, device: found.dev(), mount, inner })
    }

    /// The path that a file has below this folder whose path in its file system is `inner`.
    pub(super) fn reached(&self, device: u64, inner: &[u8]) -> Option<Vec<u8>> {
        let own = self.inner.strip_suffix(b"/").unwrap_or(&self.inner);
        let rest = inner.strip_prefix(own).filter(|rest| rest.starts_with(b"/") && device == self.device)?;
        let path = self.path.as_os_str().as_bytes();
        Some([path.strip_suffix(b"/").unwrap_or(path), rest].concat())
    }

    /// What is left of `path` below the folder.
    pub(super) fn below<'a>(&self, path: &'a [u8]) -> Option<&'a [u8]> {
        let rest = path.strip_prefix(self.path.as_os_str().as_bytes())?;
        // The root alone ends with a slash.
        let rest = if self.path.as_os_str() == "/" { Some(rest) } else { rest.strip_prefix(b"/") };
        rest.filter(|rest| !rest.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str, inner: &str) -> Folder {
        Folder { path: path.into(), device: 7, mount: 1, inner: inner.into() }
    }

    #[test]
    fn other_mounts_lead_to_the_same_files() {
        let reached = |device, inner: &str| at("/srv/in", "/x/in").reached(device, inner.as_bytes());
        assert_eq!(reached(7, "/x/in/a/b").as_deref(), Some(&b"/srv/in/a/b"[..]));
        for (device, inner) in [(8, "/x/in/a"), (7, "/x/input"), (7, "/srv/in/a"), (7, "/x")] {
            assert_eq!(reached(device, inner), None, "{inner}");
        }
        assert_eq!(at("/", "/").reached(7, b"/a").as_deref(), Some(&b"/a"[..]));
    }

    #[test]
    fn a_name_that_begins_alike_is_not_below() {
        let folder = at("/a/b", "/b");
        assert_eq!(folder.below(b"/a/b/c/d"), Some(&b"c/d"[..]));
        for path in [&b"/a/b"[..], b"/a/bc", b"/a/b/", b"/x/a/b/c"] {
            assert_eq!(folder.below(path), None, "{}", path.escape_ascii());
        }
        assert_eq!(at("/", "/").below(b"/a"), Some(&b"a"[..]));
    }

    #[test]
    fn what_is_no_folder_is_refused_in_one_line() {
        for (path, why) in [("/proc/self/exe", "it is no folder"), ("/nowhere", "No such file")] {
            let line = Folder::find(Path::new(path)).expect_err(path);
            assert!(line.starts_with(&format!("watch {path}: ")) && line.contains(why), "{line}");
        }
    }
}
