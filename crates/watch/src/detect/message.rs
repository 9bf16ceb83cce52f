//! What an alert says: the rule's sentence, with fields of the record in it.
//!
//! `{path}` is a field of the record; `{process}` is who did it, `{parent}` who started that, `{command}` what a process
//! runs, `{text}` what a shell was told. `{{` is a brace.

use super::scene::Scene;
use super::value::{self, Value};
use crate::core::Process;
use crate::core::argv::blot;

/// Words that are no fields.
const WORDS: [&str; 4] = ["process", "parent", "command", "text"];
/// Longest value that is put in, characters.
const MAX_CHARS: usize = 200;

/// Whether every word in braces is known.
pub(super) fn check(message: &str, kind: &str) -> Result<(), String> {
    for piece in pieces(message) {
        if let Piece::Word(word) = piece
            && !WORDS.contains(&word)
            && !value::fields(kind).any(|known| known == word)
        {
            return Err(format!(
                "message: {{{word}}} is no field of {kind}, nor one of {}",
                WORDS.join(", ")
            ));
        }
    }
    Ok(())
}

/// The sentence about this record.
pub(super) fn fill(message: &str, scene: &Scene<'_>) -> String {
    let mut out = String::with_capacity(message.len() + 64);
    for piece in pieces(message) {
        match piece {
            Piece::Plain(text) => out.push_str(text),
            Piece::Word(word) => out.push_str(&cut(&hidden(worth(word, scene), scene))),
        }
    }
    out
}

/// A text about a record without the secrets of the commands that it may be about.
pub(super) fn hidden(mut text: String, scene: &Scene<'_>) -> String {
    for command in scene.process().into_iter().chain(scene.lineage()).filter_map(Process::command) {
        blot(&mut text, &command.secrets);
    }
    text
}

/// A process with its number.
pub(super) fn named(process: &Process) -> String {
    format!("{} ({})", process.name(), process.id.pid)
}

fn worth(word: &str, scene: &Scene<'_>) -> String {
    match word {
        "process" => match (scene.process(), &scene.entry.proc) {
            (Some(process), _) => named(process),
            (None, Some(proc)) => format!("{} ({})", proc.comm, proc.pid),
            (None, None) => "somebody".to_owned(),
        },
        "parent" => scene.lineage().next().map_or_else(|| "nobody known".to_owned(), named),
        "command" => match scene.process().and_then(Process::command) {
            Some(command) => command.argv.join(" "),
            None => scene.with("line", said),
        },
        "text" => scene.reading().text.clone(),
        "path" => scene.with("written", |value| match value {
            Value::Text(text) => text.to_owned(),
            _ => scene.with("path", said),
        }),
        word => scene.with(word, said),
    }
}

fn said(value: Value<'_>) -> String {
    match value {
        Value::Missing => "?".to_owned(),
        Value::Text(text) => text.to_owned(),
        Value::Texts(texts) => texts.join(" "),
        Value::Number(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARS) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}

enum Piece<'a> {
    Plain(&'a str),
    Word(&'a str),
}

fn pieces(message: &str) -> Vec<Piece<'_>> {
    let mut all = Vec::new();
    let mut rest = message;
    while let Some(at) = rest.find('{') {
        all.push(Piece::Plain(&rest[..at]));
        let inside = &rest[at + 1..];
        match inside.find('}') {
            _ if inside.starts_with('{') => {
                all.push(Piece::Plain("{"));
                rest = &inside[1..];
            }
            Some(end) => {
                all.push(Piece::Word(&inside[..end]));
                rest = &inside[end + 1..];
            }
            None => {
                all.push(Piece::Plain("{"));
                rest = inside;
            }
        }
    }
    all.push(Piece::Plain(rest));
    all
}
