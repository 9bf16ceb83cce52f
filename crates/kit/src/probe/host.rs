//! The kernel, its settings and its mounts: what can be read rather than tried.

use super::answer::Answer;
use crate::procfs::unescaped;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Inode numbers of the initial namespaces (`include/linux/proc_ns.h`).
const INITIAL_USER: u64 = 0xefff_fffd;
const INITIAL_PID: u64 = 0xefff_fffc;

/// Major and minor number of the running kernel; `(0, 0)` when `uname` makes no sense.
pub fn release() -> (u32, u32) {
    parse_release(&release_text())
}

/// The whole release string.
pub(super) fn release_text() -> String {
    nix::sys::utsname::uname().map(|name| name.release().to_string_lossy().into_owned()).unwrap_or_default()
}

fn parse_release(text: &str) -> (u32, u32) {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

fn namespace(name: &str) -> Option<u64> {
    fs::metadata(format!("/proc/self/ns/{name}")).ok().map(|meta| meta.ino())
}

/// Whether capabilities of this process count outside containers.
pub(super) fn initial_user_ns() -> bool {
    namespace("user") == Some(INITIAL_USER)
}

/// Whether this process sees the process ids that the kernel uses; `None` without `/proc`.
pub(super) fn initial_pid_ns() -> Option<bool> {
    namespace("pid").map(|inode| inode == INITIAL_PID)
}

/// The text of a setting, trimmed.
pub(super) fn setting(path: &str) -> io::Result<String> {
    fs::read_to_string(path).map(|text| text.trim().to_owned())
}

/// The lockdown mode in force; `None` when the kernel has none or securityfs cannot be read.
pub(super) fn lockdown() -> Option<String> {
    let text = setting("/sys/kernel/security/lockdown").ok()?;
    let (_, rest) = text.split_once('[')?;
    Some(rest.split_once(']')?.0.to_owned())
}

/// One line of `/proc/self/mounts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) point: PathBuf,
    pub(super) fs: String,
}

/// The mounts of this process.
pub(super) fn mounts() -> io::Result<Vec<Mount>> {
    let mut bytes = Vec::new();
    fs::File::open("/proc/self/mounts")?.read_to_end(&mut bytes)?;
    Ok(parse_mounts(&bytes))
}

fn parse_mounts(bytes: &[u8]) -> Vec<Mount> {
    bytes
        .split(|&b| b == b'\n')
        .filter_map(|line| {
            let mut fields = line.split(|&b| b == b' ').skip(1);
            let (point, fs) = (fields.next()?, fields.next()?);
            Some(Mount {
                point: PathBuf::from(OsStr::from_bytes(&unescaped(point))),
                fs: String::from_utf8_lossy(fs).into_owned(),
            })
        })
        .collect()
}

/// Where a file system of this type is mounted, if it can be entered.
pub(super) fn mounted(fs_type: &str) -> Option<PathBuf> {
    let found = mounts().ok()?.into_iter().find(|mount| mount.fs == fs_type)?;
    Some(found.point)
}

/// The root of the cgroups of version 2, as far as this process's namespace shows it.
///
/// # Errors
/// When they are not mounted, or it cannot be opened.
pub fn cgroup_root() -> io::Result<fs::File> {
    fs::File::open(cgroup_mount()?)
}

/// Where cgroups of version 2 are mounted.
pub(super) fn cgroup_mount() -> io::Result<PathBuf> {
    mounted("cgroup2").ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "cgroup v2 is not mounted"))
}

/// An open directory of tracefs: where it is mounted, else a mount of our own that nobody sees.
#[derive(Debug)]
pub struct Tracefs {
    root: PathBuf,
    /// Keeps a detached mount alive.
    detached: Option<OwnedFd>,
}

impl Tracefs {
    /// Finds tracefs, or mounts it nowhere.
    ///
    /// # Errors
    /// When it is not mounted, or cannot be entered, and this process may not mount it; `EPERM` when lockdown hides
    /// what is in it.
    pub fn open() -> io::Result<Self> {
        let mounts = mounts().unwrap_or_default();
        let known = mounts.into_iter().filter(|mount| mount.fs == "tracefs").map(|mount| mount.point);
        let usual = PathBuf::from("/sys/kernel/debug/tracing");
        for root in known.chain([usual]) {
            if fs::read_dir(root.join("events")).is_ok() {
                return Ok(Self { root, detached: None });
            }
        }
        let mount = crate::sys::detached_mount(c"tracefs")?;
        let root = PathBuf::from(format!("/proc/self/fd/{}", mount.as_raw_fd()));
        // With lockdown=confidentiality it can be mounted, but is empty.
        fs::read_dir(root.join("events")).map_err(|_| io::Error::from_raw_os_error(libc::EPERM))?;
        Ok(Self { root, detached: Some(mount) })
    }

    /// A path inside.
    pub fn path(&self, inside: impl AsRef<Path>) -> PathBuf {
        self.root.join(inside)
    }

    /// Whether others see this mount.
    pub fn is_mounted(&self) -> bool {
        self.detached.is_none()
    }

    /// The number of a tracepoint, such as `syscalls/sys_enter_getppid`.
    ///
    /// # Errors
    /// `ENOENT` when the kernel has no such tracepoint.
    pub fn event_id(&self, event: &str) -> io::Result<u64> {
        let text = fs::read_to_string(self.path("events").join(event).join("id"))?;
        text.trim().parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "id is no number"))
    }
}

/// Reads a setting that is a number and calls it fine when `good` says so.
pub(super) fn number(path: &str, good: impl Fn(i64) -> bool) -> (Answer, String) {
    match setting(path).map(|text| text.parse::<i64>()) {
        Ok(Ok(value)) if good(value) => (Answer::Yes, value.to_string()),
        Ok(Ok(value)) => (Answer::off(format!("{path} is {value}")), value.to_string()),
        Ok(Err(_)) => (Answer::Unknown(format!("{path} holds no number")), String::new()),
        Err(err) => (Answer::from_io(&err), String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read() {
        assert_eq!(parse_release("6.1.0-42-cloud-amd64"), (6, 1));
        assert_eq!(parse_release("5.10.0"), (5, 10));
        assert_eq!(parse_release(""), (0, 0));
        assert!(parse_release("7.2.1") > (6, 18));
    }

    #[test]
    fn mount_points_with_blanks_are_read() {
        let mounts = parse_mounts(b"cgroup2 /a\\040b\\134 cgroup2 rw 0 0\nbad\n\n");
        assert_eq!(mounts, [Mount { point: "/a b\\".into(), fs: "cgroup2".into() }]);
    }
}
