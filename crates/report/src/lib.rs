//! Records, their versioned JSON schema, and the sinks that write them.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod body;
pub mod clock;
pub mod database;
pub mod html;
pub mod jsonl;
pub mod output;
pub mod pretty;
mod queue;
pub mod record;
pub mod records;
#[cfg(test)]
mod samples;
pub mod schema;
pub mod sequence;
pub mod sink;
pub mod summary;
pub mod text;

pub use jsonl::Jsonl;
pub use output::Output;
pub use pretty::{Pretty, Style};
pub use record::{
    Alert, Answer, Body, Cause, ContentMatch, ContentSource, Coverage, Device, DeviceName, Dns, Entry,
    Evidence, FilterCounts, Hook, Http, HttpMessage, Ledger, Match, NetCall, NodeType, OpenMode, PathCall,
    PathInfo, PathSource, PolicyDeny, Probe, Proc, Record, SCHEMA_VERSION, Severity, Sought, State, Stdio,
    StdioMessage, Suggestion, TlsData, TlsDirection, TlsTarget, Verdict,
};
pub use sequence::Sequencer;
pub use sink::{End, Sink};
pub use summary::Summary;
