//! Putting loaded programs on their hooks, and taking them off again however this process ends.
//!
//! Each attachment is a guard: dropped, it detaches. Where the kernel has links (raw tracepoints, XDP, tcx) the guard
//! is the link's descriptor, so the kernel detaches with the last holder of it, `SIGKILL` included. A socket filter goes
//! with its socket. Only tc before 6.6 has nothing of the kind: there a small child process waits for the end of this
//! one and cleans up ([`Tc`]).
//!
//! # Privileges
//! `CAP_NET_ADMIN` beside those for loading; a socket filter needs none beyond its load.

mod clsact;
mod error;
mod guardian;
mod interface;
mod socket;
mod stale;
mod tally;
mod tc;
mod tracepoint;
mod uprobe;
mod xdp;

pub(crate) use clsact::Filter;
pub use error::AttachError;
pub use interface::Interface;
pub use socket::{SocketFilter, socket_target};
pub use tally::{Decided, Tallied, TallyError};
pub use tc::{Direction, Tc, TcTier};
pub use tracepoint::RawTracepoint;
pub use uprobe::{Places, UprobeTier, Uprobes};
pub use xdp::{Xdp, XdpMode};
