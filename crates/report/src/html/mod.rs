//! A run as one page for people: a file that needs nothing beside it, and asks for nothing.
//!
//! The page is plain HTML, CSS and JavaScript, embedded here as they stand in the sources. Records are in it as lines of JSON,
//! compressed, in base64: whatever a file name or an argument holds, it is no markup, and a hundred thousand records are a few
//! megabytes. The policy in its head forbids every request, and every script and style but its own two, by their digests.
//!
//! A thread of its own writes the page while the run goes on ([`Report`]), into a file beside the wanted one that takes its place
//! when the page is whole.

mod base64;
mod lines;
mod page;
mod report;

pub use lines::{About, RECORDS_MAX};
pub use report::Report;

#[cfg(test)]
mod tests;
