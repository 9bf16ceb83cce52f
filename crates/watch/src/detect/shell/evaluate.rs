//! What simple pipelines give, without running them: `echo aWQ= | base64 -d`, `printf '\151\144'`, `rev <<< di`.

use super::expand::escape;
use super::script::Command;

/// Longest text that is worked out.
const MAX_BYTES: usize = 64 * 1024;

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
        "printf" => {
            let format = args.first()?;
            let text = match (*format, args.get(1)) {
                ("%s" | "%s\\n" | "%b" | "%s\n", Some(text)) => text,
                _ => format,
            };
            Some(unescaped(text))
        }
        "cat" if args.is_empty() => input,
        "base64" | "b64decode" if has(&["-d", "-D", "--decode", "-di", "-id"]) => base64(&input?),
        "openssl" if has(&["base64", "enc"]) && has(&["-d"]) => base64(&input?),
        "xxd" if args.iter().any(|arg| arg.starts_with("-r")) => hex(&input?),
        "rev" => Some(input?.trim_ascii_end().iter().rev().copied().collect()),
        "tr" => translate(&args, &input?),
        "sed" => Some(input?),
        _ => None,
    }
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
        return Some(input.iter().copied().filter(|byte| !gone.contains(byte)).collect());
    }
    let to = set(args.get(1)?);
    let last = *to.last()?;
    let translated = input.iter().map(|byte| match from.iter().position(|one| one == byte) {
        Some(at) => to.get(at).copied().unwrap_or(last),
        None => *byte,
    });
    Some(translated.collect())
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
