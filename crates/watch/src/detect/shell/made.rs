//! A program that the text has made, given to another to start: `echo id > /tmp/x; chmod +x /tmp/x; tcpdump -z /tmp/x`.
//!
//! Which option starts a file need not be known: nobody makes a file in a place for temporary ones executable to have another program
//! read it.

use super::roles;
use super::script::{Command, Script};

/// Where everybody can write.
const OPEN_PLACES: [&str; 3] = ["/tmp/", "/var/tmp/", "/dev/shm/"];
/// Programs that run files by design, and more that carry them about.
const HONEST: &str =
    "sh bash dash zsh ksh ash fish source . eval exec truncate curl wget gzip gunzip trap mktemp dd";

/// Whether a file that this text makes executable, where everybody can write, is given to a program that is not there to run files.
pub(super) fn hands_over(script: &Script) -> bool {
    let mut made: Vec<String> = Vec::new();
    let mut here = "";
    for command in &script.commands {
        match command.name() {
            "cd" => here = command.args().next().unwrap_or_default(),
            _ => made.extend(made_executable(command, here)),
        }
    }
    !made.is_empty() && script.commands.iter().any(|command| takes(command, &made))
}

/// The files of `chmod +x FILE...` that lie where everybody can write. `here`: the folder that the text has gone to.
fn made_executable(command: &Command, here: &str) -> impl Iterator<Item = String> {
    let inner =
        command.words.iter().position(|word| word.text.ends_with("chmod")).unwrap_or(command.words.len());
    let args = command.words.get(inner + 1..).unwrap_or_default().iter().map(|word| &*word.text);
    let gives = |mode: &str| {
        let symbolic = mode.contains(['+', '=']) && mode.contains('x') && !mode.contains('/');
        symbolic
            || mode.len() >= 3
                && mode.bytes().all(|digit| digit.is_ascii_digit())
                && mode.contains(['7', '5', '1'])
    };
    let is_made = args.clone().any(gives);
    let full = |file: &str| match file.starts_with('/') {
        true => file.to_owned(),
        false => format!("{}/{}", here.trim_end_matches('/'), file.trim_start_matches("./")),
    };
    let files: Vec<String> = args.filter(|_| is_made).map(full).collect();
    files.into_iter().filter(|file| OPEN_PLACES.iter().any(|place| file.starts_with(place)))
}

fn takes(command: &Command, made: &[String]) -> bool {
    let names = |text: &str| {
        let text = text.trim_matches(['"', '\'']);
        made.iter().any(|file| {
            text.strip_suffix(file.as_str())
                .is_some_and(|before| !before.ends_with(|c: char| c.is_alphanumeric()))
        })
    };
    // `EDITOR=/tmp/x crontab -e`, `sudo EDITOR=/tmp/x crontab -e`, `GROFF_BIN_PATH=/tmp nroff`.
    let holds = |text: &str| {
        let folder = text.split(':').next().unwrap_or(text).trim_end_matches('/');
        made.iter().any(|file| file.rsplit_once('/').is_some_and(|(parent, _)| parent == folder))
    };
    let led = |text: &str| names(text) || holds(text);
    let set = command.assigns.iter().filter(|_| !command.words.is_empty()).any(|(_, value)| led(value));
    let inner = command.unwrapped();
    let plain = inner.as_ref().unwrap_or(command);
    let handed_on = inner.as_ref().map_or(0, |inner| command.words.len() - inner.words.len());
    let set_by_wrapper = command.words[..handed_on]
        .iter()
        .filter_map(|word| word.text.split_once('='))
        .any(|(_, value)| led(value));
    let is_honest = roles::handles_files(plain.name())
        || roles::is_one_of(plain.name(), HONEST)
        || names(plain.words.first().map_or("", |word| &word.text));
    set || set_by_wrapper || !is_honest && plain.args().any(names)
}
