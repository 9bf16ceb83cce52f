//! Scans files, trees, streams and what is in them with the rules of [`kernscope_sieve`].
//!
//! [`scan`] walks what it is given, looks at every file on as many threads as asked for, and hands over what each held, in
//! the order of the walk. Nothing is left out without a word: every file is scanned, set aside for a reason, or lost for
//! a reason, and [`Tally`] counts which.
//!
//! Memory: a thread holds one [`BUFFER_BYTES`] of a file. In archives it also holds the windows of decoders, less than
//! twice [`Limits::window_bytes`] together, and zips within archives, [`Limits::held_bytes`] together. Findings wait for
//! their turn at most [`AHEAD_MOST`] files long. Files are read, not mapped: one that another process cuts short
//! while it is scanned is then a short file, not a dead scanner.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod access;
mod archive;
pub mod baseline;
mod blob;
mod data;
mod desk;
mod dig;
mod file;
mod filesystem;
mod fingerprint;
mod found;
mod history;
mod holes;
mod name;
mod options;
mod patient;
mod pool;
mod queue;
mod tally;
mod utf16;
mod walk;

pub use access::{Access, User, Watched};
pub use archive::Limits;
pub use data::scan_data;
pub use desk::BUFFER_BYTES;
pub use fingerprint::Fingerprints;
pub use found::Found;
pub use kernscope_sieve::redact::redact;
pub use options::Options;
pub use pool::{AHEAD_MOST, Progress, scan};
pub use tally::{Outcome, Tally, Trouble};
