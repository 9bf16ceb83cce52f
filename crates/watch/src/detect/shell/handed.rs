//! Texts that a text hands to another shell, or to an interpreter.

use super::evaluate;
use super::roles::{SHELLS, is_interpreter, runs_input};
use super::script::{Command, Script, Sep};

/// The texts that a command hands to a shell: `sh -c TEXT`, also behind `sudo`, `docker exec x`, `find -exec`; `ssh HOST TEXT`.
pub(super) fn shell_texts(command: &Command) -> impl Iterator<Item = &str> {
    let words: Vec<&str> = command.words.iter().map(|word| &*word.text).collect();
    let from = super::wrapper::inner_at(&words).unwrap_or(0);
    let words: Vec<&str> = words[from..].to_vec();
    let name = |word: &str| word.rsplit('/').next().unwrap_or(word).to_owned();
    let is_shell = |at: usize| SHELLS.contains(&&*name(words[at])) || words[at] == "su";
    let takes_text = |word: &str| word.starts_with('-') && !word.starts_with("--") && word.ends_with('c');
    let shell = (0..words.len().saturating_sub(2)).find(|at| is_shell(*at) && takes_text(words[at + 1]));
    let first = words.first().map(|first| name(first)).unwrap_or_default();
    let direct = SHELLS.contains(&&*first) || matches!(&*first, "su" | "script");
    let own =
        direct.then(|| words.iter().skip(1).position(|word| takes_text(word)).map(|at| at + 2)).flatten();
    let remote =
        (first == "ssh" && words.len() > 2).then(|| words.len() - 1).filter(|at| words[*at].contains(' '));
    let at = own.or(shell.map(|at| at + 2)).or(remote);
    at.and_then(|at| command.words.get(at + from)).map(|word| &*word.text).into_iter()
}

/// Texts that the text runs and that can be told without running it: `sh -c TEXT`, `eval TEXT`, `echo B64 | base64 -d | sh`.
pub(super) fn inner(script: &Script) -> Vec<String> {
    let mut texts = Vec::new();
    for (index, command) in script.commands.iter().enumerate() {
        if command.name() == "eval" {
            texts.push(command.args().collect::<Vec<_>>().join(" "));
        }
        texts.extend(shell_texts(command).map(str::to_owned));
        if SHELLS.contains(&command.name()) {
            texts.extend(command.input.clone());
        }
        if runs_input(command) && !is_interpreter(command) {
            texts.extend(piped(script, index));
        }
    }
    texts.retain(|text| !text.trim().is_empty());
    texts
}

/// What interpreters of other languages, and editors, are given to read, behind their names: rules look there as well.
pub(super) fn fed(script: &Script) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, command) in script.commands.iter().enumerate() {
        let inner = command.unwrapped();
        let own = inner.as_ref().unwrap_or(command);
        let takes = is_interpreter(own)
            || matches!(
                own.name(),
                "ed" | "m4"
                    | "wish"
                    | "jjs"
                    | "jrunscript"
                    | "gdb"
                    | "at"
                    | "crontab"
                    | "chpasswd"
                    | "passwd"
            );
        let text = command.input.clone().filter(|_| takes);
        let text = text.or_else(|| takes.then(|| piped(script, index)).flatten());
        lines.extend(text.map(|text| format!("{} <<< {text}", own.line())));
    }
    lines
}

/// `echo x | tee FILE` as what it does: `echo x > FILE`.
pub(super) fn teed(script: &Script) -> Vec<String> {
    let mut lines = Vec::new();
    for pair in script.commands.windows(2) {
        let [prints, tees] = pair else { continue };
        let is_pipe = prints.pipeline == tees.pipeline && prints.host == tees.host;
        if !is_pipe || tees.before != Sep::Pipe || !matches!(prints.name(), "echo" | "printf") {
            continue;
        }
        let inner = tees.unwrapped();
        let tees = inner.as_ref().unwrap_or(tees);
        let op = if tees.args().any(|arg| arg == "-a" || arg == "--append") { ">>" } else { ">" };
        let files = tees.args().filter(|arg| !arg.starts_with('-') && tees.name() == "tee");
        lines.extend(files.map(|file| format!("{} {op} {file}", prints.line())));
    }
    lines
}

/// What is piped into a command, where the text alone tells.
fn piped(script: &Script, index: usize) -> Option<String> {
    let command = &script.commands[index];
    let mut data = None;
    for stage in script.commands[..index]
        .iter()
        .filter(|other| other.pipeline == command.pipeline && other.host == command.host)
    {
        data = Some(evaluate::stage(stage, data.take())?);
    }
    String::from_utf8(data?).ok()
}
