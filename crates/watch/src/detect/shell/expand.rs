//! Expansions whose result can be told from the text: variables set in it, `$'...'`, braces, patterns of well-known files.

use super::script::{Command, Word};
use std::collections::HashMap;

/// Variables of a text that are remembered.
const MAX_VARS: usize = 256;
/// Variables that one `export` sets.
const MAX_EXPORTED: usize = 16;
/// Longest value that is remembered.
const MAX_VALUE_BYTES: usize = 16 * 1024;

/// Times that `${NAME//a/b}` replaces.
const MAX_REPLACED: usize = 256;

/// Files that patterns such as `/b?n/c?t` are tried on: what intruders run and read.
const KNOWN_FILES: [&str; 41] = [
    "/bin/cat",
    "/usr/bin/cat",
    "/usr/bin/id",
    "/bin/id",
    "/usr/bin/whoami",
    "/bin/whoami",
    "/bin/ls",
    "/usr/bin/ls",
    "/bin/sh",
    "/bin/bash",
    "/usr/bin/bash",
    "/bin/dash",
    "/bin/nc",
    "/usr/bin/nc",
    "/bin/nc.traditional",
    "/usr/bin/wget",
    "/usr/bin/curl",
    "/bin/curl",
    "/usr/bin/python",
    "/usr/bin/python3",
    "/usr/bin/perl",
    "/bin/sleep",
    "/bin/uname",
    "/usr/bin/uname",
    "/bin/ping",
    "/usr/bin/base64",
    "/bin/base64",
    "/usr/bin/head",
    "/bin/head",
    "/usr/bin/tail",
    "/usr/bin/more",
    "/usr/bin/less",
    "/usr/bin/xxd",
    "/usr/bin/tac",
    "/bin/tac",
    "/etc/passwd",
    "/etc/shadow",
    "/etc/group",
    "/etc/hosts",
    "/etc/sudoers",
    "/proc/self/environ",
];

/// Variables that the text itself has set.
#[derive(Debug, Default)]
pub(super) struct Vars(HashMap<String, String>);

impl Vars {
    /// Variables that the text is given.
    pub(super) fn given(known: &[(String, String)]) -> Self {
        Self(known.iter().cloned().collect())
    }

    /// A command sets variables, if it is nothing but that, or `export`; those that others get from now on.
    pub(super) fn assign(&mut self, command: &Command) -> Vec<(String, String)> {
        if self.0.len() >= MAX_VARS {
            return Vec::new();
        }
        let is_short = |(_, value): &(String, String)| value.len() <= MAX_VALUE_BYTES;
        if command.words.is_empty() {
            self.0.extend(command.assigns.iter().filter(|one| is_short(one)).cloned());
        }
        if !matches!(command.name(), "export" | "declare" | "local" | "readonly" | "typeset") {
            return Vec::new();
        }
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let set = command.args().take(MAX_EXPORTED).filter_map(|arg| arg.split_once('=')).map(owned);
        self.0.extend(set.filter(is_short));
        let names = command.args().take(MAX_EXPORTED).map(|arg| arg.split('=').next().unwrap_or(arg));
        let all = names.filter_map(|name| Some((name.to_owned(), self.0.get(name)?.clone())));
        all.filter(|_| command.name() != "local").collect()
    }

    /// A text with the variables put in that are known: a here-document.
    pub(super) fn put_into(&self, text: &str) -> String {
        let (mut out, mut rest) = (String::with_capacity(text.len()), text);
        while let Some(at) = rest.find('$').filter(|_| out.len() <= MAX_VALUE_BYTES) {
            let found = variable(&rest.as_bytes()[at..], self);
            let end = if found.is_known { at + found.len } else { at + 1 };
            out.push_str(if found.is_known { &rest[..at] } else { &rest[..end] });
            out.push_str(if found.is_known { &found.value } else { "" });
            rest = rest.get(end..).unwrap_or_default();
        }
        out + rest
    }
}

impl Vars {
    /// `for x in a b`: what is done with the first is done with all.
    pub(super) fn begin_loop(&mut self, command: &Command) {
        let words: Vec<&str> = command.words.iter().map(|word| &*word.text).take(4).collect();
        if let ["for", name, "in", first] = words[..]
            && self.0.len() < MAX_VARS
            && !first.is_empty()
            && first.len() <= MAX_VALUE_BYTES
        {
            self.0.insert(name.to_owned(), first.to_owned());
        }
    }
}

/// A variable that is put in.
#[derive(Debug, Default)]
pub(super) struct Variable {
    /// Bytes of its name with all that belongs to it.
    pub(super) len: usize,
    /// What is put in; empty when that is not known.
    pub(super) value: String,
    /// It stands for a space.
    pub(super) is_ifs: bool,
    /// Nobody writes it so who has nothing to hide.
    pub(super) hides: bool,
    /// It is certain to be empty.
    pub(super) is_nothing: bool,
    /// It is set in the text itself.
    pub(super) is_known: bool,
    /// Its words are words in quotes as well: `"${a[@]}"`.
    pub(super) is_list: bool,
}

/// Reads `$NAME`, `${...}` and their like at the beginning of `text`.
pub(super) fn variable(text: &[u8], vars: &Vars) -> Variable {
    let after = &text[1..];
    match after.first() {
        Some(b'{') => {
            let len = memchr::memchr(b'}', after).unwrap_or(after.len().saturating_sub(1));
            let inside = String::from_utf8_lossy(after.get(1..len).unwrap_or_default()).into_owned();
            Variable { len: (len + 2).min(text.len()), ..braced(&inside, vars) }
        }
        Some(b'@' | b'*' | b'1'..=b'9' | b'!') => {
            Variable { len: 2, is_nothing: true, ..Variable::default() }
        }
        Some(c) if c.is_ascii_alphabetic() || *c == b'_' => {
            let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
            let len = after.iter().take_while(is_part).count();
            let name = String::from_utf8_lossy(&after[..len]).into_owned();
            Variable { len: len + 1, ..named(&name, vars) }
        }
        Some(b'0') => Variable { len: 2, value: "sh".to_owned(), ..Variable::default() },
        Some(b'$' | b'?' | b'#' | b'-') => Variable { len: 2, value: "0".to_owned(), ..Variable::default() },
        _ => Variable { len: 1, value: "$".to_owned(), ..Variable::default() },
    }
}

fn named(name: &str, vars: &Vars) -> Variable {
    match vars.0.get(name) {
        Some(value) => Variable { value: value.clone(), is_known: true, ..Variable::default() },
        None if name == "0" => Variable { value: "sh".to_owned(), ..Variable::default() },
        // What it is for nearly everybody.
        None if name == "SHELL" => Variable { value: "/bin/bash".to_owned(), ..Variable::default() },
        None => Variable { is_ifs: name == "IFS", ..Variable::default() },
    }
}

fn braced(inside: &str, vars: &Vars) -> Variable {
    // `${!name}`: the variable that another one names.
    if let Some(other) = inside.strip_prefix('!').and_then(|name| vars.0.get(name)) {
        return named(other, vars);
    }
    let name: &str = inside.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or("");
    let rest = &inside[name.len()..];
    if let Some(default) = rest.strip_prefix(":-").or_else(|| rest.strip_prefix('-')) {
        return Variable { value: default.to_owned(), ..Variable::default() };
    }
    if let Some(slice) =
        rest.strip_prefix(':').filter(|slice| slice.starts_with(|c: char| c.is_ascii_digit()))
    {
        return sliced(name, slice, vars);
    }
    match inside {
        "@" | "*" => Variable { is_nothing: true, ..Variable::default() },
        _ if rest.is_empty() => named(name, vars),
        _ if name == "IFS" => Variable { is_ifs: true, ..Variable::default() },
        _ => vars.0.get(name).map_or_else(Variable::default, |value| changed(value, rest)),
    }
}

/// A value as `${NAME^^}`, `${NAME//a/b}`, `${NAME#a}`, `${NAME[1]}` give it.
fn changed(value: &str, how: &str) -> Variable {
    let known = |value: String| Variable { value, is_known: true, ..Variable::default() };
    let first = |change: fn(&char) -> char| {
        let mut rest = value.chars();
        rest.next().map(|one| change(&one)).into_iter().chain(rest).collect::<String>()
    };
    let cut = how.trim_start_matches(['#', '%', '/']);
    let literal = cut.trim_matches('*');
    match how {
        "^^" | "@U" => known(value.to_uppercase()),
        ",," | "@L" => known(value.to_lowercase()),
        "^" | "@u" => known(first(char::to_ascii_uppercase)),
        "," => known(first(char::to_ascii_lowercase)),
        "[@]" | "[*]" => Variable { is_list: true, ..known(value.to_owned()) },
        _ if how.starts_with('[') => {
            let at = how[1..].split(']').next().and_then(|number| number.parse::<usize>().ok());
            known(at.and_then(|at| value.split(' ').nth(at)).unwrap_or_default().to_owned())
        }
        _ if how.starts_with('/') => {
            let times = if how.starts_with("//") { MAX_REPLACED } else { 1 };
            known(replaced(value, cut, times))
        }
        _ if literal.is_empty() => known(value.to_owned()),
        _ if how.starts_with("##") => {
            known(value.rfind(literal).map_or(value, |at| &value[at + literal.len()..]).to_owned())
        }
        _ if how.starts_with('#') => {
            known(value.find(literal).map_or(value, |at| &value[at + literal.len()..]).to_owned())
        }
        _ if how.starts_with("%%") => known(value.find(literal).map_or(value, |at| &value[..at]).to_owned()),
        _ if how.starts_with('%') => known(value.rfind(literal).map_or(value, |at| &value[..at]).to_owned()),
        _ => Variable::default(),
    }
}

/// `${NAME//from/to}`, where `?` stands for any letter and a backslash for what is behind it.
fn replaced(value: &str, how: &str, times: usize) -> String {
    let (mut from, mut to, mut in_to, mut escaped) = (Vec::new(), String::new(), false, false);
    for c in how.chars() {
        match c {
            '\\' if !escaped => escaped = true,
            '/' if !escaped && !in_to => in_to = true,
            _ if in_to => to.push(c),
            '?' if !escaped => from.push(None),
            _ => from.push(Some(c)),
        }
        escaped = c == '\\' && escaped && from.last() != Some(&Some('\\'));
    }
    let (letters, mut out, mut at, mut count) = (value.chars().collect::<Vec<_>>(), String::new(), 0, 0);
    while at < letters.len() {
        let rest = &letters[at..];
        let fits = !from.is_empty()
            && count < times
            && rest.len() >= from.len()
            && from.iter().zip(rest).all(|(wanted, letter)| wanted.is_none_or(|wanted| wanted == *letter));
        if fits {
            out.push_str(&to);
            at += from.len();
            count += 1;
        } else {
            out.push(letters[at]);
            at += 1;
        }
    }
    out
}

/// `${NAME:from:len}`: letters picked out of a value.
fn sliced(name: &str, slice: &str, vars: &Vars) -> Variable {
    let mut numbers = slice.split(':').map(|text| text.trim().parse::<usize>());
    let (from, len) = (numbers.next().and_then(Result::ok), numbers.next().and_then(Result::ok));
    let known = vars.0.get(name).map(String::as_str);
    // What is picked of these is known everywhere.
    let usual = match name {
        "HOME" | "PATH" | "PWD" | "OLDPWD" | "SHELL" => Some("/"),
        "IFS" => return Variable { is_ifs: true, ..Variable::default() },
        "LS_COLORS" => Some("rs=0:di=01;34"),
        _ => None,
    };
    let value = known.or(usual).and_then(|value| {
        let from = from?;
        value.get(from..(from + len.unwrap_or(usize::MAX / 2)).min(value.len()))
    });
    let hides = usual.is_some() && len == Some(1);
    let is_known = known.is_some();
    Variable { value: value.unwrap_or_default().to_owned(), hides, is_known, ..Variable::default() }
}

/// The bytes of `$'...'`, how many bytes of the text they take with the quote, and whether letters were written by number.
pub(super) fn ansi_c(text: &[u8]) -> (Vec<u8>, usize, bool) {
    let (mut out, mut at, mut coded) = (Vec::new(), 0, false);
    while let Some(&c) = text.get(at) {
        at += 1;
        match c {
            b'\'' => return (out, at, coded),
            b'\\' => {
                let (byte, len, is_code) = escape(&text[at..]);
                coded |= is_code && byte.is_ascii_alphanumeric();
                out.push(byte);
                at += len;
            }
            c => out.push(c),
        }
    }
    (out, at, coded)
}

/// The byte that an escape stands for, its length behind the backslash, and whether it was written by number.
pub(super) fn escape(text: &[u8]) -> (u8, usize, bool) {
    let digits = |text: &[u8], radix: u32, most: usize| -> (u8, usize) {
        let count = text.iter().take(most).take_while(|byte| char::from(**byte).is_digit(radix)).count();
        let number =
            std::str::from_utf8(&text[..count]).ok().and_then(|text| u32::from_str_radix(text, radix).ok());
        (u8::try_from(number.unwrap_or(0) & 0xff).unwrap_or(0), count)
    };
    match text.first() {
        Some(b'n') => (b'\n', 1, false),
        Some(b't') => (b'\t', 1, false),
        Some(b'r') => (b'\r', 1, false),
        Some(b'e') => (0x1b, 1, false),
        Some(b'x' | b'u') => {
            let most = if text[0] == b'x' { 2 } else { 4 };
            let (byte, count) = digits(&text[1..], 16, most);
            (byte, count + 1, true)
        }
        Some(b'0'..=b'7') => {
            let most = if text[0] == b'0' { 4 } else { 3 };
            let (byte, count) = digits(text, 8, most);
            (byte, count.max(1), true)
        }
        Some(&other) => (other, 1, false),
        None => (b'\\', 0, false),
    }
}

/// `{cat,/etc/passwd}` in the place of a command is its words.
pub(super) fn braces(command: &mut Command) {
    let Some(first) = command.words.first().filter(|word| !word.quoted) else { return };
    let inside = first.text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    let Some(inside) = inside.filter(|inside| inside.contains(',')) else { return };
    let words: Vec<Word> = inside
        .split(',')
        .map(|part| Word { text: part.to_owned(), hidden: true, span: first.span.clone(), ..Word::default() })
        .collect();
    command.words.splice(0..1, words);
}

/// Puts the file in the place of a pattern that means a well-known one.
pub(super) fn glob(word: &mut Word, plain: bool) {
    let is_pattern = word.text.contains(['?', '*', '[']) && word.text.starts_with('/');
    if !plain || !is_pattern || word.text.len() > 64 {
        return;
    }
    let literal = word.text.chars().filter(|c| c.is_ascii_alphanumeric()).count();
    // `/etc/*`, `/bin/*` and `/proc/*/environ` mean many.
    let many = word.text.split('/').any(|part| part == "*" || part.starts_with("*."));
    if let Some(known) = KNOWN_FILES.iter().find(|known| fits(word.text.as_bytes(), known.as_bytes()))
        && !many
        && (literal > 0 || word.text.contains('?'))
    {
        word.text = (*known).to_owned();
        word.hidden = true;
    }
}

/// Whether a name fits a pattern of `?`, `*` and `[...]`. Names are those of [`KNOWN_FILES`], shorter than 63 bytes.
fn fits(mut pattern: &[u8], name: &[u8]) -> bool {
    // A bit for each place in the name that what was read of the pattern may end at.
    let mut ends: u64 = 1;
    while let Some((&first, rest)) = pattern.split_first() {
        let class = memchr::memchr(b']', pattern).filter(|end| first == b'[' && *end > 1);
        let mut next = 0;
        for (at, &byte) in name.iter().enumerate() {
            if first == b'*' && ends >> at & 1 == 1 && byte != b'/' {
                ends |= 1 << (at + 1);
            }
            let meets = match (first, class) {
                (b'?', _) => byte != b'/',
                (_, Some(end)) => in_class(&pattern[1..end], byte),
                _ => byte == first,
            };
            next |= u64::from(meets && ends >> at & 1 == 1) << (at + 1);
        }
        ends = if first == b'*' { ends } else { next };
        pattern = class.map_or(rest, |end| &pattern[end + 1..]);
    }
    ends >> name.len() & 1 == 1
}

fn in_class(class: &[u8], byte: u8) -> bool {
    let (class, negated) = match class.split_first() {
        Some((b'!' | b'^', rest)) => (rest, true),
        _ => (class, false),
    };
    let range = class.windows(3).any(|three| three[1] == b'-' && (three[0]..=three[2]).contains(&byte));
    (range || class.contains(&byte)) != negated
}
