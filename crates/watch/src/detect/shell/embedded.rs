//! Texts that other programs than shells hand to one: `git --upload-pack=TEXT`, `tar --checkpoint-action=exec=TEXT`,
//! `ssh -o ProxyCommand=TEXT`, `find -exec ...`, `PAGER=TEXT man`.
//!
//! Most such options have an honest use, and a few programs that they are given for it: `ProxyCommand` names `ssh` or `nc`, a
//! pager is one that shows pages. A text that starts something else there is odd.

use super::calls;
use super::danger;
use super::parse;
use super::script::Command;

/// Texts of one command that are read.
const MAX_TEXTS: usize = 8;

/// A text that is handed to a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Embedded {
    pub(super) text: String,
    /// The option, where nobody honest gives it such a text.
    pub(super) odd: Option<&'static str>,
    /// It starts a shell to type into.
    pub(super) starts_shell: bool,
}

/// What an option is honestly given.
#[derive(Clone, Copy)]
enum Honest {
    /// Anything.
    Any,
    /// Nothing.
    Nothing,
    /// These programs.
    Programs(&'static [&'static str]),
}

/// Where the text stands.
#[derive(Clone, Copy)]
enum Place {
    /// Behind the option of this name, in the same argument or the next.
    Option(&'static str),
    /// Behind this, anywhere in an argument; in the next one if nothing follows.
    Inside(&'static str),
    /// Behind this at the beginning of an argument.
    Begin(&'static str),
}

use Honest::{Any, Nothing, Programs};
use Place::{Begin, Inside, Option as Opt};

const UPLOAD: Honest = Programs(&["git-upload-pack", "git-receive-pack", "git-upload-archive", "git", "wsl"]);
const REMOTE: Honest = Programs(&[
    "ssh",
    "autossh",
    "plink",
    "sshpass",
    "gcloud",
    "aws",
    "tsh",
    "rsh",
    "docker",
    "podman",
    "kubectl",
    "lxc",
    "oc",
    "coder",
    "rsync",
    "mosh",
    "az",
    "fly",
    "flyctl",
    "limactl",
    "multipass",
    "nomad",
]);
const PROXY: Honest = Programs(&[
    "ssh",
    "nc",
    "ncat",
    "netcat",
    "nc.openbsd",
    "socat",
    "connect",
    "connect-proxy",
    "corkscrew",
    "cloudflared",
    "aws",
    "gcloud",
    "proxytunnel",
    "none",
    "tsh",
    "openssl",
    "websocat",
    "doctl",
    "oci",
    "coder",
    "sss_ssh_knownhostsproxy",
    "session-manager-plugin",
    "az",
    "ssh_ssm",
    "aws-ssm-ec2-proxy-command.sh",
    "boundary",
    "kubectl",
    "docker",
    "tor",
]);
const PAGERS: Honest = Programs(&[
    "less",
    "more",
    "most",
    "cat",
    "bat",
    "batcat",
    "delta",
    "diff-so-fancy",
    "head",
    "tail",
    "view",
    "vim",
    "nvim",
    "vi",
    "col",
    "false",
    "true",
    "moar",
    "nvimpager",
    "vimpager",
    "lv",
    "pg",
    "w3m",
    "lynx",
    "xdg-open",
    "ul",
    "colordiff",
    "firefox",
    "difft",
    "diff-highlight",
    "perl",
    "lnav",
    "wc",
    "grep",
    "tee",
]);
const PACKERS: Honest = Programs(&[
    "gzip",
    "pigz",
    "zstd",
    "zstdmt",
    "unzstd",
    "xz",
    "bzip2",
    "lz4",
    "pbzip2",
    "lbzip2",
    "pixz",
    "lzip",
    "plzip",
    "brotli",
    "lrzip",
    "lzop",
    "pxz",
    "7z",
    "cat",
    "gpg",
    "igzip",
    "rapidgzip",
    "unpigz",
    "openssl",
    "age",
    "nice",
    "gunzip",
]);
const FILTERS: Honest = Programs(&[
    "gzip",
    "pigz",
    "zstd",
    "xz",
    "bzip2",
    "lz4",
    "cat",
    "wc",
    "sort",
    "head",
    "tail",
    "grep",
    "aws",
    "gsutil",
    "split",
    "zcat",
    "gunzip",
    "awk",
    "sed",
    "jq",
    "clear",
    "ls",
    "pwd",
    "date",
    "echo",
    "sha256sum",
    "md5sum",
    "psql",
    "tee",
    "chmod",
    "rm",
    "mv",
    "capinfos",
    "tshark",
    "make",
]);
const WATCHERS: Honest =
    Programs(&["rs-git-fsmonitor", "watchman", "true", "false", "git", "query-watchman"]);
const OPENERS: Honest = Programs(&[
    "lesspipe",
    "lesspipe.sh",
    "src-hilite-lesspipe.sh",
    "highlight",
    "pygmentize",
    "bat",
    "batcat",
    "lesskey",
    "code2color",
]);
const EXEC_STEPS: Honest = Programs(&["echo", "sleep", "printf", "date", "dot", "ttyout", "true"]);
const UNZIP: Honest = Programs(&["unzip", "7z", "zip"]);

const GIT: &[&str] = &["git"];
const SSH: &[&str] =
    &["ssh", "scp", "sftp", "rsync", "git", "ansible", "ansible-playbook", "autossh", "sshfs", "mosh"];
const DATABASES: &[&str] = &[
    "psql",
    "mysql",
    "mariadb",
    "sqlite3",
    "pgcli",
    "mycli",
    "sqlcmd",
    "mysqlsh",
    "duckdb",
    "clickhouse-client",
];

/// Programs, where they take a text, and what they are honestly given there.
const TAKERS: [(&[&str], Place, Honest); 47] = [
    (GIT, Opt("--upload-pack"), UPLOAD),
    (GIT, Opt("--receive-pack"), UPLOAD),
    (GIT, Inside("core.sshcommand"), REMOTE),
    (GIT, Inside("core.gitproxy"), PROXY),
    (GIT, Inside("core.pager"), PAGERS),
    (GIT, Inside("core.fsmonitor"), WATCHERS),
    (GIT, Inside("uploadpack.packobjectshook"), Nothing),
    (
        GIT,
        Inside("core.askpass"),
        Programs(&["ssh-askpass", "ksshaskpass", "echo", "true", "git-gui--askpass"]),
    ),
    (GIT, Begin("ext::"), REMOTE),
    (GIT, Opt("--open-files-in-pager"), PAGERS),
    (GIT, Opt("--exec"), Any),
    (GIT, Inside("core.editor"), Any),
    (GIT, Inside("sequence.editor"), Any),
    (GIT, Inside("credential.helper=!"), Any),
    (GIT, Inside("diff.external"), Any),
    (SSH, Inside("proxycommand"), PROXY),
    (SSH, Inside("localcommand"), Any),
    (SSH, Inside("knownhostscommand"), Any),
    (&["rsync"], Opt("-e"), REMOTE),
    (&["rsync"], Opt("--rsh"), REMOTE),
    (&["rsync"], Opt("--rsync-path"), REMOTE),
    (&["tar", "bsdtar", "gtar"], Begin("--checkpoint-action=exec="), EXEC_STEPS),
    (&["tar", "bsdtar", "gtar"], Opt("--to-command"), Any),
    (&["tar", "bsdtar", "gtar"], Opt("--use-compress-program"), PACKERS),
    (&["tar", "bsdtar", "gtar"], Opt("-I"), PACKERS),
    (&["tar", "gtar"], Opt("--rsh-command"), REMOTE),
    (&["tar", "gtar"], Opt("--info-script"), Nothing),
    (&["tar", "gtar"], Opt("--new-volume-script"), Nothing),
    (&["zip"], Opt("-TT"), UNZIP),
    (&["zip"], Opt("--unzip-command"), UNZIP),
    (&["man"], Opt("-P"), PAGERS),
    (&["man"], Opt("--pager"), PAGERS),
    (&["man"], Opt("-H"), PAGERS),
    (&["tcpdump"], Opt("-z"), FILTERS),
    (&["split"], Opt("--filter"), FILTERS),
    (DATABASES, Inside("\\!"), FILTERS),
    (DATABASES, Inside(".shell "), FILTERS),
    (DATABASES, Inside(".system "), FILTERS),
    (DATABASES, Inside("from program "), FILTERS),
    (DATABASES, Inside("to program "), FILTERS),
    (&["apt", "apt-get", "aptitude", "dpkg"], Inside("-invoke::="), Nothing),
    (&["apt", "apt-get", "aptitude", "dpkg"], Inside("-invoke="), Nothing),
    (&["watch", "entr", "parallel", "nodemon", "xterm"], Opt("-e"), Any),
    (&["go"], Opt("-toolexec"), Any),
    (&["go"], Opt("-exec"), Any),
    (&["ansible"], Opt("-a"), Any),
    (&["flock", "sg", "runuser", "vagrant", "capsh", "gosu"], Opt("-c"), Any),
];

/// Variables whose value programs run.
const VARIABLES: [(&str, Honest); 14] = [
    ("GIT_SSH_COMMAND", REMOTE),
    ("GIT_SSH", REMOTE),
    ("RSYNC_RSH", REMOTE),
    ("GIT_PAGER", PAGERS),
    ("MANPAGER", PAGERS),
    ("PAGER", PAGERS),
    ("SYSTEMD_PAGER", PAGERS),
    ("LESSOPEN", OPENERS),
    ("GIT_PROXY_COMMAND", PROXY),
    ("GIT_EXTERNAL_DIFF", Any),
    ("EDITOR", Any),
    ("GIT_EDITOR", Any),
    ("VISUAL", Any),
    ("PROMPT_COMMAND", Any),
];

/// What stands around the program that is meant.
const GLUE: [&str; 16] = [
    "", "sh", "bash", "env", "exec", "cd", "mkdir", "echo", "sleep", "test", "[", "true", "sudo", "timeout",
    "nohup", "nice",
];

/// Programs of [`by_design`].
const BY_DESIGN: [&str; 22] = [
    "find",
    "watch",
    "trap",
    "alias",
    "vi",
    "vim",
    "nvim",
    "view",
    "ex",
    "rvim",
    "vimdiff",
    "gdb",
    "sed",
    "tmux",
    "screen",
    "xterm",
    "gnome-terminal",
    "parallel",
    "pssh",
    "pdsh",
    "clush",
    "parallel-ssh",
];

/// Whether a program may have such texts among its arguments.
pub(super) fn may_take(argv: &[String]) -> bool {
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    let at = super::wrapper::inner_at(&words).unwrap_or(0);
    let Some(name) = words.get(at).map(|first| first.rsplit('/').next().unwrap_or(first)) else {
        return false;
    };
    words.len() > at + 1
        && (TAKERS.iter().any(|(programs, ..)| programs.contains(&name))
            || BY_DESIGN.contains(&name)
            || calls::is_code(name))
}

/// The texts in the arguments of a command, and in the variables that are set for it.
pub(super) fn texts(command: &Command) -> Vec<Embedded> {
    let mut all = of_variables(command);
    let inner = command.unwrapped();
    let command = inner.as_ref().unwrap_or(command);
    let words: Vec<&str> = command.words.iter().map(|word| &*word.text).collect();
    let name = command.name();
    for (programs, place, honest) in &TAKERS {
        if programs.contains(&name) {
            let found = |text: String| Embedded {
                odd: oddly(&text, *honest, *place),
                starts_shell: starts_shell(&text),
                text,
            };
            all.extend(of_place(&words, *place).into_iter().map(found));
        }
    }
    // Screens and names for commands are there to give shells.
    let gives = !matches!(name, "alias" | "trap" | "tmux" | "screen" | "xterm" | "gnome-terminal");
    let told = by_design(name, &words).into_iter().chain(calls::texts(name, &words));
    all.extend(told.map(|text| Embedded { odd: None, starts_shell: gives && starts_shell(&text), text }));
    all.retain(|one| !one.text.trim().is_empty());
    all.truncate(MAX_TEXTS);
    all
}

/// The values of `PAGER=... man`, `export PAGER=...`.
fn of_variables(command: &Command) -> Vec<Embedded> {
    let exported = command.words.iter().skip(1).filter_map(|word| word.text.split_once('='));
    let exported =
        exported.filter(|_| matches!(command.name(), "export" | "env" | "sudo" | "declare" | "setenv"));
    let own = command.assigns.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let known = own.chain(exported).filter_map(|(name, value)| {
        let (option, honest) = VARIABLES.iter().find(|(known, _)| *known == name)?;
        let text = value.trim_start_matches(['|', '-', ' ']).to_owned();
        Some(Embedded { odd: oddly(&text, *honest, Opt(option)), starts_shell: starts_shell(&text), text })
    });
    known.collect()
}

fn starts_shell(text: &str) -> bool {
    let script = parse::parse(text);
    script.commands.iter().any(danger::is_bare_shell)
}

fn of_place(words: &[&str], place: Place) -> Vec<String> {
    let args = words.iter().enumerate().skip(1);
    let next = |at: usize| words.get(at + 1).copied().unwrap_or_default().to_owned();
    let found = args.filter_map(|(at, arg)| match place {
        Opt(name) => {
            let rest = arg.strip_prefix(name)?;
            match rest.strip_prefix('=') {
                Some(text) => Some(text.to_owned()),
                None if rest.is_empty() => Some(next(at)),
                None => (!name.starts_with("--") && name.len() == 2).then(|| rest.to_owned()),
            }
        }
        Begin(marker) => arg.strip_prefix(marker).map(str::to_owned),
        Inside(marker) => {
            let start = arg.to_ascii_lowercase().find(marker)? + marker.len();
            let text = arg.get(start..)?.trim_start_matches([' ', '=']);
            Some(if text.is_empty() { next(at) } else { unquoted(text).to_owned() })
        }
    });
    found.collect()
}

/// `'id' with x` is `id`.
fn unquoted(text: &str) -> &str {
    let Some(quote) = text.chars().next().filter(|first| matches!(first, '\'' | '"' | '`')) else {
        return text;
    };
    text[1..].split(quote).next().unwrap_or_default()
}

/// The place, if what starts there is not what it is for.
fn oddly(text: &str, honest: Honest, place: Place) -> Option<&'static str> {
    let name = match place {
        Opt(name) | Inside(name) | Begin(name) => name,
    };
    let programs = match honest {
        Any => return None,
        Nothing => return (!text.trim().is_empty()).then_some(name),
        Programs(programs) => programs,
    };
    let text = text.trim();
    let outer = parse::parse(text);
    let inner: Vec<_> = danger::inner(&outer).iter().map(|text| parse::parse(text)).collect();
    let commands = || outer.commands.iter().chain(inner.iter().flat_map(|script| &script.commands));
    let is_meant = |command: &Command| {
        let inner = command.unwrapped();
        let name = inner.as_ref().unwrap_or(command).name();
        programs.contains(&name)
    };
    let is_glue = |command: &Command| GLUE.contains(&command.name());
    let fine = commands().all(|command| is_meant(command) || is_glue(command));
    let bare_shell = commands().any(|command| is_glue(command) && danger::is_bare_shell(command));
    let named = commands().any(|command| is_meant(command) || command.name().is_empty());
    let odd = outer.begins_empty || !fine || bare_shell || !(named || text.is_empty());
    // A script of one's own is nobody's business, unless everybody can write there.
    let own_script = outer.commands.len() == 1 && text.contains('/') && !text.contains(char::is_whitespace);
    let open_place = ["/tmp/", "/var/tmp/", "/dev/shm/"].iter().any(|place| text.starts_with(place));
    (odd && !(own_script && !open_place && !bare_shell)).then_some(name)
}

/// Programs that are there to start others, in forms that the shell does not see.
fn by_design(name: &str, words: &[&str]) -> Vec<String> {
    match name {
        "find" => executed(words),
        "watch" => words
            .iter()
            .skip(1)
            .find(|word| word.contains(' '))
            .map(|word| (*word).to_owned())
            .into_iter()
            .collect(),
        "trap" => {
            words.get(1).filter(|_| words.len() > 2).map(|text| (*text).to_owned()).into_iter().collect()
        }
        "alias" => words[1..].iter().filter_map(|word| Some(word.split_once('=')?.1.to_owned())).collect(),
        "vi" | "vim" | "nvim" | "view" | "ex" | "rvim" | "vimdiff" => {
            let told = words[1..].iter().map(|word| word.trim_start_matches(['+', ':']));
            told.filter_map(|word| word.strip_prefix('!').map(str::to_owned)).collect()
        }
        "gdb" => {
            let told = words[1..]
                .iter()
                .filter_map(|word| word.strip_prefix('!').or_else(|| word.strip_prefix("shell ")));
            told.map(str::to_owned).collect()
        }
        "sed" => words[1..].iter().filter_map(|word| sed_executes(word)).collect(),
        "tmux" | "screen" | "xterm" | "gnome-terminal" | "parallel" | "pssh" | "pdsh" | "clush"
        | "parallel-ssh" => {
            words[1..].iter().filter(|word| word.contains(' ')).map(|word| (*word).to_owned()).collect()
        }
        "git" => {
            let aliased = words[1..].iter().filter_map(|word| word.strip_prefix("alias.")?.split_once("=!"));
            aliased.map(|(_, text)| text.to_owned()).collect()
        }
        _ => Vec::new(),
    }
}

/// `find -exec rm {} +` is `rm {}`.
fn executed(words: &[&str]) -> Vec<String> {
    let starts = words
        .iter()
        .enumerate()
        .filter(|(_, word)| matches!(**word, "-exec" | "-execdir" | "-ok" | "-okdir"));
    let told = starts.map(|(at, _)| {
        let all = words[at + 1..].iter().take_while(|word| !matches!(**word, ";" | "+" | "\\;"));
        all.map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    });
    told.collect()
}

/// `1e id` runs `id`.
fn sed_executes(word: &str) -> Option<String> {
    let rest = word.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '$' | ','));
    let text = rest.strip_prefix("e ")?;
    (!text.trim().is_empty()).then(|| text.to_owned())
}

/// A word as a shell reads it back.
pub(super) fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+=:,@%{}".contains(&byte);
    match !word.is_empty() && word.bytes().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}
