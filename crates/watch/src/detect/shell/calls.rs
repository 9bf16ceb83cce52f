//! Commands that code of other languages starts: `os.system("id")`, `child_process.exec('id')`, `exec "/bin/sh"`, `` `id` ``.
//!
//! Code is not parsed: a call is its name, followed by texts in quotes. What is put together there is seen as far as it is
//! written down.

/// Calls that take a command, in Python, Perl, Ruby, PHP, JavaScript, Lua, Awk, Tcl, C and others.
const CALLS: [&str; 37] = [
    "system",
    "popen",
    "Popen",
    "exec",
    "execSync",
    "execFile",
    "execFileSync",
    "spawn",
    "spawnSync",
    "shell_exec",
    "passthru",
    "proc_open",
    "pcntl_exec",
    "getoutput",
    "getstatusoutput",
    "check_output",
    "check_call",
    "execute",
    "execv",
    "execve",
    "execvp",
    "execl",
    "execlp",
    "execle",
    "callCommand",
    "open3",
    "popen2",
    "run",
    "call",
    "Command",
    "command",
    "ProcessBuilder",
    "esyscmd",
    "syscmd",
    "posix_spawn",
    "execvpe",
    "capture2",
];
/// Longest name in [`CALLS`].
const LONGEST_NAME: usize = 16;
/// Interpreters in which backticks run what is between them.
const TICKS: [&str; 4] = ["perl", "ruby", "php", "julia"];
/// Programs whose arguments are code, or may hold it.
const CODE: [&str; 53] = [
    "python",
    "python2",
    "python3",
    "pypy",
    "pypy3",
    "perl",
    "ruby",
    "php",
    "node",
    "nodejs",
    "bun",
    "deno",
    "lua",
    "luajit",
    "awk",
    "gawk",
    "mawk",
    "nawk",
    "tclsh",
    "expect",
    "julia",
    "Rscript",
    "R",
    "irb",
    "pry",
    "groovy",
    "jrunscript",
    "jjs",
    "jshell",
    "scala",
    "ghc",
    "runghc",
    "guile",
    "elixir",
    "erl",
    "octave",
    "octave-cli",
    "gdb",
    "lldb",
    "nmap",
    "vim",
    "nvim",
    "vi",
    "rview",
    "rvim",
    "emacs",
    "rpm",
    "rpmbuild",
    "mongo",
    "mongosh",
    "redis-cli",
    "exiftool",
    "slsh",
];
/// Calls of one command that are told.
const MAX_CALLS: usize = 4;
/// Bytes of an argument that are looked at.
const MAX_BYTES: usize = 16 * 1024;

/// Whether the arguments of a program are code, or may hold it.
pub(super) fn is_code(name: &str) -> bool {
    CODE.contains(&name) || CODE.contains(&plain(name))
}

/// `python3.11` is `python`.
fn plain(name: &str) -> &str {
    name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.')
}

/// The commands that the code in the arguments of `name` starts.
pub(super) fn texts(name: &str, words: &[&str]) -> Vec<String> {
    if !is_code(name) {
        return Vec::new();
    }
    let mut all = Vec::new();
    for word in words.iter().skip(1) {
        all.extend(in_code(head(word), TICKS.contains(&plain(name))));
    }
    all.truncate(MAX_CALLS);
    all
}

/// As much of an argument as is looked at.
pub(super) fn head(word: &str) -> &str {
    let mut end = word.len().min(MAX_BYTES);
    while !word.is_char_boundary(end) {
        end -= 1;
    }
    &word[..end]
}

/// The commands that code starts.
pub(super) fn in_code(code: &str, ticks: bool) -> Vec<String> {
    let mut found = Vec::new();
    let bytes = code.as_bytes();
    for at in memchr::memchr3_iter(b'\'', b'"', b'`', bytes) {
        if found.len() >= MAX_CALLS {
            break;
        }
        if ticks && bytes[at] == b'`' && !found.iter().any(|(end, _)| at < *end) {
            if let Some((text, end)) = literal(code, at) {
                found.push((end, text));
            }
            continue;
        }
        if !follows_call(&code[..at]) || found.iter().any(|(end, _)| at < *end) {
            continue;
        }
        found.extend(list(code, at).map(|(text, end)| (end, text)));
    }
    found.into_iter().map(|(_, text)| text).filter(|text| !text.trim().is_empty()).collect()
}

/// Whether this ends in the name of a call, with nothing but what opens its arguments behind it.
fn follows_call(code: &str) -> bool {
    // `f"..."`, `r'...'`, `b"..."`; `["sh", "-c"`; `'sh'` behind an open quote's backslash.
    let code = code
        .strip_suffix(['f', 'r', 'b', 'u'])
        .filter(|rest| rest.ends_with(['(', '[', ' ']))
        .unwrap_or(code);
    let open = code.trim_end_matches([' ', '(', '[', '{', '\\', '\n', '\t']);
    if open.len() == code.len() {
        return false;
    }
    let name_start = open.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(0, |at| at + 1);
    // A character of more bytes is none of a name's.
    let Some(name) = open.get(name_start..) else { return false };
    name.len() <= LONGEST_NAME && CALLS.contains(&name)
}

/// A literal, or a list of them, as one command; and where it ends.
fn list(code: &str, at: usize) -> Option<(String, usize)> {
    let (first, mut end) = literal(code, at)?;
    let mut words = vec![first];
    while words.len() < 32 {
        let rest = code.get(end..)?;
        let gap = rest.len() - rest.trim_start_matches([' ', ',', '[', '\n', '\\']).len();
        let quote = code.as_bytes().get(end + gap).filter(|byte| matches!(byte, b'\'' | b'"'));
        if gap == 0 || quote.is_none() || !rest[..gap].contains(',') {
            break;
        }
        let (word, after) = literal(code, end + gap)?;
        words.push(word);
        end = after;
    }
    let shell = words.first().is_some_and(|first| first.ends_with("sh"));
    if let Some(at) = words.iter().position(|word| word == "-c").filter(|_| shell && words.len() > 2) {
        return words.get(at + 1).map(|text| (text.clone(), end));
    }
    let text = match &words[..] {
        [only] => only.clone(),
        all => all.iter().map(|word| super::embedded::quoted(word)).collect::<Vec<_>>().join(" "),
    };
    Some((text, end))
}

/// The text between the quote here and the next of its kind.
fn literal(code: &str, at: usize) -> Option<(String, usize)> {
    let bytes = code.as_bytes();
    let quote = *bytes.get(at)?;
    let (mut out, mut here) = (Vec::new(), at + 1);
    while let Some(&byte) = bytes.get(here) {
        here += 1;
        match byte {
            b'\\' => {
                let next = bytes.get(here).copied().unwrap_or(b'\\');
                // `\"`: the quote itself was one of the shell's.
                out.push(if next == b'n' { b'\n' } else { next });
                here += 1;
            }
            byte if byte == quote => {
                return Some((String::from_utf8_lossy(&out).into_owned(), here.min(code.len())));
            }
            byte => out.push(byte),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_found() {
        let of = |code: &str| in_code(code, false);
        assert_eq!(of("import os;os.system('id; ls')"), ["id; ls"]);
        assert_eq!(of("require(\"child_process\").exec(\"curl x|sh\", f)"), ["curl x|sh"]);
        assert_eq!(of("subprocess.run(['/bin/sh', '-c', 'id | wc'])"), ["id | wc"]);
        assert_eq!(of("subprocess.check_output(['git', 'log', 'a b'])"), ["git log 'a b'"]);
        assert_eq!(of("BEGIN {system(\"/bin/sh\")}"), ["/bin/sh"]);
        assert_eq!(of("exec '/bin/sh'"), ["/bin/sh"]);
        assert_eq!(of("os.system(f\"echo \\\"a\\\"\")"), ["echo \"a\""]);
        assert_eq!(in_code("print `id`", true), ["id"]);
        for code in
            ["print('exec')", "x.execute", "system('", "system", "a = ['x']", "\u{e9}'x'", "run\u{e9}('x')"]
        {
            assert!(of(code).is_empty(), "{code}: {:?}", of(code));
        }
    }
}
