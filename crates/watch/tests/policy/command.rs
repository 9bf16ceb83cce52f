//! The program itself in a guest whose kernel enforces: `kernscope watch --policy FILE -- COMMAND`.

use super::bench::Folder;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

/// Where a guest has it.
const KERNSCOPE: &str = "/usr/local/bin/kernscope";

/// Tries what is denied, each with a line that has what the system said; and then what is not denied.
const TRIES: &str = r#"
export LC_ALL=C
tried() { name=$1; shift; said=$("$@" 2>&1) && said=WORKED; echo "$name: $said" | tr '\n' ' '; echo; }
tried open cat denied/secret
tried exec tools/tool
tried unlink rm -f denied/secret
tried rename mv denied/secret open/moved
tried pipe mkfifo denied/pipe
tried connect bash -c ': > /dev/tcp/127.0.0.1/9'
cat open/free && echo x > open/new && mv open/new open/other && rm open/other && echo FINE
"#;

/// What is denied, and by what each try is told.
const DENIED: [(&str, &str, &str); 6] = [
    ("open", "read", "lsm"),
    ("exec", "exec", "lsm"),
    ("unlink", "write", "lsm"),
    ("rename", "read", "lsm"),
    ("pipe", "write", "lsm"),
    ("connect", "connect", "cgroup"),
];

/// A folder for one test; `None` where this is no guest that enforces.
pub(crate) fn guest(name: &str) -> Option<Folder> {
    let is_active = fs::read_to_string("/sys/kernel/security/lsm").is_ok_and(|list| list.contains("bpf"));
    if !Path::new("/vm").exists() || !is_active {
        println!("SKIPPED: needs a guest with BPF LSM active: cargo xtask vm --step policy");
        return None;
    }
    Some(Folder::new(name))
}

/// kernscope in a folder, its records in `out` there.
pub(crate) fn kernscope(folder: &Folder) -> Command {
    let mut watch = Command::new(KERNSCOPE);
    watch.args(["watch", "--no-tls", "--format", "jsonl", "--output", "out"]).current_dir(&folder.0);
    watch
}

/// The records that it wrote, of an account that closes.
pub(crate) fn records(folder: &Folder) -> Vec<Value> {
    let records = fs::read_to_string(folder.0.join("out")).expect("records");
    let records: Vec<Value> = records.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!(records.last().map(|ledger| &ledger["closes"]), Some(&Value::Bool(true)));
    records
}

/// A folder with something to try, and a policy beside it.
fn stage() -> Option<Folder> {
    let folder = guest("command")?;
    for dir in ["denied", "open", "tools"] {
        fs::create_dir_all(folder.0.join(dir)).expect("a folder");
    }
    for (file, text) in
        [("denied/secret", "secret"), ("tools/tool", "#!/bin/sh\necho ran\n"), ("open/free", "free\n")]
    {
        fs::write(folder.0.join(file), text).expect("a file");
    }
    fs::set_permissions(folder.0.join("tools/tool"), fs::Permissions::from_mode(0o755)).expect("a mode");
    let below = format!("deny = ['{}/denied/**']", folder.text());
    let tools = format!("deny = ['{}/tools/**']", folder.text());
    let text = format!(
        "mode = 'deny'\n[read]\n{below}\n[write]\n{below}\n[exec]\n{tools}\n[connect]\ndeny = ['127.0.0.1:9']"
    );
    fs::write(folder.0.join("deny.toml"), text).expect("a policy");
    Some(folder)
}

/// Runs the script under the policy.
fn watch(folder: &Folder, options: &[&str]) -> Output {
    let mut watch = kernscope(folder);
    watch.args(["--policy", "deny.toml"]).args(options).args(["--", "sh", "-c", TRIES]);
    watch.output().expect("kernscope runs")
}

#[test]
fn what_a_policy_denies_to_a_command_fails_and_is_told() {
    let Some(folder) = stage() else { return };
    let output = watch(&folder, &["--backend", "ebpf"]);
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{said}{told}");
    let enforced =
        "read enforced by lsm; write enforced by lsm; exec enforced by lsm; connect enforced by cgroup";
    assert!(
        told.contains(enforced) && output.status.success() && said.ends_with("free\nFINE\n"),
        "{said}{told}"
    );
    for (name, ..) in DENIED {
        let line = said.lines().find(|line| line.starts_with(&format!("{name}: ")));
        assert!(line.is_some_and(|line| line.contains("Operation not permitted")), "{name}: {line:?}");
    }
    let records = records(&folder);
    let denied: Vec<_> = records.iter().filter(|record| record["kind"] == "policy_deny").collect();
    assert!(denied.iter().all(|deny| deny["enforced"] == true), "{denied:#?}");
    // Where programs can be put on the function that decides, the path is the kernel's, also of what is not made.
    let pipe = records.iter().find(|record| record["kind"] == "file_mknod").expect("the pipe");
    println!("{pipe}");
    assert_eq!((&pipe["path_source"], &pipe["errno"]), (&Value::Null, &Value::from("EPERM")), "{pipe}");
    for (name, action, by) in DENIED {
        assert!(
            denied.iter().any(|deny| deny["action"] == action && deny["by"] == by),
            "{name}: {denied:#?}"
        );
    }
}

#[test]
fn a_policy_that_cannot_be_enforced_starts_only_where_observing_will_do() {
    let Some(folder) = stage() else { return };
    // Under ptrace no program in the kernel holds anything, and none of these guests has Landlock switched on.
    let output = watch(&folder, &["--backend", "ptrace"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && told.contains("add --best-effort"), "{told}");
    assert!(output.stdout.is_empty(), "the command has not run");
    let output = watch(&folder, &["--backend", "ptrace", "--best-effort"]);
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("read ONLY OBSERVED") && said.starts_with("open: WORKED"), "{said}{told}");
}
