//! What a command prints is worth to somebody who has broken in: keys, environments, accounts; who and where one is.

use super::script::Command;

/// How much of it there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Worth {
    /// Keys, environments, hashes, histories.
    pub(super) secrets: u32,
    /// Commands that tell of the machine and its users.
    pub(super) telling: u32,
}

impl Worth {
    /// Both together.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            secrets: self.secrets.saturating_add(other.secrets).min(100),
            telling: self.telling.saturating_add(other.telling).min(100),
        }
    }

    /// In a name that is asked for, one word is enough.
    pub(super) fn as_name(self) -> Self {
        Self { telling: self.telling.saturating_mul(2), ..self }
    }

    /// Without what tells of the machine.
    pub(super) fn only_secrets(self) -> Self {
        Self { telling: 0, ..self }
    }

    /// Whether it is enough to be told.
    pub(super) fn is_leak(self) -> bool {
        self.secrets > 0 || self.telling >= 2
    }
}

const SECRET: Worth = Worth { secrets: 1, telling: 0 };
const TELLS: Worth = Worth { secrets: 0, telling: 1 };
const TELLS_MUCH: Worth = Worth { secrets: 0, telling: 2 };

/// Parts of the names of files that hold secrets.
const SECRET_FILES: [&str; 50] = [
    "/etc/shadow",
    "/etc/gshadow",
    "/etc/passwd",
    "/etc/sudoers",
    ".ssh/id_",
    ".ssh/*",
    "/id_rsa",
    "/id_ed25519",
    "/id_ecdsa",
    ".aws/",
    ".kube/config",
    ".gnupg",
    ".netrc",
    ".git-credentials",
    ".npmrc",
    ".pypirc",
    ".docker/config.json",
    "_history",
    ".config/gcloud",
    ".azure/",
    "wallet.dat",
    ".config/gh/hosts",
    ".bitcoin",
    ".ethereum",
    "solana/id.json",
    "/logins.json",
    "/key4.db",
    "Login Data",
    ".vault-token",
    "serviceaccount/token",
    "/environ",
    ".password-store",
    "keyrings/",
    ".pgpass",
    ".my.cnf",
    "wp-config.php",
    ".terraform.d/credentials",
    "credentials.json",
    "/etc/kubernetes/admin.conf",
    ".claude.json",
    ".electrum",
    "exodus",
    "keystore",
    "/run/secrets",
    "secrets.y",
    "terraform.tfstate",
    "ssh_host_",
    "/etc/krb5.keytab",
    "krb5cc",
    ".keytab",
];
/// Names and ends of names of files that hold secrets.
const SECRET_NAMES: [&str; 8] =
    [".env", "/.ssh", "/.ssh/", "/.aws", "/.kube", ".pem", "id_rsa", "id_ed25519"];

/// How code names all variables of its environment at once.
const WHOLE_ENVIRONMENTS: [&str; 7] = [
    "(process.env)",
    "dict(os.environ",
    "os.environ.items",
    "os.environ)",
    "ENV.to_h",
    "%ENV",
    "...process.env",
];

/// Whether a variable's name says that it holds a secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    let parts =
        ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "API_KEY", "ACCESS_KEY", "PRIVATE_KEY", "CREDENTIAL"];
    parts.iter().any(|part| name.contains(part))
}

/// Whether a file holds secrets.
pub(super) fn of_file(file: &str) -> Worth {
    let file = file.trim_start_matches('@');
    // What everybody may see, and what is there to be filled in.
    let open = [".pub", ".example", ".sample", ".template", ".dist", "known_hosts"]
        .iter()
        .any(|end| file.ends_with(end));
    let kept = SECRET_FILES.iter().any(|part| file.contains(part))
        || SECRET_NAMES.iter().any(|end| file.ends_with(end));
    if !open && (kept || file.contains("/.env.") || file.starts_with(".env.")) {
        SECRET
    } else {
        Worth::default()
    }
}

/// What a command prints or packs is worth.
pub(super) fn worth(command: &Command) -> Worth {
    let args: Vec<&str> = command.args().collect();
    let has = |all: &[&str]| all.iter().all(|one| args.contains(one));
    let files = || {
        let inputs = command.redirects.iter().filter(|(op, _)| op == "<").map(|(_, file)| &*file.text);
        args.iter().copied().chain(inputs).map(of_file).fold(Worth::default(), Worth::and)
    };
    match command.name() {
        "env" | "printenv" | "set" | "export" | "declare" if args.iter().all(|arg| arg.starts_with('-')) => {
            SECRET
        }
        "history" => SECRET,
        "gh" if has(&["auth", "token"]) => SECRET,
        "gcloud" if args.iter().any(|arg| arg.starts_with("print-")) => SECRET,
        "aws" if has(&["configure"]) && !has(&["list"]) => SECRET,
        "git" if has(&["credential", "fill"]) => SECRET,
        "kubectl" if args.iter().any(|arg| matches!(*arg, "secret" | "secrets")) => SECRET,
        "secret-tool" | "pass" | "security" | "mimipenguin" => SECRET,
        "vault" if args.iter().any(|arg| matches!(*arg, "read" | "get" | "lookup")) => SECRET,
        "getent" if has(&["shadow"]) => SECRET,
        "npm" | "yarn" | "pnpm" if args.iter().any(|arg| arg.contains("authToken") || *arg == "token") => {
            SECRET
        }
        "pg_dump" | "pg_dumpall" | "mysqldump" | "mongodump" | "redis-dump" => SECRET,
        "psql" | "mysql"
            if args.iter().any(|arg| {
                ["password", "passwd", "secret", "token"].iter().any(|part| arg.contains(part))
            }) =>
        {
            SECRET
        }
        "scrot" | "grim" | "gnome-screenshot" | "xwd" | "procdump" | "gcore" => SECRET,
        "ffmpeg" if has(&["x11grab"]) => SECRET,
        "git" if has(&["bundle", "create"]) => TELLS_MUCH,
        "node" | "nodejs" | "python" | "python3" | "ruby" | "perl"
            if args.iter().any(|arg| WHOLE_ENVIRONMENTS.iter().any(|whole| arg.contains(whole))) =>
        {
            SECRET
        }
        "echo" | "printf"
            if command
                .words
                .iter()
                .any(|word| word.text.is_empty() && word.vars.iter().any(|var| is_secret_name(var))) =>
        {
            SECRET
        }
        "find" | "ls" | "dir" | "file" | "stat" | "tree" => match files() {
            Worth { secrets: 0, .. } => Worth::default(),
            _ => TELLS,
        },
        "curl" | "wget"
            if args.iter().any(|arg| arg.contains("169.254.169.254") || arg.contains("metadata.google")) =>
        {
            SECRET
        }
        "curl" | "wget" | "ssh" | "scp" | "echo" | "printf" | "rm" | "chmod" | "chown" | "touch"
        | "mkdir" | "test" | "[" => Worth::default(),
        "whoami" | "ifconfig" | "netstat" | "lscpu" | "lspci" | "dmidecode" | "last" | "w" | "who"
        | "arp" => TELLS_MUCH,
        "id" if args.is_empty() => TELLS_MUCH,
        "ip" if args.first().is_some_and(|arg| arg.starts_with(['a', 'r', 'n'])) => TELLS_MUCH,
        "ps" | "ss" if !args.is_empty() => TELLS_MUCH,
        "uname" if args.iter().any(|arg| arg.contains('a')) => TELLS_MUCH,
        "crontab" if args.first() == Some(&"-l") => TELLS_MUCH,
        "uname" | "hostname" | "pwd" | "lsb_release" | "groups" | "nproc" | "id" | "arch" => TELLS,
        "grep" | "sed" | "awk" | "cut" | "head" | "tail" | "cat" | "wc" if only_counts(command) => {
            Worth::default()
        }
        _ => files(),
    }
}

/// Whether what comes out is a number, or a word that was asked about.
pub(super) fn only_counts(command: &Command) -> bool {
    match command.name() {
        "wc" | "sha256sum" | "md5sum" | "sha1sum" | "cksum" => true,
        "grep" | "egrep" => command
            .args()
            .any(|arg| arg.starts_with('-') && !arg.starts_with("--") && arg.contains(['c', 'q', 'l'])),
        _ => false,
    }
}
