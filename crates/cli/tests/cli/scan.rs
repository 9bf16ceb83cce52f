//! `kernscope scan`: findings, statuses, and what is said of what was not scanned.

use crate::run::{Dir, checked, kernscope, refused, run, stderr};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

/// Fits the rule below, and nothing that anyone uses.
const TOKEN: &str = "acme_0a1b2c3d4e5f6071";
const RULES: &str = "[[rule]]\nid = 'acme'\nregex = 'acme_[0-9a-f]{16}'\n";

/// A tree with two findings, four files and a link, and rules beside it.
fn tree(name: &str) -> Dir {
    let dir = Dir::new(name);
    let write = |name: &str, text: &[u8]| std::fs::write(dir.path(name), text).expect("write");
    write("rules.toml", RULES.as_bytes());
    for folder in ["tree", "tree/.hidden", "tree/.git"] {
        std::fs::create_dir(dir.path(folder)).expect("a folder");
    }
    write("tree/.git/config", TOKEN.as_bytes());
    write("tree/.gitignore", b"ignored\n");
    write("tree/ignored", TOKEN.as_bytes());
    write("tree/.hidden/env", format!("a\n\nkey={TOKEN}\n").as_bytes());
    write("tree/clean", b"nothing");
    std::os::unix::fs::symlink("clean", dir.path("tree/link")).expect("a link");
    let name = std::ffi::OsStr::from_bytes(b"tree/odd\xff\n");
    std::fs::write(dir.path("").join(name), format!("\0\u{1}{TOKEN}")).expect("write");
    dir
}

fn scan(dir: &Dir, args: &[&str]) -> Output {
    let rules = dir.text("rules.toml");
    run(&[&["scan", "--rules", &rules], args].concat())
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

#[test]
fn records_of_a_tree_fit_the_schema_and_add_up() {
    let dir = tree("scan-records");
    let output = scan(&dir, &["--format", "jsonl", &dir.text("tree")]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let records = checked(&stdout(&output));
    let [hidden, odd, coverage, ledger] = &records[..] else { panic!("{records:?}") };
    assert_eq!(hidden["path"], dir.text("tree/.hidden/env"));
    assert_eq!((&hidden["rule"], &hidden["line"], &hidden["column"]), (&"acme".into(), &3.into(), &5.into()));
    assert_eq!((&hidden["start"], &hidden["end"]), (&7.into(), &28.into()));
    assert_eq!((&odd["start"], &odd["secret_bytes"]), (&2.into(), &TOKEN.len().into()));
    assert!(!stdout(&output).contains(TOKEN), "redacted");
    assert!(coverage["why"].as_str().is_some_and(|why| why.contains("git history")), "{coverage}");
    assert_eq!(ledger["seen_by"], serde_json::json!({"file": 5, "match": 2}));
    assert_eq!(ledger["filtered_by"], serde_json::json!({"scanned": 4, "symlink": 1}));
}

#[test]
fn a_history_is_told_with_commits_each_secret_once_a_path() {
    let dir = Dir::new("scan-git");
    let git = |args: &[&str]| {
        let who = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
        let output = Command::new("git").args(who).args(args).current_dir(dir.path("")).output();
        output.map(|output| String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned())
    };
    if let Err(cause) = git(&["init", "-q"]) {
        println!("skipped: git {cause}; install git");
        return;
    }
    let write = |name: &str, text: &str| std::fs::write(dir.path(name), text).expect("write");
    let commit = || {
        git(&["add", "env"]).expect("runs");
        git(&["commit", "-qm", "m"]).expect("runs");
        git(&["rev-parse", "HEAD"]).expect("runs")
    };
    write("rules.toml", RULES);
    write("env", &format!("key={TOKEN}\n"));
    let first = commit();
    write("env", &format!("more\nkey={TOKEN}\n"));
    commit();
    write("env", "key=$KEY\n");
    commit();
    let output = scan(&dir, &["--format", "jsonl", "--git", &dir.text("")]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let records = checked(&stdout(&output));
    let [found, coverage, ledger] = &records[..] else { panic!("{records:?}") };
    assert_eq!((&found["path"], &found["commit"]), (&"env".into(), &first.into()));
    assert!(coverage["why"].as_str().is_some_and(|why| why.contains("every blob")), "{coverage}");
    assert_eq!(ledger["seen_by"], serde_json::json!({"blob": 3, "match": 2}));
    assert_eq!(ledger["filtered_by"], serde_json::json!({"scanned": 3, "told_before": 1}));
    // What is in the tree as well is told there.
    write("env", &format!("key={TOKEN}\n"));
    let both = scan(&dir, &["--format", "jsonl", "--git", &dir.text(""), &dir.text("")]);
    let records = checked(&stdout(&both));
    assert_eq!((records.len(), &records[0]["commit"]), (3, &serde_json::Value::Null), "{records:?}");
    let none = scan(&dir, &["--git", "/proc/self"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(stderr(&none).starts_with("kernscope: open git repository /proc/self: "), "{}", stderr(&none));
}

#[test]
fn lines_are_the_same_whatever_the_threads() {
    let dir = tree("scan-lines");
    let one = stdout(&scan(&dir, &["--threads", "1", &dir.text("tree")]));
    assert_eq!(one, stdout(&scan(&dir, &["--threads", "7", &dir.text("tree")])));
    let [hidden, odd, _, ledger] = one.lines().collect::<Vec<_>>()[..] else { panic!("{one}") };
    assert_eq!(hidden, format!("{}:3:5 acme acme[17 bytes more]", dir.text("tree/.hidden/env")));
    assert!(odd.contains(":1:3 acme "), "{odd}");
    let sum = "ledger seen 7 (file 5, match 2) = emitted 2 + filtered 5 (scanned 4, symlink 1) + lost 0";
    assert_eq!(ledger, sum);
    let bare = stdout(&scan(&dir, &["--no-redact", "--no-ignore", &dir.text("tree")]));
    assert_eq!(bare.matches(TOKEN).count(), 4, "{bare}");
}

#[test]
fn standard_input_is_scanned() {
    let dir = tree("scan-stdin");
    for (text, status, findings) in [(TOKEN, 1, 1), ("clean", 0, 0), ("", 0, 0)] {
        let rules = dir.text("rules.toml");
        let mut child = kernscope(&["scan", "--rules", &rules, "--format", "jsonl", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("runs");
        child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("written");
        let output = child.wait_with_output().expect("ends");
        assert_eq!(output.status.code(), Some(status), "{text}");
        let records = checked(&stdout(&output));
        assert_eq!(records.iter().filter(|record| record["path"] == "-").count(), findings, "{text}");
    }
}

#[test]
fn what_cannot_be_scanned_is_told_and_counted() {
    let dir = tree("scan-lost");
    let (clean, missing) = (dir.text("tree/clean"), dir.text("missing"));
    assert_eq!(scan(&dir, &[&clean]).status.code(), Some(0));
    let output = scan(&dir, &["--format", "jsonl", &missing, &dir.text("tree/.hidden"), &clean]);
    assert_eq!(output.status.code(), Some(2));
    let line = stderr(&output);
    assert!(line.starts_with(&format!("kernscope: read {missing}: No such file")), "{line}");
    assert_eq!(line.matches('\n').count(), 1, "{line}");
    let records = checked(&stdout(&output));
    assert_eq!(records.len(), 3, "the others are scanned: {records:?}");
    assert_eq!(records[2]["lost"], serde_json::json!({"unreadable": 1}));
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a full device");
    let rules = dir.text("rules.toml");
    let output = kernscope(&["scan", "--rules", &rules, &clean]).stdout(full).output().expect("runs");
    assert_eq!(output.status.code(), Some(2), "unwritten is not clean: {}", stderr(&output));
}

#[test]
fn findings_go_to_a_file_that_nobody_else_can_read() {
    let dir = tree("scan-output");
    let (to, all) = (dir.text("out"), dir.text("tree"));
    for format in ["pretty", "jsonl", "sarif"] {
        let output = scan(&dir, &["--format", format, "--output", &to, &all]);
        assert_eq!((output.status.code(), &output.stdout[..]), (Some(1), &[][..]), "{}", stderr(&output));
        let text = std::fs::read_to_string(&to).expect("written");
        assert!(text.contains(".hidden/env") && !text.contains(TOKEN), "{text}");
        let mode = std::fs::metadata(&to).expect("there").permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        let full = scan(&dir, &["--format", format, "--output", "/dev/full", &all]);
        let said = stderr(&full);
        assert_eq!(full.status.code(), Some(2), "{said}");
        assert_eq!(said, "kernscope: write /dev/full: No space left on device (os error 28)\n");
    }
}

#[test]
fn what_the_scan_writes_is_not_looked_at() {
    let dir = tree("scan-own");
    let (rules, all) = (dir.text("rules.toml"), dir.text("tree"));
    let args = ["scan", "--rules", &rules, "--no-redact", "--format", "jsonl", "--threads", "1", &all];
    // It is the last file of the tree, so that findings are in it by the time it is met.
    let to = dir.path("tree/zzz");
    let file = std::fs::File::create(&to).expect("created");
    assert_eq!(kernscope(&args).stdout(file).status().expect("runs").code(), Some(1));
    let redirected = std::fs::read_to_string(&to).expect("written");
    let output = run(&[&args[..], &["--output", to.to_str().expect("UTF-8")]].concat());
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    for text in [redirected, std::fs::read_to_string(&to).expect("written")] {
        let records = checked(&text);
        assert_eq!((records.len(), &records[3]["filtered_by"]["own"]), (4, &1.into()), "{text}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_scan() {
    let dir = tree("scan-pipe");
    // Without end, and so is the scan unless somebody ends it.
    let fifo = dir.path("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo runs").success());
    let _writer = std::fs::OpenOptions::new().read(true).write(true).open(&fifo).expect("both ends");
    let (rules, all, fifo) = (dir.text("rules.toml"), dir.text("tree"), dir.text("fifo"));
    for (format, paths, status) in
        [("jsonl", &[&all, &fifo][..], 1), ("sarif", &[&all, &fifo], 2), ("sarif", &[&fifo], 2)]
    {
        let mut child = kernscope(&["scan", "--rules", &rules, "--format", format])
            .args(paths)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("runs");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("ends");
        assert_eq!((output.status.code(), &stderr(&output)[..]), (Some(status), ""), "{format}");
    }
}

#[test]
fn wrong_rules_and_options_give_2_and_one_line() {
    let dir = tree("scan-usage");
    let write = |name: &str, text: &str| std::fs::write(dir.path(name), text).expect("write");
    write("counts.toml", "[[rule]]\nid = 'counts'\nbytes = 'a>=3;window=8'\n");
    write("bad.toml", "[[rule]]\nid = 'bad'\nregex = '('\n");
    let (rules, clean) = (dir.text("rules.toml"), dir.text("tree/clean"));
    let (counts, bad, missing) = (dir.text("counts.toml"), dir.text("bad.toml"), dir.text("none.toml"));
    let nowhere = dir.text("no/such/baseline");
    let cases: [(&[&str], &str); 11] = [
        (&["--no-builtin", &clean], "no rule to scan with"),
        (&["--rules", &rules, "--baseline", &missing, &clean], "--write-baseline makes such a file"),
        (&["--rules", &rules, "--baseline", &rules, &clean], "line 1 does not begin with a fingerprint"),
        (&["--rules", &rules, "--write-baseline", &nowhere, &clean], "make its directory"),
        (&["--rules", &rules], "required"),
        (&["--rules", &missing, &clean], "No such file"),
        (&["--rules", &bad, &clean], "line 3: rule \"bad\""),
        (&["--rules", &rules, "--rules", &counts, &clean], "rule \"counts\": bytes is for filters"),
        (&["--rules", &rules, "--threads", "0", &clean], "--threads"),
        (&["--rules", &rules, "--threads", "100000", &clean], "not in 1..=256"),
        (&["--rules", &rules, "--output", &nowhere, &clean], "make its directory first"),
    ];
    for (args, said) in cases {
        refused(&[&["scan"], args].concat(), said);
    }
}

#[test]
fn a_file_of_gitleaks_can_build_on_the_built_in_rules() {
    let dir = tree("scan-extend");
    let rules = "[extend]\nuseDefault = true\n[[rules]]\nid = 'acme'\nregex = 'acme_[0-9a-f]{16}'\n";
    std::fs::write(dir.path("rules.toml"), rules).expect("write");
    // The characters of base64 in a jumble, twice: no key, but as varied as one.
    let all: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['+', '/']).collect();
    let body: String = (0..128).map(|at| all[at * 27 % 64]).collect();
    let text = format!("{TOKEN}\n{} RSA PRIVATE KEY-----\n{body}\n", "-----BEGIN");
    std::fs::write(dir.path("tree/clean"), text).expect("write");
    let output = scan(&dir, &["--format", "jsonl", &dir.text("tree/clean")]);
    let records = checked(&stdout(&output));
    let rules: Vec<_> = records.iter().filter_map(|record| record["rule"].as_str()).collect();
    assert_eq!(rules, ["acme", "rsa-private-key"]);
}

#[test]
fn a_rule_of_gitleaks_adds_to_the_one_that_it_builds_on() {
    let dir = tree("scan-inherit");
    let write = |name: &str, text: &str| std::fs::write(dir.path(name), text).expect("write");
    write("base.toml", "[[rules]]\nid = 'acme'\nregex = 'acme_[0-9a-f]{16}'\n");
    let excused = format!("[[rules.allowlists]]\nregexes = ['^{TOKEN}$']\n");
    write("rules.toml", &format!("[extend]\npath = 'base.toml'\n[[rules]]\nid = 'acme'\n{excused}"));
    write("tree/clean", &format!("{TOKEN}\n{}\n", TOKEN.replace("0a", "1b")));
    let output = scan(&dir, &["--format", "jsonl", &dir.text("tree/clean")]);
    let records = checked(&stdout(&output));
    assert_eq!((records[0]["rule"].as_str(), records[0]["line"].as_u64()), (Some("acme"), Some(2)));
    assert_eq!((records.len(), stderr(&output)), (3, String::new()));
    write("rules.toml", "[extend]\npath = 'base.toml'\n[[rules]]\nid = 'gone'\nkeywords = ['x']\n");
    let output = scan(&dir, &["--format", "jsonl", &dir.text("tree/clean")]);
    assert!(
        stderr(&output).contains("rule \"gone\" in line 3 has neither regex nor path"),
        "{}",
        stderr(&output)
    );
    assert_eq!(checked(&stdout(&output)).len(), 4);
}

#[test]
fn without_rules_the_built_in_ones_are_used() {
    let dir = tree("scan-builtin");
    // A token of GitHub by its form, written in two parts so that no scanner finds it here.
    let token = format!("ghp{}", "_R4x8Qm2Vb7Lz9Tk3Wc6Np1Jd5Hs0Yf8Ga2Ue");
    std::fs::write(dir.path("tree/clean"), format!("{token} {TOKEN}")).expect("write");
    let (clean, rules) = (dir.text("tree/clean"), dir.text("rules.toml"));
    for (args, wanted) in [
        (&["scan", "--format", "jsonl", &clean][..], &["github-personal-token"][..]),
        (&["scan", "--format", "jsonl", "--rules", &rules, &clean], &["acme"]),
        (&["scan", "--format", "jsonl", "--rules", &rules, "--no-builtin", &clean], &["acme"]),
        (
            &["scan", "--format", "jsonl", "--rules", &rules, "--builtin", &clean],
            &["github-personal-token", "acme"],
        ),
    ] {
        let output = run(args);
        let records = checked(&stdout(&output));
        let rules: Vec<_> = records.iter().filter_map(|record| record["rule"].as_str()).collect();
        assert_eq!(rules, wanted, "{args:?}");
    }
}

#[test]
fn examples_are_tried_when_asked_for() {
    let dir = tree("scan-verify");
    let rule = |example: &str| format!("[[rule]]\nid = 'x'\nregex = 'a1'\nmatch = ['{example}']\n");
    std::fs::write(dir.path("good.toml"), rule("a1")).expect("write");
    std::fs::write(dir.path("bad.toml"), rule("a2")).expect("write");
    let (good, bad, clean) = (dir.text("good.toml"), dir.text("bad.toml"), dir.text("tree/clean"));
    let output = run(&["scan", "--verify-rules", "--rules", &good]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stderr(&output).contains("1 rules, 0 without examples; 1 of 1 examples hold"));
    assert_eq!(run(&["scan", "--verify-rules", "--rules", &good, &clean]).status.code(), Some(0));
    let output = run(&["scan", "--verify-rules", "--rules", &good, "--rules", &bad, &clean]);
    assert_eq!(output.status.code(), Some(2));
    let said = format!("{bad}: line 1: rule \"x\": finds nothing in its example 1 (match)");
    assert!(stderr(&output).contains(&said), "{}", stderr(&output));
    assert!(output.stdout.is_empty(), "what is not right does not scan");
}

#[test]
fn what_a_baseline_accepts_is_not_told() {
    let dir = tree("scan-baseline");
    let (baseline, all) = (dir.text("baseline"), dir.text("tree"));
    let output = scan(&dir, &["--write-baseline", &baseline, &all]);
    assert_eq!(output.status.code(), Some(1), "they are told once");
    let text = std::fs::read_to_string(&baseline).expect("written");
    assert_eq!(text.lines().filter(|line| line.contains(" acme ")).count(), 2, "{text}");
    std::fs::write(&baseline, text.replace(".hidden/env", ".hidden/env # of the manual")).expect("write");

    let output = scan(&dir, &["--baseline", &baseline, "--format", "jsonl", &all]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let records = checked(&stdout(&output));
    assert_eq!(records[1]["filtered_by"]["baseline"], 2, "{records:?}");

    // A line in front of a finding changes nothing; the same secret once more does.
    std::fs::write(dir.path("tree/.hidden/env"), format!("#\na\n\n{TOKEN}\n{TOKEN}\n")).expect("write");
    let output = scan(&dir, &["--baseline", &baseline, "--write-baseline", &baseline, &all]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains(".hidden/env:5:1 acme"), "{}", stdout(&output));
    let text = std::fs::read_to_string(&baseline).expect("written");
    assert!(text.contains(".hidden/env # of the manual"), "what people wrote is kept: {text}");
    assert_eq!(scan(&dir, &["--baseline", &baseline, &all]).status.code(), Some(0));
}

#[test]
fn sarif_fits_its_schema() {
    let dir = tree("scan-sarif");
    let schema = include_str!("../../../../tests/fixtures/sarif/sarif-schema-2.1.0.json");
    let mut schema: serde_json::Value = serde_json::from_str(schema).expect("JSON");
    // No expression: of its two brackets only one opens. kernscope names no language.
    for part in ["run", "toolComponent"] {
        let language = &mut schema["definitions"][part]["properties"]["language"];
        assert!(language.as_object_mut().and_then(|keys| keys.remove("pattern")).is_some());
    }
    let validator = jsonschema::draft7::new(&schema).expect("a schema");
    let (all, missing) = (dir.text("tree"), dir.text("missing"));
    std::fs::write(
        dir.path("rules.toml"),
        format!("{RULES}severity = 'high'\n[[rule]]\nid = 'p'\npaths = ['clean$']\n"),
    )
    .expect("write");
    for (paths, status, results) in
        [(&[all.as_str()][..], 1, 3), (&[&missing, &all], 2, 3), (&[&dir.text("tree/.gitignore")], 0, 0)]
    {
        let output = scan(&dir, &[&["--format", "sarif"], paths].concat());
        assert_eq!(output.status.code(), Some(status), "{}", stderr(&output));
        let log: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let faults: Vec<_> = validator.iter_errors(&log).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{faults:?}");
        let run = &log["runs"][0];
        assert_eq!(run["results"].as_array().map(Vec::len), Some(results), "{log}");
        assert_eq!(run["invocations"][0]["executionSuccessful"], status != 2);
        assert_eq!(run["properties"]["ledger"]["closes"], true);
        assert!(!stdout(&output).contains(TOKEN), "redacted");
        let Some(first) = run["results"].get(0) else { continue };
        assert_eq!((&first["ruleId"], &first["level"]), (&"acme".into(), &"error".into()));
        let place = &first["locations"][0]["physicalLocation"];
        assert_eq!(place["region"]["startLine"], 3);
        let uri = place["artifactLocation"]["uri"].as_str().expect("a URI");
        assert!(uri.starts_with("file:///") && uri.ends_with("/tree/.hidden/env"), "{uri}");
    }
}
