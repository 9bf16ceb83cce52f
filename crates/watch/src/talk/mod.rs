//! What programs say to each other: bytes of a connection in the order in which they went, and what they mean.
//!
//! Nothing here knows of events or records. What comes is written by strangers: everything is bounded, and garbage is
//! an answer, not a panic.

pub mod dns;
pub mod http;
pub(crate) mod judges;
pub(crate) mod window;
