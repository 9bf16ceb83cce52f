//! Options and variables by which programs are told to start others, and which programs are honestly named there.

/// What an option is honestly given.
#[derive(Clone, Copy)]
pub(super) enum Honest {
    /// Anything.
    Any,
    /// Nothing.
    Nothing,
    /// These programs, spaces between them.
    Programs(&'static str),
}

/// Where the text stands.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// Behind the option of this name, in the same argument or the next.
    Option(&'static str),
    /// Behind this, anywhere in an argument; in the next one if nothing follows.
    Inside(&'static str),
    /// Behind this at the beginning of an argument.
    Begin(&'static str),
}

use Honest::{Any, Nothing, Programs};
use Place::{Begin, Inside, Option as Opt};

const UPLOAD: Honest = Programs("git-upload-pack git-receive-pack git-upload-archive git wsl");
const REMOTE: Honest = Programs(
    "\
    ssh autossh plink sshpass gcloud aws tsh rsh docker podman kubectl lxc oc coder rsync mosh az fly flyctl limactl multipass \
    nomad",
);
const PROXY: Honest = Programs(
    "\
    ssh nc ncat netcat nc.openbsd socat connect connect-proxy corkscrew cloudflared aws gcloud proxytunnel none tsh openssl \
    websocat doctl oci coder sss_ssh_knownhostsproxy session-manager-plugin az ssh_ssm aws-ssm-ec2-proxy-command.sh boundary \
    kubectl docker tor",
);
const PAGERS: Honest = Programs(
    "\
    less more most cat bat batcat delta diff-so-fancy head tail view vim nvim vi col false true moar nvimpager vimpager lv pg w3m \
    lynx xdg-open ul colordiff firefox difft diff-highlight perl lnav wc grep tee",
);
const PACKERS: Honest = Programs(
    "\
    gzip pigz zstd zstdmt unzstd xz bzip2 lz4 pbzip2 lbzip2 pixz lzip plzip brotli lrzip lzop pxz 7z cat gpg igzip rapidgzip \
    unpigz openssl age nice gunzip",
);
const FILTERS: Honest = Programs(
    "\
    gzip pigz zstd xz bzip2 lz4 cat wc sort head tail grep aws gsutil split zcat gunzip awk sed jq clear ls pwd date echo \
    sha256sum md5sum psql tee chmod rm mv capinfos tshark make",
);
const WATCHERS: Honest = Programs("rs-git-fsmonitor watchman true false git query-watchman");
const OPENERS: Honest = Programs(
    "lesspipe lesspipe.sh src-hilite-lesspipe.sh highlight pygmentize bat batcat lesskey code2color",
);
const EXEC_STEPS: Honest = Programs("echo sleep printf date dot ttyout true");
/// Programs that keep passwords.
const KEEPERS: Honest = Programs(
    "\
    pass gopass op bw secret-tool security cat echo printf gpg age sops vault aws gcloud az keyctl systemd-creds kwallet-query \
    lpass rbw head",
);
const BROWSERS: &str = "\
    chrome google-chrome google-chrome-stable chromium chromium-browser electron brave brave-browser microsoft-edge code msedge";
const DEBUGGERS: Honest = Programs("gdb gdbserver valgrind strace rr perf xterm lldb heaptrack");
const UNZIP: Honest = Programs("unzip 7z zip");

const GIT: &str = "git";
const SSH: &str = "ssh scp sftp rsync git ansible ansible-playbook autossh sshfs mosh";
const DATABASES: &str = "psql mysql mariadb sqlite3 pgcli mycli sqlcmd mysqlsh duckdb clickhouse-client";

/// Programs, spaces between them, where they take a text, and what they are honestly given there.
pub(super) const TAKERS: [(&str, Place, Honest); 65] = [
    (GIT, Opt("--upload-pack"), UPLOAD),
    (GIT, Opt("--receive-pack"), UPLOAD),
    (GIT, Inside("core.sshcommand"), REMOTE),
    (GIT, Inside("core.gitproxy"), PROXY),
    (GIT, Inside("core.pager"), PAGERS),
    (GIT, Inside("core.fsmonitor"), WATCHERS),
    (GIT, Inside("uploadpack.packobjectshook"), Nothing),
    (GIT, Inside("core.askpass"), Programs("ssh-askpass ksshaskpass echo true git-gui--askpass")),
    (GIT, Begin("ext::"), REMOTE),
    (GIT, Opt("--open-files-in-pager"), PAGERS),
    (GIT, Opt("--exec"), Any),
    (GIT, Opt("--exec-path"), Programs("git-core")),
    (GIT, Inside("core.editor"), Any),
    (GIT, Inside("sequence.editor"), Any),
    (GIT, Inside("credential.helper=!"), Any),
    (GIT, Inside("diff.external"), Any),
    (SSH, Inside("proxycommand"), PROXY),
    (SSH, Inside("localcommand"), Any),
    (SSH, Inside("knownhostscommand"), Any),
    ("rsync", Opt("-e"), REMOTE),
    ("rsync", Opt("--rsh"), REMOTE),
    ("rsync", Opt("--rsync-path"), REMOTE),
    ("tar bsdtar gtar", Begin("--checkpoint-action=exec="), EXEC_STEPS),
    ("tar bsdtar gtar", Opt("--to-command"), Any),
    ("tar bsdtar gtar", Opt("--use-compress-program"), PACKERS),
    ("tar bsdtar gtar", Opt("-I"), PACKERS),
    ("tar gtar", Opt("--rsh-command"), REMOTE),
    ("tar gtar", Opt("--info-script"), Nothing),
    ("tar gtar", Opt("--new-volume-script"), Nothing),
    ("zip", Opt("-TT"), UNZIP),
    ("zip", Opt("--unzip-command"), UNZIP),
    ("man", Opt("-P"), PAGERS),
    ("man", Opt("--pager"), PAGERS),
    ("man", Opt("-H"), PAGERS),
    ("tcpdump", Opt("-z"), FILTERS),
    ("split", Opt("--filter"), FILTERS),
    (DATABASES, Inside("\\!"), FILTERS),
    (DATABASES, Inside(".shell "), FILTERS),
    (DATABASES, Inside(".system "), FILTERS),
    (DATABASES, Inside("from program "), FILTERS),
    (DATABASES, Inside("to program "), FILTERS),
    ("apt apt-get aptitude dpkg", Inside("-invoke::="), Nothing),
    ("apt apt-get aptitude dpkg", Inside("-invoke="), Nothing),
    ("watch entr parallel nodemon xterm", Opt("-e"), Any),
    ("go", Opt("-toolexec"), Any),
    ("go", Opt("-exec"), Any),
    ("ansible", Opt("-a"), Any),
    (BROWSERS, Opt("--gpu-launcher"), DEBUGGERS),
    (BROWSERS, Opt("--renderer-cmd-prefix"), DEBUGGERS),
    (BROWSERS, Opt("--utility-cmd-prefix"), DEBUGGERS),
    (BROWSERS, Opt("--browser-subprocess-path"), Nothing),
    ("psql", Begin("-o|"), FILTERS),
    ("psql", Begin("-o |"), FILTERS),
    ("sshfs", Inside("ssh_command="), REMOTE),
    ("sshuttle", Opt("--ssh-cmd"), REMOTE),
    ("sshuttle", Opt("-e"), REMOTE),
    ("check_by_ssh", Inside("proxycommand"), PROXY),
    ("restic", Opt("--password-command"), KEEPERS),
    ("borg", Opt("--rsh"), REMOTE),
    ("dnsmasq", Opt("--conf-script"), Nothing),
    ("zic", Opt("-y"), Programs("yearistype ./yearistype")),
    ("yt-dlp youtube-dl", Opt("--exec"), Any),
    ("mail mailx", Opt("--exec"), Nothing),
    ("gem", Opt("-e"), Any),
    ("flock sg runuser vagrant capsh gosu", Opt("-c"), Any),
];

/// Variables whose value programs run.
pub(super) const VARIABLES: [(&str, Honest); 27] = [
    ("CRASHPAGER", PAGERS),
    ("PERLDOC_PAGER", PAGERS),
    ("PSQL_PAGER", PAGERS),
    ("AWS_PAGER", PAGERS),
    ("GH_PAGER", PAGERS),
    ("BAT_PAGER", PAGERS),
    ("SVN_SSH", REMOTE),
    ("CVS_RSH", REMOTE),
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
    ("RESTIC_PASSWORD_COMMAND", KEEPERS),
    ("BORG_PASSCOMMAND", KEEPERS),
    ("BORG_RSH", REMOTE),
    ("SUDO_EDITOR", Any),
    ("SYSTEMD_EDITOR", Any),
];
