//! `--agents` with a policy in a guest: what is denied fails for an agent once it is known, and is told from its first instruction on.

use super::command::{guest, kernscope, records};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// Opens what is denied until that fails, and counts how often it did not.
const UNTIL_REFUSED: &str =
    "n=0; until ! : < denied/secret; do n=$((n + 1)); done 2> /dev/null; echo $n > \"$0\"";
/// Opens it many times.
const MANY_TIMES: &str = "n=0; while [ $n -lt 100 ]; do : < denied/secret || exit 9; n=$((n + 1)); done";

#[test]
fn an_agent_is_held_from_the_answer_to_its_exec_on() {
    let Some(folder) = guest("agent") else { return };
    for dir in ["denied", "open"] {
        fs::create_dir(folder.0.join(dir)).expect("a folder");
    }
    for name in ["agent", "other"] {
        fs::copy("/usr/bin/bash", folder.0.join(name)).expect("a copy");
    }
    fs::write(folder.0.join("denied/secret"), "secret").expect("a file");
    fs::write(folder.0.join("own.toml"), "[[agent]]\nname = 'own'\nexe = ['agent']").expect("signatures");
    let policy = format!("mode = 'deny'\n[read]\ndeny = ['{}/denied/**']", folder.text());
    fs::write(folder.0.join("deny.toml"), policy).expect("a policy");
    let mut watch = kernscope(&folder);
    watch.args(["--backend", "ebpf", "--agents", "--agent-signatures", "own.toml", "--policy", "deny.toml"]);
    let mut watch = watch.stderr(Stdio::piped()).spawn().expect("kernscope runs");
    let (mut told, mut lines) = (BufReader::new(watch.stderr.take().expect("its words")), String::new());
    while !lines.contains("held to the policy from the moment it is known") {
        assert!(told.read_line(&mut lines).expect("a line") > 0, "{lines}");
    }
    assert!(lines.contains("read enforced by lsm"), "{lines}");
    let run = |program: &str, script: &str| {
        let mut child = Command::new(folder.0.join(program));
        let mut child =
            child.args(["-c", script, "open/count"]).current_dir(&folder.0).spawn().expect("it starts");
        assert!(child.wait().expect("its end").success(), "{program}");
        child.id()
    };
    run("other", MANY_TIMES);
    let agent = run("agent", UNTIL_REFUSED);
    let pid = nix::unistd::Pid::from_raw(i32::try_from(watch.id()).expect("a pid"));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).expect("a signal");
    assert!(watch.wait().expect("its end").success());
    let count = fs::read_to_string(folder.0.join("open/count")).expect("a count");
    let count: usize = count.trim().parse().expect("a number");
    println!("{count} before the answer");
    let records = records(&folder);
    let denied: Vec<_> = records
        .iter()
        .filter(|record| record["kind"] == "policy_deny" && record["proc"]["pid"] == agent)
        .collect();
    let (past, refused): (Vec<&Value>, Vec<&Value>) =
        denied.into_iter().partition(|deny| deny["enforced"] == Value::Bool(false));
    assert!(
        past.len() == count && past.iter().all(|deny| deny["why"] == "it went past lsm"),
        "{count}: {past:#?}"
    );
    assert!(!refused.is_empty() && refused.iter().all(|deny| deny["by"] == "lsm"), "{refused:#?}");
}
