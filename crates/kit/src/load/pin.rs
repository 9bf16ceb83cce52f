//! Pins: paths in bpffs that keep maps and programs when this process has ended, and give them to others.

use super::{Loaded, Map, UseError};
use crate::sys;
use nix::sys::statfs::{BPF_FS_MAGIC, statfs};
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

impl Map {
    /// Gives the map a path, which keeps it until the path is unlinked.
    ///
    /// # Privileges
    /// Write permission on the directory.
    ///
    /// # Errors
    /// When the directory is not in bpffs, there is something of this name, or it may not be written to.
    pub fn pin(&self, path: impl AsRef<Path>) -> Result<(), UseError> {
        pin(&self.told(), self.as_fd(), path.as_ref())
    }

    /// Opens a map that was pinned.
    ///
    /// # Errors
    /// When nothing is there, or it is no map.
    pub fn open_pinned(path: impl AsRef<Path>) -> Result<Map, UseError> {
        let path = path.as_ref();
        let fd = open(path, "map")?;
        let info = sys::map_info(fd.as_fd()).map_err(|err| failed(path, err))?;
        Ok(Map::opened(fd, &info))
    }
}

impl Loaded {
    /// Gives the program a path, which keeps it, and with it its maps, until the path is unlinked.
    ///
    /// # Privileges
    /// Write permission on the directory.
    ///
    /// # Errors
    /// As [`Map::pin`].
    pub fn pin(&self, path: impl AsRef<Path>) -> Result<(), UseError> {
        pin(&format!("program {}", self.name()), self.as_fd(), path.as_ref())
    }

    /// Opens a program that was pinned. Its maps are not opened: they have pins of their own, or none.
    ///
    /// # Errors
    /// When nothing is there, or it is no program of a type that is generated here.
    pub fn open_pinned(path: impl AsRef<Path>) -> Result<Loaded, UseError> {
        let path = path.as_ref();
        let fd = open(path, "prog")?;
        let info = sys::prog_info(fd.as_fd()).map_err(|err| failed(path, err))?;
        let unknown =
            || failed(path, io::Error::other(format!("its type is {}, none of ours", info.prog_type)));
        Loaded::opened(fd, &info).ok_or_else(unknown)
    }
}

fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(io::Error::from)
}

fn pin(what: &str, object: BorrowedFd<'_>, path: &Path) -> Result<(), UseError> {
    let failed = |err| UseError::new("pin", format!("{what} at {}", path.display()), err);
    let name = c_path(path).map_err(failed)?;
    sys::object_pin(object, &name).map_err(|err| failed(explain(path, err)))
}

fn failed(path: &Path, err: io::Error) -> UseError {
    UseError::new("open pinned", path.display().to_string(), err)
}

/// Opens what is pinned, and holds it against the sort that the kernel calls it: `map` or `prog`.
fn open(path: &Path, sort: &str) -> Result<OwnedFd, UseError> {
    let name = c_path(path).map_err(|err| failed(path, err))?;
    let fd = sys::object_get(&name).map_err(|err| failed(path, explain(path, err)))?;
    let link = std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd()));
    let found = link.map_err(|err| failed(path, err))?.display().to_string();
    if found != format!("anon_inode:bpf-{sort}") {
        return Err(failed(path, io::Error::other(format!("it is {found}, no bpf-{sort}"))));
    }
    Ok(fd)
}

/// The kernel says `EPERM` or `EINVAL` of a path on another file system; say which it is and what helps.
fn explain(path: &Path, err: io::Error) -> io::Error {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let is_bpffs = statfs(parent).map(|fs| fs.filesystem_type() == BPF_FS_MAGIC);
    match is_bpffs {
        Ok(false) => io::Error::new(
            err.kind(),
            format!(
                "{} is not in bpffs; mount -t bpf bpf /sys/fs/bpf, and give a path in it",
                parent.display()
            ),
        ),
        Err(missing) => io::Error::new(err.kind(), format!("{}: {}", parent.display(), missing.desc())),
        Ok(true) if err.kind() == io::ErrorKind::AlreadyExists => {
            io::Error::new(err.kind(), "there is something of this name; remove it or take another name")
        }
        Ok(true) => err,
    }
}
