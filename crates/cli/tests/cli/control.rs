//! `watch ctl`: the policy of a run is asked about and changed while it goes on.

use crate::run::{Dir, kernscope, records, stderr};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Output, Stdio};

/// A run that observes, whose command reads what it is told to: a name a line.
struct Observed {
    run: Child,
    told: BufReader<std::process::ChildStderr>,
    dir: Dir,
}

impl Observed {
    fn start(name: &str, backend: &str) -> Self {
        let dir = Dir::new(name);
        for file in ["one", "two", "three"] {
            std::fs::write(dir.path(file), "").expect("write a file");
        }
        std::fs::write(dir.path("p.toml"), format!("[read]\ndeny = ['{}']", dir.text("one")))
            .expect("write policy");
        let mut run = kernscope(&["watch", "--backend", backend, "--no-tls", "--format", "jsonl"]);
        run.args(["--output", &dir.text("out"), "--policy", &dir.text("p.toml")]);
        run.args(["--", "bash", "-c", "while read -r name; do : < $name; echo done; done"])
            .current_dir(dir.path(""));
        let run = run.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut run = run.spawn().expect("run kernscope");
        let mut told = BufReader::new(run.stderr.take().expect("its words"));
        let mut line = String::new();
        while !line.contains("read observed") {
            assert!(told.read_line(&mut line).expect("a line") > 0, "{line}");
        }
        Self { run, told, dir }
    }

    /// Has the command read a file.
    fn reads(&mut self, file: &str) {
        writeln!(self.run.stdin.as_ref().expect("its input"), "{file}").expect("tell the command");
        let mut done = [0; 5];
        self.run.stdout.as_mut().expect("its output").read_exact(&mut done).expect("an answer");
    }

    fn ctl(&self, args: &[&str]) -> Output {
        let pid = self.run.id().to_string();
        kernscope(&[&["watch", "ctl", &pid], args].concat()).output().expect("run kernscope")
    }

    fn socket(&self) -> PathBuf {
        format!("/run/kernscope/{}.sock", self.run.id()).into()
    }

    /// Ends it; the entries and paths of what was denied, and what it said since the start.
    fn end(mut self) -> (Vec<(String, String)>, String) {
        drop(self.run.stdin.take());
        self.run.wait().expect("its end");
        let mut said = String::new();
        self.told.read_to_string(&mut said).expect("its words");
        let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
        let records = records(&self.dir.path("out"));
        let denied = records.iter().filter(|record| record["kind"] == "policy_deny");
        (denied.map(|deny| (text(&deny["rule"]), text(&deny["path"]))).collect(), said)
    }
}

#[test]
fn lists_are_changed_while_a_run_goes_on() {
    for backend in ["ebpf", "ptrace"] {
        let mut run = Observed::start(&format!("ctl-{backend}"), backend);
        let (one, two, three) = (run.dir.text("one"), run.dir.text("two"), run.dir.text("three"));
        run.reads("one");
        run.reads("two");
        assert!(run.ctl(&["add", "read.deny", &two]).status.success());
        run.reads("two");
        assert!(run.ctl(&["remove", "read.deny", &one]).status.success());
        run.reads("one");
        std::fs::write(run.dir.path("list"), format!("# all of it\n{three}\n")).expect("write list");
        assert!(run.ctl(&["replace", "read.deny", &run.dir.text("list")]).status.success());
        run.reads("two");
        run.reads("three");
        let listed = run.ctl(&["list", "read.deny"]);
        assert_eq!(String::from_utf8_lossy(&listed.stdout), format!("{three}\n"));
        let status = run.ctl(&["status"]);
        assert_eq!(
            String::from_utf8_lossy(&status.stdout),
            "policy p\nread observed\nread.deny: 1 entries\n"
        );
        let denied = [one, two, three].map(|path| (format!("read: {path}"), path));
        assert_eq!(run.end().0, denied, "{backend}");
    }
}

#[test]
fn files_are_read_again_on_hangup_and_what_is_wrong_with_them_changes_nothing() {
    let mut run = Observed::start("ctl-hangup", "ptrace");
    let (one, two) = (run.dir.text("one"), run.dir.text("two"));
    let hangup = |run: &mut Observed, text: &str, said: &str| {
        std::fs::write(run.dir.path("p.toml"), text).expect("write policy");
        let pid = nix::unistd::Pid::from_raw(run.run.id().cast_signed());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGHUP).expect("signal it");
        let mut line = String::new();
        while !line.contains(said) {
            assert!(run.told.read_line(&mut line).expect("a line") > 0, "{line}");
        }
    };
    hangup(&mut run, "[read]\ndeny = ['/[']", "the policy stays as it was");
    run.reads("one");
    hangup(&mut run, &format!("[read]\ndeny = ['{two}']"), "read observed");
    run.reads("one");
    run.reads("two");
    let denied = [one, two].map(|path| (format!("read: {path}"), path));
    assert_eq!(run.end().0, denied);
}

#[test]
fn garbage_is_answered_and_nothing_is_lost() {
    let run = Observed::start("ctl-garbage", "ptrace");
    let ask = |bytes: &[u8]| {
        let mut socket = UnixStream::connect(run.socket()).expect("connect");
        // It may have heard enough before all is said.
        let _ = socket.write_all(bytes);
        let _ = socket.shutdown(std::net::Shutdown::Write);
        let mut reply = String::new();
        socket.read_to_string(&mut reply).expect("an answer");
        reply
    };
    let mut noise: u64 = 0x9e37_79b9_7f4a_7c15;
    for round in 0..200 {
        let garbage: Vec<u8> = (0..round * 7)
            .map(|_| {
                noise ^= noise << 13;
                noise ^= noise >> 7;
                noise ^= noise << 17;
                noise.to_le_bytes()[0]
            })
            .collect();
        let reply = ask(&garbage);
        assert!(reply.starts_with("{\"error\":") && reply.ends_with("}\n"), "{reply}");
    }
    for request in ["{}\n", "[]\n", "{\"act\":\"shell\"}\n", "null\n"] {
        assert!(ask(request.as_bytes()).starts_with("{\"error\":"), "{request}");
    }
    assert_eq!(
        ask(b"{\"act\":\"list\",\"list\":null}\n"),
        format!("{{\"lines\":[\"read.deny {}\"]}}\n", run.dir.text("one"))
    );
    for (args, said) in [
        (&["add", "read.deny", "/a[b"][..], "a `[` has no `]`"),
        (&["remove", "read.deny", "/none"], "not on read.deny"),
        (&["add", "reed.deny", "/a"], "is no list"),
        (&["add", "connect.deny", "a:b"], "is no port"),
    ] {
        let output = run.ctl(args);
        assert!(output.status.code() == Some(2) && stderr(&output).contains(said), "{}", stderr(&output));
    }
    assert_eq!(run.end().0, []);
}

/// Even where the directory lets him in, another user is refused by what the kernel says of him.
#[test]
fn another_user_is_refused() {
    let run = Observed::start("ctl-user", "ptrace");
    let path = run.socket();
    assert_eq!(std::fs::metadata(&path).expect("a socket").permissions().mode() & 0o777, 0o600);
    let directory = path.parent().expect("a directory");
    assert_eq!(std::fs::metadata(directory).expect("a directory").permissions().mode() & 0o777, 0o700);
    let script = "import os, socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\nos.setuid(65534)\ns.sendall(b'{\"act\":\"status\"}\\n')\nprint(s.recv(4096).decode())";
    let mut client = std::process::Command::new("python3");
    let output = client.args(["-c", script]).arg(&path).output().expect("run python3");
    // Credentials are those at the time of connecting: root's.
    assert!(String::from_utf8_lossy(&output.stdout).contains("lines"), "{output:?}");
    let mut stranger = std::process::Command::new("python3");
    let output =
        stranger.args(["-c", script]).arg(&path).uid(65534).gid(65534).output().expect("run python3");
    assert!(String::from_utf8_lossy(&output.stderr).contains("PermissionError"), "{output:?}");
    // Runs that start meanwhile close the directory again.
    let open = |directory_mode, socket_mode| {
        let set = |path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode));
        set(directory, directory_mode).and_then(|()| set(path.as_path(), socket_mode)).expect("change modes");
    };
    let output = (0..50).find_map(|_| {
        open(0o711, 0o666);
        let output = stranger.output().expect("run python3");
        (!String::from_utf8_lossy(&output.stderr).contains("PermissionError")).then_some(output)
    });
    open(0o700, 0o600);
    let output = output.expect("a way in");
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("user 65534 may not ask this run"),
        "{output:?}"
    );
    assert!(run.end().1.contains("user 65534 was refused"));
    assert!(!path.exists(), "the socket goes with the run");
}
