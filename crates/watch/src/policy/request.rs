//! What is asked of a policy that is in use, and answered: lines of JSON.

use super::Policy;
use super::edit::Edit;
use super::paths::Places;
use serde::{Deserialize, Serialize};

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// What is enforced, and how much is on the lists.
    Status,
    /// The entries of all lists, or of one.
    List {
        /// Such as `read.deny`.
        list: Option<String>,
    },
    /// Puts entries on a list.
    Add {
        /// Such as `read.deny`.
        list: String,
        /// Patterns or hosts.
        entries: Vec<String>,
    },
    /// Takes entries off.
    Remove {
        /// Such as `read.deny`.
        list: String,
        /// Patterns or hosts.
        entries: Vec<String>,
    },
    /// Makes a list of these alone.
    Replace {
        /// Such as `read.deny`.
        list: String,
        /// Patterns or hosts.
        entries: Vec<String>,
    },
    /// Reads the policy's files again.
    Reload,
}

/// What the run answers: lines to be shown, or why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// What was asked for.
    #[serde(rename = "lines")]
    Lines(Vec<String>),
    /// In one line.
    #[serde(rename = "error")]
    Error(String),
}

impl Request {
    /// Reads a line.
    ///
    /// # Errors
    /// In one line, where it is no request.
    pub fn parse(line: &str) -> Result<Self, String> {
        serde_json::from_str(line).map_err(|error| one_line(&format!("read the request: {error}")))
    }

    /// The list and the change, if it is one of those.
    pub fn edit(&self) -> Option<(&str, Edit)> {
        match self {
            Self::Add { list, entries } => Some((list, Edit::Add(entries.clone()))),
            Self::Remove { list, entries } => Some((list, Edit::Remove(entries.clone()))),
            Self::Replace { list, entries } => Some((list, Edit::Replace(entries.clone()))),
            Self::Status | Self::List { .. } | Self::Reload => None,
        }
    }
}

/// A text whose control characters are shown as they are written: a cause repeats what it was given.
fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_control() {
            true => out.extend(c.escape_default()),
            false => out.push(c),
        }
    }
    out
}

impl Policy {
    /// The policy with a list changed and its table made anew.
    ///
    /// # Errors
    /// In one line, when there is no such list, or the change is wrong; nothing is changed then.
    pub fn edited(&self, list: &str, edit: &Edit, places: &Places) -> Result<Self, String> {
        let mut policy = self.clone();
        policy.edit(list.parse()?, edit)?;
        policy.compile(places).map_err(|error| error.to_string())?;
        Ok(policy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Found by the fuzzer: an unknown act with a line feed in its name was told in two lines.
    #[test]
    fn what_is_no_request_is_refused_in_one_line() {
        let line = Request::parse("{\"act\":\"replacrepl,\\n{\"}").expect_err("no such act");
        assert!(line.contains("replacrepl,\\n{") && !line.contains('\n'), "{line}");
    }
}
