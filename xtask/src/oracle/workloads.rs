//! The work that is watched: ordinary, offline, and the same each time.

use std::path::Path;
use std::process::Command;

/// One workload.
pub(super) struct Workload {
    pub(super) name: &'static str,
    /// Programs it needs.
    pub(super) programs: &'static [&'static str],
    /// Run before, unwatched.
    pub(super) setup: &'static str,
    /// What is watched.
    pub(super) script: &'static str,
}

/// All of them.
pub(super) const ALL: &[Workload] = &[
    Workload {
        name: "git",
        programs: &["git"],
        setup: "mkdir src && for i in 1 2 3 4 5 6 7 8; do echo \"text $i\" > src/$i; done",
        script: "git init -q -b main repository && cp -r src repository && cd repository && git add . && \
                 git commit -q -m first && echo more >> src/1 && git commit -q -a -m second && git log --oneline && git status",
    },
    Workload {
        name: "tar",
        programs: &["tar", "gzip"],
        setup: "mkdir -p tree/a/b tree/c && for i in $(seq 60); do echo $i > tree/a/$i; echo $i > tree/a/b/$i; done; ln -s a/1 tree/link",
        script: "tar czf tree.tgz tree && mkdir out && tar xzf tree.tgz -C out && diff -r tree out/tree",
    },
    Workload {
        name: "cargo-build",
        programs: &["cargo", "gcc"],
        setup: "cargo init -q --vcs none --name small . && cargo generate-lockfile -q --offline",
        script: "cargo build -q --offline -j1 && ./target/debug/small",
    },
    Workload {
        name: "find-cat",
        programs: &["find", "cat"],
        setup: ":",
        script: "find /usr/include/linux /usr/share/perl5 /usr/share/doc/bash -type f -exec cat {} +",
    },
    Workload {
        name: "sockets",
        programs: &["python3"],
        setup: SERVE,
        script: "python3 -I serve.py; getent passwd root",
    },
];

/// A shell that runs `script` in `dir`.
pub(super) fn shell(script: &str, dir: &Path) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-ec", script]);
    surroundings(&mut command, dir);
    command
}

/// Directory and environment that do not differ from run to run, nor from user to user.
pub(super) fn surroundings(command: &mut Command, dir: &Path) {
    command.current_dir(dir).env("LC_ALL", "C").env("GIT_CONFIG_GLOBAL", "/dev/null").env("TZ", "UTC");
    command.env("CARGO_INCREMENTAL", "0");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Nobody").env(format!("GIT_{who}_EMAIL"), "nobody@localhost");
        command.env(format!("GIT_{who}_DATE"), "2026-01-01T00:00:00Z");
    }
    // Cargo sets these for what it runs, this task among it.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_")) {
        if name != "CARGO_HOME" && name != "CARGO_INCREMENTAL" {
            command.env_remove(name);
        }
    }
}

/// A server and its client in one program; then connects that nobody answers.
const SERVE: &str = r"cat > serve.py <<'END'
import http.server, threading, urllib.request, socket
class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args): pass
server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
for i in range(5):
    opener.open(f'http://127.0.0.1:{server.server_port}/serve.py').read()
nobody = ((socket.AF_INET, ('127.0.0.1', 1)), (socket.AF_INET6, ('::1', 1)),
    (socket.AF_UNIX, '/nowhere'), (socket.AF_UNIX, b'\0kernscope-nobody'))
for family, address in nobody:
    try: socket.socket(family).connect(address)
    except OSError: pass
server.shutdown()
END
";
