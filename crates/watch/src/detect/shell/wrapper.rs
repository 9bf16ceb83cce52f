//! Programs that start the program that their arguments name: `sudo -u x id`, `env A=1 id`, `timeout 5 id`.

/// Their names, and the options of each that are followed by a value.
const WRAPPERS: [(&str, &[&str]); 48] = [
    ("sudo", &["-u", "-g", "-C", "-h", "-p", "-r", "-t", "-D", "-R", "-T"]),
    ("doas", &["-u", "-C"]),
    ("env", &["-u", "-C", "-S"]),
    ("nohup", &[]),
    ("setsid", &[]),
    ("command", &[]),
    ("builtin", &[]),
    ("exec", &["-a"]),
    ("time", &["-f", "-o"]),
    ("timeout", &["-k", "-s"]),
    ("nice", &["-n"]),
    ("ionice", &["-c", "-n"]),
    ("chrt", &[]),
    ("taskset", &[]),
    ("stdbuf", &["-i", "-o", "-e"]),
    ("setarch", &[]),
    ("flock", &["-w", "-E"]),
    ("busybox", &[]),
    ("toybox", &[]),
    ("xargs", &["-I", "-n", "-P", "-L", "-a", "-d", "-s", "-E"]),
    ("strace", &["-o", "-e", "-s", "-u", "-E"]),
    ("ltrace", &["-o", "-e", "-s"]),
    ("unshare", &["-S", "-G"]),
    ("systemd-run", &["-p", "-u", "-E", "-M"]),
    ("proxychains", &["-f"]),
    ("proxychains4", &["-f"]),
    ("rlwrap", &[]),
    ("chroot", &[]),
    ("sshpass", &["-p", "-f"]),
    ("screen", &["-S", "-dmS", "-p", "-t", "-c", "-h", "-s", "-T", "-X", "-r", "-x"]),
    ("gosu", &[]),
    ("su-exec", &[]),
    ("pkexec", &["--user"]),
    ("runuser", &["-u", "-g"]),
    ("fakeroot", &["-l", "-i", "-s"]),
    ("torsocks", &[]),
    ("torify", &[]),
    ("tsocks", &[]),
    ("cpulimit", &["-l", "-P", "-p", "-e"]),
    ("unbuffer", &[]),
    ("xvfb-run", &["-s", "-n"]),
    ("eatmydata", &[]),
    ("choom", &["-n"]),
    ("setpriv", &[]),
    ("prlimit", &[]),
    ("faketime", &[]),
    ("catchsegv", &[]),
    ("numactl", &["-N", "-m", "-C"]),
];
/// Those whose first argument that is no option is none of the command's.
const TAKE_ONE: [&str; 9] =
    ["timeout", "taskset", "setarch", "flock", "chrt", "chroot", "gosu", "su-exec", "faketime"];
/// Wrappers in wrappers that are followed.
const MAX_NESTED: usize = 8;

/// Where the command begins that is started in the end; `None` if the first word starts no other.
pub(in crate::detect) fn inner_at(words: &[&str]) -> Option<usize> {
    let mut at = 0;
    for _ in 0..MAX_NESTED {
        match after_one(&words[at..]) {
            Some(len) => at += len,
            None => break,
        }
    }
    (at > 0).then_some(at)
}

/// How many words belong to a wrapper at the beginning.
fn after_one(words: &[&str]) -> Option<usize> {
    let first = words.first()?;
    let name = first.rsplit('/').next().unwrap_or(first);
    let (_, with_value) = WRAPPERS.iter().find(|(known, _)| *known == name)?;
    let mut takes = usize::from(TAKE_ONE.contains(&name));
    let mut at = 1;
    while let Some(word) = words.get(at) {
        let is_assign =
            matches!(name, "env" | "sudo") && word.contains('=') && !word.starts_with(['-', '/', '.']);
        match *word {
            "--" => {
                at += 1;
                break;
            }
            option if option.starts_with('-') && option.len() > 1 => {
                at += 1 + usize::from(with_value.contains(&option))
            }
            _ if is_assign => at += 1,
            _ if takes > 0 => {
                takes -= 1;
                at += 1;
            }
            _ => break,
        }
    }
    (at < words.len()).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inner_command_is_found() {
        let inner = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            inner_at(&words).map(|at| words[at..].join(" "))
        };
        for (line, wanted) in [
            ("sudo -u x id", "id"),
            ("sudo -n env A=1 B=2 nohup id -u", "id -u"),
            ("timeout -k 5 10 ls", "ls"),
            ("/usr/bin/nice -n 19 ionice -c3 make", "make"),
            ("xargs -I {} sh -c x", "sh -c x"),
            ("exec -a name ./x", "./x"),
            ("busybox nc -l", "nc -l"),
        ] {
            assert_eq!(inner(line).as_deref(), Some(wanted), "{line}");
        }
        for line in ["id", "sudo", "sudo -l", "timeout 5", "env", "env A=1"] {
            assert_eq!(inner(line), None, "{line}");
        }
    }
}
