//! Shapes that run what was fetched, decoded or hidden, whoever wrote them.

use super::evaluate;
use super::script::{Command, Script};

const SHELLS: [&str; 12] =
    ["sh", "bash", "dash", "zsh", "ksh", "ash", "mksh", "fish", "busybox", "csh", "tcsh", "rbash"];
const INTERPRETERS: [&str; 10] =
    ["python", "python2", "python3", "perl", "ruby", "php", "node", "lua", "tclsh", "expect"];
const FETCHERS: [&str; 20] = [
    "curl",
    "wget",
    "fetch",
    "lwp-download",
    "lwp-request",
    "GET",
    "lynx",
    "aria2c",
    "http",
    "nc",
    "ncat",
    "netcat",
    "nc.traditional",
    "nc.openbsd",
    "socat",
    "telnet",
    "ftp",
    "ftpget",
    "tftp",
    "scp",
];
/// Programs that ask for names: what answers may hold commands.
const RESOLVERS: [&str; 4] = ["dig", "nslookup", "host", "drill"];
/// Those that carry what a shell prints.
const CARRIERS: [&str; 9] =
    ["nc", "ncat", "netcat", "nc.traditional", "nc.openbsd", "telnet", "socat", "openssl", "curl"];

/// Whether a program fetches something from the network.
pub(super) fn fetches(command: &Command) -> bool {
    let inner = command.unwrapped();
    let command = inner.as_ref().unwrap_or(command);
    FETCHERS.contains(&command.name())
        || (RESOLVERS.contains(&command.name())
            && command.args().any(|arg| arg.to_ascii_lowercase().contains("txt")))
        || (command.name() == "openssl" && command.args().next() == Some("s_client"))
        || command.name() == "ssh"
        || command.redirects.iter().any(|(_, target)| is_socket_path(&target.text))
}

fn is_socket_path(text: &str) -> bool {
    text.starts_with("/dev/tcp/") || text.starts_with("/dev/udp/")
}

/// `</dev/tcp/localhost/80` by itself tells whether somebody listens.
fn is_probe(command: &Command) -> bool {
    let local = |text: &str| {
        ["localhost/", "127.0.0.1/", "::1/"]
            .iter()
            .any(|host| text.strip_prefix("/dev/tcp/").is_some_and(|rest| rest.starts_with(host)))
    };
    let [(op, target)] = &command.redirects[..] else { return false };
    command.words.is_empty() && op == "<" && local(&target.text)
}

/// Whether a command is a shell, or an interpreter, that runs what it reads.
pub(super) fn runs_input(command: &Command) -> bool {
    let words: Vec<&str> = command.words.iter().map(|word| &*word.text).collect();
    let name = |word: &&str| word.rsplit('/').next().unwrap_or(word).to_owned();
    if words.first().map(name).as_deref() == Some("xargs") {
        return words.contains(&"-c") && words.iter().any(|arg| SHELLS.contains(&&*name(arg)));
    }
    let words = &words[super::wrapper::inner_at(&words).unwrap_or(0)..];
    let Some((first, args)) = words.split_first() else { return false };
    let program = name(first);
    let reads = args.iter().all(|arg| {
        arg.starts_with('-')
            && *arg != "-c"
            && *arg != "-e"
            && !arg.contains("version")
            && *arg != "-V"
            && *arg != "-h"
            && *arg != "--help"
    }) || args.first().is_some_and(|arg| matches!(*arg, "-s" | "-" | "/dev/stdin"));
    match program.as_str() {
        "at" | "batch" => !args.contains(&"-f") && !args.contains(&"-l"),
        "source" | "." => args.first().is_some_and(|arg| *arg == "/dev/stdin"),
        program => (SHELLS.contains(&program) || INTERPRETERS.contains(&program)) && reads,
    }
}

/// Whether a command is a shell that somebody types into: `sh`, `bash -i`, `sh -p`.
pub(super) fn is_bare_shell(command: &Command) -> bool {
    let inner = command.unwrapped();
    let command = inner.as_ref().unwrap_or(command);
    let is_letter = |arg: &str| {
        matches!(
            arg,
            "-i" | "-p" | "-l" | "-li" | "-il" | "-ip" | "-pi" | "-s" | "-b" | "--norc" | "--noprofile"
        )
    };
    SHELLS.contains(&command.name()) && command.name() != "busybox" && command.args().all(is_letter)
}

/// Whether a shell is started that reads what somebody types, and not a pipe, a text or a file.
pub(super) fn is_typed_into(command: &Command) -> bool {
    let reads_file = |(op, target): &(String, super::script::Word)| {
        op == "<" && !target.text.is_empty() && target.text != "/dev/tty"
    };
    command.before != super::script::Sep::Pipe
        && command.input.is_none()
        && !command.redirects.iter().any(reads_file)
        && is_bare_shell(command)
}

/// Whether a command decodes what it reads.
pub(super) fn decodes(command: &Command) -> bool {
    let has = |wanted: &[&str]| command.args().any(|arg| wanted.contains(&arg));
    match command.name() {
        "base64" | "base32" | "uudecode" | "base58" => {
            has(&["-d", "-D", "--decode", "-di", "-id"]) || command.name() == "uudecode"
        }
        "openssl" => has(&["-d"]),
        "xxd" => command.args().any(|arg| arg.starts_with("-r")),
        "rev" | "rot13" | "gpg" | "gunzip" | "zcat" | "bzcat" | "xzcat" | "bunzip2" | "unxz" => true,
        "gzip" | "bzip2" | "xz" | "zstd" => {
            command.args().any(|arg| arg.starts_with("-d") || arg.starts_with("-cd") || arg == "-dc")
        }
        name if INTERPRETERS.contains(&name) => {
            let codes = [
                "decode",
                "pack(",
                "pack ",
                "fromhex",
                "chr(",
                "unhexlify",
                "[::-1]",
                "reverse",
                "decompress",
            ];
            command.args().any(|arg| codes.iter().any(|code| arg.contains(code)))
        }
        "tr" => command.words.len() >= 3 && !has(&["-d", "-s"]),
        "printf" => {
            command.args().any(|arg| arg.contains("\\x") || arg.contains("\\1") || arg.contains("\\0"))
        }
        "echo" => command.args().any(|arg| ["\\x", "\\0", "\\1"].iter().any(|code| arg.contains(code))),
        _ => false,
    }
}

/// The signs of a text: what is fetched, or decoded, and run.
pub(super) fn signs(script: &Script) -> Vec<&'static str> {
    let mut signs = Vec::new();
    let all = &script.commands;
    let brought = super::brought::Brought::new(script);
    for (index, command) in all.iter().enumerate() {
        if brought.is_run(script, index) {
            signs.push("runs-fetched");
        }
        if brought.is_decoded_run(command) {
            signs.push("runs-decoded");
        }
        let goes_out = all.get(index + 1..).unwrap_or_default().iter().any(|other| {
            other.pipeline == command.pipeline
                && other.host == command.host
                && CARRIERS.contains(&other.name())
        });
        if goes_out && runs_input(command) && SHELLS.contains(&command.name()) {
            signs.push("shell-on-network");
        }
        let piped = all[..index]
            .iter()
            .filter(|other| other.pipeline == command.pipeline && other.host == command.host);
        let inside = all.iter().filter(|other| other.host == Some(index));
        let is_run = runs_input(command) && command.before == super::script::Sep::Pipe;
        let is_fed = runs_input(command) && command.input.is_some();
        let words_run = matches!(command.name(), "eval" | "source" | ".")
            || is_shell_text(command)
            || substituted_name(command);
        let sources: Vec<&Command> = match (is_run, is_fed || words_run || runs_files(command)) {
            (true, _) => piped.collect(),
            (_, true) => inside.collect(),
            _ => Vec::new(),
        };
        if sources.iter().any(|source| fetches(source)) {
            signs.push("runs-fetched");
        }
        if sources.iter().any(|source| decodes(source)) || (is_run && is_put_together(&sources)) {
            signs.push("runs-decoded");
        }
        let written = |text: &str| text.contains("/dev/tcp/") || text.contains("/dev/udp/");
        if command.redirects.iter().any(|(_, target)| written(&target.text)) && !is_probe(command)
            || command.args().any(written) && !runs_text(command) && command.name() != "grep"
        {
            signs.push("dev-tcp");
        }
        // An argument may be written oddly for good reason; a program's name may not.
        if command.words.first().is_some_and(|word| word.hidden && !word.text.is_empty() || is_masked(word))
            || is_split_anew(script, command)
        {
            signs.push("hidden-command");
        }
    }
    if downloads_and_runs(script, |command| {
        if FETCHERS.contains(&command.name()) || downloads_packages(command) {
            outputs(command)
        } else {
            Vec::new()
        }
    }) {
        signs.push("runs-fetched");
    }
    if downloads_and_runs(script, decoded_into) {
        signs.push("runs-decoded");
    }
    signs.sort_unstable();
    signs.dedup();
    signs
}

/// `/usr/bin/p?ng`, `nma?`: nobody leaves it to the shell which program that is.
fn is_masked(word: &super::script::Word) -> bool {
    let name = word.text.rsplit('/').next().unwrap_or_default();
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"?*[]".contains(&byte));
    let letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let amid = letter(name.as_bytes().first()) && letter(name.as_bytes().last()) && name.contains(['*', '[']);
    !word.quoted && plain && (name.contains('?') || amid) && name.len() > 2
}

/// `IFS=];b=cat]/etc/passwd;$b`: a variable is run that falls apart at another character than a space.
fn is_split_anew(script: &Script, command: &Command) -> bool {
    let Some(first) = command.words.first().filter(|first| first.vars.len() == 1 && !first.quoted) else {
        return false;
    };
    let marks =
        script.commands.iter().filter(|other| other.words.is_empty()).flat_map(|other| &other.assigns);
    let mut marks = marks.filter(|(name, value)| name == "IFS" && value.len() == 1);
    marks.any(|(_, value)| first.text.contains(value.as_str()) && value != "/")
}

/// Whether a pipe prints a text and changes it, so that what comes out was known to whoever wrote it.
fn is_put_together(sources: &[&Command]) -> bool {
    let mut data = None;
    for source in sources {
        data = match evaluate::stage(source, data) {
            Some(data) => Some(data),
            None => return false,
        };
    }
    sources.len() > 1
        && sources.iter().any(|source| !matches!(source.name(), "echo" | "printf" | "cat" | "tee"))
}

/// A text that is read in turn stands among its arguments.
fn runs_text(command: &Command) -> bool {
    shell_texts(command).next().is_some()
}

/// `bash <(curl ...)`, `sh -c "$(curl ...)"`.
fn is_shell_text(command: &Command) -> bool {
    SHELLS.contains(&command.name()) && command.args().any(|arg| arg.starts_with('-') && arg.ends_with('c'))
}

fn runs_files(command: &Command) -> bool {
    let name = command.name();
    (SHELLS.contains(&name) || INTERPRETERS.contains(&name)) && command.args().any(|arg| arg == "/dev/fd/63")
}

/// `$(echo aWQ= | base64 -d)` in the place of a command.
fn substituted_name(command: &Command) -> bool {
    command.words.first().is_some_and(|word| word.substitutes && !word.quoted)
}

/// `curl -o x URL; sh x`, `wget URL/x && chmod +x x && ./x`.
fn downloads_and_runs(script: &Script, brings: impl Fn(&Command) -> Vec<String>) -> bool {
    let mut files: Vec<String> = Vec::new();
    for command in script.top() {
        let inner = command.unwrapped();
        let command = inner.as_ref().unwrap_or(command);
        let first = command.words.first().map_or("", |word| &*word.text);
        let runs = |file: &str| files.iter().any(|known| same_file(known, file));
        let is_shell = SHELLS.contains(&command.name())
            || INTERPRETERS.contains(&command.name())
            || matches!(command.name(), "." | "source");
        if (first.contains('/') && runs(first)) || (is_shell && command.args().any(runs)) {
            return true;
        }
        // What was brought goes by another name from now on.
        let renames = matches!(command.name(), "cat" | "cp" | "mv") && command.args().any(runs);
        files.extend(brings(command));
        if renames {
            let written =
                command.redirects.iter().filter(|(op, _)| op.contains('>')).map(|(_, file)| &*file.text);
            let last = command.args().last().filter(|_| command.name() != "cat");
            files.extend(written.chain(last).map(str::to_owned));
        }
        // `curl URL | tar x -C DIR`: what lies there came from the network.
        let unpacks = matches!(command.name(), "tar" | "unzip" | "cpio")
            && script.top().any(|other| other.pipeline == command.pipeline && fetches(other));
        if unpacks {
            let args: Vec<&str> = command.args().collect();
            let folder =
                args.iter().position(|arg| matches!(*arg, "-C" | "-d")).and_then(|at| args.get(at + 1));
            files.extend(folder.map(|folder| format!("{}/", folder.trim_end_matches('/'))));
        }
    }
    false
}

/// `base64 -d x > y`: y.
fn decoded_into(command: &Command) -> Vec<String> {
    let packed = matches!(
        command.name(),
        "rev" | "tr" | "gpg" | "gunzip" | "zcat" | "bzcat" | "xzcat" | "gzip" | "bzip2" | "xz" | "zstd"
    );
    if !decodes(command) || packed || matches!(command.name(), "echo" | "printf") {
        return Vec::new();
    }
    let targets =
        command.redirects.iter().filter(|(op, _)| op.contains('>')).map(|(_, target)| target.text.clone());
    targets.filter(|file| file.contains('/') || file.contains('.')).collect()
}

/// `pip download x -d DIR`
fn downloads_packages(command: &Command) -> bool {
    command.name().starts_with("pip") && command.args().next() == Some("download")
}

/// The files that a fetcher writes.
fn outputs(command: &Command) -> Vec<String> {
    let args: Vec<&str> = command.args().collect();
    let mut files: Vec<String> = command.redirects.iter().map(|(_, target)| target.text.clone()).collect();
    for (at, arg) in args.iter().enumerate() {
        let takes_next = (arg.starts_with('-') && !arg.starts_with("--") && arg.ends_with(['o', 'O']))
            || matches!(*arg, "--output" | "--output-document");
        if takes_next && let Some(next) = args.get(at + 1) {
            files.push((*next).to_owned());
        }
        let path = arg.split(['?', '#']).next().unwrap_or(arg);
        let names_file = matches!(command.name(), "lwp-download" | "ftpget" | "tftp" | "scp" | "ftp");
        if names_file && !path.contains("://") && !path.contains(':') {
            files.push(path.to_owned());
        }
        if path.contains('/')
            && !arg.starts_with('-')
            && let Some(last) = path.rsplit('/').next().filter(|last| !last.is_empty())
        {
            files.push(last.to_owned());
        }
    }
    if args.first() == Some(&"download")
        && let Some(folder) =
            args.iter().position(|arg| matches!(*arg, "-d" | "--dest")).and_then(|at| args.get(at + 1))
    {
        files.push(format!("{}/", folder.trim_end_matches('/')));
    }
    files.retain(|file| !file.starts_with('-') && file != "/dev/null" && !file.starts_with('&'));
    files
}

fn same_file(known: &str, file: &str) -> bool {
    let plain = |text: &str| text.trim_start_matches("./").to_owned();
    let (known, file) = (plain(known), plain(file));
    let named = !known.contains('/') && file.rsplit('/').next() == Some(known.as_str());
    (known == file || named || known.len() > 1 && known.ends_with('/') && file.starts_with(&known))
        && known.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// The texts that a command hands to a shell: `sh -c TEXT`, also behind `sudo`, `docker exec x`, `find -exec`; `ssh HOST TEXT`.
fn shell_texts(command: &Command) -> impl Iterator<Item = &str> {
    let words: Vec<&str> = command.words.iter().map(|word| &*word.text).collect();
    let from = super::wrapper::inner_at(&words).unwrap_or(0);
    let words: Vec<&str> = words[from..].to_vec();
    let name = |word: &str| word.rsplit('/').next().unwrap_or(word).to_owned();
    let is_shell = |at: usize| SHELLS.contains(&&*name(words[at])) || words[at] == "su";
    let takes_text = |word: &str| word.starts_with('-') && !word.starts_with("--") && word.ends_with('c');
    let shell = (0..words.len().saturating_sub(2)).find(|at| is_shell(*at) && takes_text(words[at + 1]));
    let first = words.first().map(|first| name(first)).unwrap_or_default();
    let direct = SHELLS.contains(&&*first) || matches!(&*first, "su" | "script");
    let own =
        direct.then(|| words.iter().skip(1).position(|word| takes_text(word)).map(|at| at + 2)).flatten();
    let remote =
        (first == "ssh" && words.len() > 2).then(|| words.len() - 1).filter(|at| words[*at].contains(' '));
    let at = own.or(shell.map(|at| at + 2)).or(remote);
    at.and_then(|at| command.words.get(at + from)).map(|word| &*word.text).into_iter()
}

/// Texts that the text runs and that can be told without running it: `sh -c TEXT`, `eval TEXT`, `echo B64 | base64 -d | sh`.
pub(super) fn inner(script: &Script) -> Vec<String> {
    let mut texts = Vec::new();
    for (index, command) in script.commands.iter().enumerate() {
        if command.name() == "eval" {
            texts.push(command.args().collect::<Vec<_>>().join(" "));
        }
        texts.extend(shell_texts(command).map(str::to_owned));
        if SHELLS.contains(&command.name()) {
            texts.extend(command.input.clone());
        }
        if runs_input(command) && !is_interpreter(command) {
            texts.extend(piped(script, index));
        }
    }
    texts.retain(|text| !text.trim().is_empty());
    texts
}

/// What interpreters of other languages, and editors, are given to read, behind their names: rules look there as well.
pub(super) fn fed(script: &Script) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, command) in script.commands.iter().enumerate() {
        let inner = command.unwrapped();
        let own = inner.as_ref().unwrap_or(command);
        let takes = is_interpreter(own)
            || matches!(
                own.name(),
                "ed" | "m4"
                    | "wish"
                    | "jjs"
                    | "jrunscript"
                    | "gdb"
                    | "at"
                    | "crontab"
                    | "chpasswd"
                    | "passwd"
            );
        let text = command.input.clone().filter(|_| takes);
        let text = text.or_else(|| takes.then(|| piped(script, index)).flatten());
        lines.extend(text.map(|text| format!("{} <<< {text}", own.line())));
    }
    lines
}

fn is_interpreter(command: &Command) -> bool {
    INTERPRETERS.contains(&command.name())
}

/// What is piped into a command, where the text alone tells.
fn piped(script: &Script, index: usize) -> Option<String> {
    let command = &script.commands[index];
    let mut data = None;
    for stage in script.commands[..index]
        .iter()
        .filter(|other| other.pipeline == command.pipeline && other.host == command.host)
    {
        data = Some(evaluate::stage(stage, data.take())?);
    }
    String::from_utf8(data?).ok()
}
