//! The socket by which a run's policy is changed while it goes on: `kernscope watch ctl`.
//!
//! A UNIX socket named by the process id, in a directory that only its owner can enter. A client says one line of JSON and gets
//! one back. Who is not the owner of the run, nor root, is refused by the credentials that the kernel gives of him.
//! Clients are heard one after the other, on a thread of their own; what they ask is answered between events.

use crate::stream::note;
use kernscope_watch::policy::request::{Reply, Request};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::unistd::geteuid;
use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// Longest request in bytes: a list of some hundred thousand paths.
const MAX_REQUEST_BYTES: u64 = 32 * 1024 * 1024;
/// How long a client may take for its line, and the run for its answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A request that waits for its answer.
pub(crate) struct Asked {
    pub(crate) request: Request,
    pub(crate) answer: Sender<Reply>,
}

/// The socket of this run; it goes with it.
#[derive(Debug)]
pub(crate) struct Control {
    path: PathBuf,
    pub(crate) asked: Receiver<Asked>,
}

impl Control {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the directory is somebody else's, or the socket cannot be made.
    pub(crate) fn open() -> io::Result<Self> {
        let directory = directory();
        make(&directory)?;
        remove_orphans(&directory);
        let path = directory.join(format!("{}.sock", std::process::id()));
        let _ = fs::remove_file(&path);
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        let (sender, asked) = channel();
        std::thread::Builder::new().name("kernscope-ctl".into()).spawn(move || {
            for client in listener.incoming().flatten() {
                // A client that goes away is its own matter.
                let _ = hear(client, &sender);
            }
        })?;
        Ok(Self { path, asked })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Where sockets are: of root `/run/kernscope`, else in the user's own directory for such things.
pub(crate) fn directory() -> PathBuf {
    if geteuid().is_root() {
        return "/run/kernscope".into();
    }
    let own = std::env::var_os("XDG_RUNTIME_DIR").filter(|own| !own.is_empty());
    own.map_or_else(
        || format!("/tmp/kernscope-{}", geteuid()).into(),
        |own| Path::new(&own).join("kernscope"),
    )
}

/// Makes the directory, or sees that the one that is there is this user's alone.
fn make(directory: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(directory)?;
    let is_own = found.is_dir() && found.uid() == geteuid().as_raw();
    match is_own && found.mode() & 0o077 == 0 {
        true => Ok(()),
        false if is_own => fs::set_permissions(directory, Permissions::from_mode(0o700)),
        false => Err(io::Error::other(format!("{} is somebody else's", directory.display()))),
    }
}

/// Takes away what runs have left that were killed.
fn remove_orphans(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_suffix(".sock")?.parse::<u32>().ok());
        if pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// One client: its line, and the answer.
fn hear(client: UnixStream, sender: &Sender<Asked>) -> io::Result<()> {
    client.set_read_timeout(Some(PATIENCE))?;
    client.set_write_timeout(Some(PATIENCE))?;
    let reply = answer(&client, sender).unwrap_or_else(Reply::Error);
    let mut line = serde_json::to_vec(&reply)?;
    line.push(b'\n');
    (&client).write_all(&line)?;
    // What is left unread when a socket is closed takes the answer from its reader.
    client.shutdown(Shutdown::Write)?;
    io::copy(&mut (&client).take(MAX_REQUEST_BYTES), &mut io::sink()).map(drop)
}

fn answer(client: &UnixStream, sender: &Sender<Asked>) -> Result<Reply, String> {
    let peer = getsockopt(client, PeerCredentials).map_err(|errno| errno.to_string())?;
    if peer.uid() != geteuid().as_raw() && peer.uid() != 0 {
        note(format_args!("watch ctl: user {} was refused", peer.uid()));
        return Err(format!("user {} may not ask this run, which is user {}'s", peer.uid(), geteuid()));
    }
    let mut line = String::new();
    let read = BufReader::new(client.take(MAX_REQUEST_BYTES)).read_line(&mut line);
    read.map_err(|error| format!("read the request: {error}"))?;
    if !line.ends_with('\n') {
        return Err(format!("the request is no line of at most {MAX_REQUEST_BYTES} bytes"));
    }
    let request = Request::parse(&line)?;
    let (answer, answered) = channel();
    let gone = "the run has ended".to_owned();
    sender.send(Asked { request, answer }).map_err(|_| gone.clone())?;
    answered.recv_timeout(PATIENCE).map_err(|_| gone)
}

/// Asks a run, and waits for its answer.
///
/// # Errors
/// In one line, when there is no such run, or it does not answer.
pub(crate) fn ask(session: &str, request: &Request) -> Result<Vec<String>, String> {
    let path = match session.contains('/') {
        true => PathBuf::from(session),
        false => directory().join(format!("{session}.sock")),
    };
    let failed = |error: io::Error| {
        let cause = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                "there is no such run with a policy".to_owned()
            }
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                format!("it has not answered for {} s", 2 * PATIENCE.as_secs())
            }
            _ => error.to_string(),
        };
        format!(
            "ask run {session}: {cause}; a run with --policy says its number at the start, and {} has a socket of each",
            directory().display()
        )
    };
    let mut socket = UnixStream::connect(&path).map_err(failed)?;
    socket.set_read_timeout(Some(2 * PATIENCE)).map_err(failed)?;
    let mut line = serde_json::to_vec(request).map_err(|error| error.to_string())?;
    line.push(b'\n');
    socket.write_all(&line).map_err(failed)?;
    let mut reply = String::new();
    BufReader::new(&socket).read_line(&mut reply).map_err(failed)?;
    match serde_json::from_str(&reply) {
        Ok(Reply::Lines(lines)) => Ok(lines),
        Ok(Reply::Error(why)) => Err(format!("run {session}: {why}")),
        Err(_) => Err(format!("run {session}: it gave no answer")),
    }
}
