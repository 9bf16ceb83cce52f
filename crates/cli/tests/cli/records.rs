//! Records that are kept: the same as were told, whatever happens to the run, the disk or the file.

use crate::run::{Dir, checked, kernscope, records, refused, run, stderr, watch};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Rows of a question, as objects.
fn ask(db: &str, sql: &str) -> Vec<Value> {
    let output = run(&["query", "--db", db, "--format", "jsonl", sql]);
    assert!(output.status.success(), "{sql}: {}", stderr(&output));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

fn show(db: &str, session: &str) -> String {
    let output = run(&["show", session, "--db", db, "--format", "jsonl"]);
    assert!(output.status.success(), "{}", stderr(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn sessions(db: &str) -> Vec<Value> {
    let output = run(&["sessions", "--db", db, "--format", "jsonl"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

#[test]
fn what_is_kept_is_what_was_told() {
    let dir = Dir::new("kept");
    let (db, out) = (dir.text("records.db"), dir.text("out"));
    let options = ["--db", &db, "--format", "jsonl", "--output", &out];
    let output = watch(&options, "echo a | cat; cat /nothing; exit 3").output().expect("runs");
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("kept as session 1; see kernscope show 1"), "{}", stderr(&output));
    assert_eq!(records(&dir.path("out")), checked(&show(&db, "1")));
    let mode = std::fs::metadata(dir.path("records.db")).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let known = &sessions(&db)[0];
    assert_eq!(
        (&known["state"], &known["backend"], &known["lost"]),
        (&"ended".into(), &"ptrace".into(), &0.into())
    );
    assert!(known["what"].as_str().is_some_and(|what| what.starts_with("/bin/sh -c ")), "{known}");
    let failed =
        ask(&db, "SELECT comm, path, errno FROM file_open WHERE errno = 'ENOENT' AND path = '/nothing'");
    assert_eq!(failed[0]["comm"], "cat");
    let codes = ask(&db, "SELECT code FROM process WHERE argv LIKE '[\"/bin/sh\",\"-c\"%'");
    assert_eq!(codes[0]["code"], 3);
}

#[test]
fn a_session_is_shown_as_it_was_told_to_people() {
    let dir = Dir::new("show");
    let db = dir.text("records.db");
    let told = watch(&["--db", &db], "cat /etc/hostname").output().expect("runs");
    let shown = run(&["show", "last", "--db", &db]);
    let lines = |bytes: &[u8]| -> Vec<String> {
        let text = String::from_utf8_lossy(bytes).into_owned();
        // The command's own output stands between the records of a live run.
        text.lines().filter(|line| line.contains(" cat  ")).map(str::to_owned).collect()
    };
    assert!(lines(&told.stdout).len() > 3);
    assert_eq!(lines(&told.stdout), lines(&shown.stdout));
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(text.contains("--- summary") && text.contains("ledger"), "{text}");
    let execs = run(&["show", "last", "--db", &db, "--kind", "process_exec", "--format", "jsonl"]);
    let execs = String::from_utf8_lossy(&execs.stdout).into_owned();
    assert!(
        execs.lines().count() == 2 && execs.lines().all(|line| line.contains("\"process_exec\"")),
        "{execs}"
    );
}

#[test]
fn a_run_that_is_killed_keeps_all_but_its_last_batch() {
    let dir = Dir::new("killed");
    let db = dir.text("records.db");
    let script = "i=0; while [ $i -lt 200000 ]; do : < /etc/hostname; i=$((i + 1)); done";
    let mut child =
        watch(&["--db", &db], script).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
    let until = Instant::now() + Duration::from_secs(60);
    let count = || ask(&db, "SELECT count(*) AS n, coalesce(max(seq), -1) AS last FROM record").remove(0);
    while !dir.path("records.db").exists() || run(&["sessions", "--db", &db]).status.code() != Some(0) {
        assert!(Instant::now() < until);
    }
    while count()["n"].as_u64() < Some(2000) {
        assert!(Instant::now() < until, "{}", count());
    }
    assert_eq!(sessions(&db)[0]["state"], "running");
    kill(Pid::from_raw(child.id() as i32), Signal::SIGKILL).expect("kill");
    child.wait().expect("ended");
    assert_eq!(sessions(&db)[0]["state"], "cut off");
    let kept = count();
    assert_eq!(kept["n"].as_u64(), kept["last"].as_u64().map(|last| last + 1), "no gap: {kept}");
    let shown = run(&["show", "1", "--db", &db]);
    assert!(stderr(&shown).contains("was cut off"), "{}", stderr(&shown));
    // The file is good for the next run.
    let output = watch(&["--db", &db], "true").output().expect("runs");
    assert!(stderr(&output).contains("kept as session 2;"), "{}", stderr(&output));
    checked(&show(&db, "2"));
}

#[test]
fn a_full_disk_costs_records_that_are_counted_and_nothing_else() {
    if !nix::unistd::Uid::effective().is_root() {
        eprintln!("skipped: mounting a small tmpfs needs root");
        return;
    }
    let dir = Dir::new("kept-full");
    let (mount, copy, marker) = (dir.text("mount"), dir.text("copy"), dir.text("marker"));
    std::fs::create_dir(&mount).expect("mkdir");
    let program = env!("CARGO_BIN_EXE_kernscope");
    let busy = "i=0; while [ $i -lt 3000 ]; do : < /etc/hostname; i=$((i + 1)); done; : > \"$0\"; exit 6";
    let script = format!(
        "mount -t tmpfs -o size=1m none {mount} || exit 99
         {program} watch --backend ptrace --db {mount}/records.db -- /bin/sh -c '{busy}' {marker}
         status=$?; cp -r {mount} {copy}; exit $status"
    );
    let output = Command::new("unshare").args(["--mount", "/bin/sh", "-c", &script]).output().expect("runs");
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(6), "the command's own: {said}");
    assert!(dir.path("marker").exists(), "the command came to its end");
    assert!(said.contains("the disk is full") && said.contains("records could not be kept"), "{said}");

    let db = dir.text("copy/records.db");
    let known = &sessions(&db)[0];
    assert_eq!(known["state"], "ended", "the end has found room: {known} {said}");
    let (kept, lost) = (known["records"].as_u64().expect("count"), known["lost"].as_u64().expect("count"));
    assert!(kept > 100 && lost > 100, "{known}");
    let ledger = ask(&db, "SELECT emitted, closes, lost ->> 'output' AS lost FROM ledger").remove(0);
    assert_eq!((ledger["emitted"].as_u64(), ledger["lost"].as_u64()), (Some(kept), Some(lost)));
    assert_eq!(ledger["closes"], 1);
    let there =
        ask(&db, "SELECT count(*) AS n FROM record WHERE kind NOT IN ('coverage', 'ledger')").remove(0);
    assert_eq!(there["n"].as_u64(), Some(kept));
}

#[test]
fn a_question_without_end_is_stopped_by_a_signal() {
    let dir = Dir::new("endless");
    let db = dir.text("records.db");
    assert!(watch(&["--db", &db], "true").output().expect("runs").status.success());
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n";
    let child = kernscope(&["query", "--db", &db, endless])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let pid = Pid::from_raw(child.id() as i32);
    let status = format!("/proc/{pid}/status");
    let caught = || {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let mask =
            text.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0").trim().to_owned();
        u64::from_str_radix(&mask, 16).is_ok_and(|mask| mask & 2 != 0)
    };
    let until = Instant::now() + Duration::from_secs(60);
    while !caught() {
        assert!(Instant::now() < until);
    }
    kill(pid, Signal::SIGINT).expect("signal");
    let output = child.wait_with_output().expect("ends");
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(stderr(&output).contains("stopped before its answer was whole"), "{}", stderr(&output));
}

#[test]
fn what_makes_no_sense_is_refused_in_one_line() {
    let dir = Dir::new("kept-refused");
    let (none, db) = (dir.text("none.db"), dir.text("records.db"));
    refused(&["sessions", "--db", &none], "there is none yet; `watch --db FILE` writes one");
    assert!(watch(&["--db", &db], "true").output().expect("runs").status.success());
    refused(&["show", "7", "--db", &db], "show 7: there is no such session");
    refused(&["show", "1", "--kind", "file_opn", "--db", &db], "there are process_snapshot, process_fork");
    refused(&["show", "1", "--report", &db, "--db", &db], "show --report: the same file as --db");
    refused(&["query", "--db", &db, " ; -- nothing"], "there is no statement in it");
    let empty = dir.text("empty.db");
    std::fs::write(&empty, "").expect("write");
    for args in [&["sessions"][..], &["show", "last"], &["query", "SELECT 1"], &["sessions", "--remove", "1"]]
    {
        refused(&[args, &["--db", &empty]].concat(), "it is empty; `watch --db FILE` writes one");
    }
    assert_eq!(std::fs::read(&empty).expect("there"), b"", "to read it is not to write it");
    refused(&["show", "x", "--db", &db], "see kernscope sessions");
    refused(&["query", "--db", &db, "DELETE FROM record"], "can only be read");
    refused(&["query", "--db", &db, "ATTACH '/tmp/x' AS x"], "can only be read");
    refused(&["query", "--db", &db, "SELEC"], "syntax error");
    refused(&["sessions", "--db", &db, "--remove", "9"], "there is no such session");
    std::fs::write(dir.path("text"), "x".repeat(4096)).expect("write");
    refused(&["watch", "--db", &dir.text("text"), "--", "true"], "it is no database");
}

#[test]
fn what_cannot_be_written_is_said_and_a_reader_that_has_enough_is_no_failure() {
    let dir = Dir::new("kept-full");
    let db = dir.text("records.db");
    let script = "for i in 1 2 3 4; do find /usr/share/doc -maxdepth 1 > /dev/null; done";
    assert!(watch(&["--db", &db], script).output().expect("runs").status.success());
    let all: [&[&str]; 5] = [
        &["show", "1"],
        &["show", "1", "--format", "jsonl"],
        &["query", "SELECT record FROM record"],
        &["query", "SELECT record FROM record", "--format", "jsonl"],
        &["sessions"],
    ];
    for args in all {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("/dev/full");
        let output = kernscope(&[args, &["--db", &db]].concat()).stdout(full).output().expect("runs");
        assert_eq!(output.status.code(), Some(1), "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).starts_with("kernscope: write standard output: "), "{}", stderr(&output));
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = kernscope(&[args, &["--db", &db]].concat()).stdout(writer).output().expect("runs");
        assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()), "{args:?}");
    }
}

#[test]
fn sessions_are_removed_when_they_are_old_or_by_number() {
    let dir = Dir::new("prune");
    let db = dir.text("records.db");
    for _ in 0..3 {
        assert!(watch(&["--db", &db, "--keep", "1"], "true").output().expect("runs").status.success());
    }
    assert_eq!(sessions(&db).len(), 3, "none is old enough");
    let output = run(&["sessions", "--db", &db, "--remove", "2"]);
    assert!(stderr(&output).contains("1 session removed, 2 left"), "{}", stderr(&output));
    let output = run(&["sessions", "--db", &db, "--prune", "--keep-days", "0"]);
    assert!(stderr(&output).contains("2 sessions removed, 0 left"), "{}", stderr(&output));
    assert!(ask(&db, "SELECT 1 FROM record").is_empty());
}

#[test]
fn without_a_name_the_file_is_among_the_states() {
    let dir = Dir::new("state");
    let state = dir.text("");
    let with = |args: &[&str]| kernscope(args).env("XDG_STATE_HOME", &state).output().expect("runs");
    let output = with(&["watch", "--backend", "ptrace", "--db", "--", "true"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(dir.path("kernscope/records.db").exists());
    let table = String::from_utf8(with(&["sessions"]).stdout).expect("UTF-8");
    assert!(table.starts_with("session") && table.contains("ended"), "{table}");
}
