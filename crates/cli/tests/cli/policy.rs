//! `watch --policy`: what is denied is told, and fails where something here can make it fail (both back ends).

use crate::python::TRIED;
use crate::run::{Dir, checked, kernscope, records, refused};
use serde_json::Value;

const OBSERVED: &str = r#"
[read]
deny = ["~/.ssh/**", "*.pem"]
except = ["~/.ssh/known_hosts"]
deny_file = "list.txt"
[write]
deny = ["~/.profile"]
[exec]
deny = ["/usr/bin/id"]
[connect]
deny = ["127.0.0.1:9"]
"#;

/// Touches what the policy lists, and what is beside it.
const SCRIPT: &str = r"
cat ~/.ssh/id ~/.ssh/known_hosts ~/listed ~/free ~/none.pem > /dev/null 2>&1
cat /proc/self/root$HOME/.ssh/../.ssh/id > /dev/null
echo x >> ~/.profile
id > /dev/null
ln ~/.ssh/id ~/link
(exec 3<>/dev/tcp/127.0.0.1/9) 2> /dev/null
true";

/// A home directory with things to read.
fn home(name: &str) -> Dir {
    let dir = Dir::new(name);
    std::fs::create_dir(dir.path(".ssh")).expect("make .ssh");
    for file in [".ssh/id", ".ssh/known_hosts", "listed", "free"] {
        std::fs::write(dir.path(file), "text\n").expect("write a file");
    }
    dir
}

/// `action`, and the entry of the list.
fn denied(records: &[Value]) -> Vec<(String, String)> {
    let denied = records.iter().filter(|record| record["kind"] == "policy_deny");
    let rule = |record: &Value| record["rule"].as_str().expect("a rule").to_owned();
    let of = |record: &Value| {
        let evidence = record["evidence"][0].as_u64().expect("evidence");
        let cause = records.iter().find(|other| other["seq"] == evidence).expect("its record");
        (cause["kind"].as_str().expect("a kind").to_owned(), rule(record))
    };
    denied.map(of).collect()
}

#[test]
fn what_a_policy_denies_is_told_with_the_entry_and_the_record() {
    let dir = home("policy-observed");
    std::fs::write(dir.path("p.toml"), OBSERVED).expect("write policy");
    std::fs::write(dir.path("list.txt"), format!("# more\n{}\n", dir.text("listed"))).expect("write list");
    for backend in ["ebpf", "ptrace"] {
        let _ = std::fs::remove_file(dir.path("link"));
        let output = kernscope(&["watch", "--backend", backend, "--format", "jsonl", "--no-tls", "--policy"])
            .arg(dir.path("p.toml"))
            .args(["--", "bash", "-c", SCRIPT])
            .env("HOME", dir.path(""))
            .output()
            .expect("run kernscope");
        let records = checked(&String::from_utf8_lossy(&output.stdout));
        let listed = format!("read: {}", dir.text("listed"));
        let expected = [
            ("file_open", "read: ~/.ssh/**"),
            ("file_open", listed.as_str()),
            ("file_open", "read: ~/.ssh/**"),
            ("file_open", "write: ~/.profile"),
            ("process_exec", "exec: /usr/bin/id"),
            ("file_link", "read: ~/.ssh/**"),
            ("net_connect", "connect: 127.0.0.1:9"),
        ];
        let expected = expected.map(|(kind, rule)| (kind.to_owned(), rule.to_owned()));
        assert_eq!(denied(&records), expected, "{backend}");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(
            told.contains("policy p: read observed; write observed; exec observed; connect observed"),
            "{told}"
        );
    }
}

/// The kernel's programs know the file's other path, which the record has not.
#[test]
fn what_is_reached_through_another_mount_is_told_where_the_policy_observes() {
    if !nix::unistd::geteuid().is_root() {
        println!("SKIPPED: needs root, to mount");
        return;
    }
    let dir = home("policy-mounted");
    for folder in ["vault", "other"] {
        std::fs::create_dir(dir.path(folder)).expect("a folder");
    }
    std::fs::write(dir.path("p.toml"), "[read]\ndeny = [\"~/vault/**\"]\n").expect("write policy");
    let script = "mount -t tmpfs none ~/vault && echo x > ~/vault/id && mount --bind ~/vault ~/other && \
                  cat ~/other/id ~/vault/id ~/free > /dev/null";
    let output = kernscope(&["watch", "--backend", "ebpf", "--format", "jsonl", "--no-tls", "--policy"])
        .arg(dir.path("p.toml"))
        .args(["--", "unshare", "-m", "sh", "-c", script])
        .env("HOME", dir.path(""))
        .output()
        .expect("run kernscope");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let records = checked(&String::from_utf8_lossy(&output.stdout));
    let denied = records.iter().filter(|record| record["kind"] == "policy_deny");
    let denied: Vec<_> = denied.map(|deny| (deny["path"].clone(), deny["rule"].clone())).collect();
    let expected = [("other/id", "read: (under another path)"), ("vault/id", "read: ~/vault/**")];
    assert_eq!(denied, expected.map(|(file, rule)| (Value::from(dir.text(file)), Value::from(rule))));
}

const DENIED: &str = r#"
mode = "deny"
[read]
deny = ["~/.ssh/**"]
except = ["~/.ssh/known_hosts"]
[write]
deny = ["~/.ssh/**", "~/.profile"]
[exec]
deny = ["/usr/bin/id"]
"#;

/// Tries what is denied, and then does what is not. Lines say what worked.
const TRIES: &str = r#"
cat ~/.ssh/id && echo READ
cat /proc/self/root$HOME/.ssh/../.ssh/id && echo ROOT
ln -s ~/.ssh/id work/link; cat work/link && echo LINK
ln ~/.ssh/id work/hard && echo HARD
mv ~/.ssh work/moved && echo MOVED
rm ~/.ssh/id && echo UNLINKED
echo x > ~/.profile && echo WRITTEN
id && echo EXECUTED
python3 -c 'import os; os.execv("/usr/bin/id", ["x"])' && echo AGAIN
unshare -m mount --bind ~/.ssh work && cat work/id && echo MOUNTED
cat ~/.ssh/known_hosts free && mkdir work/new && echo x > work/new/file && cat work/new/file && echo FINE
"#;

/// What a program of this machine is kept from without any privilege of kernscope's, by Landlock.
#[test]
fn what_a_policy_denies_fails_for_a_command_and_the_rest_works() {
    let dir = home("policy-denied");
    std::fs::create_dir(dir.path("work")).expect("make a directory");
    std::fs::write(dir.path(".profile"), "").expect("write a file");
    std::fs::write(dir.path("p.toml"), DENIED).expect("write policy");
    for backend in ["ebpf", "ptrace"] {
        let _ = std::fs::remove_dir_all(dir.path("work/new"));
        let _ = std::fs::remove_file(dir.path("work/link"));
        let output = kernscope(&["watch", "--backend", backend, "--format", "jsonl", "--no-tls", "--policy"])
            .arg(dir.path("p.toml"))
            .args(["--output", &dir.text(backend), "--", "bash", "-c", TRIES])
            .env("HOME", dir.path(""))
            .current_dir(dir.path(""))
            .output()
            .expect("run kernscope");
        let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(said, "text\ntext\nx\nFINE\n", "{backend}: {told}");
        let enforced = "read enforced by landlock; write enforced by landlock; exec enforced by landlock";
        assert!(told.contains(enforced), "{told}");
        let records = records(&dir.path(backend));
        let by_landlock = |record: &&Value| record["kind"] == "policy_deny" && record["by"] == "landlock";
        let refused: Vec<_> = records.iter().filter(by_landlock).map(|record| &record["rule"]).collect();
        for rule in ["read: ~/.ssh/**", "write: ~/.ssh/**", "write: ~/.profile", "exec: /usr/bin/id"] {
            assert!(refused.iter().any(|refused| *refused == rule), "{backend}: {rule} of {refused:?}");
        }
        let past =
            records.iter().find(|record| record["why"].as_str().is_some_and(|why| why.contains("past")));
        assert!(past.is_none(), "{backend}: {past:?}");
    }
}

#[test]
fn a_policy_that_nothing_here_enforces_does_not_start() {
    let dir = Dir::new("policy-unenforced");
    std::fs::write(dir.path("p.toml"), "mode = 'deny'\n[read]\ndeny = ['*.pem']").expect("write policy");
    let policy = dir.text("p.toml");
    let args = ["watch", "--backend", "ptrace", "--policy", &policy];
    let ran = dir.text("ran");
    let output = kernscope(&[&args[..], &["--", "touch", &ran]].concat()).output().expect("run kernscope");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && told.contains("\"*.pem\" may be in any directory"), "{told}");
    assert!(!dir.path("ran").exists(), "the command has not run");
    let best = [&args[..], &["--best-effort", "--", "true"]].concat();
    let output = kernscope(&best).output().expect("run kernscope");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("read ONLY OBSERVED"), "{told}");
}

#[test]
fn a_recording_is_held_against_a_policy_later() {
    let dir = home("policy-replay");
    std::fs::write(dir.path("p.toml"), "[read]\ndeny = ['~/.ssh/id']").expect("write policy");
    let home = |args: &[&str]| {
        let mut command = kernscope(args);
        command.env("HOME", dir.path(""));
        command.output().expect("run kernscope")
    };
    home(&[
        "watch",
        "--no-tls",
        "--record",
        &dir.text("raw"),
        "--output",
        &dir.text("out"),
        "--",
        "cat",
        &dir.text(".ssh/id"),
    ]);
    let output =
        home(&["watch", "--replay", &dir.text("raw"), "--policy", &dir.text("p.toml"), "--format", "jsonl"]);
    let records = checked(&String::from_utf8_lossy(&output.stdout));
    let deny = records.iter().find(|record| record["kind"] == "policy_deny").expect("a policy_deny");
    assert_eq!((&deny["enforced"], &deny["policy"]), (&Value::Bool(false), &Value::from("p")));
}

#[test]
fn what_is_no_policy_is_refused_in_one_line() {
    let dir = Dir::new("policy-refused");
    for (text, told) in [
        ("[reed]", "unknown field `reed`"),
        ("[read]\ndeny = ['/a[b']", "a `[` has no `]`"),
        ("[connect]\nallow = ['a:b']", "\"b\" is no port"),
    ] {
        std::fs::write(dir.path("p.toml"), text).expect("write policy");
        refused(&["watch", "--policy", &dir.text("p.toml"), "--", "true"], told);
    }
    refused(&["watch", "--policy", &dir.text("none"), "--", "true"], "No such file");
}

/// Says how each attempt went ([`TRIED`]).
const TALK: &str = r"
import socket, sys
def send(to, family=socket.AF_INET):
    socket.socket(family, socket.SOCK_DGRAM).sendto(b'x', to)
def message(to):
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, to)
open_port, closed_port = int(sys.argv[1]), int(sys.argv[2])
print(tried(lambda: socket.create_connection(('127.0.0.1', open_port), 5)),
      tried(lambda: socket.create_connection(('127.0.0.1', closed_port), 5)),
      tried(lambda: socket.socket(socket.AF_INET6).connect(('::ffff:127.0.0.1', open_port))),
      tried(lambda: socket.socket(socket.AF_INET6).connect(('::ffff:127.0.0.1', closed_port))),
      tried(lambda: socket.socket(socket.AF_INET6).connect(('::1', closed_port))),
      tried(lambda: send(('127.0.0.1', open_port))),
      tried(lambda: send(('127.0.0.2', open_port))),
      tried(lambda: send(('::1', open_port), socket.AF_INET6)),
      tried(lambda: message(('127.0.0.3', open_port))))
";

#[test]
fn hosts_that_a_policy_denies_are_out_of_reach_and_others_are_not() {
    let dir = Dir::new("policy-hosts");
    let listen = || std::net::TcpListener::bind("127.0.0.1:0").expect("listen");
    let (open, closed) = (listen(), listen());
    let port =
        |listener: &std::net::TcpListener| listener.local_addr().expect("an address").port().to_string();
    let text = format!("mode = 'deny'\n[connect]\nallow = ['127.0.0.1:{}']", port(&open));
    std::fs::write(dir.path("p.toml"), text).expect("write policy");
    let output = kernscope(&["watch", "--backend", "ebpf", "--no-tls", "--format", "jsonl", "--policy"])
        .arg(dir.path("p.toml"))
        .args(["--output", &dir.text("out"), "--", "python3", "-c", &[TRIED, TALK].concat()])
        .args([port(&open), port(&closed)])
        .output()
        .expect("run kernscope");
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(said, "ok EPERM ok EPERM EPERM ok EPERM EPERM EPERM\n", "{told}");
    assert!(told.contains("policy p: connect enforced by cgroup"), "{told}");
    let records = records(&dir.path("out"));
    let denied: Vec<_> = records.iter().filter(|record| record["kind"] == "policy_deny").collect();
    assert!(denied.iter().all(|deny| deny["enforced"] == true && deny["by"] == "cgroup"), "{denied:?}");
    let remotes: Vec<_> = denied.iter().map(|deny| deny["remote"].as_str().expect("a remote")).collect();
    let at = |address: &str, port: String| format!("{address}:{port}");
    let expected = [
        at("127.0.0.1", port(&closed)),
        // Asked for as `::ffff:127.0.0.1`: it is the same host.
        at("127.0.0.1", port(&closed)),
        at("[::1]", port(&closed)),
        at("127.0.0.2", port(&open)),
        at("[::1]", port(&open)),
        at("127.0.0.3", port(&open)),
    ];
    assert_eq!(remotes, expected);
    // Who is not watched is asked nothing, and nothing stays.
    std::net::TcpStream::connect(closed.local_addr().expect("an address")).expect("connect");
}

#[test]
fn a_process_that_runs_already_is_kept_from_hosts() {
    let dir = Dir::new("policy-hosts-pid");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("listen");
    let port = listener.local_addr().expect("an address").port();
    std::fs::write(dir.path("p.toml"), "mode = 'deny'\n[connect]\ndeny = ['localhost']")
        .expect("write policy");
    let script = format!(
        "while [ ! -e go ]; do sleep 0.05; done; (exec 3<>/dev/tcp/127.0.0.1/{port}) 2> said; echo $? > status"
    );
    let mut shell = std::process::Command::new("bash");
    let mut shell = shell.args(["-c", &script]).current_dir(dir.path("")).spawn().expect("run bash");
    let pid = shell.id().to_string();
    let watch = ["watch", "--backend", "ebpf", "--no-tls", "--format", "jsonl", "--pid", &pid];
    let mut watch = kernscope(&watch);
    watch.args(["--output", &dir.text("out"), "--policy", &dir.text("p.toml")]);
    let mut watch = watch.stderr(std::process::Stdio::piped()).spawn().expect("run kernscope");
    let mut told = std::io::BufReader::new(watch.stderr.take().expect("its words"));
    let mut line = String::new();
    while !line.contains("connect enforced by cgroup") {
        let read = std::io::BufRead::read_line(&mut told, &mut line).expect("a line");
        assert!(read > 0, "{line}");
    }
    std::fs::write(dir.path("go"), "").expect("let it go on");
    shell.wait().expect("its end");
    watch.wait().expect("its end");
    assert_eq!(std::fs::read_to_string(dir.path("status")).expect("a status"), "1\n");
    let denied = records(&dir.path("out")).into_iter().find(|record| record["kind"] == "policy_deny");
    assert_eq!(denied.expect("a policy_deny")["enforced"], true);
}

/// A policy that is shipped.
fn shipped(name: &str) -> String {
    format!("{}/../../contrib/policies/{name}.toml", env!("CARGO_MANIFEST_DIR"))
}

/// Runs a script under a shipped policy; what it said, and what was denied.
fn under(policy: &str, dir: &Dir, script: &str) -> (String, Vec<String>) {
    let output = kernscope(&["watch", "--backend", "ebpf", "--no-tls", "--format", "jsonl"])
        .args(["--policy", &shipped(policy), "--output", &dir.text("out"), "--", "bash", "-c", script])
        .env("HOME", dir.path(""))
        .current_dir(dir.path("work"))
        .output()
        .expect("run kernscope");
    let denied = records(&dir.path("out")).into_iter().filter(|record| record["kind"] == "policy_deny");
    let rule = |deny: Value| deny["rule"].as_str().expect("a rule").to_owned();
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (
        format!("{said}{}", if told.contains("ONLY OBSERVED") { &*told } else { "" }),
        denied.map(rule).collect(),
    )
}

/// Ordinary work with git, in a repository of its own.
const WORK: &str = "git init -q repo && cd repo && git config user.name a && git config user.email a@b && \
                    echo x > file && git add file && git commit -qm x && git log --oneline | wc -l; ";

#[test]
fn an_agent_is_kept_from_keys_and_can_work() {
    let dir = home("policy-agent");
    std::fs::create_dir(dir.path("work")).expect("make a directory");
    std::fs::write(dir.path(".bashrc"), "").expect("write a file");
    let tries = "cat ~/.ssh/id 2>/dev/null && echo KEY; cat ~/.ssh/known_hosts; \
                 (echo evil >> ~/.bashrc) 2>/dev/null && echo SHELL; cat /etc/shadow 2>/dev/null && echo SHADOW";
    let (said, denied) = under("agent", &dir, &format!("{WORK}{tries}"));
    assert_eq!(said, "1\ntext\n");
    assert!(denied.iter().any(|rule| rule == "read: ~/.ssh/**"), "{denied:?}");
    assert!(denied.iter().any(|rule| rule.starts_with("write: ~/.{profile,bashrc")), "{denied:?}");
    assert!(denied.iter().any(|rule| rule.starts_with("read: /etc/{shadow")), "{denied:?}");
    assert_eq!(denied.len(), 3, "{denied:?}");
}

#[test]
fn an_installer_is_kept_to_its_directory() {
    let dir = home("policy-installer");
    std::fs::create_dir(dir.path("work")).expect("make a directory");
    let tries = "echo made > made && cat made; cat ~/free 2>/dev/null && echo HOME; \
                 (echo x >> /etc/hostname) 2>/dev/null && echo WRITTEN";
    let (said, denied) = under("installer", &dir, tries);
    assert_eq!(said, "made\n");
    assert_eq!(denied, ["read: ~/**", "write: (on no list)"]);
}

/// A project in C with a generated header, objects in a directory of their own, and a test.
const MAKEFILE: &str = "
build/prog: build/main.o build/util.o
\tcc -o $@ $^
build/%.o: %.c build/gen.h
\tcc -Ibuild -c -o $@ $<
build/gen.h:
\tmkdir -p build
\techo '#define ANSWER 42' > $@.tmp && mv $@.tmp $@
check: build/prog
\t./build/prog | grep -qx 42
";

/// A fresh copy of the project.
fn project(dir: &Dir) {
    let _ = std::fs::remove_dir_all(dir.path("work"));
    std::fs::create_dir(dir.path("work")).expect("make a directory");
    for (name, text) in [
        ("Makefile", MAKEFILE),
        ("main.c", "#include <stdio.h>\nint util(void);\nint main(void) { printf(\"%d\\n\", util()); }\n"),
        ("util.c", "#include \"gen.h\"\nint util(void) { return ANSWER; }\n"),
    ] {
        std::fs::write(dir.path("work").join(name), text).expect("write a file");
    }
}

#[test]
fn what_was_learnt_of_a_build_lets_it_build_again_and_nothing_else() {
    let dir = home("policy-learn");
    std::fs::create_dir(dir.path("tmp")).expect("make a directory");
    let watch = |options: &[&str], command: &[&str]| {
        let mut watch = kernscope(&["watch", "--backend", "ebpf", "--no-tls", "--output", &dir.text("out")]);
        watch.args(["--format", "jsonl"]).args(options).arg("--").args(command);
        watch.env("HOME", dir.path("")).env("TMPDIR", dir.path("tmp"));
        watch.current_dir(dir.path("work")).output().expect("run kernscope")
    };
    let learnt = dir.text("learnt.toml");
    let make = ["make", "check"];
    project(&dir);
    let output = watch(&["--learn", &learnt], &make);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("learnt policy"), "{told}");
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&learnt).expect("a policy").permissions());
    assert_eq!(mode & 0o777, 0o600);
    project(&dir);
    let output = watch(&["--policy", &learnt], &make);
    let (told, text) =
        (String::from_utf8_lossy(&output.stderr), std::fs::read_to_string(&learnt).expect("text"));
    assert!(output.status.success() && !told.contains("ONLY OBSERVED"), "{told}{text}");
    assert!(
        told.contains("write enforced by landlock") && told.contains("connect enforced by cgroup"),
        "{told}"
    );
    let denied: Vec<_> =
        records(&dir.path("out")).into_iter().filter(|record| record["kind"] == "policy_deny").collect();
    assert!(denied.is_empty(), "{denied:?}{text}");
    // Something else: a key is read, a file of the home directory written, a program run, a port tried.
    let script = "all: ; cat ~/.ssh/id; echo x > ~/evil; id; bash -c ': > /dev/tcp/127.0.0.1/9'; true";
    std::fs::write(dir.path("work/evil.mk"), script).expect("write a file");
    let output = watch(&["--policy", &learnt], &["make", "-f", "evil.mk"]);
    assert!(!String::from_utf8_lossy(&output.stdout).contains("text"), "the key was read");
    assert!(!dir.path("evil").exists(), "written");
    let refused = records(&dir.path("out"));
    let refused: Vec<_> = refused.iter().filter(|record| record["enforced"] == true).collect();
    for action in ["write", "exec"] {
        assert!(refused.iter().any(|record| record["action"] == action), "{action}: {refused:?}");
    }
    // What is there is not written over unless that is asked for.
    refused_to_replace(&learnt);
    let output = kernscope(&["watch", "--learn", &learnt, "--force", "--backend", "ptrace", "--", "true"])
        .output()
        .expect("run kernscope");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!std::fs::read_to_string(&learnt).expect("text").contains("make"));
}

fn refused_to_replace(learnt: &str) {
    let before = std::fs::read(learnt).expect("a policy");
    refused(&["watch", "--learn", learnt, "--", "true"], "add --force to write over it");
    assert_eq!(std::fs::read(learnt).expect("a policy"), before);
    refused(&["watch", "--learn", "x", "--policy", learnt, "--", "true"], "cannot be used with");
}

#[test]
fn a_run_that_is_broken_off_has_learnt_what_it_saw() {
    let dir = Dir::new("policy-learn-stopped");
    let mut watch = kernscope(&["watch", "--backend", "ebpf", "--no-tls", "--output", &dir.text("out")]);
    watch.args(["--learn", &dir.text("learnt.toml"), "--", "sh", "-c"]);
    watch
        .arg("trap '' INT; echo $$ > pid; cat /etc/hostname > seen; exec sleep 600 2> no")
        .current_dir(dir.path(""));
    let mut watch = watch.stderr(std::process::Stdio::piped()).spawn().expect("run kernscope");
    let mut told = std::io::BufReader::new(watch.stderr.take().expect("its words"));
    while !std::fs::read(dir.path("seen")).is_ok_and(|seen| !seen.is_empty()) {
        std::thread::yield_now();
    }
    let pid = nix::unistd::Pid::from_raw(i32::try_from(watch.id()).expect("a pid"));
    let interrupt = || nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).expect("a signal");
    // The first is for the command, which does not care; the second ends the watch.
    interrupt();
    let mut lines = String::new();
    while !lines.contains("once more to stop watching") {
        assert!(std::io::BufRead::read_line(&mut told, &mut lines).expect("a line") > 0, "{lines}");
    }
    interrupt();
    std::io::Read::read_to_string(&mut told, &mut lines).expect("the rest");
    watch.wait().expect("its end");
    let command = std::fs::read_to_string(dir.path("pid")).expect("a number");
    let command = nix::unistd::Pid::from_raw(command.trim().parse().expect("a number"));
    nix::sys::signal::kill(command, nix::sys::signal::Signal::SIGKILL).expect("the command goes");
    assert!(lines.contains("learnt policy"), "{lines}");
    let text = std::fs::read_to_string(dir.path("learnt.toml")).expect("a policy");
    assert!(text.contains("\"/etc/hostname\""), "{text}");
}
