//! Records, their versioned JSON schema, and the sinks that write them.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod record;
pub mod text;

pub use record::{
    Body, Coverage, Entry, Hook, Ledger, NetCall, OpenMode, PathCall, PathInfo, PathSource, Proc, Record,
    SCHEMA_VERSION, State,
};
