//! Shapes that run what was fetched, decoded or hidden, whoever wrote them.

use super::evaluate;
use super::script::{Command, Script};

const SHELLS: [&str; 9] = ["sh", "bash", "dash", "zsh", "ksh", "ash", "mksh", "fish", "busybox"];
const INTERPRETERS: [&str; 8] = ["python", "python2", "python3", "perl", "ruby", "php", "node", "lua"];
const FETCHERS: [&str; 12] = [
    "curl",
    "wget",
    "fetch",
    "lwp-download",
    "lynx",
    "aria2c",
    "nc",
    "ncat",
    "netcat",
    "socat",
    "ftp",
    "tftp",
];

/// Whether a program fetches something from the network.
pub(super) fn fetches(command: &Command) -> bool {
    FETCHERS.contains(&command.name())
        || command.redirects.iter().any(|(_, target)| target.text.starts_with("/dev/tcp/"))
}

/// Whether a command is a shell, or an interpreter, that runs what it reads.
pub(super) fn runs_input(command: &Command) -> bool {
    let words: Vec<&str> = command.words.iter().map(|word| &*word.text).collect();
    let name = |word: &&str| word.rsplit('/').next().unwrap_or(word).to_owned();
    let skip = words.iter().take_while(|word| {
        ["sudo", "env", "nohup", "exec", "command", "nice", "time"].contains(&&*name(word))
    });
    let words = &words[skip.count()..];
    let Some((first, args)) = words.split_first() else { return false };
    let program = name(first);
    let reads = args.iter().all(|arg| {
        arg.starts_with('-')
            && *arg != "-c"
            && *arg != "-e"
            && !arg.contains("version")
            && *arg != "-V"
            && *arg != "-h"
            && *arg != "--help"
    }) || args.first().is_some_and(|arg| matches!(*arg, "-s" | "-" | "/dev/stdin"));
    match program.as_str() {
        "busybox" => args.first().is_some_and(|arg| matches!(*arg, "sh" | "ash")) && args.len() == 1,
        "xargs" => args.iter().any(|arg| SHELLS.contains(&&*name(arg))) && args.contains(&"-c"),
        "source" | "." => args.first().is_some_and(|arg| *arg == "/dev/stdin"),
        program => (SHELLS.contains(&program) || INTERPRETERS.contains(&program)) && reads,
    }
}

/// Whether a command decodes what it reads.
fn decodes(command: &Command) -> bool {
    let has = |wanted: &[&str]| command.args().any(|arg| wanted.contains(&arg));
    match command.name() {
        "base64" | "base32" | "uudecode" | "base58" => {
            has(&["-d", "-D", "--decode", "-di", "-id"]) || command.name() == "uudecode"
        }
        "openssl" => has(&["-d"]),
        "xxd" => command.args().any(|arg| arg.starts_with("-r")),
        "rev" | "rot13" | "gpg" => true,
        "tr" => command.words.len() >= 3 && !has(&["-d", "-s"]),
        "printf" => {
            command.args().any(|arg| arg.contains("\\x") || arg.contains("\\1") || arg.contains("\\0"))
        }
        "echo" => command.args().any(|arg| arg.contains("\\x") || arg.contains("\\0")),
        _ => false,
    }
}

/// The signs of a text: what is fetched, or decoded, and run.
pub(super) fn signs(script: &Script) -> Vec<&'static str> {
    let mut signs = Vec::new();
    let all = &script.commands;
    for (index, command) in all.iter().enumerate() {
        let piped = all[..index]
            .iter()
            .filter(|other| other.pipeline == command.pipeline && other.host == command.host);
        let inside = all.iter().filter(|other| other.host == Some(index));
        let is_run = runs_input(command) && command.before == super::script::Sep::Pipe;
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
        if sources.iter().any(|source| decodes(source)) {
            signs.push("runs-decoded");
        }
        let written = |text: &str| text.contains("/dev/tcp/") || text.contains("/dev/udp/");
        if command.redirects.iter().any(|(_, target)| written(&target.text))
            || command.args().any(written) && command.name() != "grep"
        {
            signs.push("dev-tcp");
        }
        // An argument may be written oddly for good reason; a program's name may not.
        if command.words.first().is_some_and(|word| word.hidden && !word.text.is_empty()) {
            signs.push("hidden-command");
        }
    }
    if downloads_and_runs(script) {
        signs.push("runs-fetched");
    }
    signs.sort_unstable();
    signs.dedup();
    signs
}

/// `bash <(curl ...)`, `sh -c "$(curl ...)"`.
fn is_shell_text(command: &Command) -> bool {
    SHELLS.contains(&command.name()) && command.args().any(|arg| arg.starts_with('-') && arg.ends_with('c'))
}

fn runs_files(command: &Command) -> bool {
    let name = command.name();
    (SHELLS.contains(&name) || INTERPRETERS.contains(&name)) && command.args().any(|arg| arg == "/dev/fd/63")
}

/// `$(echo aWQ= | base64 -d)` in the place of a command.
fn substituted_name(command: &Command) -> bool {
    command.words.first().is_some_and(|word| word.substitutes && !word.quoted)
}

/// `curl -o x URL; sh x`, `wget URL/x && chmod +x x && ./x`.
fn downloads_and_runs(script: &Script) -> bool {
    let mut files: Vec<String> = Vec::new();
    for command in script.top() {
        let first = command.words.first().map_or("", |word| &*word.text);
        let runs = |file: &str| files.iter().any(|known| same_file(known, file));
        let is_shell = SHELLS.contains(&command.name())
            || INTERPRETERS.contains(&command.name())
            || matches!(command.name(), "." | "source");
        if (first.contains('/') && runs(first)) || (is_shell && command.args().any(runs)) {
            return true;
        }
        if matches!(
            command.name(),
            "curl" | "wget" | "fetch" | "aria2c" | "nc" | "ncat" | "tftp" | "ftp" | "scp"
        ) {
            files.extend(outputs(command));
        }
    }
    false
}

/// The files that a fetcher writes.
fn outputs(command: &Command) -> Vec<String> {
    let args: Vec<&str> = command.args().collect();
    let mut files: Vec<String> = command.redirects.iter().map(|(_, target)| target.text.clone()).collect();
    for (at, arg) in args.iter().enumerate() {
        let takes_next = (arg.starts_with('-') && !arg.starts_with("--") && arg.ends_with(['o', 'O']))
            || matches!(*arg, "--output" | "--output-document");
        if takes_next && let Some(next) = args.get(at + 1) {
            files.push((*next).to_owned());
        }
        let path = arg.split(['?', '#']).next().unwrap_or(arg);
        if path.contains('/')
            && !arg.starts_with('-')
            && let Some(last) = path.rsplit('/').next().filter(|last| !last.is_empty())
        {
            files.push(last.to_owned());
        }
    }
    files.retain(|file| !file.starts_with('-') && file != "/dev/null" && !file.starts_with('&'));
    files
}

fn same_file(known: &str, file: &str) -> bool {
    let plain = |text: &str| text.trim_start_matches("./").to_owned();
    plain(known) == plain(file)
}

/// Texts that the text runs and that can be told without running it: `sh -c TEXT`, `eval TEXT`, `echo B64 | base64 -d | sh`.
pub(super) fn inner(script: &Script) -> Vec<String> {
    let mut texts = Vec::new();
    for (index, command) in script.commands.iter().enumerate() {
        let args: Vec<&str> = command.args().collect();
        match command.name() {
            "eval" => texts.push(args.join(" ")),
            "bash" | "sh" | "dash" | "zsh" | "ksh" | "ash" => {
                let text = args
                    .iter()
                    .position(|arg| arg.starts_with('-') && arg.ends_with('c'))
                    .and_then(|at| args.get(at + 1));
                texts.extend(text.map(|text| (*text).to_owned()));
                texts.extend(command.input.clone());
            }
            _ => {}
        }
        if runs_input(command) {
            let stages = script.commands[..index]
                .iter()
                .filter(|other| other.pipeline == command.pipeline && other.host == command.host);
            let mut data = None;
            let known = stages.into_iter().all(|stage| {
                data = evaluate::stage(stage, data.take());
                data.is_some()
            });
            texts.extend(data.filter(|_| known).and_then(|data| String::from_utf8(data).ok()));
        }
    }
    texts.retain(|text| !text.trim().is_empty());
    texts
}
