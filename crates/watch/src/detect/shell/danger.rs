//! Shapes that run what was fetched, decoded or hidden, whoever wrote them.

use super::evaluate;
use super::handed::shell_texts;
use super::landed::{
    copied_into, decoded_into, downloads_and_runs, downloads_packages, fetched_by_code, outputs,
    runs_from_bare_address,
};
use super::roles::{FETCHERS, INTERPRETERS, SHELLS, decodes, fetches, runs_input};
use super::script::{Command, Script, Sep, Word};

/// Those that carry what a shell prints.
const CARRIERS: [&str; 9] =
    ["nc", "ncat", "netcat", "nc.traditional", "nc.openbsd", "telnet", "socat", "openssl", "curl"];

/// `</dev/tcp/localhost/80` by itself tells whether somebody listens.
fn is_probe(command: &Command) -> bool {
    let local = |text: &str| {
        ["localhost/", "127.0.0.1/", "::1/"]
            .iter()
            .any(|host| text.strip_prefix("/dev/tcp/").is_some_and(|rest| rest.starts_with(host)))
    };
    let [(op, target)] = &command.redirects[..] else { return false };
    command.words.is_empty() && op == "<" && local(&target.text)
}

/// The signs of a text: what is fetched, or decoded, and run.
pub(super) fn signs(script: &Script) -> Vec<&'static str> {
    let mut signs = Vec::new();
    let all = &script.commands;
    let brought = super::brought::Brought::new(script);
    for (index, command) in all.iter().enumerate() {
        if brought.is_run(script, index) {
            signs.push("runs-fetched");
        }
        if brought.is_decoded_run(command) {
            signs.push("runs-decoded");
        }
        if brought.is_typed_run(command) {
            signs.push("hidden-command");
        }
        let goes_out = all.get(index + 1..).unwrap_or_default().iter().any(|other| {
            other.pipeline == command.pipeline
                && other.host == command.host
                && CARRIERS.contains(&other.name())
        });
        if goes_out && runs_input(command) && SHELLS.contains(&command.name()) {
            signs.push("shell-on-network");
        }
        let piped = all[..index]
            .iter()
            .filter(|other| other.pipeline == command.pipeline && other.host == command.host);
        let inside = all.iter().filter(|other| other.host == Some(index));
        let is_run = runs_input(command) && command.before == Sep::Pipe;
        let is_fed = runs_input(command) && command.input.is_some();
        let words_run = matches!(command.name(), "eval" | "source" | ".")
            || is_shell_text(command)
            || substituted_name(command);
        let sources: Vec<&Command> = match (is_run, is_fed || words_run || runs_files(command)) {
            (true, _) => piped.collect(),
            (_, true) => inside.collect(),
            _ => Vec::new(),
        };
        if sources.iter().any(|source| fetches(source)) {
            signs.push("runs-fetched");
        }
        let only_variable = |source: &&Command| {
            let [_, word] = &source.words[..] else { return false };
            word.vars.len() == 1 && word.text.contains(' ') && matches!(source.name(), "echo" | "printf")
        };
        if is_run
            && SHELLS.contains(&command.name())
            && sources.len() == 1
            && sources.iter().all(only_variable)
        {
            signs.push("hidden-command");
        }
        if sources.iter().any(|source| decodes(source)) || (is_run && is_put_together(&sources)) {
            signs.push("runs-decoded");
        }
        let written = |text: &str| text.contains("/dev/tcp/") || text.contains("/dev/udp/");
        if command.redirects.iter().any(|(_, target)| written(&target.text)) && !is_probe(command)
            || command.args().any(written) && !runs_text(command) && command.name() != "grep"
        {
            signs.push("dev-tcp");
        }
        // `echo id | $0`: the shell itself, not named.
        let unnamed = command.words.len() == 1 && command.words[0].vars == ["0"];
        if unnamed && (command.before == Sep::Pipe || command.input.is_some()) {
            signs.push("hidden-command");
        }
        // An argument may be written oddly for good reason; a program's name may not.
        if command.words.first().is_some_and(|word| word.hidden && !word.text.is_empty() || is_masked(word))
            || is_split_anew(script, command)
        {
            signs.push("hidden-command");
        }
    }
    if downloads_and_runs(script, |command| {
        if FETCHERS.contains(&command.name()) || downloads_packages(command) {
            outputs(command)
        } else if INTERPRETERS.contains(&command.name()) {
            fetched_by_code(command)
        } else {
            Vec::new()
        }
    }) {
        signs.push("runs-fetched");
    }
    if runs_from_bare_address(script) {
        signs.push("runs-fetched");
    }
    if downloads_and_runs(script, decoded_into) {
        signs.push("runs-decoded");
    }
    if downloads_and_runs(script, copied_into) {
        signs.push("runs-copied");
    }
    signs.sort_unstable();
    signs.dedup();
    signs
}

/// `/usr/bin/p?ng`, `nma?`: nobody leaves it to the shell which program that is.
fn is_masked(word: &Word) -> bool {
    let name = word.text.rsplit('/').next().unwrap_or_default();
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"?*[]".contains(&byte));
    let letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let amid = letter(name.as_bytes().first()) && letter(name.as_bytes().last()) && name.contains(['*', '[']);
    !word.quoted && plain && (name.contains('?') || amid) && name.len() > 2
}

/// `IFS=];b=cat]/etc/passwd;$b`: a variable is run that falls apart at another character than a space.
fn is_split_anew(script: &Script, command: &Command) -> bool {
    let Some(first) = command.words.first().filter(|first| first.vars.len() == 1 && !first.quoted) else {
        return false;
    };
    let marks =
        script.commands.iter().filter(|other| other.words.is_empty()).flat_map(|other| &other.assigns);
    let mut marks = marks.filter(|(name, value)| name == "IFS" && value.len() == 1);
    marks.any(|(_, value)| first.text.contains(value.as_str()) && value != "/")
}

/// Whether a pipe prints a text and changes it, so that what comes out was known to whoever wrote it.
fn is_put_together(sources: &[&Command]) -> bool {
    let mut data = None;
    for source in sources {
        data = match evaluate::stage(source, data) {
            Some(data) => Some(data),
            None => return false,
        };
    }
    sources.len() > 1
        && sources.iter().any(|source| !matches!(source.name(), "echo" | "printf" | "cat" | "tee"))
}

/// A text that is read in turn stands among its arguments.
fn runs_text(command: &Command) -> bool {
    shell_texts(command).next().is_some()
}

/// `bash <(curl ...)`, `sh -c "$(curl ...)"`.
fn is_shell_text(command: &Command) -> bool {
    let inner = command.unwrapped();
    let command = inner.as_ref().unwrap_or(command);
    SHELLS.contains(&command.name()) && command.args().any(|arg| arg.starts_with('-') && arg.ends_with('c'))
}

fn runs_files(command: &Command) -> bool {
    let inner = command.unwrapped();
    let command = inner.as_ref().unwrap_or(command);
    let name = command.name();
    (SHELLS.contains(&name) || INTERPRETERS.contains(&name)) && command.args().any(|arg| arg == "/dev/fd/63")
}

/// `$(echo aWQ= | base64 -d)` in the place of a command.
fn substituted_name(command: &Command) -> bool {
    command.words.first().is_some_and(|word| word.substitutes && !word.quoted)
}
