//! Reads what `strace -f -y -v -xx -a1` writes.
//!
//! With `-xx` every string and path is hexadecimal, so that quotes, commas and brackets in the text are strace's
//! own. A call that was interrupted by another thread's line is put together again.

use std::collections::BTreeMap;

use super::facts::Facts;

/// The facts of a log.
pub(super) fn facts(log: &str) -> Facts {
    let mut facts = Facts::default();
    let mut unfinished: BTreeMap<&str, &str> = BTreeMap::new();
    for line in log.lines() {
        let Some((pid, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        if let Some(start) = rest.strip_suffix(" <unfinished ...>") {
            unfinished.insert(pid, start);
        } else if let Some((_, end)) =
            rest.strip_prefix("<... ").and_then(|rest| rest.split_once(" resumed>"))
        {
            let start = unfinished.remove(pid).unwrap_or_default();
            note(&mut facts, &format!("{start}{end}"));
        } else {
            note(&mut facts, rest);
        }
    }
    facts
}

fn note(facts: &mut Facts, call: &str) {
    let Some((head, ret)) = call.rsplit_once(") = ") else { return };
    let Some((name, args)) = head.split_once('(') else { return };
    let args = split(args);
    let arg = |index: usize| args.get(index).copied().unwrap_or_default();
    match name {
        "execve" if ret == "0" => exec(facts, arg(0), arg(1)),
        "execveat" if ret == "0" => exec(facts, arg(1), arg(2)),
        "open" => open(facts, ret, arg(1)),
        "openat" => open(facts, ret, arg(2)),
        "openat2" => open(facts, ret, arg(2)),
        "creat" => open(facts, ret, "O_CREAT"),
        "connect" => connect(facts, arg(1), ret),
        _ => {}
    }
}

fn exec(facts: &mut Facts, filename: &str, argv: &str) {
    let argv = split(argv.trim_start_matches('[').trim_end_matches(']'));
    let args: Vec<String> = argv.iter().skip(1).map(|arg| text(arg)).collect();
    facts.exec(&text(filename), &args);
}

fn open(facts: &mut Facts, ret: &str, flags: &str) {
    // `3<\x2f...>`, perhaps followed by `(deleted)`; a failed open has no path.
    let Some((_, path)) = ret.split_once('<') else { return };
    let path = text(path.split_once('>').map_or(path, |(path, _)| path));
    let has = |flag: &str| flags.split(['|', '=', ',', '{', '}']).any(|word| word.trim() == flag);
    let mode = if has("O_CREAT") || has("O_TMPFILE") {
        "create"
    } else if has("O_PATH") {
        "read"
    } else if has("O_WRONLY") {
        "write"
    } else if has("O_RDWR") {
        "read_write"
    } else {
        "read"
    };
    facts.open(&path, mode);
}

fn connect(facts: &mut Facts, address: &str, ret: &str) {
    let inner = address.trim_start_matches('{').trim_end_matches('}');
    let parts = split(inner);
    let value = |key: &str| parts.iter().find_map(|part| part.strip_prefix(key));
    let inside = |text: &str, open: &str| {
        text.split_once(open).and_then(|(_, rest)| rest.split_once(')')).map(|(inner, _)| inner.to_owned())
    };
    let port = |key: &str| value(key).and_then(|text| inside(text, "htons(")).unwrap_or_default();
    let remote = match value("sa_family=") {
        Some("AF_INET") => {
            let ip = value("sin_addr=").and_then(|addr| inside(addr, "inet_addr(")).unwrap_or_default();
            format!("{}:{}", text(&ip), port("sin_port="))
        }
        Some("AF_INET6") => {
            let ip = parts.iter().find_map(|part| inside(part, "inet_pton(")).unwrap_or_default();
            format!("[{}]:{}", text(split(&ip).get(1).copied().unwrap_or_default()), port("sin6_port="))
        }
        Some("AF_UNIX") => match value("sun_path=") {
            Some(path) => format!("{}{}", if path.starts_with('@') { "@" } else { "" }, text(path)),
            None => return,
        },
        _ => return,
    };
    let outcome = ret.split(' ').find(|word| word.starts_with('E')).unwrap_or("0");
    facts.connect(&remote, outcome);
}

/// Splits at the commas that are in no bracket; strings hold none (`-xx`).
fn split(args: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_u32, 0);
    for (at, c) in args.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(args[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    if !args[start..].trim().is_empty() {
        parts.push(args[start..].trim());
    }
    parts
}

/// The text of a hexadecimal string, with or without quotes.
fn text(hex: &str) -> String {
    let mut bytes = Vec::new();
    for part in hex.split("\\x").skip(1) {
        let digits = part.get(..2).unwrap_or_default();
        bytes.push(u8::from_str_radix(digits, 16).unwrap_or(b'?'));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_become_facts() {
        let facts = facts(concat!(
            "10 execve(\"\\x2f\\x62\", [\"\\x62\", \"\\x61\\x2c\"], [\"\\x48\"]) = 0\n",
            "10 openat(AT_FDCWD<\\x2f>, \"\\x61\", O_WRONLY|O_CREAT|O_TRUNC, 0666 <unfinished ...>\n",
            "11 openat(AT_FDCWD<\\x2f>, \"\\x7a\", O_RDONLY) = -1 ENOENT (No such file or directory)\n",
            "10 <... openat resumed>) = 3<\\x2f\\x61>\n",
            "11 connect(3<\\x73>, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr(\"\\x31\\x2e\\x31\")}, 16) = -1 EINPROGRESS (Operation now in progress)\n",
            "11 connect(3<\\x73>, {sa_family=AF_INET6, sin6_port=htons(1), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, \"\\x3a\\x3a\\x31\", &sin6_addr), sin6_scope_id=0}, 28) = 0\n",
            "11 connect(3<\\x73>, {sa_family=AF_UNIX, sun_path=@\"\\x61\"}, 6) = -1 ECONNREFUSED (Connection refused)\n",
        ));
        let set = |sort: usize| facts.of(sort).iter().cloned().collect::<Vec<_>>();
        assert_eq!(set(0), ["/b [\"a,\"]"]);
        assert_eq!(set(1), ["/a create"]);
        assert_eq!(set(2), ["1.1:53 EINPROGRESS", "@a ECONNREFUSED", "[::1]:1 0"]);
    }
}
