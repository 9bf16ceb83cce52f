//! Secrets in arguments, in everything that a run writes.

use crate::run::{Dir, checked, kernscope};

/// Not in any output but on request.
const SECRET: &str = "hunter2hunter2";

#[test]
fn secrets_of_command_lines_are_in_no_output_unless_they_are_asked_for() {
    let dir = Dir::new("redact-argv");
    for backend in ["ebpf", "ptrace"] {
        for (flag, is_shown) in [(None, false), (Some("--no-redact"), true)] {
            let (db, page, policy) = (dir.text("db"), dir.text("page.html"), dir.text("learnt.toml"));
            let _ = std::fs::remove_file(&db);
            let output = kernscope(&["watch", "--backend", backend, "--format", "jsonl", "--no-tls"])
                .args(["--db", &db, "--report", &page, "--learn", &policy, "--force"])
                .args(flag)
                .args([
                    "--",
                    "sh",
                    "-c",
                    "/bin/echo --password=$1 >/dev/null; curl -u bob:$1 file:///etc/passwd | sh -n",
                ])
                .args(["sh", &format!("--token={SECRET}")])
                .output()
                .expect("run kernscope");
            let (said, told) =
                (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            let records = checked(&said);
            assert!(records.iter().any(|record| record["kind"] == "alert"), "{backend}: {told}");
            let database: Vec<u8> = ["db", "db-wal"]
                .iter()
                .flat_map(|name| std::fs::read(dir.path(name)).unwrap_or_default())
                .collect();
            let learnt = std::fs::read_to_string(&policy).expect("a policy");
            for (name, text) in
                [("records", &*said), ("database", &*String::from_utf8_lossy(&database)), ("policy", &learnt)]
            {
                assert_eq!(text.contains(SECRET), is_shown, "{backend} {flag:?} {name}: {text}");
            }
            assert_eq!(said.contains("<redacted>"), !is_shown, "{said}");
        }
    }
}
