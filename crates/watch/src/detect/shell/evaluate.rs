//! What simple pipelines give, without running them: `echo aWQ= | base64 -d`, `printf '\151\144'`, `rev <<< di`.

use super::expand::escape;
use super::script::Command;

/// Longest text that is worked out.
const MAX_BYTES: usize = 64 * 1024;
/// Times that `s/a/b/g` replaces.
const MAX_REPLACED: usize = 4096;

/// The output of the last pipeline of these commands, when they only print and decode.
pub(super) fn result(commands: &[Command]) -> Option<String> {
    let last = commands.last()?.pipeline;
    let start = commands.iter().position(|command| command.pipeline == last)?;
    let mut data = None;
    for command in &commands[start..] {
        data = Some(stage(command, data)?);
    }
    data.filter(|data| data.len() <= MAX_BYTES).and_then(|data| String::from_utf8(data).ok())
}

/// The output of one command.
pub(super) fn stage(command: &Command, input: Option<Vec<u8>>) -> Option<Vec<u8>> {
    let input = input.or_else(|| command.input.clone().map(String::into_bytes));
    let args: Vec<&str> = command.args().collect();
    let has = |wanted: &[&str]| args.iter().any(|arg| wanted.contains(arg));
    match command.name() {
        "echo" => {
            let escapes = args.first().is_some_and(|arg| arg.starts_with('-') && arg.contains('e'));
            let words: Vec<&str> = args.iter().copied().skip_while(|arg| is_echo_option(arg)).collect();
            let text = words.join(" ");
            let coded = escapes || text.contains("\\x") || text.contains("\\0");
            Some(if coded { unescaped(&text) } else { text.into_bytes() })
        }
        "printf" => print(&args),
        "cat" if args.is_empty() => input,
        // A name that nobody knows, in a place that is known.
        "mktemp" => Some(b"/tmp/tmp.XXXXXXXXXX".to_vec()),
        "which" => named(&args),
        "command" | "type" if has(&["-v", "-p", "-P"]) => named(&args),
        "base64" | "b64decode" if has(&["-d", "-D", "--decode", "-di", "-id"]) => base64(&input?),
        "openssl" if has(&["base64", "enc"]) && has(&["-d"]) => base64(&input?),
        "xxd" if args.iter().any(|arg| arg.starts_with("-r")) => hex(&input?),
        "rev" => Some(input?.trim_ascii_end().iter().rev().copied().collect()),
        "tr" => translate(&args, &input?),
        "sed" => args.iter().find_map(|arg| substitute(arg, input.as_deref()?)).or(input),
        _ => None,
    }
}

/// Where `which NAME` finds a program.
fn named(args: &[&str]) -> Option<Vec<u8>> {
    let name = args.iter().find(|arg| !arg.starts_with('-'))?;
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+".contains(&byte));
    is_name.then(|| format!("/usr/bin/{name}").into_bytes())
}

/// What `printf` prints: `%s`, `%b`, `%c` and `%d` stand for arguments, and the format is used until there are none.
fn print(args: &[&str]) -> Option<Vec<u8>> {
    let (format, mut rest) = args.split_first()?;
    let mut out = Vec::new();
    loop {
        let before = rest.len();
        let mut pieces = format.split('%');
        out.extend(unescaped(pieces.next()?));
        let mut doubled = false;
        for piece in pieces {
            if piece.is_empty() && !doubled {
                out.push(b'%');
                doubled = true;
                continue;
            }
            let plain = if std::mem::take(&mut doubled) { piece } else { piece.get(1..).unwrap_or_default() };
            if plain.len() != piece.len() {
                let (word, left) = rest.split_first().map_or(("", rest), |(word, left)| (*word, left));
                rest = left;
                out.extend(if piece.starts_with('b') { unescaped(word) } else { word.as_bytes().to_vec() });
            }
            out.extend(unescaped(plain));
        }
        if rest.is_empty() || rest.len() == before || out.len() > MAX_BYTES {
            return Some(out);
        }
    }
}

/// `s/a/b/g` of a text, where `a` is no expression.
fn substitute(script: &str, input: &[u8]) -> Option<Vec<u8>> {
    let rest = script.strip_prefix('s')?;
    let mark = rest.chars().next().filter(|mark| mark.is_ascii_punctuation())?;
    let mut parts = rest[1..].split(mark);
    let (from, to, flags) = (parts.next()?, parts.next()?, parts.next()?);
    if from.is_empty() || from.contains(['.', '*', '[', '^', '$', '\\']) || to.contains(['&', '\\']) {
        return None;
    }
    let text = String::from_utf8_lossy(input);
    let times = if flags.contains('g') { MAX_REPLACED } else { 1 };
    Some(text.replacen(from, to, times).into_bytes()).filter(|out| out.len() <= MAX_BYTES)
}

fn is_echo_option(arg: &str) -> bool {
    arg.len() > 1 && arg.starts_with('-') && arg[1..].bytes().all(|b| b"neE".contains(&b))
}

fn unescaped(text: &str) -> Vec<u8> {
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::new(), 0);
    while let Some(&c) = bytes.get(at) {
        at += 1;
        if c == b'\\' {
            let (byte, len, _) = escape(&bytes[at..]);
            out.push(byte);
            at += len;
        } else {
            out.push(c);
        }
    }
    out
}

/// Base64, of either alphabet, spaces passed over; `None` for what is none.
pub(super) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let (mut out, mut bits, mut count) = (Vec::with_capacity(text.len() / 4 * 3), 0u32, 0);
    for &byte in text.iter().filter(|byte| !byte.is_ascii_whitespace()) {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ => return None,
        };
        (bits, count) = (bits << 6 | u32::from(six), count + 1);
        if count == 4 {
            out.extend_from_slice(&bits.to_be_bytes()[1..]);
            (bits, count) = (0, 0);
        }
    }
    if count > 1 {
        let left = (bits << (6 * (4 - count))).to_be_bytes();
        out.extend_from_slice(&left[1..count as usize]);
    }
    Some(out)
}

fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    Some(digits?.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

fn translate(args: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let from = set(args.first()?);
    if args.first() == Some(&"-d") {
        let gone = set(args.get(1)?);
        let mut is_gone = [false; 256];
        gone.iter().for_each(|byte| is_gone[usize::from(*byte)] = true);
        return Some(input.iter().copied().filter(|byte| !is_gone[usize::from(*byte)]).collect());
    }
    let to = set(args.get(1)?);
    let last = *to.last()?;
    let mut table = [0u8; 256];
    for (byte, out) in (0..=u8::MAX).zip(&mut table) {
        *out = byte;
    }
    for (at, byte) in from.iter().enumerate().rev() {
        table[usize::from(*byte)] = to.get(at).copied().unwrap_or(last);
    }
    Some(input.iter().map(|byte| table[usize::from(*byte)]).collect())
}

/// The bytes that `tr` means.
fn set(text: &str) -> Vec<u8> {
    let text = match text {
        "[:upper:]" => "A-Z",
        "[:lower:]" => "a-z",
        text => text,
    };
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while let Some(&c) = bytes.get(at) {
        match (bytes.get(at + 1), bytes.get(at + 2)) {
            (Some(b'-'), Some(&end)) if end > c => {
                out.extend(c..=end);
                at += 3;
            }
            _ => {
                out.push(c);
                at += 1;
            }
        }
    }
    out
}
