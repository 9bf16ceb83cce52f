//! Where arguments have a secret by what stands before it.
//!
//! An argument with spaces in it may be the text of a shell, or a header: its words are looked at as arguments are.

use super::super::env;
use std::ops::Range;

/// Words of an option's name of which one says that its value is a secret.
const SECRET: [&str; 17] = [
    "password",
    "passwd",
    "passphrase",
    "pass",
    "pwd",
    "pw",
    "token",
    "secret",
    "secrets",
    "apikey",
    "credential",
    "credentials",
    "jwt",
    "bearer",
    "cookie",
    "authorization",
    "passcode",
];
/// The same of `key` behind one of these.
const OF_KEY: [&str; 8] = ["api", "access", "secret", "private", "encryption", "auth", "account", "license"];
/// Last words of names that are about a secret and have none.
const HARMLESS: [&str; 16] = [
    "file", "path", "dir", "env", "stdin", "fd", "name", "id", "type", "url", "ttl", "length", "prompt",
    "command", "store", "jar",
];

/// Options of programs whose value is a secret: the option stands by itself, or the value follows at once.
const OPTIONS: &[(&[&str], &[&str], Value)] = &[
    (
        &[
            "mysql",
            "mysqldump",
            "mysqladmin",
            "mysqlimport",
            "mysqlshow",
            "mariadb",
            "mariadb-dump",
            "mariadb-admin",
        ],
        &["-p"],
        Value::Attached,
    ),
    (&["7z", "7za", "7zr", "rar", "unrar"], &["-p"], Value::Attached),
    (
        &[
            "sshpass",
            "docker",
            "podman",
            "buildah",
            "skopeo",
            "helm",
            "rabbitmqadmin",
            "mongo",
            "mongosh",
            "mongodump",
            "mongorestore",
        ],
        &["-p"],
        Value::Either,
    ),
    (&["redis-cli"], &["-a"], Value::Either),
    (&["zip", "unzip", "mosquitto_pub", "mosquitto_sub", "sqlcmd", "bcp"], &["-P"], Value::Either),
    (
        &["ldapsearch", "ldapmodify", "ldapadd", "ldapdelete", "ldapwhoami", "ldappasswd"],
        &["-w"],
        Value::Either,
    ),
    (&["curl"], &["-u", "-U", "--user", "--proxy-user"], Value::User(':')),
    (&["http", "https"], &["-a", "--auth"], Value::User(':')),
    (&["smbclient", "net", "rpcclient"], &["-U", "--user"], Value::User('%')),
];

/// Where the secret is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Value {
    /// In the same argument.
    Attached,
    /// In the same argument, or the next.
    Either,
    /// The same, behind a user and this.
    User(char),
}

/// A word, and where it lies in the line.
#[derive(Clone, Copy)]
struct Word<'a> {
    text: &'a str,
    at: usize,
    /// It begins a command.
    is_first: bool,
}

/// Places of secrets in the arguments, as they lie when these are put together with spaces.
pub(super) fn secrets(argv: &[String]) -> Vec<Range<usize>> {
    let (mut out, mut begin) = (Vec::new(), 0);
    let mut words = Vec::with_capacity(argv.len());
    let mut texts = Vec::new();
    for (n, arg) in argv.iter().enumerate() {
        words.push(Word { text: arg, at: begin, is_first: n == 0 });
        if n > 0 && arg.contains([' ', '\n', '\t']) {
            texts.push(words_of(arg, begin));
        }
        begin += arg.len() + 1;
    }
    look(&words, &mut out);
    texts.iter().for_each(|words| look(words, &mut out));
    out
}

/// The words of a text, quotes taken off.
fn words_of(text: &str, begin: usize) -> Vec<Word<'_>> {
    let (mut out, mut rest, mut is_first) = (Vec::new(), 0, true);
    while let Some(skip) = text[rest..].find(|c: char| !c.is_whitespace()) {
        let from = rest + skip;
        let mut quote = None;
        let end = text[from..].char_indices().find(|(_, c)| {
            match quote {
                Some(open) if open == *c => quote = None,
                None if matches!(c, '"' | '\'') => quote = Some(*c),
                _ => {}
            }
            quote.is_none() && (c.is_whitespace() || matches!(c, ';' | '|' | '&'))
        });
        let end = end.map_or(text.len(), |(at, _)| from + at);
        let word = &text[from..end];
        let inner = word.trim_matches(['"', '\'']);
        if !inner.is_empty() {
            let cut = word.len() - word.trim_start_matches(['"', '\'']).len();
            out.push(Word { text: inner, at: begin + from + cut, is_first });
            is_first = false;
        }
        let separators = text[end..].len() - text[end..].trim_start_matches([';', '|', '&']).len();
        is_first |= separators > 0;
        rest = end + separators;
    }
    out
}

fn look(words: &[Word<'_>], out: &mut Vec<Range<usize>>) {
    let mut program = "";
    for (n, word) in words.iter().enumerate() {
        if word.is_first {
            program = word.text.rsplit('/').next().unwrap_or_default();
        }
        let next = words.get(n + 1).filter(|next| !next.is_first);
        let whole = |from: usize| word.at + from..word.at + word.text.len();
        match named(word.text) {
            Some(Named::Here(from)) => out.push(whole(from)),
            Some(Named::Next) => out.extend(next.filter(|next| !next.text.starts_with('-')).map(place)),
            None => {}
        }
        for (_, options, value) in OPTIONS.iter().filter(|(programs, ..)| programs.contains(&program)) {
            out.extend(options.iter().find_map(|option| valued(word, next, option, *value)));
        }
        out.extend(users(word.text).map(|range| word.at + range.start..word.at + range.end));
    }
}

fn place(word: &Word<'_>) -> Range<usize> {
    word.at..word.at + word.text.len()
}

enum Named {
    /// From here on in the same word.
    Here(usize),
    /// The next word.
    Next,
}

/// A value whose name says what it is: `--token=X`, `TOKEN=X`, `--token X`, `Authorization: X`, `pass:X`.
fn named(word: &str) -> Option<Named> {
    if let Some(secret) = word.strip_prefix("pass:").filter(|secret| !secret.is_empty()) {
        return Some(Named::Here(word.len() - secret.len()));
    }
    let (name, at) = match word.find(['=', ':', ' ']) {
        Some(at) if word[at..].starts_with(' ') => return None,
        Some(at) => (&word[..at], Some(at)),
        None => (word, None),
    };
    let is_option = name.starts_with("--");
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || !name.chars().all(is_name) {
        return None;
    }
    let Some(at) = at else { return (is_option && is_secret(name)).then_some(Named::Next) };
    let header = word[at..].strip_prefix(": ");
    // What `docker -e` and `env` take; a variable's name is in capitals.
    let is_variable = !name.contains(char::is_lowercase) && word[at..].starts_with('=');
    let is_value = match (word.as_bytes()[at], header) {
        (b'=', _) if is_variable => env::redacted(word.as_bytes()).is_some(),
        (b'=', _) | (_, Some(_)) => is_secret(name),
        _ => false,
    };
    let from = at + if header.is_some() { 2 } else { 1 };
    // The scheme of a header is no secret: `Bearer`, `Basic`.
    let scheme = header.and_then(|value| value.find(' ')).map_or(0, |at| at + 1);
    (is_value && from < word.len()).then_some(Named::Here(from + scheme))
}

/// Whether a name is that of a secret.
fn is_secret(name: &str) -> bool {
    let name = name.trim_start_matches('-').to_ascii_lowercase();
    let words: Vec<&str> = name.split(['-', '_', '.']).collect();
    let is_harmless =
        words.last().is_some_and(|last| HARMLESS.contains(last)) || words.first() == Some(&"no");
    let of_key = |pair: &[&str]| OF_KEY.contains(&pair[0]) && pair[1] == "key";
    !is_harmless && (words.iter().any(|word| SECRET.contains(word)) || words.windows(2).any(of_key))
}

/// The value of an option of one program.
fn valued(word: &Word<'_>, next: Option<&Word<'_>>, option: &str, value: Value) -> Option<Range<usize>> {
    let rest = word.text.strip_prefix(option)?;
    let attached = rest.strip_prefix('=').unwrap_or(rest);
    let (text, at) = match (rest.is_empty(), value) {
        (true, Value::Attached) => return None,
        (true, _) => next.filter(|next| !next.text.starts_with('-')).map(|next| (next.text, next.at))?,
        (false, _) if option.starts_with("--") && rest == attached => return None,
        (false, _) => (attached, word.at + word.text.len() - attached.len()),
    };
    let from = match value {
        Value::User(separator) => text.find(separator)? + separator.len_utf8(),
        Value::Attached | Value::Either => 0,
    };
    Some(at + from..at + text.len())
}

/// Passwords of `scheme://user:password@host`, and long words in the place of a user: those are tokens.
fn users(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    const TOKEN: usize = 20;
    text.match_indices("://").filter_map(|(at, sign)| {
        let from = at + sign.len();
        let end = text[from..].find(['/', '?', '#', ' ', '"', '\'']).map_or(text.len(), |end| from + end);
        let user = &text[from..from + text[from..end].rfind('@')?];
        let secret =
            user.find(':').map_or(if user.len() >= TOKEN { 0 } else { user.len() }, |colon| colon + 1);
        Some(from + secret..from + user.len())
    })
}
