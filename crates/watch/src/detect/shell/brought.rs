//! What was brought from elsewhere goes through variables before it is run: `c=$(curl URL); eval "$c"`, `curl URL | while read c; do $c`.

use super::roles::{decodes, fetches};
use super::script::{Command, Script};

/// Variables of a text that hold what was fetched, or decoded.
#[derive(Debug, Default)]
pub(super) struct Brought {
    fetched: Vec<String>,
    decoded: Vec<String>,
    /// Somebody types them.
    typed: Vec<String>,
    /// From this command on, what `read` has read came from the network.
    reads_from: Option<usize>,
}

impl Brought {
    pub(super) fn new(script: &Script) -> Self {
        let mut brought = Self::default();
        for (index, command) in script.commands.iter().enumerate() {
            let inside = || script.commands.iter().filter(|other| other.host == Some(index));
            let names = command.assigns.iter().map(|(name, _)| name.clone());
            if inside().any(fetches) || holds(&brought.fetched, &command.assigned_vars) {
                brought.fetched.extend(names.clone());
            }
            if inside().any(decodes) || holds(&brought.decoded, &command.assigned_vars) {
                brought.decoded.extend(names);
            }
            let piped = || {
                let before = script.commands[..index].iter();
                before.filter(|other| other.pipeline == command.pipeline && other.host == command.host)
            };
            let from_file =
                command.redirects.iter().any(|(op, _)| op.contains('<')) || command.input.is_some();
            if command.name() == "read" && !script.compound && !from_file && piped().next().is_none() {
                brought.typed.extend(command.args().filter(|arg| !arg.starts_with('-')).map(str::to_owned));
            }
            if command.name() == "read" && piped().any(fetches) {
                brought.reads_from.get_or_insert(index);
                brought.fetched.extend(command.args().filter(|arg| !arg.starts_with('-')).map(str::to_owned));
            }
        }
        brought
    }

    /// Whether this command runs something that was fetched.
    pub(super) fn is_run(&self, script: &Script, index: usize) -> bool {
        let command = &script.commands[index];
        let later = self.reads_from.is_none_or(|from| index > from) || !self.fetched.is_empty();
        later && runs_variable(command, &self.fetched)
    }

    /// Whether this command is whatever somebody types.
    pub(super) fn is_typed_run(&self, command: &Command) -> bool {
        runs_variable(command, &self.typed)
    }

    /// Whether this command runs something that was decoded.
    pub(super) fn is_decoded_run(&self, command: &Command) -> bool {
        runs_variable(command, &self.decoded)
    }
}

fn holds(known: &[String], names: &[String]) -> bool {
    names.iter().any(|name| known.contains(name))
}

/// `$c`, `eval "$c"`, `sh -c "$c"`, with one of these variables.
fn runs_variable(command: &Command, known: &[String]) -> bool {
    let inner = command.unwrapped();
    let command = inner.as_ref().unwrap_or(command);
    let Some(first) = command.words.first() else { return false };
    let shell = matches!(command.name(), "sh" | "bash" | "dash" | "zsh" | "ksh" | "ash")
        && command.args().any(|arg| arg.starts_with('-') && arg.ends_with('c'));
    let runs_words = shell || matches!(command.name(), "eval" | "source" | ".");
    holds(known, &first.vars) && !first.text.contains('/')
        || runs_words && command.words.iter().any(|word| holds(known, &word.vars))
}
