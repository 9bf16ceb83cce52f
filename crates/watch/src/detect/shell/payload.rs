//! What a command is good for to somebody who has broken in: what intruders run first.

use super::roles::is_one_of;
use super::script::{Command, Sep};

/// What a command is good for to somebody who has broken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Payload {
    /// Shows accounts and keys: `cat /etc/passwd`.
    Accounts,
    /// Says who and where one is: `id`.
    Probe,
    /// Prints what only a scanner would: `echo $((41+1))x`.
    Marker,
    /// Looks about: `ls /`.
    Look,
    /// Takes time, so that it is noticed: `sleep 5`.
    Wait,
    /// Calls somebody: `curl http://...`.
    Call,
    /// Leaves a mark: `touch /tmp/x`.
    Mark,
    /// Runs code: `bash -i`, `python -c`.
    Code,
    /// Anything that does not work on what a program that names machines has printed.
    Other,
}

impl Payload {
    /// How much it says by itself; [`super::judge`] adds where it stands.
    pub(super) fn weight(self) -> u32 {
        match self {
            Self::Accounts => 3,
            Self::Probe | Self::Marker => 2,
            Self::Look | Self::Wait | Self::Call | Self::Mark | Self::Code => 1,
            Self::Other => 0,
        }
    }

    /// Whether it gives nothing that could be an argument.
    pub(super) fn is_silent(self) -> bool {
        matches!(self, Self::Wait | Self::Mark)
    }
}

/// Files that tell of accounts and machines.
const ACCOUNT_FILES: [&str; 16] = [
    "/etc/passwd",
    "/etc/shadow",
    "/etc/group",
    "/etc/hosts",
    "/etc/sudoers",
    "/etc/gshadow",
    "/etc/issue",
    "/proc/version",
    "/proc/self/environ",
    "/etc/crontab",
    "/etc/resolv.conf",
    "/etc/hostname",
    "/root/.bash_history",
    "/root/.ssh/id_rsa",
    "/etc/fstab",
    "/flag",
];
const READERS: &str = "\
    cat tac nl head tail more less strings xxd od hexdump base64 base32 sort uniq cut awk sed grep type rev dd vi vim view nano cp \
    mv ln paste fold diff comm tar install pr";

/// What a command is good for, if it is one of those; programs that start others are looked through.
pub(super) fn payload(command: &Command) -> Option<Payload> {
    if command.before == Sep::Pipe && inner_reads(command) && !is_shell_behind(command) {
        return None;
    }
    let inner = command.unwrapped().filter(|inner| !inner.words.is_empty());
    inner.as_ref().and_then(of_plain).or_else(|| of_plain(command))
}

fn of_plain(command: &Command) -> Option<Payload> {
    let name = command.name();
    let args: Vec<&str> = command.args().collect();
    // `CMD=$\'cat /etc/passwd`: quotes that were taken for letters leave the file where a program belongs.
    if command.words.first().is_some_and(|first| is_account_file(&first.text)) {
        return Some(Payload::Accounts);
    }
    let redirects = || command.redirects.iter().map(|(_, target)| &*target.text);
    let files = || args.iter().copied().chain(redirects());
    let shows = is_one_of(name, READERS) || (name.is_empty() && !command.redirects.is_empty());
    if shows && files().any(is_account_file) {
        // Programs look up accounts with these.
        let is_look_up = matches!(name, "grep" | "sed" | "awk" | "cut");
        return Some(if is_look_up { Payload::Look } else { Payload::Accounts });
    }
    match name {
        "id" | "nid" => args.iter().all(|arg| !arg.starts_with('-')).then_some(Payload::Probe),
        ":" => command.redirects.is_empty().then_some(Payload::Probe),
        "history" | "xterm" | "shutdown" | "reboot" | "halt" | "useradd" | "adduser" => Some(Payload::Probe),
        "sudo" | "crontab" => (args == ["-l"]).then_some(Payload::Probe),
        "find" => args
            .iter()
            .any(|arg| matches!(*arg, "-perm" | "-writable" | "id" | "whoami" | "sh"))
            .then_some(Payload::Probe),
        "kill" => args.contains(&"-1").then_some(Payload::Probe),
        "awk" | "gawk" | "mawk" => args.iter().any(|arg| arg.contains("system(")).then_some(Payload::Probe),
        "busybox" => args
            .first()
            .is_some_and(|arg| matches!(*arg, "nc" | "sh" | "wget" | "telnetd"))
            .then_some(Payload::Call),
        "openssl" => (args.first() == Some(&"s_client")).then_some(Payload::Call),
        "chmod" => {
            args.iter().any(|arg| arg.starts_with("/tmp/") || arg.contains("+s")).then_some(Payload::Mark)
        }
        "whoami" | "ipconfig" | "systeminfo" | "tasklist" | "phpinfo" => Some(Payload::Probe),
        "expr" => args.first().is_some_and(|arg| is_big_number(arg)).then_some(Payload::Marker),
        "sleep" if args == ["0"] => Some(Payload::Marker),
        "read" => args.contains(&"-t").then_some(Payload::Wait),
        "killall" | "pkill" | "fetch" => (!args.is_empty()).then_some(Payload::Call),
        "su" | "script" => args.iter().any(|arg| arg.ends_with('c')).then_some(Payload::Code),
        "getent" => Some(Payload::Look),
        "sleep" | "timeout" | "usleep" => args
            .first()
            .is_some_and(|arg| arg.starts_with(|c: char| c.is_ascii_digit()))
            .then_some(Payload::Wait),
        "ping" | "ping6" => Some(Payload::Wait),
        "echo" | "printf" => echo(command),
        "touch" | "mkfifo" => Some(Payload::Mark),
        "rm" => args.iter().any(|arg| arg.starts_with('/')).then_some(Payload::Mark),
        "ls" | "dir" | "pwd" | "uname" | "hostname" | "ifconfig" | "netstat" | "ps" | "env" | "printenv"
        | "w" | "who" | "last" | "ver" | "set" | "lsb_release" | "uptime" | "arp" | "df" | "mount" | "ss"
        | "groups" | "arch" | "lscpu" | "lsmod" | "dmesg" | "free" | "lsof" | "users" | "logname"
        | "date" | "route" => Some(Payload::Look),
        "ip" => args
            .first()
            .is_some_and(|arg| arg.starts_with('a') || arg.starts_with('r'))
            .then_some(Payload::Look),
        "net" => args
            .first()
            .is_some_and(|arg| matches!(*arg, "user" | "view" | "start"))
            .then_some(Payload::Probe),
        "curl" | "wget" | "nc" | "ncat" | "netcat" | "nslookup" | "dig" | "host" | "telnet" | "ftp"
        | "tftp" | "socat" => (!args.is_empty()).then_some(Payload::Call),
        "bash" | "sh" | "dash" | "zsh" | "ksh" => {
            let is_told = args.iter().any(|arg| matches!(*arg, "-i" | "-c" | "-p"));
            (is_told || command.input.is_some()).then_some(Payload::Code)
        }
        "python" | "python2" | "python3" | "perl" | "php" | "ruby" | "node" | "lua" | "powershell"
        | "cmd" => (args.first().is_some_and(|arg| *arg != "-m")).then_some(Payload::Code),
        "eval" | "exec" | "system" | "passthru" => (!args.is_empty()).then_some(Payload::Code),
        "type" => {
            args.iter().any(|arg| arg.contains("C:") || arg.contains("win.ini")).then_some(Payload::Accounts)
        }
        "chown" | "stat" | "mv" | "tar" | "du" | "test" => {
            let secret = |arg: &&str| {
                matches!(*arg, "/etc/passwd" | "/etc/shadow" | "/etc/sudoers" | "/root" | "/etc")
            };
            args.iter().any(secret).then_some(Payload::Probe)
        }
        _ => None,
    }
}

/// `xargs date`, `perl -ne ...`: what is piped in is made arguments of, or gone through line by line.
pub(super) fn inner_reads(command: &Command) -> bool {
    let by_line = |arg: &str| arg.starts_with('-') && !arg.starts_with("--") && arg.contains(['n', 'p']);
    match command.name() {
        "xargs" | "parallel" => true,
        "perl" | "ruby" => command.args().next().is_some_and(by_line),
        _ => false,
    }
}

/// `xargs sh -c ...`
fn is_shell_behind(command: &Command) -> bool {
    command.args().any(|arg| matches!(arg.rsplit('/').next().unwrap_or(arg), "sh" | "bash" | "dash" | "zsh"))
}

/// Whether a file tells of accounts, or of the machine, as it is written in attacks.
pub(super) fn is_account_file(file: &str) -> bool {
    let file = file.trim_start_matches("../").trim_start_matches("./");
    let file = file.strip_prefix("if=").unwrap_or(file);
    // `/etc/passwd/n`, `/etc/passwd%00`: whoever tries does not know what takes off the end.
    let ends = |rest: &str| {
        rest.is_empty() || rest.starts_with("/n") || rest.starts_with(['\\', '%', '\'', '"', '`', ')', '<'])
    };
    let is = |known: &str| file.strip_prefix(known).is_some_and(ends);
    ACCOUNT_FILES.iter().any(|known| is(known) || is(&known[1..]))
        || matches!(file, ".env" | "wp-config.php" | "config.php" | "web.config")
        || file.ends_with("/.ssh/id_rsa")
        || file.ends_with(".bash_history")
        || file.starts_with("/flag")
        || file.starts_with("C:\\")
}

/// Sums of constants and echoes of echoes are how scanners see that a shell has worked for them.
fn echo(command: &Command) -> Option<Payload> {
    if command.words.iter().any(|word| word.sums) {
        return Some(Payload::Marker);
    }
    let writes = command.redirects.iter().any(|(op, target)| {
        op.contains('>') && (target.text.starts_with("/tmp/") || target.text.starts_with("/var/www/"))
    });
    writes.then_some(Payload::Mark)
}

fn is_big_number(text: &str) -> bool {
    text.len() >= 5 && text.bytes().all(|byte| byte.is_ascii_digit())
}
