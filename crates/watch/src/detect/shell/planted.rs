//! Shell text that is put somewhere to be run later: `echo '* * * * * curl URL | sh' > x`, `jq '.scripts.postinstall = "curl URL | sh"'`.
//!
//! Arguments of any program are looked at from where a program is named in them that fetches or decodes. What is written into a
//! document, or looked for, is talk.

use super::calls;
use super::danger;
use super::parse;
use super::script::{Command, Script};

/// What texts begin with that are worth a look.
const BEGINNINGS: [&str; 14] = [
    "curl ",
    "wget ",
    "base64 -d",
    "base64 --decode",
    "bash -i",
    "sh -i",
    "mkfifo ",
    "python -c",
    "python3 -c",
    "echo ",
    "eval ",
    "xz -d",
    "zcat ",
    "gunzip ",
];
/// Programs that only look for texts, or tell people of them.
const TALKERS: [&str; 23] = [
    "grep",
    "egrep",
    "fgrep",
    "rg",
    "ag",
    "ack",
    "git",
    "gh",
    "glab",
    "hg",
    "svn",
    "man",
    "less",
    "tldr",
    "mail",
    "logger",
    "notify-send",
    "wall",
    "cowsay",
    "figlet",
    "diff",
    "kernscope",
    "claude",
];
/// Ends of names of files that people read.
const DOCUMENTS: [&str; 7] = [".md", ".rst", ".txt", ".adoc", ".html", ".tex", ".org"];
/// Bytes of an argument that are looked at, and of the text in it.
const MAX_BYTES: usize = 4 * 1024;
/// Shortest text that does something.
const SHORTEST_BYTES: usize = 12;
/// Texts of one script that are tried.
const MAX_TRIED: usize = 32;

/// Whether a text puts another one somewhere that fetches or decodes what it runs.
pub(super) fn plants(script: &Script) -> bool {
    let targets =
        script.commands.iter().flat_map(|command| command.redirects.iter().map(|(_, target)| &*target.text));
    let words = script.commands.iter().flat_map(Command::args);
    let is_document = |word: &str| DOCUMENTS.iter().any(|end| word.ends_with(end));
    if targets.chain(words).any(|word| is_document(word) && !word.ends_with("CMakeLists.txt")) {
        return false;
    }
    let commands = script.commands.iter().enumerate();
    let kept =
        commands.filter(|(index, command)| !TALKERS.contains(&command.name()) && is_kept(script, *index));
    let all = kept.flat_map(|(_, command)| {
        let inner = command.unwrapped();
        // What an interpreter is told is run, and put nowhere.
        let is_told = calls::is_code(inner.as_ref().unwrap_or(command).name());
        let texts = command.args().map(move |text| (text, is_told));
        texts.chain(command.input.as_deref().map(|text| (text, false)))
    });
    let mut tried = all.flat_map(|(text, is_told)| {
        beginnings(text).map(runs_what_it_brings).chain((!is_told).then(|| starts_shell(text)))
    });
    tried.by_ref().take(MAX_TRIED).any(|plants| plants)
}

/// Whether the arguments of a command go anywhere: what `echo` prints to a terminal does not.
fn is_kept(script: &Script, index: usize) -> bool {
    let command = &script.commands[index];
    if !matches!(command.name(), "echo" | "printf" | "cat") {
        return true;
    }
    let goes_on = script.commands.get(index + 1..).unwrap_or_default();
    let goes_on =
        goes_on.iter().any(|other| other.pipeline == command.pipeline && other.host == command.host);
    goes_on
        || command
            .redirects
            .iter()
            .any(|(op, target)| op.contains('>') && target.text != "2" && target.text != "/dev/null")
}

/// The texts in an argument that begin with a program that is worth a look.
fn beginnings(arg: &str) -> impl Iterator<Item = &str> {
    let worth = arg.len() >= SHORTEST_BYTES && arg.contains(['|', '&', '$', '<', ';']);
    let mut end = arg.len().min(MAX_BYTES);
    while !arg.is_char_boundary(end) {
        end -= 1;
    }
    let arg = &arg[..end];
    let starts = BEGINNINGS.iter().filter_map(move |beginning| arg.find(beginning).filter(|_| worth));
    starts.map(move |start| until_quote(arg, start))
}

/// Code of another language that starts a shell to type into: `os.execl('/bin/sh', ...)`.
fn starts_shell(arg: &str) -> bool {
    let coded = arg.len() >= SHORTEST_BYTES && arg.len() <= MAX_BYTES && arg.contains("sh");
    let quoted = |text: &String| {
        ["/bin/sh", "/bin/bash", "sh -i", "bash -i"].iter().any(|shell| text.starts_with(shell))
    };
    // `exec /bin/sh`, as a script of its own.
    let alone = matches!(
        arg.trim().trim_start_matches(['!', ' ']),
        "exec /bin/sh" | "exec /bin/bash" | "exec /bin/sh -p" | "exec /bin/bash -p"
    );
    let told = |text: &String| quoted(text) || runs_what_it_brings(text) || gives_away(text);
    let hands_out = arg.len() <= MAX_BYTES && arg.lines().any(|line| gives_away(line.trim()));
    alone
        || hands_out
        || coded && (is_value(arg) || is_interactive(arg) || calls::in_code(arg, false).iter().any(told))
}

/// `bash -i`, and nothing for it to run: somebody is to type into it.
fn is_interactive(text: &str) -> bool {
    text.match_indices("sh -i").any(|(at, found)| {
        let rest = text[at + found.len()..].trim_start_matches('p');
        let ends = rest.is_empty() || rest.starts_with(['"', '\'', '\n', '\\', ')', ';', '`', '<', '>', ']']);
        ends || rest.starts_with(" <")
            || rest.starts_with(" >")
            || rest.starts_with(" 2>")
            || rest.starts_with(" 1>")
    })
}

/// `nc -e sh HOST PORT`.
fn gives_away(text: &str) -> bool {
    let is_netcat = ["nc ", "ncat ", "netcat ", "busybox nc "].iter().any(|name| text.starts_with(name));
    is_netcat && [" -e ", " -c ", " --exec "].iter().any(|option| text.contains(option))
}

/// `"preinstall": "/bin/sh"`: what runs at an event is a shell to type into.
fn is_value(arg: &str) -> bool {
    let blocks = ["{\"/bin/sh", "{ \"/bin/sh", "{\"/bin/bash"];
    let in_block = blocks.iter().any(|block| arg.contains(block));
    in_block
        || ["\"/bin/sh\"", "\"/bin/bash\"", "\"/bin/sh -i", "\"/bin/bash -i"].iter().any(|value| {
            arg.match_indices(value).any(|(at, _)| {
                let before = arg[..at].trim_end();
                let key = before
                    .strip_suffix(':')
                    .and_then(|rest| rest.rsplit(['{', ',', '\n']).next())
                    .unwrap_or("shell");
                !key.to_ascii_lowercase().contains("shell")
            })
        })
}

fn runs_what_it_brings(text: &str) -> bool {
    let signs = danger::signs(&parse::parse(text));
    signs.iter().any(|sign| matches!(*sign, "runs-fetched" | "runs-decoded" | "dev-tcp" | "shell-on-network"))
}

/// The text from `start` on, up to the quote that it stands in.
fn until_quote(arg: &str, start: usize) -> &str {
    let text = &arg[start..];
    match arg[..start].chars().next_back() {
        Some(quote @ ('"' | '\'' | '`')) => text.split(quote).next().unwrap_or(text).trim_end_matches('\\'),
        _ => text,
    }
}
