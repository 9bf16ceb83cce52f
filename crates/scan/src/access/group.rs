//! The fanotify group, and what it hears of.
//!
//! Whole file systems are marked, since a folder's mark would not hold for the folders in it; mounts, where the kernel or the
//! file system will not have that. Source: `fanotify_init(2)`, `fanotify_mark(2)`, `fanotify(7)`.

use super::folder::Folder;
use super::mounts;
use crate::filesystem;
use nix::errno::Errno;
use nix::fcntl::AT_FDCWD;
use nix::sys::fanotify::{EventFFlags, Fanotify, FanotifyEvent, InitFlags, MarkFlags, MaskFlags};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// What was opened may be read; what is closed has been read or written.
const HEARD: MaskFlags = MaskFlags::FAN_OPEN.union(MaskFlags::FAN_CLOSE);

/// A file system of which is heard, or that could not be.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The folder, or what is mounted below it.
    pub path: PathBuf,
    /// `filesystem`: through any mount; `mount`: through this one.
    pub tier: &'static str,
    /// Why nothing is heard of it.
    pub why_not: Option<String>,
}

#[derive(Debug)]
pub(super) struct Group {
    fanotify: Fanotify,
    pub(super) watched: Vec<Watched>,
}

impl Group {
    /// Hears of all that is below these folders, what is mounted there included.
    pub(super) fn open(folders: &[Folder]) -> Result<Self, String> {
        let flags = InitFlags::FAN_CLOEXEC | InitFlags::FAN_NONBLOCK | InitFlags::FAN_CLASS_NOTIF;
        // A descriptor of a pipe would be waited for; reading should not change times.
        let files = EventFFlags::O_RDONLY
            | EventFFlags::O_LARGEFILE
            | EventFFlags::O_CLOEXEC
            | EventFFlags::O_NONBLOCK
            | EventFFlags::O_NOATIME;
        let fanotify = Fanotify::init(flags, files).map_err(refused)?;
        let mut group = Self { fanotify, watched: Vec::new() };
        for folder in folders {
            group.mark(&folder.path);
            if let Some(why) = group.watched.last().and_then(|watched| watched.why_not.as_ref()) {
                return Err(format!("watch {}: {why}", folder.path.display()));
            }
            mounts_below(folder).iter().for_each(|mount| group.mark(mount));
        }
        Ok(group)
    }

    /// Marks what `path` is on.
    fn mark(&mut self, path: &Path) {
        let (tier, why_not) = match self.marked(path) {
            Ok(tier) => (tier, None),
            Err(why) => ("none", Some(why)),
        };
        self.watched.push(Watched { path: path.to_owned(), tier, why_not });
    }

    fn marked(&self, path: &Path) -> Result<&'static str, String> {
        if filesystem::is_the_kernels(path) {
            return Err("the kernel makes its files up; they are no data at rest".to_owned());
        }
        let add = |kind| self.fanotify.mark(MarkFlags::FAN_MARK_ADD | kind, HEARD, AT_FDCWD, Some(path));
        let Err(whole) = add(MarkFlags::FAN_MARK_FILESYSTEM) else { return Ok("filesystem") };
        let Err(mount) = add(MarkFlags::FAN_MARK_MOUNT) else { return Ok("mount") };
        Err(format!(
            "fanotify takes neither its file system ({}) nor its mount ({})",
            whole.desc(),
            mount.desc()
        ))
    }

    /// Hears of nothing new; what was heard before can still be read.
    pub(super) fn close_ears(&self) {
        for kind in [MarkFlags::FAN_MARK_FILESYSTEM, MarkFlags::FAN_MARK_MOUNT] {
            // Where it fails there was no such mark.
            let _ = self.fanotify.mark(
                MarkFlags::FAN_MARK_FLUSH | kind,
                MaskFlags::empty(),
                AT_FDCWD,
                Some(Path::new("/")),
            );
        }
    }

    /// What has been heard; `EAGAIN` where there is nothing.
    pub(super) fn events(&self) -> nix::Result<Vec<FanotifyEvent>> {
        self.fanotify.read_events()
    }

    pub(super) fn fanotify(&self) -> &Fanotify {
        &self.fanotify
    }
}

/// Why there is no fanotify here, and what would help.
fn refused(error: Errno) -> String {
    let fix = match error {
        Errno::EPERM => {
            "it needs CAP_SYS_ADMIN: run as root, in a container with that capability and no user namespace of its own"
        }
        Errno::ENOSYS => "the kernel was built without CONFIG_FANOTIFY",
        Errno::EMFILE => "too many groups are open: see /proc/sys/fs/fanotify/max_user_groups",
        _ => "see fanotify_init(2)",
    };
    format!("watch files by fanotify: {}; {fix}", error.desc())
}

/// What is mounted below a folder.
fn mounts_below(folder: &Folder) -> Vec<PathBuf> {
    let points = mounts::table("self").into_iter().map(|mount| mount.point);
    points
        .filter(|point| folder.below(point).is_some())
        .map(|point| OsString::from_vec(point).into())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_what_would_help() {
        assert_eq!(
            refused(Errno::EPERM),
            "watch files by fanotify: Operation not permitted; it needs CAP_SYS_ADMIN: run as root, in a \
             container with that capability and no user namespace of its own"
        );
        assert!(refused(Errno::ENOSYS).contains("CONFIG_FANOTIFY"));
    }
}
