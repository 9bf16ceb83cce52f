//! Texts that other programs than shells hand to one: `git --upload-pack=TEXT`, `tar --checkpoint-action=exec=TEXT`,
//! `ssh -o ProxyCommand=TEXT`, `find -exec ...`, `PAGER=TEXT man`.
//!
//! Most such options have an honest use, and a few programs that they are given for it: `ProxyCommand` names `ssh` or `nc`, a
//! pager is one that shows pages. A text that starts something else there is odd.

use super::by_design;
use super::calls;
use super::given::{self, starts as starts_shell};
use super::options::{Honest, Place, TAKERS, VARIABLES};
use super::parse;
use super::script::Command;
use super::{handed, roles};

/// Texts of one command that are read.
const MAX_TEXTS: usize = 8;

/// A text that is handed to a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Embedded {
    pub(super) text: String,
    /// The option, where nobody honest gives it such a text.
    pub(super) odd: Option<&'static str>,
    /// It starts a shell to type into.
    pub(super) starts_shell: bool,
}

/// What stands around the program that is meant.
const GLUE: [&str; 16] = [
    "", "sh", "bash", "env", "exec", "cd", "mkdir", "echo", "sleep", "test", "[", "true", "sudo", "timeout",
    "nohup", "nice",
];

/// Whether a program may have such texts among its arguments.
pub(super) fn may_take(argv: &[String]) -> bool {
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    let at = super::wrapper::inner_at(&words).unwrap_or(0);
    let Some(name) = words.get(at).map(|first| first.rsplit('/').next().unwrap_or(first)) else {
        return false;
    };
    words.len() > at + 1
        && (TAKERS.iter().any(|(programs, ..)| roles::is_one_of(name, programs))
            || by_design::is_known(name)
            || calls::is_code(name)
            || given::is_given(name, &words[at..]))
}

/// The texts in the arguments of a command, and in the variables that are set for it.
pub(super) fn texts(command: &Command) -> Vec<Embedded> {
    let mut all = of_variables(command);
    let inner = command.unwrapped();
    let command = inner.as_ref().unwrap_or(command);
    let words: Vec<&str> = command.words.iter().map(|word| &*word.text).collect();
    let name = command.name();
    for (programs, place, honest) in &TAKERS {
        if roles::is_one_of(name, programs) {
            let found = |text: String| Embedded {
                odd: oddly(&text, *honest, *place),
                starts_shell: starts_shell(&text),
                text,
            };
            all.extend(of_place(&words, *place).into_iter().map(found));
        }
    }
    // Screens and names for commands are there to give shells.
    let gives = !matches!(name, "alias" | "trap" | "tmux" | "screen" | "xterm" | "gnome-terminal");
    let told = by_design::texts(name, &words).into_iter().chain(calls::texts(name, &words));
    all.extend(told.map(|text| Embedded { odd: None, starts_shell: gives && starts_shell(&text), text }));
    all.retain(|one| !one.text.trim().is_empty());
    all.truncate(MAX_TEXTS);
    all
}

/// Whether a command gives a shell to a program that is for something else.
pub(super) fn gives_shell(command: &Command) -> bool {
    let inner = command.unwrapped();
    let command = inner.as_ref().unwrap_or(command);
    let words: Vec<&str> = command.words.iter().map(|word| &*word.text).collect();
    given::is_given(command.name(), &words)
}

/// The values of `PAGER=... man`, `export PAGER=...`.
fn of_variables(command: &Command) -> Vec<Embedded> {
    let exported = command.words.iter().skip(1).filter_map(|word| word.text.split_once('='));
    let exported =
        exported.filter(|_| matches!(command.name(), "export" | "env" | "sudo" | "declare" | "setenv"));
    let own = command.assigns.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let known = own.chain(exported).filter_map(|(name, value)| {
        let (option, honest) = VARIABLES.iter().find(|(known, _)| *known == name)?;
        let text = value.trim_start_matches(['|', '-', ' ']).to_owned();
        Some(Embedded {
            odd: oddly(&text, *honest, Place::Option(option)),
            starts_shell: starts_shell(&text),
            text,
        })
    });
    known.collect()
}

fn of_place(words: &[&str], place: Place) -> Vec<String> {
    let args = words.iter().enumerate().skip(1);
    let next = |at: usize| words.get(at + 1).copied().unwrap_or_default().to_owned();
    let found = args.filter_map(|(at, arg)| match place {
        Place::Option(name) => {
            let rest = arg.strip_prefix(name)?;
            match rest.strip_prefix('=') {
                Some(text) => Some(text.to_owned()),
                None if rest.is_empty() => Some(next(at)),
                None => (!name.starts_with("--") && name.len() == 2).then(|| rest.to_owned()),
            }
        }
        Place::Begin(marker) => arg.strip_prefix(marker).map(str::to_owned),
        Place::Inside(marker) => {
            let start = arg.to_ascii_lowercase().find(marker)? + marker.len();
            let text = arg.get(start..)?.trim_start_matches([' ', '=']);
            Some(if text.is_empty() { next(at) } else { unquoted(text).to_owned() })
        }
    });
    found.collect()
}

/// `'id' with x` is `id`.
fn unquoted(text: &str) -> &str {
    let Some(quote) = text.chars().next().filter(|first| matches!(first, '\'' | '"' | '`')) else {
        return text;
    };
    text[1..].split(quote).next().unwrap_or_default()
}

/// The place, if what starts there is not what it is for.
fn oddly(text: &str, honest: Honest, place: Place) -> Option<&'static str> {
    let name = match place {
        Place::Option(name) | Place::Inside(name) | Place::Begin(name) => name,
    };
    let programs = match honest {
        Honest::Any => return None,
        Honest::Nothing => return (!text.trim().is_empty()).then_some(name),
        Honest::Programs(programs) => programs,
    };
    let text = text.trim();
    let outer = parse::parse(text);
    let inner: Vec<_> = handed::inner(&outer).iter().map(|text| parse::parse(text)).collect();
    let commands = || outer.commands.iter().chain(inner.iter().flat_map(|script| &script.commands));
    let is_meant = |command: &Command| {
        let inner = command.unwrapped();
        let name = inner.as_ref().unwrap_or(command).name();
        roles::is_one_of(name, programs)
    };
    let is_glue = |command: &Command| GLUE.contains(&command.name());
    let fine = commands().all(|command| is_meant(command) || is_glue(command));
    let bare_shell = commands().any(|command| is_glue(command) && roles::is_bare_shell(command));
    let named = commands().any(|command| is_meant(command) || command.name().is_empty());
    let odd = outer.begins_empty || !fine || bare_shell || !(named || text.is_empty());
    // A script of one's own is nobody's business, unless everybody can write there.
    let is_name = !text.contains(|c: char| c.is_whitespace() || "<>|;&$`\"'".contains(c));
    let own_script = outer.commands.len() == 1 && text.contains('/') && is_name;
    let open_place = ["/tmp/", "/var/tmp/", "/dev/shm/"].iter().any(|place| text.starts_with(place));
    (odd && !(own_script && !open_place && !bare_shell)).then_some(name)
}

/// A word as a shell reads it back.
pub(super) fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+=:,@%{}".contains(&byte);
    match !word.is_empty() && word.bytes().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}
