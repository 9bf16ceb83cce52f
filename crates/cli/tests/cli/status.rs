//! Exit statuses, and the one line that says why.

use crate::run::{Dir, refused, run, stderr, watch};

#[test]
fn a_command_gives_its_own_status() {
    for (script, status) in
        [("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -9 $$", 137), ("kill -15 $$", 143)]
    {
        let output = watch(&["--format", "jsonl"], script).output().expect("runs");
        assert_eq!(output.status.code(), Some(status), "{script}: {}", stderr(&output));
    }
}

#[test]
fn a_command_that_does_not_run_gives_what_a_shell_gives() {
    let dir = Dir::new("norun");
    std::fs::write(dir.path("plain"), "not executable").expect("write");
    for (command, status) in [
        ("kernscope-no-such-command".to_owned(), 127),
        (dir.text("nothing"), 127),
        (dir.text("plain"), 126),
        (dir.text("plain") + "/below", 127),
    ] {
        let output = run(&["watch", "--backend", "ptrace", "--", &command]);
        assert_eq!(output.status.code(), Some(status), "{command}: {}", stderr(&output));
        let line = stderr(&output);
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        assert!(line.starts_with("kernscope: run ") && line.contains(&command), "{line}");
    }
}

#[test]
fn wrong_command_lines_give_2_and_one_line() {
    let dir = Dir::new("usage");
    let (plain, missing) = (dir.text("plain"), dir.text("no/such/directory/file"));
    std::fs::write(&plain, "not a recording").expect("write");
    let directory = dir.text("");
    let cases: [(&[&str], &str); 21] = [
        (&[], "no command given"),
        (&["lan"], "no command given; see kernscope lan --help"),
        (&["wotch"], "watch"),
        (&["watch"], "required"),
        (&["watch", "--"], "required"),
        (&["watch", "true"], "-- true"),
        (&["watch", "--nonsense", "--", "true"], "--nonsense"),
        (&["watch", "--backend", "magic", "--", "true"], "magic"),
        (&["watch", "--format", "xml", "--", "true"], "xml"),
        (&["watch", "--pid", "one"], "one"),
        (&["watch", "--pid", "0"], "no such process"),
        (&["watch", "--pid", "4194305"], "no such process"),
        (&["watch", "--all", "--pid", "1"], "cannot be used with"),
        (&["watch", "--all", "--backend", "ptrace"], "--backend ebpf"),
        (&["watch", "--replay", &plain], "not a recording"),
        (&["watch", "--replay", &missing], "No such file"),
        (&["watch", "--output", &missing, "--", "true"], "make its directory"),
        (&["watch", "--policy", "/dev/zero", "--", "true"], "has more than 33554432 bytes"),
        (&["watch", "--rules", "/bin/true", "--", "true"], "no text: byte"),
        (&["watch", "ctl", "none", "status"], "there is no such run with a policy"),
        (&["watch", "--output", &directory, "--", "true"], "directory"),
    ];
    for (args, said) in cases {
        refused(args, said);
    }
}

#[test]
fn a_wrong_output_file_costs_no_started_command() {
    let dir = Dir::new("early");
    let marker = dir.path("ran");
    let script = format!("touch {}", marker.display());
    let output = watch(&["--output", &dir.text("no/such")], &script).output().expect("runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(!marker.exists());
}

#[test]
fn what_is_written_needs_a_file_each_and_none_that_is_read() {
    let dir = Dir::new("two");
    let (file, ran) = (dir.text("same"), dir.text("ran"));
    for [one, other] in
        [["--output", "--record"], ["--output", "--db"], ["--db", "--report"], ["--report", "--learn"]]
    {
        refused(&["watch", one, &file, other, &file, "--", "touch", &ran], "give them one each");
    }
    assert!(!dir.path("same").exists() && !dir.path("ran").exists());
    assert!(watch(&["--record", &file, "--no-tls"], "true").output().expect("runs").status.success());
    let recorded = std::fs::read(&file).expect("a recording");
    refused(&["watch", "--replay", &file, "--output", &file], "watch --output: the same file as --replay");
    assert_eq!(std::fs::read(&file).expect("there"), recorded);
}
