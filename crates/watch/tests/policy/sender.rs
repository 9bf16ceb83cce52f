//! The other side of the way `received_descriptor` of `tests/cases/c/evade.c`: who has a secret open, and hands it over.

use nix::sys::socket::{ControlMessage, MsgFlags, UnixAddr, sendmsg};
use std::fs::File;
use std::io::IoSlice;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixListener;
use std::path::Path;

/// Sends the descriptor of `folder/received_descriptor/denied/secret` to the first that connects to `open/socket` beside it.
pub(crate) fn start(folder: &Path) -> std::thread::JoinHandle<()> {
    let way = folder.join("received_descriptor");
    let listener = UnixListener::bind(way.join("open/socket")).expect("a socket");
    let secret = File::open(way.join("denied/secret")).expect("the secret");
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a connection");
        let (bytes, fds) = ([IoSlice::new(b"x")], [secret.as_raw_fd()]);
        let rights = [ControlMessage::ScmRights(&fds)];
        sendmsg::<UnixAddr>(stream.as_raw_fd(), &bytes, &rights, MsgFlags::empty(), None).expect("sent");
    })
}
