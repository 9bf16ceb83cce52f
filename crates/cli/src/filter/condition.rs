//! What a filter looks for, as the command line says it.

use crate::failure::Failure;
use clap::Args;
use kernscope_kit::compile::{Content, Filter, Regex};
use std::sync::Arc;

/// Conditions; a packet meets them when it meets any.
#[derive(Debug, Args)]
pub(super) struct ConditionArgs {
    /// Match what contains these bytes; several: any of them
    #[arg(long, value_name = "TEXT")]
    literal: Vec<String>,
    /// Match what this regular expression matches, over bytes; several: any of them
    #[arg(long, value_name = "EXPRESSION")]
    regex: Vec<String>,
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
        Ok(Filter::content(match any.len() {
            1 => any.remove(0),
            _ => Content::Any(any),
        }))
    }
}
