//! What a filter looks for, as the command line says it.

use crate::failure::Failure;
use crate::rules;
use clap::Args;
use kernscope_kit::compile::{Content, Filter, Regex, parse_thresholds};
use std::path::PathBuf;
use std::sync::Arc;

/// Conditions on content, of which a packet must meet any, and one on headers, which it must meet as well.
#[derive(Debug, Args)]
pub(super) struct ConditionArgs {
    /// Match only packets like this: `udp and dst port 53`, in words close to tcpdump's; `content "evil"` may follow
    #[arg(long, value_name = "EXPRESSION")]
    packet: Option<String>,
    /// Match what contains these bytes; several: any of them
    #[arg(long, value_name = "TEXT")]
    literal: Vec<String>,
    /// Match what this regular expression matches, over bytes; several: any of them
    #[arg(long, value_name = "EXPRESSION")]
    regex: Vec<String>,
    /// Match what has some window of bytes with each of these at least that often: `a>=3,b>=1;window=64`
    #[arg(long, value_name = "COUNTS")]
    bytes: Vec<String>,
    /// Match what any rule of this file could match: kernscope's TOML, or gitleaks'
    #[arg(long, value_name = "FILE")]
    rules: Vec<PathBuf>,
    /// The case of ASCII letters in literals does not matter
    #[arg(short, long)]
    ignore_case: bool,
}

impl ConditionArgs {
    /// What is asked for.
    pub(super) fn filter(&self) -> Result<Filter, Failure> {
        let fold = self.ignore_case;
        let mut any = Vec::new();
        match &self.literal[..] {
            [] => {}
            [one] => any.push(Content::Literal { bytes: one.clone().into_bytes(), fold }),
            list => {
                let list = list.iter().map(|text| text.clone().into_bytes()).collect();
                any.push(Content::Literals { list, fold });
            }
        }
        for pattern in &self.regex {
            any.push(Content::Regex(Arc::new(Regex::new(pattern).map_err(Failure::usage)?)));
        }
        for counts in &self.bytes {
            any.push(parse_thresholds(counts).map_err(Failure::usage)?);
        }
        for path in &self.rules {
            any.push(rules::read(path, true)?.conditions().content());
        }
        let content = match any.len() {
            0 => None,
            1 => Some(any.remove(0)),
            _ => Some(Content::Any(any)),
        };
        let Some(packet) = &self.packet else {
            return Ok(Filter { packet: None, content: Some(content.unwrap_or(Content::Any(Vec::new()))) });
        };
        let mut filter: Filter = packet.parse().map_err(Failure::usage)?;
        filter.content = match (filter.content, content) {
            (Some(one), Some(other)) => Some(Content::All(vec![one, other])),
            (one, other) => one.or(other),
        };
        Ok(filter)
    }

    /// Whether rules are asked for, whose condition is wider than they are.
    pub(super) fn has_rules(&self) -> bool {
        !self.rules.is_empty()
    }
}
