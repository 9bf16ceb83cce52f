//! What file a path call meant: symbolic links followed on the host, as the watched process would see them.
//!
//! The kernel tells the directory that a call started from (a dentry walk: exact) and the string. Between them
//! stand symbolic links, which this module follows one name at a time, with `readlink`. It does not ask the kernel to
//! walk the whole string, since the kernel would walk it for *us*: another root, another `/proc/self`.
//!
//! The answer is as good as its moment. Taken while the process is stopped in its call it is exact; taken
//! after the fact it can be overtaken by a rename. When a directory on the way is not there any more, the rest is
//! joined as text and the answer is marked [`abi::SECF_JOINED`].
//!
//! ```
//! use kernscope_watch::resolve::{Call, Resolved, View, resolve};
//! let call = Call { base: b"/etc", raw: b"./../no//such", follow_last: true, ..Call::default() };
//! assert_eq!(resolve(&View::host(), &call).path, b"/no/such");
//! ```

use kernscope_abi as abi;
use nix::errno::Errno;
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Most symbolic links followed in one path (the kernel's `MAXSYMLINKS`).
const MAX_LINKS: u32 = 40;

/// How the host looks at the file tree of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Where the process's root directory can be reached from here: empty when it is our own root, else
    /// `/proc/PID/root` or a path.
    reach: Vec<u8>,
    /// What the process's root is called in the paths that come out: empty, or the path of a chroot.
    root: Vec<u8>,
}

impl View {
    /// The process has our own root.
    pub fn host() -> Self {
        Self { reach: Vec::new(), root: Vec::new() }
    }

    /// The process is in a chroot at `root`, a path in our own mount namespace.
    pub fn chroot(root: &[u8]) -> Self {
        let root = root.strip_suffix(b"/").unwrap_or(root);
        Self { reach: root.to_vec(), root: root.to_vec() }
    }

    /// The process has another mount namespace, in which its root directory is called `root` (`/` if it has not
    /// changed it). It is reached through `/proc/PID/root`, so the process must still be there.
    pub fn of_process(pid: u32, root: &[u8]) -> Self {
        let root = root.strip_suffix(b"/").unwrap_or(root);
        Self { reach: format!("/proc/{pid}/root").into_bytes(), root: root.to_vec() }
    }

    /// The path of the process's root directory in the paths that come out; empty for `/`.
    pub fn root(&self) -> &[u8] {
        &self.root
    }

    /// Where the host finds what is called `path`, absolute in the process's mount namespace.
    pub fn host_path(&self, path: &[u8]) -> Vec<u8> {
        match path.strip_prefix(self.root.as_slice()) {
            Some(inside) if inside.is_empty() || inside.starts_with(b"/") => [&self.reach, inside].concat(),
            // Outside its root (a descriptor that was opened before the chroot): only right in our own namespace.
            _ => path.to_vec(),
        }
    }
}

/// One path of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Call<'a> {
    /// Absolute path of the directory that `raw` is relative to, as a dentry walk gives it: without links.
    pub base: &'a [u8],
    /// The string that the program passed. Empty (`AT_EMPTY_PATH`): `base` itself is meant.
    pub raw: &'a [u8],
    /// The last component is followed when it is a symbolic link.
    pub follow_last: bool,
    /// What `/proc/self` means.
    pub pid: u32,
    /// What `/proc/thread-self` means.
    pub tid: u32,
}

/// An absolute path and how good it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// The path, up to the root of the process's mount namespace.
    pub path: Vec<u8>,
    /// 0, or [`abi::SECF_JOINED`].
    pub flags: u8,
}

/// Finds the path that a call meant.
///
/// Asks the kernel nothing when `raw` is one name that is not to be followed.
pub fn resolve(view: &View, call: &Call<'_>) -> Resolved {
    let mut walk = Walk { view, call, at: Vec::new(), todo: Vec::new(), links: 0, joined: false };
    if call.raw.starts_with(b"/") {
        walk.at = view.root.clone();
    } else {
        walk.at = call.base.strip_suffix(b"/").unwrap_or(call.base).to_vec();
    }
    let slash = call.raw.ends_with(b"/");
    walk.push(call.raw);
    while let Some(name) = walk.todo.pop() {
        let follow = !walk.todo.is_empty() || call.follow_last || slash;
        walk.step(name, follow);
    }
    let Walk { at: path, joined, .. } = walk;
    let path = if path.is_empty() { b"/".to_vec() } else { path };
    Resolved { path, flags: if joined { abi::SECF_JOINED } else { 0 } }
}

struct Walk<'a> {
    view: &'a View,
    call: &'a Call<'a>,
    /// Where the walk is: no trailing slash, empty for `/`.
    at: Vec<u8>,
    /// Names still to go, the next one last.
    todo: Vec<Vec<u8>>,
    links: u32,
    /// Something was not there: from here on text only.
    joined: bool,
}

impl Walk<'_> {
    fn push(&mut self, path: &[u8]) {
        let names = path.split(|&b| b == b'/').rev().filter(|name| !name.is_empty() && *name != b".");
        self.todo.extend(names.map(<[u8]>::to_vec));
    }

    fn step(&mut self, name: Vec<u8>, follow: bool) {
        if name == b".." {
            // A process cannot leave its root; `/` has no parent.
            if self.at != self.view.root {
                let parent = self.at.iter().rposition(|&b| b == b'/').unwrap_or(0);
                self.at.truncate(parent);
            }
            return;
        }
        let is_last = self.todo.is_empty();
        self.at.push(b'/');
        self.at.extend_from_slice(&name);
        if !follow || self.joined {
            return;
        }
        match self.read_link() {
            Ok(target) => self.follow(&target),
            // Not a link.
            Err(Errno::EINVAL) => {}
            // The last name may be missing without harm: it is being made, or has just been removed.
            Err(Errno::ENOENT) if is_last => {}
            Err(_) => self.joined = true,
        }
    }

    fn read_link(&self) -> Result<Vec<u8>, Errno> {
        if self.at == self.in_root(b"/proc/self") {
            return Ok(self.call.pid.to_string().into_bytes());
        }
        if self.at == self.in_root(b"/proc/thread-self") {
            return Ok(format!("{}/task/{}", self.call.pid, self.call.tid).into_bytes());
        }
        let host = self.view.host_path(&self.at);
        nix::fcntl::readlink(OsStr::from_bytes(&host)).map(OsStringExt::into_vec)
    }

    fn in_root(&self, path: &[u8]) -> Vec<u8> {
        [&self.view.root, path].concat()
    }

    fn follow(&mut self, target: &[u8]) {
        self.links += 1;
        if self.links > MAX_LINKS {
            self.joined = true;
            return;
        }
        if self.is_magic() {
            // The link is an object, and its text the name of that object for us: nothing left to follow in it.
            if target.starts_with(b"/") {
                self.at = self.seen_from_host(target);
            }
            return;
        }
        if target.starts_with(b"/") {
            self.at = self.view.root.clone();
        } else {
            let parent = self.at.iter().rposition(|&b| b == b'/').unwrap_or(0);
            self.at.truncate(parent);
        }
        self.push(target);
    }

    /// Whether the walk is at a link of `/proc/PID` that leads to an object rather than to a name.
    fn is_magic(&self) -> bool {
        let Some(inside) = self.at.strip_prefix(self.in_root(b"/proc/").as_slice()) else { return false };
        let mut names = inside.split(|&b| b == b'/');
        if !names.next().is_some_and(|pid| pid.iter().all(u8::is_ascii_digit)) {
            return false;
        }
        let mut names = names.peekable();
        if names.peek() == Some(&&b"task"[..]) {
            let _ = (names.next(), names.next());
        }
        matches!(names.next(), Some(b"cwd" | b"root" | b"exe" | b"fd" | b"ns" | b"map_files"))
    }

    /// A path as `/proc` tells it to us, in the terms of the process's mount namespace.
    fn seen_from_host(&self, path: &[u8]) -> Vec<u8> {
        let path = path.strip_suffix(b"/").unwrap_or(path);
        match path.strip_prefix(self.view.reach.as_slice()) {
            Some(inside) if inside.is_empty() || inside.starts_with(b"/") => self.in_root(inside),
            _ => path.to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::{Path, PathBuf};

    fn tree(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("kernscope-resolve-{}-{name}", std::process::id()));
        fs::create_dir_all(dir.join("real/sub")).unwrap();
        fs::write(dir.join("real/file"), "").unwrap();
        symlink("real", dir.join("link")).unwrap();
        symlink("/real/file", dir.join("absolute")).unwrap();
        symlink("real/../link/file", dir.join("winding")).unwrap();
        symlink("loop", dir.join("loop")).unwrap();
        dir.canonicalize().unwrap()
    }

    fn call<'a>(base: &'a [u8], raw: &'a [u8], follow_last: bool) -> Call<'a> {
        Call { base, raw, follow_last, pid: std::process::id(), tid: std::process::id() }
    }

    /// Resolves against the tree and gives what lies below it.
    fn below(dir: &Path, view: &View, raw: &[u8], follow_last: bool) -> (String, u8) {
        let base = dir.as_os_str().as_bytes();
        let resolved = resolve(view, &call(base, raw, follow_last));
        let path = String::from_utf8(resolved.path).unwrap();
        (path.strip_prefix(dir.to_str().unwrap()).unwrap_or(&path).to_owned(), resolved.flags)
    }

    #[test]
    fn links_are_followed_where_the_call_follows_them() {
        let dir = tree("links");
        let host = View::host();
        for (raw, follow, want) in [
            (&b"link/file"[..], true, "/real/file"),
            (b"link/file", false, "/real/file"),
            (b"link", false, "/link"),
            (b"link", true, "/real"),
            (b"link/", false, "/real"),
            (b"link/sub/..//./file", true, "/real/file"),
            (b"link/..", true, ""),
            (b"winding", true, "/real/file"),
            (b"winding", false, "/winding"),
            (b"link/new", true, "/real/new"),
            (b"", true, ""),
        ] {
            let name = String::from_utf8_lossy(raw);
            assert_eq!(below(&dir, &host, raw, follow), (want.to_owned(), 0), "{name} {follow}");
        }
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn what_is_not_there_is_joined_and_says_so() {
        let dir = tree("joined");
        let host = View::host();
        let joined = |want: &str| (want.to_owned(), abi::SECF_JOINED);
        assert_eq!(below(&dir, &host, b"gone/link/../file", true), joined("/gone/file"));
        assert_eq!(below(&dir, &host, b"real/file/x", true), joined("/real/file/x"));
        assert_eq!(below(&dir, &host, b"loop", true).1, abi::SECF_JOINED);
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_changed_root_bounds_absolute_links_and_parents() {
        let dir = tree("root");
        let view = View::chroot(dir.as_os_str().as_bytes());
        assert_eq!(below(&dir, &view, b"/absolute", true), ("/real/file".to_owned(), 0));
        assert_eq!(below(&dir, &view, b"../../../real", true), ("/real".to_owned(), 0));
        assert_eq!(below(&dir, &view, b"/link/../../link/sub", true), ("/real/sub".to_owned(), 0));
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn proc_self_is_the_watched_process() {
        let pid = std::os::unix::process::parent_id();
        let call = Call { base: b"/", raw: b"/proc/self/cwd/x", follow_last: true, pid, tid: pid };
        let cwd = fs::read_link(format!("/proc/{pid}/cwd")).unwrap().join("x");
        assert_eq!(resolve(&View::host(), &call).path, cwd.as_os_str().as_bytes());
        let call = Call { raw: b"/proc/thread-self/comm", pid: 1, tid: 1, ..call };
        assert_eq!(resolve(&View::host(), &call).path, b"/proc/1/task/1/comm");
    }

    #[test]
    fn a_descriptor_in_proc_is_the_object() {
        let dir = tree("fd");
        let file = fs::File::open(dir.join("real/file")).unwrap();
        let raw = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
        assert_eq!(below(&dir, &View::host(), raw.as_bytes(), true).0, "/real/file");
        let (pipe, _write) = std::io::pipe().unwrap();
        let raw = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&pipe));
        let want = format!("/proc/{}/fd/{}", std::process::id(), std::os::fd::AsRawFd::as_raw_fd(&pipe));
        assert_eq!(below(&dir, &View::host(), raw.as_bytes(), true).0, want);
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn another_mount_namespace_is_reached_through_proc() {
        let view = View::of_process(std::process::id(), b"/");
        let etc = call(b"/", b"/proc/self/root/etc/./passwd", true);
        assert_eq!(resolve(&view, &etc).path, b"/etc/passwd");
        assert_eq!(view.host_path(b"/etc"), format!("/proc/{}/root/etc", std::process::id()).into_bytes());
    }
}
