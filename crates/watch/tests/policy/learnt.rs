//! What `--learn` wrote, enforced by the kernel's programs in a guest: names that are made anew are allowed by patterns there.

use super::command::{guest, kernscope, records};
use std::fs;

/// Reads, makes what has another name in each run (`$0`), moves it, and makes a directory.
const WORK: &str = "set -e; cat in/data; cat in/data > open/tmp.$0; mv open/tmp.$0 open/made; rm open/made; \
    mkdir open/dir; mkfifo open/dir/pipe; rm open/dir/pipe; rmdir open/dir; echo FINE";

/// What the work had no part in.
const OTHER: &str = "export LC_ALL=C; cat in/other; echo x > open/else; mkfifo in/pipe; mkdir new; echo x > in/data; id; echo END";

#[test]
fn what_was_learnt_is_enough_for_the_same_again_and_for_nothing_else() {
    let Some(folder) = guest("learnt") else { return };
    for dir in ["in", "open"] {
        fs::create_dir(folder.0.join(dir)).expect("a folder");
    }
    for file in ["in/data", "in/other"] {
        fs::write(folder.0.join(file), format!("{file}\n")).expect("a file");
    }
    let run = |option: &str, script: &str, token: &str| {
        let mut watch = kernscope(&folder);
        watch.args(["--backend", "ebpf", option, "learnt.toml", "--", "sh", "-c", script, token]);
        let output = watch.output().expect("kernscope runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    };
    let (is_fine, said, told) = run("--learn", WORK, "aB3dE9");
    let learnt = fs::read_to_string(folder.0.join("learnt.toml")).expect("a policy");
    println!("{said}{told}{learnt}");
    assert!(is_fine && said == "in/data\nFINE\n" && learnt.contains("/open/tmp.*"), "{said}{told}{learnt}");
    let (is_fine, said, told) = run("--policy", WORK, "Zq81xY");
    assert!(told.contains("read enforced by lsm; write enforced by lsm; exec enforced by lsm"), "{told}");
    let denied: Vec<_> =
        records(&folder).into_iter().filter(|record| record["kind"] == "policy_deny").collect();
    assert!(is_fine && said == "in/data\nFINE\n" && denied.is_empty(), "{said}{told}{denied:#?}{learnt}");
    let (_, said, told) = run("--policy", OTHER, "sh");
    println!("{said}{told}");
    // Only a shell that runs `cat` and makes files by those names is left of it.
    assert_eq!(said, "END\n", "{told}");
    assert_eq!(fs::read_to_string(folder.0.join("in/data")).expect("a file"), "in/data\n");
    assert!(!folder.0.join("in/pipe").exists() && !folder.0.join("new").exists(), "{told}");
    let denied: Vec<_> = records(&folder)
        .into_iter()
        .filter(|record| record["kind"] == "policy_deny" && record["by"] == "lsm")
        .map(|record| (record["action"].as_str().unwrap_or_default().to_owned(), record["path"].clone()))
        .collect();
    for (action, name) in
        [("read", "in/other"), ("write", "in/pipe"), ("write", "new"), ("write", "in/data"), ("exec", "id")]
    {
        let is_of = |(of, path): &(String, serde_json::Value)| {
            of == action && path.as_str().is_some_and(|path| path.ends_with(name))
        };
        assert!(denied.iter().any(is_of), "{action} {name}: {denied:#?}{learnt}");
    }
}
