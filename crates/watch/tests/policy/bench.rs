//! A command watched under a policy.

use kernscope_abi::{self as abi, paths};
use kernscope_watch::backend::{Backend, BackendError, Progress, Target};
use kernscope_watch::ebpf::{Ebpf, Options, Policy};
use kernscope_watch::raw::{Body, Event, path_from_walk};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Each command here takes far less.
const LIMIT: Duration = Duration::from_secs(120);

/// An empty folder, gone with this.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    /// Makes one.
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("kernscope-policy-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    /// Its path.
    pub(crate) fn text(&self) -> &str {
        self.0.to_str().expect("text")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is left.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Whether this process may load programs; says so if it may not.
pub(crate) fn is_root() -> bool {
    let is_root = nix::unistd::geteuid().is_root();
    if !is_root {
        println!("SKIPPED: needs root");
    }
    is_root
}

/// A set-up run, its command not started yet.
pub(crate) fn ready(argv: &[&str], policy: Policy) -> Result<Ebpf, BackendError> {
    let argv = argv.iter().map(OsString::from).collect();
    Ebpf::new(&Target::Command(argv), &Options { policy, ..Options::default() })
}

/// Runs it to its end; `between` comes after each look, and each event goes to `deliver`.
pub(crate) fn run(run: &mut Ebpf, between: &mut dyn FnMut(&mut Ebpf), deliver: &mut dyn FnMut(&Event<'_>)) {
    let deadline = Instant::now() + LIMIT;
    let mut take = |bytes: &[u8]| deliver(&Event::decode(bytes).expect("an event"));
    while run.poll(Duration::from_millis(20), &mut take).expect("the ring") == Progress::Running {
        assert!(Instant::now() < deadline, "the command has not ended");
        between(run);
    }
    run.detach();
    while run.poll(Duration::ZERO, &mut take).expect("the ring") == Progress::Running {}
}

/// The path of an event, and what the kernel says of it.
pub(crate) fn judged(event: &Event<'_>) -> Option<(Vec<u8>, u32)> {
    let path = event.sections.get(abi::SEC_PATH)?;
    let judged = event.sections.get(abi::SEC_JUDGED)?;
    Some((path_from_walk(path.bytes), u32::from_ne_bytes(judged.bytes.try_into().ok()?)))
}

/// The same of opens and execs that succeeded and whose path leads to the root.
pub(crate) fn of_whole_path(event: &Event<'_>) -> Option<(Vec<u8>, u32)> {
    let whole = |flags| flags & (abi::SECF_TRUNCATED | abi::SECF_DISCONNECTED) == 0;
    let (path, judged) = judged(event)?;
    let is_whole = event.sections.get(abi::SEC_PATH).is_some_and(|path| whole(path.flags));
    let is_about_one = matches!(event.body, Body::Open(_) | Body::Exec(_));
    assert_eq!(judged & paths::UNDECIDED == 0, is_whole, "{}", String::from_utf8_lossy(&path));
    (is_whole && is_about_one).then_some((path, judged & paths::ACCEPT_MASK))
}
