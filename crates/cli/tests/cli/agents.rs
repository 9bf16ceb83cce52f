//! `watch --agents`: programs that look like agents are found, with what they start; others are not.

use crate::run::{Dir, checked, kernscope};
use serde_json::Value;
use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

/// A script that starts another program when it is let, and ends then.
const NODE: &str = "const fs = require('fs'); const go = process.argv[2]; \
    const wait = () => fs.existsSync(go) ? require('child_process').execFileSync('cat', ['/etc/hostname']) : setTimeout(wait, 20); wait();";
const PYTHON: &str = "import os, subprocess, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.02)\n\
    subprocess.run(['cat', '/etc/os-release'], stdout=subprocess.DEVNULL)\n";

/// Where npm and pip would have put them, and beside them what only has such a name.
fn install(dir: &Dir) {
    let package = "lib/node_modules/@openai/codex/bin";
    fs::create_dir_all(dir.path(package)).expect("a folder");
    fs::write(dir.path(package).join("codex.js"), NODE).expect("a script");
    fs::write(dir.path("codex-server.js"), NODE).expect("a script");
    fs::write(dir.path("aider"), PYTHON).expect("a script");
}

fn start(program: &str, args: &[&str]) -> Child {
    Command::new(program).args(args).stdout(Stdio::null()).spawn().expect("it starts")
}

/// `watch --agents` under way.
struct Watching {
    child: Child,
    told: BufReader<ChildStderr>,
    lines: String,
    out: PathBuf,
}

impl Watching {
    fn start(dir: &Dir, backend: &str) -> Self {
        Self::under(dir, backend, &[])
    }

    fn under(dir: &Dir, backend: &str, options: &[&str]) -> Self {
        let args = ["watch", "--agents", "--backend", backend, "--no-tls", "--format", "jsonl"];
        let mut watch = kernscope(&args);
        watch.args(["--output", &dir.text("out")]).args(options).stderr(Stdio::piped());
        let mut child = watch.spawn().expect("run kernscope");
        let told = BufReader::new(child.stderr.take().expect("its words"));
        Self { child, told, lines: String::new(), out: dir.path("out") }
    }

    fn until(&mut self, said: &str) {
        while !self.lines.contains(said) {
            assert!(self.told.read_line(&mut self.lines).expect("a line") > 0, "{said}: {}", self.lines);
        }
    }

    /// Ends it as Ctrl-C does; its records.
    fn end(mut self) -> Vec<Value> {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).expect("a pid"));
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).expect("a signal");
        assert!(self.child.wait().expect("its end").success());
        checked(&fs::read_to_string(self.out).expect("records"))
    }
}

#[test]
fn agents_are_watched_with_what_they_start_and_others_are_not() {
    for backend in ["ebpf", "ptrace"] {
        let dir = Dir::new(&format!("agents-{backend}"));
        install(&dir);
        let go = dir.text("go");
        let mut there = start("node", &[&dir.text("lib/node_modules/@openai/codex/bin/codex.js"), &go]);
        let mut other = start("node", &[&dir.text("codex-server.js"), &go]);
        let mut watch = Watching::start(&dir, backend);
        watch.until(&format!("agents: codex-cli, process {}, is watched", there.id()));
        // One that begins later.
        let mut later = start("python3", &[&dir.text("aider"), &go]);
        watch.until(&format!("agents: aider, process {}, is watched", later.id()));
        fs::write(&go, "").expect("let them go on");
        for child in [&mut there, &mut other, &mut later] {
            assert!(child.wait().expect("its end").success());
        }
        // All that they did is told before the watch ends.
        let records = watch.end();
        let hooks = records.iter().find(|record| record["kind"] == "coverage").map(|told| &told["hooks"]);
        let hook =
            hooks.and_then(Value::as_array).into_iter().flatten().find(|hook| hook["name"] == "agents");
        let state = if backend == "ebpf" { "attached" } else { "partial" };
        assert_eq!(hook.expect("how agents are found")["state"], state, "{hook:?}");
        // Other agents may run here; with eBPF the exec of the one that began later is told as well.
        let roots = [there.id(), later.id()].map(u64::from);
        let execs = records.iter().filter(|record| record["kind"] == "process_exec");
        let execs =
            execs.filter(|exec| exec["proc"]["ppid"].as_u64().is_some_and(|pid| roots.contains(&pid)));
        let mut execs: Vec<_> =
            execs.map(|exec| (text(&exec["proc"]["agent"]), text(&exec["argv"][1]))).collect();
        execs.sort();
        let expected = [("aider", "/etc/os-release"), ("codex-cli", "/etc/hostname")];
        assert_eq!(execs, expected.map(|(agent, file)| (agent.to_owned(), file.to_owned())), "{backend}");
        let others: Vec<_> = records.iter().filter(|record| record["proc"]["pid"] == other.id()).collect();
        assert!(others.is_empty(), "{others:?}");
    }
}

/// What an agent does that is gone after a few milliseconds: a file first of all, and another program.
const SHORT: &str = "read x < /etc/hostname; cat /etc/os-release > $0; mkdir $0.d; rmdir $0.d; rm $0; \
    (read y < /etc/os-release); exec true";

/// What records say of one process and those that it started, without what differs from run to run.
fn deeds(records: &[Value], root: u64) -> Vec<String> {
    let mut tree = HashSet::from([root]);
    let mut deeds = Vec::new();
    for record in records.iter().filter(|record| record["kind"] != "process_snapshot") {
        if record["proc"]["pid"].as_u64().is_some_and(|pid| tree.contains(&pid)) {
            tree.extend(record["child_pid"].as_u64());
            let of = |field: &str| record[field].to_string();
            let failed = record["ret"].as_i64().is_some_and(|ret| ret < 0);
            deeds.push(format!(
                "{} {} {} {} {} {} {failed}",
                of("kind"),
                of("argv"),
                of("path"),
                of("read_bytes"),
                of("write_bytes"),
                of("code")
            ));
        }
    }
    // Parent and child go on side by side.
    deeds.sort();
    deeds
}

/// Starts it with nothing that it shares with others.
fn apart(mut command: Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts")
}

fn run(dir: &Dir, program: &str, args: &[&str]) -> Child {
    let mut command = Command::new(dir.path(program));
    command.args(args);
    apart(command)
}

#[test]
fn nothing_is_missed_of_an_agent_that_is_gone_after_milliseconds() {
    let dir = Dir::new("agents-short");
    // The file says which it is, and the same under another name is none.
    for name in ["codex", "codexes"] {
        fs::copy(fs::canonicalize("/bin/sh").expect("a shell"), dir.path(name)).expect("a copy");
    }
    fs::write(dir.path("aider"), "#!/usr/bin/env python3\nopen('/etc/hostname').read()\n").expect("a script");
    fs::set_permissions(dir.path("aider"), fs::Permissions::from_mode(0o755)).expect("executable");
    let made = dir.text("made");
    let args = ["-c", SHORT, made.as_str()];
    let alone = ["watch", "--backend", "ebpf", "--no-tls", "--format", "jsonl", "--output"];
    let mut alone = kernscope(&alone);
    alone.args([&dir.text("alone"), "--", &dir.text("codex")]).args(args);
    assert!(apart(alone).wait().expect("its end").success());
    let alone = checked(&fs::read_to_string(dir.path("alone")).expect("records"));
    let root = alone.iter().find(|record| record["kind"] == "process_exec").expect("its exec")["proc"]["pid"]
        .as_u64();
    let expected = deeds(&alone, root.expect("a pid"));
    assert!(expected.len() > 20, "{expected:#?}");
    let mut watch = Watching::start(&dir, "ebpf");
    watch.until("agents: watching");
    let (mut agents, mut others, mut longest) = (Vec::new(), Vec::new(), Duration::ZERO);
    for _ in 0..20 {
        let began = Instant::now();
        let mut agent = run(&dir, "codex", &args);
        assert!(agent.wait().expect("its end").success());
        longest = longest.max(began.elapsed());
        agents.push(u64::from(agent.id()));
        let mut other = run(&dir, "codexes", &args);
        assert!(other.wait().expect("its end").success());
        others.push(u64::from(other.id()));
    }
    eprintln!("the longest lived {longest:?}");
    // What `env` executes in its own place is one of its own.
    let mut script = run(&dir, "aider", &[]);
    assert!(script.wait().expect("its end").success());
    let records = watch.end();
    for agent in &agents {
        assert_eq!(deeds(&records, *agent), expected, "{agent}");
    }
    for other in others {
        assert_eq!(deeds(&records, other), Vec::<String>::new());
    }
    let of_script = deeds(&records, u64::from(script.id()));
    assert!(of_script.iter().any(|deed| deed.contains("\"/etc/hostname\"")), "{of_script:#?}");
    let is_told = |record: &&Value| record["proc"].is_object() && record["kind"] != "process_snapshot";
    let strangers: Vec<_> =
        records.iter().filter(is_told).filter(|record| record["proc"]["agent"].is_null()).collect();
    assert!(strangers.is_empty(), "{strangers:#?}");
    let ledger = records.iter().find(|record| record["kind"] == "ledger").expect("the account");
    assert!(ledger["filtered_by"]["no_agent"].as_u64() > Some(0), "{ledger}");
}

/// Talks to a port until that is refused, and counts how often it was not.
const UNTIL_REFUSED: &str =
    "n=0; until ! : 3<> /dev/udp/127.0.0.1/9; do n=$((n + 1)); done 2> /dev/null; echo $n > \"$0\"";
/// Talks to it many times.
const MANY_TIMES: &str = "for ((n = 0; n < 500; n++)); do : 3<> /dev/udp/127.0.0.1/9 || exit 9; done";

/// Enforcement begins with the answer to an agent's exec; what goes before is told as what got past. Who is no agent is not kept
/// from anything, not even until the answer.
#[test]
fn an_agent_is_held_to_a_policy_once_it_is_known_and_what_it_did_before_is_told() {
    let dir = Dir::new("agents-denied");
    for name in ["codex", "codexes"] {
        fs::copy("/bin/bash", dir.path(name)).expect("a copy");
    }
    fs::write(dir.path("p.toml"), "mode = 'deny'\n[connect]\ndeny = ['127.0.0.1:9']").expect("a policy");
    let mut watch = Watching::under(&dir, "ebpf", &["--policy", &dir.text("p.toml")]);
    watch.until("held to the policy from the moment it is known");
    assert!(watch.lines.contains("connect enforced by cgroup"), "{}", watch.lines);
    let mut agents = Vec::new();
    for n in 0..10 {
        let mut agent = run(&dir, "codex", &["-c", UNTIL_REFUSED, &dir.text(&format!("count-{n}"))]);
        assert!(agent.wait().expect("its end").success());
        agents.push(agent.id());
        let mut other = run(&dir, "codexes", &["-c", MANY_TIMES]);
        assert!(other.wait().expect("its end").success(), "who is no agent was kept from talking");
    }
    let records = watch.end();
    for (n, agent) in agents.into_iter().enumerate() {
        let count: usize = fs::read_to_string(dir.path(&format!("count-{n}")))
            .expect("a count")
            .trim()
            .parse()
            .expect("a number");
        let of = |kind: &str| -> Vec<&Value> {
            records.iter().filter(|record| record["kind"] == kind && record["proc"]["pid"] == agent).collect()
        };
        let (mut tried, denied) = (of("net_connect"), of("policy_deny"));
        // A shell without a home asks for one, which on some machines goes by a local socket.
        tried.retain(|record| record["remote"] == "127.0.0.1:9");
        eprintln!("{count} before the answer");
        assert_eq!((tried.len(), denied.len()), (count + 1, count + 1));
        for (tried, denied) in tried.iter().zip(denied) {
            let is_refused = tried["errno"] == "EPERM";
            assert_eq!(
                (&denied["enforced"], &denied["evidence"][0]),
                (&Value::Bool(is_refused), &tried["seq"])
            );
            assert!(is_refused || denied["why"] == "it went past cgroup", "{denied}");
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[test]
fn own_signatures_name_what_is_run() {
    let dir = Dir::new("agents-own");
    fs::write(dir.path("own.toml"), "[[agent]]\nname = 'lister'\nexe = ['ls']").expect("write signatures");
    let args =
        ["watch", "--backend", "ptrace", "--format", "jsonl", "--agent-signatures", &dir.text("own.toml")];
    let output =
        kernscope(&args).args(["--", "sh", "-c", "ls /dev/null; true"]).output().expect("run kernscope");
    let said = String::from_utf8_lossy(&output.stdout);
    let records: Vec<Value> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let agents = |comm: &str| {
        records.iter().any(|record| record["proc"]["comm"] == comm && record["proc"]["agent"] == "lister")
    };
    assert!(agents("ls") && !agents("sh"), "{said}");
    fs::write(dir.path("own.toml"), "[[agent]]\nname = 'x'").expect("write signatures");
    crate::run::refused(
        &["watch", "--agents", "--agent-signatures", &dir.text("own.toml")],
        "nothing says which program",
    );
}
