//! What a shell's text is made of: commands, and what stands between them.

use super::wrapper;
use std::ops::Range;

/// What stands before a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sep {
    /// Nothing: it is the first.
    #[default]
    Start,
    /// `;`
    Semicolon,
    /// `&&`
    And,
    /// `||`
    Or,
    /// `|` or `|&`
    Pipe,
    /// `&`
    Background,
    /// The end of a line.
    Newline,
}

/// A word, as far as the shell's result is known from the text alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Word {
    /// Quotes taken away and known variables put in; of unknown ones nothing is left.
    pub(super) text: String,
    /// Where it stands.
    pub(super) span: Range<usize>,
    /// It is written so that it does not look like what it is: `c''at`, `$'\x63at'`, `/b?n/c?t`.
    pub(super) hidden: bool,
    /// It is a literal in quotes as a whole.
    pub(super) quoted: bool,
    /// There is arithmetic of constants in it: `$((41+1))`.
    pub(super) sums: bool,
    /// It begins a substitution of a command right here (no `/`, `@`, `:` or `=` before).
    pub(super) substitutes: bool,
    /// A substitution follows right upon letters: `127.0.0.1$(id)`.
    pub(super) glued: bool,
    /// Names of the variables in it.
    pub(super) vars: Vec<String>,
}

impl Word {
    /// Letters with one and the same empty variable between them again and again: `p${u}i${u}n${u}g`.
    pub(super) fn is_holed(&self) -> bool {
        let letters = self.text.len() > 1 && self.text.bytes().all(|byte| byte.is_ascii_lowercase());
        letters && self.vars.len() > 1 && self.vars.iter().all(|name| *name == self.vars[0])
    }
}

/// One simple command.
#[derive(Clone, Debug, Default)]
pub(super) struct Command {
    pub(super) words: Vec<Word>,
    /// Operator and target.
    pub(super) redirects: Vec<(String, Word)>,
    /// `NAME=value` before it.
    pub(super) assigns: Vec<(String, String)>,
    /// Names of the variables in those values.
    pub(super) assigned_vars: Vec<String>,
    /// What a here-document or here-string gives it to read.
    pub(super) input: Option<String>,
    pub(super) before: Sep,
    /// There is no space around what stands before it.
    pub(super) tight: bool,
    /// What stands before it ends a word in quotes, or an empty pair of them.
    pub(super) after_quotes: bool,
    /// Where it begins in the text.
    pub(super) at: usize,
    /// The command in whose words this one is substituted.
    pub(super) host: Option<usize>,
    /// Commands with one number are joined by pipes.
    pub(super) pipeline: usize,
}

impl Command {
    /// A command that has been started.
    pub(super) fn of(argv: &[String]) -> Self {
        let word = |text: &String| Word { text: text.clone(), ..Word::default() };
        Self { words: argv.iter().map(word).collect(), ..Self::default() }
    }

    /// The program's name without its folder.
    pub(super) fn name(&self) -> &str {
        let first = self.words.first().map_or("", |word| &word.text);
        first.rsplit('/').next().unwrap_or(first)
    }

    /// The words behind the name.
    pub(super) fn args(&self) -> impl Iterator<Item = &str> {
        self.words.iter().skip(1).map(|word| &*word.text)
    }

    /// The command in one line, its folder left out.
    pub(super) fn line(&self) -> String {
        let mut line = String::new();
        for (name, value) in &self.assigns {
            line.push_str(&format!("{name}={value} "));
        }
        line.push_str(self.name());
        for arg in self.args() {
            line.push(' ');
            line.push_str(arg);
        }
        for (op, target) in &self.redirects {
            line.push_str(&format!(" {op} {}", target.text));
        }
        line.trim().to_owned()
    }

    /// The command that it starts, where it is one that starts another: `sudo -u x id` is `id`.
    pub(super) fn unwrapped(&self) -> Option<Command> {
        let words: Vec<&str> = self.words.iter().map(|word| &*word.text).collect();
        let at = wrapper::inner_at(&words)?;
        Some(Command { words: self.words[at..].to_vec(), ..self.clone() })
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty() && self.redirects.is_empty() && self.assigns.is_empty()
    }
}

/// A text, taken apart.
#[derive(Clone, Debug, Default)]
pub(super) struct Script {
    /// Variables that the programs which it starts are given, as far as they are known.
    pub(super) exported: Vec<(String, String)>,
    /// Names of the functions that it makes.
    pub(super) functions: Vec<String>,
    pub(super) commands: Vec<Command>,
    /// Where there are operators that the shell heeds: separators, substitutions, redirections.
    pub(super) operators: Vec<usize>,
    /// A quote or a parenthesis without its other half.
    pub(super) broken: bool,
    /// It begins with a separator.
    pub(super) begins_empty: bool,
    /// It ends with a separator or a comment.
    pub(super) dangles: bool,
    /// There is a call in it, as other languages have them.
    pub(super) calls: bool,
    /// It has conditions or loops.
    pub(super) compound: bool,
}

impl Script {
    /// Commands that are not substituted into others.
    pub(super) fn top(&self) -> impl Iterator<Item = &Command> {
        self.commands.iter().filter(|command| command.host.is_none())
    }
}
