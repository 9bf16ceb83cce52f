//! Conditions on the headers of packets: read, judged in plain Rust, and compiled.
//!
//! ```
//! use kernscope_kit::compile::packet::{Expr, Frame};
//!
//! let expr: Expr = "udp and dst port 53".parse()?;
//! let mut bytes = [0; 60];
//! bytes[12..14].copy_from_slice(&[8, 0]); // IPv4
//! bytes[14] = 0x45; // version 4, 20 bytes of header
//! bytes[23] = 17; // UDP
//! bytes[37] = 53; // destination port
//! assert!(Frame::new(&bytes).matches(&expr));
//! assert_eq!(expr.to_string(), "proto 17 and dst port 53");
//! # Ok::<(), kernscope_kit::compile::packet::ParseError>(())
//! ```

mod emit;
mod expr;
mod headers;
mod joined;
mod judge;
mod lex;
mod names;
mod needs;
mod parse;
#[cfg(test)]
mod tests;
mod walk;

pub(super) use emit::emit;
pub use expr::{Expr, Layer, Relation, Scope, Side, Tag, Test, Transport, Version};
pub use headers::{Frame, MAX_EXTENSIONS, MAX_TAGS};
pub use parse::ParseError;

impl std::str::FromStr for Expr {
    type Err = ParseError;

    /// Reads the language of `docs/FILTERS.md`, which is close to tcpdump's.
    fn from_str(text: &str) -> Result<Expr, ParseError> {
        parse::parse(text)
    }
}

impl std::str::FromStr for super::Filter {
    type Err = ParseError;

    /// Reads a condition on headers, on content, or on both: `udp and dst port 53 and content "evil"`.
    fn from_str(text: &str) -> Result<super::Filter, ParseError> {
        parse::parse_filter(text)
    }
}
