//! `watch --agents`: programs that look like agents are found, with what they start; others are not.

use crate::run::{Dir, checked, kernscope};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

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

#[test]
fn agents_are_watched_with_what_they_start_and_others_are_not() {
    for backend in ["ebpf", "ptrace"] {
        let dir = Dir::new(&format!("agents-{backend}"));
        install(&dir);
        let go = dir.text("go");
        let mut there = start("node", &[&dir.text("lib/node_modules/@openai/codex/bin/codex.js"), &go]);
        let mut other = start("node", &[&dir.text("codex-server.js"), &go]);
        let watch = ["watch", "--agents", "--backend", backend, "--no-tls", "--format", "jsonl"];
        let mut watch = kernscope(&watch);
        watch.args(["--output", &dir.text("out")]).stderr(Stdio::piped());
        let mut watch = watch.spawn().expect("run kernscope");
        let mut told = BufReader::new(watch.stderr.take().expect("its words"));
        let mut lines = String::new();
        let mut until = |said: &str| {
            while !lines.contains(said) {
                assert!(told.read_line(&mut lines).expect("a line") > 0, "{said}: {lines}");
            }
        };
        until(&format!("agents: codex-cli, process {}, is watched", there.id()));
        // One that begins later.
        let mut later = start("python3", &[&dir.text("aider"), &go]);
        until(&format!("agents: aider, process {}, is watched", later.id()));
        fs::write(&go, "").expect("let them go on");
        for child in [&mut there, &mut other, &mut later] {
            assert!(child.wait().expect("its end").success());
        }
        // All that they did is told before the watch ends.
        let pid = nix::unistd::Pid::from_raw(i32::try_from(watch.id()).expect("a pid"));
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).expect("a signal");
        assert!(watch.wait().expect("its end").success());
        let records = checked(&fs::read_to_string(dir.path("out")).expect("records"));
        let execs = records.iter().filter(|record| record["kind"] == "process_exec");
        let mut execs: Vec<_> =
            execs.map(|exec| (text(&exec["proc"]["agent"]), text(&exec["argv"][1]))).collect();
        execs.sort();
        let expected = [("aider", "/etc/os-release"), ("codex-cli", "/etc/hostname")];
        assert_eq!(execs, expected.map(|(agent, file)| (agent.to_owned(), file.to_owned())), "{backend}");
        let others: Vec<_> = records.iter().filter(|record| record["proc"]["pid"] == other.id()).collect();
        assert!(others.is_empty(), "{others:?}");
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
