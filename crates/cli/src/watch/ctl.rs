//! `kernscope watch ctl`: asks a run, and changes its policy.

use super::control::ask;
use crate::failure::{Failure, Outcome};
use crate::stream::print;
use clap::{Args, Subcommand};
use kernscope_watch::policy::request::Request;
use std::path::PathBuf;

/// Commands below `watch`.
#[derive(Debug, Subcommand)]
pub(crate) enum WatchAction {
    Ctl(CtlArgs),
}

/// Ask a run that has a policy, and change its lists while it goes on
///
/// A run with --policy says its number at the start. What is changed holds at once, in the kernel where that enforces the
/// policy; the files of the policy stay as they are.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kernscope watch ctl 4711 status
  kernscope watch ctl 4711 add read.deny '~/.netrc' '*.kdbx'
  kernscope watch ctl 4711 replace connect.allow hosts.txt

Lists: read, write, exec and connect, each with .deny, .allow and .except.
Status: 0, or 2 when there is no such run or it refuses.")]
pub(crate) struct CtlArgs {
    /// The run's process id, or the path of its socket
    #[arg(value_name = "SESSION")]
    session: String,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show what is enforced, by what, and how long the lists are
    #[command(after_help = "Example: kernscope watch ctl 4711 status")]
    Status,
    /// Show the entries of all lists, or of LIST
    #[command(after_help = "Example: kernscope watch ctl 4711 list connect.deny")]
    List {
        /// Such as read.deny
        list: Option<String>,
    },
    /// Put entries on a list
    #[command(after_help = "Example: kernscope watch ctl 4711 add read.deny '~/.netrc' '*.kdbx'")]
    Add {
        /// Such as read.deny
        list: String,
        /// Patterns or hosts (docs/POLICY.md)
        #[arg(required = true)]
        entries: Vec<String>,
    },
    /// Take entries off a list
    #[command(after_help = "Example: kernscope watch ctl 4711 remove read.deny '*.kdbx'")]
    Remove {
        /// Such as read.deny
        list: String,
        /// As they are on the list
        #[arg(required = true)]
        entries: Vec<String>,
    },
    /// Make a list of the lines of FILE alone
    #[command(after_help = "Example: kernscope watch ctl 4711 replace connect.allow hosts.txt")]
    Replace {
        /// Such as read.deny
        list: String,
        /// An entry a line; `#` begins a comment
        file: PathBuf,
    },
    /// Read the policy's files again, as SIGHUP does
    #[command(after_help = "Example: kernscope watch ctl 4711 reload")]
    Reload,
}

pub(crate) fn run(action: WatchAction) -> Outcome {
    let WatchAction::Ctl(CtlArgs { session, action }) = action;
    let request = match action {
        Action::Status => Request::Status,
        Action::List { list } => Request::List { list },
        Action::Add { list, entries } => Request::Add { list, entries },
        Action::Remove { list, entries } => Request::Remove { list, entries },
        Action::Replace { list, file } => {
            let text = kernscope_sieve::text_file::read(&file)
                .map_err(|cause| Failure::usage(format_args!("read list {}: {cause}", file.display())))?;
            let entries = kernscope_watch::policy::lines(&text).collect();
            Request::Replace { list, entries }
        }
        Action::Reload => Request::Reload,
    };
    let lines = ask(&session, &request).map_err(|why| Failure::usage(format_args!("watch ctl: {why}")))?;
    let mut text = lines.join("\n");
    if !text.is_empty() {
        text.push('\n');
    }
    print(text.as_bytes())
}
