//! Work that the kernel does, where it will.
//!
//! What userspace answers stays what counts: the kernel only puts aside what cannot match. So where it does not help,
//! nothing is lost but time, and that it does not is an answer ([`Offload::None`]), not an error.
//!
//! ```
//! use kernscope_kit::compile::Content;
//! use kernscope_sieve::offload::{Offload, SocketSieve};
//!
//! let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
//! match SocketSieve::attach(&socket, &Content::literal("BEGIN RSA PRIVATE KEY")) {
//!     Offload::Kernel(sieve) => println!("spared so far: {}", sieve.counts()?.dropped),
//!     Offload::None(why) => println!("every datagram is read: {why}"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `docs/OFFLOAD.md` says when it pays.

mod socket;

pub use socket::{SocketSieve, UpdateError};

/// Whether the kernel does it.
#[derive(Debug)]
pub enum Offload<T> {
    /// It does, as long as this lives.
    Kernel(T),
    /// It does not, and why, in one line.
    None(String),
}

impl<T> Offload<T> {
    /// What does it, if the kernel does.
    pub fn kernel(self) -> Option<T> {
        match self {
            Self::Kernel(offload) => Some(offload),
            Self::None(_) => None,
        }
    }

    /// Why the kernel does not.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Kernel(_) => None,
            Self::None(why) => Some(why),
        }
    }
}
