//! What a command does with data: fetches it, decodes it, runs it.

use super::script::{Command, Sep, Word};

/// Programs that run texts in the language of shells.
pub(in crate::detect) const SHELLS: [&str; 12] =
    ["sh", "bash", "dash", "zsh", "ksh", "ash", "mksh", "fish", "busybox", "csh", "tcsh", "rbash"];
/// Programs that look at files, change what is said of them, and carry them about, whatever is in them.
const HANDLERS: &str = "\
    chmod chown chgrp rm cat ls cp mv ln install scp rsync file stat test [ [[ echo printf tee touch tar unzip md5sum sha256sum \
    docker podman export which";
/// Programs that run code in other languages.
pub(super) const INTERPRETERS: [&str; 10] =
    ["python", "python2", "python3", "perl", "ruby", "php", "node", "lua", "tclsh", "expect"];
/// Programs that bring something from the network.
pub(super) const FETCHERS: [&str; 24] = [
    "curl",
    "whois",
    "wget",
    "fetch",
    "lwp-download",
    "lwp-request",
    "GET",
    "lynx",
    "aria2c",
    "axel",
    "lftp",
    "finger",
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

/// Whether a list of names, spaces between them, has this one.
pub(super) fn is_one_of(name: &str, names: &str) -> bool {
    names.split(' ').any(|known| known == name)
}

/// Whether a program does to files what has nothing to do with what is in them.
pub(super) fn handles_files(name: &str) -> bool {
    is_one_of(name, HANDLERS)
}

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
    let reads_file =
        |(op, target): &(String, Word)| op == "<" && !target.text.is_empty() && target.text != "/dev/tty";
    command.before != Sep::Pipe
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

/// Whether a command runs code in a language that is not the shell's.
pub(super) fn is_interpreter(command: &Command) -> bool {
    INTERPRETERS.contains(&command.name())
}
