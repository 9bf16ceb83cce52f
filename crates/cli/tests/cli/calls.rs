//! `[system]` of a policy: system calls that fail by seccomp, told whatever the back end, without any privilege.

use crate::python::TRIED;
use crate::run::{Dir, checked, kernscope, refused};
use serde_json::Value;
use std::process::Command;

/// Says how each attempt went ([`TRIED`]); what fails here works otherwise, for anybody.
const TRIES: &str = r"
import ctypes, os, socket, threading
libc = ctypes.CDLL(None, use_errno=True)
def personality():
    if libc.personality(0xffffffff) < 0:
        raise OSError(ctypes.get_errno(), '')
said = []
def all():
    said.extend([tried(lambda: os.memfd_create('x')), tried(personality), tried(lambda: socket.socket(socket.AF_INET)),
        tried(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)), tried(lambda: socket.socket(socket.AF_UNIX))])
all()
thread = threading.Thread(target=all)
thread.start()
thread.join()
print(*said)
";

const POLICY: &str = "
mode = 'deny'
[system]
deny = ['memfd_create', 'personality', 'ptrace']
[connect]
default = 'deny'
";

/// Runs the tries under a policy; what they said, what was told, and what was denied.
fn tries(dir: &Dir, policy: &str, backend: &str, user: Option<&str>) -> (String, String, Vec<Value>) {
    std::fs::write(dir.path("p.toml"), policy).expect("write policy");
    let watch = kernscope(&["watch", "--backend", backend, "--no-tls", "--format", "jsonl", "--policy"]);
    let mut command = Command::new(watch.get_program());
    if let Some(user) = user {
        command = Command::new("setpriv");
        command.args(["--reuid", user, "--regid", user, "--clear-groups"]).arg(watch.get_program());
    }
    command.args(watch.get_args()).arg(dir.path("p.toml"));
    command.args(["--", "sh", "-c", "exec python3 -c \"$1\" >&2", "sh", &[TRIED, TRIES].concat()]);
    let output = command.output().expect("run kernscope");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    let said = told.lines().find(|line| line.starts_with("ok ") || line.starts_with('E')).unwrap_or_default();
    let records = checked(&String::from_utf8_lossy(&output.stdout));
    let denied = records.into_iter().filter(|record| record["kind"] == "policy_deny").collect();
    (said.to_owned(), told, denied)
}

/// A directory that anybody may use, with the policy.
fn open_to_all(name: &str) -> Dir {
    let dir = Dir::new(name);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(dir.path(""), mode).expect("a mode");
    dir
}

#[test]
fn calls_that_a_policy_denies_fail_without_privilege_and_are_told() {
    let dir = open_to_all("calls-nobody");
    let (said, told, denied) = tries(&dir, POLICY, "ptrace", Some("65534"));
    let each = "EPERM EPERM EPERM EPERM ok";
    assert_eq!(said, format!("{each} {each}"), "{told}");
    assert!(told.contains("connect enforced by seccomp; system enforced by seccomp"), "{told}");
    let rules: Vec<_> = denied.iter().map(|deny| deny["rule"].as_str().expect("a rule")).collect();
    let once = ["system: memfd_create", "system: personality"];
    let once = [&once[..], &["connect: (no host is allowed)"; 2]].concat();
    assert_eq!(rules, [once.clone(), once].concat(), "{denied:#?}");
    for deny in &denied {
        assert_eq!((&deny["enforced"], &deny["by"]), (&Value::Bool(true), &Value::from("seccomp")), "{deny}");
        assert!(deny["proc"]["comm"] == "python3" && deny["proc"]["uid"] == 65534, "{deny}");
    }
    let threads: std::collections::BTreeSet<_> =
        denied.iter().map(|deny| deny["proc"]["tid"].as_u64()).collect();
    assert_eq!(threads.len(), 2, "{denied:#?}");
}

#[test]
fn calls_are_denied_beside_ebpf_and_hosts_by_what_judges_them_there() {
    let dir = Dir::new("calls-ebpf");
    let (said, told, denied) = tries(&dir, POLICY, "ebpf", None);
    assert_eq!(said, "EPERM EPERM ok ok ok EPERM EPERM ok ok ok", "{told}");
    assert!(told.contains("connect enforced by cgroup; system enforced by seccomp"), "{told}");
    assert_eq!(denied.len(), 4, "{denied:#?}");
}

#[test]
fn calls_that_are_observed_go_on_and_are_told() {
    let dir = Dir::new("calls-observed");
    let (said, told, denied) = tries(&dir, "[system]\ndeny = ['memfd_create']", "ptrace", None);
    assert_eq!(said, "ok ok ok ok ok ok ok ok ok ok", "{told}");
    let enforced: Vec<_> = denied.iter().map(|deny| (&deny["rule"], &deny["enforced"])).collect();
    assert_eq!(enforced, [(&Value::from("system: memfd_create"), &Value::Bool(false)); 2], "{told}");
}

#[test]
fn what_is_no_call_or_cannot_be_denied_is_refused() {
    let dir = Dir::new("calls-refused");
    let policy = dir.text("p.toml");
    std::fs::write(&policy, "[system]\ndeny = ['execve']").expect("write policy");
    refused(&["watch", "--policy", &policy, "--", "true"], "\"execve\" is no call that can be denied");
    std::fs::write(&policy, "mode = 'deny'\n[system]\ndeny = ['ptrace']").expect("write policy");
    let own = std::os::unix::process::parent_id().to_string();
    let args = ["watch", "--backend", "ebpf", "--no-tls", "--policy", &policy, "--pid", &own];
    let told = crate::run::stderr(&kernscope(&args).output().expect("run kernscope"));
    assert!(
        told.contains("system: seccomp is for a command that is started here; add --best-effort"),
        "{told}"
    );
}
