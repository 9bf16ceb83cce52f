//! A shell that is given to a program that is for something else: `perf stat /bin/sh`, `scrot -e /bin/sh`,
//! `rpmdb --eval '%(/bin/sh 1>&2)'`.
//!
//! Which programs can start others is not written down anywhere; which are honestly told of a shell is: those that make accounts,
//! look at files, build, or give people shells. A shell that is given a text or a file to run is none to type into.

use super::calls;
use super::parse;
use super::script::Script;
use super::{handed, roles};

/// Programs that are honestly given the path of a shell.
const HONEST: &str = "\
    useradd usermod adduser luseradd chsh lchsh su sudo doas runuser login getent ldd readlink realpath whereis type command hash chattr \
    lsattr getfacl setfacl getcap chcon restorecon grep egrep fgrep rg ag awk gawk mawk sed head tail wc sort diff cmp tr cut xxd od \
    hexdump sha1sum sha512sum b2sum strings objdump readelf nm size strip patchelf checksec dpkg dpkg-query dpkg-divert dpkg-reconfigure \
    rpm apk pacman update-alternatives alternatives equery debsums nerdctl kubectl oc crictl lxc lxc-attach lxc-execute incus machinectl \
    systemd-nspawn docker-compose ssh vagrant flatpak toolbox distrobox tmux screen env set make gmake git ps pgrep pkill kill killall \
    fuser lsof find locate mkdir crontab for case function local declare read alias source . exec xterm gnome-terminal konsole alacritty \
    kitty foot zip wezterm urxvt rxvt terminator tilix xfce4-terminal bash sh dash zsh ksh fish busybox pdsh arch-chroot schroot chroot \
    qemu-img nix nix-shell guix meson cmake configure chpst s6-setuidgid gosu mkinitcpio dracut man tldr info gcloud";
/// Programs that look for texts or show them, so that what stands among their arguments runs nowhere.
const READERS: &str = "\
    grep egrep fgrep rg ag ack echo printf git gh man less tldr cat tee logger mail diff export local declare jq test [ [[ \
    kernscope curl wget read for sh bash dash zsh ksh fish su ssh busybox";
/// Options behind which a program is named.
const RUNNERS: [&str; 10] =
    ["-c", "-e", "-x", "-l", "--command", "--cmd", "--exec", "--program", "--on-error", "--login-program"];
/// Names of shells behind `/bin/`, longer ones first.
const SHELLS: [&str; 10] = ["bash", "dash", "zsh", "ksh", "mksh", "tcsh", "csh", "fish", "ash", "sh"];
/// Bytes of an argument that are looked at.
const MAX_BYTES: usize = 4 * 1024;
/// Texts in texts that are followed.
const MAX_DEPTH: usize = 3;

/// Whether a program that is for something else is given a shell to type into, or code that starts one.
pub(super) fn is_given(name: &str, words: &[&str]) -> bool {
    let may_be = |word: &&str| memchr::memmem::find(word.as_bytes(), b"sh").is_some();
    if !words.iter().skip(1).any(may_be) || roles::is_one_of(name, READERS) {
        return false;
    }
    // `-append init=/bin/sh` is what a machine of its own begins with.
    is_in_code(words) || !is_honest(name) && !name.starts_with("qemu") && is_argument(words)
}

/// Whatever runs code of a language that nobody has thought of.
fn is_in_code(words: &[&str]) -> bool {
    words.iter().skip(1).any(|word| calls::in_code(calls::head(word), false).iter().any(|text| starts(text)))
}

fn is_argument(words: &[&str]) -> bool {
    words.iter().enumerate().skip(1).any(|(at, word)| {
        // `--shell /bin/sh`, `SHELL=/bin/sh` name the shell that is to be used.
        let option = words[at - 1].trim_start_matches('-');
        let named =
            at > 1 && (names_shell(option)) || word.split_once('=').is_some_and(|(key, _)| names_shell(key));
        let runs = at > 1 && RUNNERS.contains(&words[at - 1]) && is_path(word, &[]);
        !named
            && word.len() <= MAX_BYTES
            && (runs || is_path(word, &words[at + 1..]) || is_in(word) || is_text(word) || is_bang(word))
    })
}

/// `export X=/bin/sh; php -r 'system(getenv("X"));'`: code is given a shell by a variable of its environment.
pub(super) fn is_given_by_variable(script: &Script) -> bool {
    let exported = script.commands.iter().flat_map(|command| {
        let words = command.words.iter().skip(1).filter_map(|word| word.text.split_once('='));
        let own = command.assigns.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        own.chain(words.filter(|_| command.name() == "export"))
    });
    let names: Vec<&str> = exported
        .filter(|(name, value)| is_path(value, &[]) && !names_shell(name))
        .map(|(name, _)| name)
        .collect();
    let asks = |word: &str| {
        let asked = ["getenv", "ENV", "environ", "process.env"].iter().any(|form| word.contains(form));
        asked && names.iter().any(|name| word.contains(name))
    };
    !names.is_empty()
        && script.commands.iter().any(|command| calls::is_code(command.name()) && command.args().any(asks))
}

fn is_honest(name: &str) -> bool {
    roles::handles_files(name) || roles::is_one_of(name, HONEST)
}

fn names_shell(option: &str) -> bool {
    let lower = option.to_ascii_lowercase();
    lower.contains("shell") || lower.contains("entrypoint")
}

/// `/bin/sh` as the last argument, or with nothing but letters that make it one to type into behind it.
fn is_path(word: &str, after: &[&str]) -> bool {
    let path = word.strip_prefix("/usr").unwrap_or(word);
    let is_shell = path.strip_prefix("/bin/").is_some_and(|name| SHELLS.contains(&name));
    is_shell
        && after
            .iter()
            .all(|option| matches!(*option, "-p" | "-i" | "-l" | "-s" | "-ip" | "-pi" | "-li" | ";"))
}

/// `%(/bin/sh 1>&2)`, `!/bin/sh`, `"/bin/sh"`, `exec:/bin/sh,pty` within an argument.
fn is_in(word: &str) -> bool {
    let bytes = word.as_bytes();
    memchr::memmem::find_iter(bytes, b"/bin/").any(|at| {
        let start = if bytes[..at].ends_with(b"/usr") { at - 4 } else { at };
        let Some(name) = SHELLS.iter().find(|name| bytes[at + 5..].starts_with(name.as_bytes())) else {
            return false;
        };
        let rest = word.get(at + 5 + name.len()..).unwrap_or_default();
        let before = start.checked_sub(1).map(|before| bytes[before]);
        // `#!/bin/sh` begins a script.
        let hash = start >= 2 && bytes[start - 2] == b'#';
        let opens = before.is_some_and(|byte| b"\"'`(=:!,{|@".contains(&byte)) && !hash;
        let verbs = ["exec ", "execute ", "shell ", "spawn ", "system ", "COMMAND "];
        let exec = verbs.iter().any(|verb| word[..start].ends_with(verb)) || word[..start].ends_with("\\\"");
        let bang = word[..start].ends_with("! ");
        let compared = word[..start].trim_end_matches('"').ends_with("==");
        let follows = word[..start].ends_with(' ') && word[..start].trim_end().ends_with([';', '|', '&']);
        (opens || exec || bang || follows) && !compared && ends_shell(rest)
    })
}

/// What follows the name of a shell that is given nothing to run.
fn ends_shell(rest: &str) -> bool {
    let mut rest = rest;
    loop {
        let next = rest.trim_start();
        let option =
            ["-ip", "-pi", "-li", "-p", "-i", "-l", "-s"].iter().find_map(|option| next.strip_prefix(option));
        match option.filter(|_| next.len() < rest.len()) {
            Some(left) => rest = left,
            None => break,
        }
    }
    let redirects =
        rest.trim_start().trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(['<', '>']);
    rest.trim_end().is_empty()
        || redirects
        || rest.starts_with(['"', '\'', '`', ')', '}', ']', ',', ';', '#', '\\'])
        || rest.starts_with(" #")
}

/// `!sh`, `alias.x=!sh`: what stands behind the mark is run.
pub(super) fn is_bang(word: &str) -> bool {
    let text = word.split_once('=').map_or(word, |(_, value)| value).trim_start_matches(':');
    let Some(command) = text.strip_prefix('!') else { return false };
    let command = command.trim().trim_start_matches("exec ");
    let name = command.rsplit('/').next().unwrap_or(command);
    SHELLS.contains(&name) && (name.len() == command.len() || command.starts_with('/'))
}

/// `sh -c 'exec sh 0<&1'` as one argument.
fn is_text(word: &str) -> bool {
    let text = word.trim_start_matches(['!', '|', ':', ' ']);
    let text = text.strip_prefix("exec ").unwrap_or(text);
    let first = text.split(' ').next().unwrap_or_default();
    let name = first.rsplit('/').next().unwrap_or_default();
    SHELLS.contains(&name) && text.len() > first.len() && starts(text)
}

/// Whether a text starts a shell to type into, or hands one a text that does.
pub(super) fn starts(text: &str) -> bool {
    starts_within(text, MAX_DEPTH)
}

fn starts_within(text: &str, depth: usize) -> bool {
    let script = parse::parse(text);
    // One that is piped to runs what it reads.
    script.commands.iter().any(roles::is_typed_into)
        || depth > 0 && handed::inner(&script).iter().any(|inner| starts_within(inner, depth - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shells_among_arguments() {
        let given = |line: &[&str]| is_given(line[0], line);
        for line in [
            &["perf", "stat", "/bin/sh"][..],
            &["scrot", "-e", "/usr/bin/bash", "-p"],
            &["rpmdb", "--eval", "%(/bin/sh 1>&2)"],
            &["dc", "-e", "!/bin/sh"],
            &["borg", "extract", "x", "--rsh", "sh -c 'sh </dev/tty >/dev/tty'"],
            &["x", "--on-enter=execute(/bin/sh)"],
            &["plymouth", "ask", "--command=/bin/sh"],
            &["hg", "--config", "alias.root=!sh", "root"],
            &["agetty", "-o", "-p", "-l", "/bin/sh", "-a", "root", "tty"],
            &["cdist", "shell", "-s", "/bin/sh"],
        ] {
            assert!(given(line), "{line:?}");
        }
        for line in [
            &["useradd", "-s", "/bin/bash"][..],
            &["x", "--shell", "/bin/sh"],
            &["x", "--with-shell=/bin/sh"],
            &["x", "SHELL=/bin/bash"],
            &["docker", "run", "-it", "alpine", "/bin/sh"],
            &["x", "/bin/sh", "-c", "make"],
            &["x", "/bin/sh", "build.sh"],
            &["x", "#!/bin/sh"],
            &["x", "/opt/bin/shellcheck"],
            &["x", "alias.root=!show", "!shellcheck"],
            &["x", "$7==\"/bin/bash\""],
        ] {
            assert!(!given(line), "{line:?}");
        }
    }
}
