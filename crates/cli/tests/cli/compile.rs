//! `kernscope filter compile` and `filter test`.

use crate::filter::{failed, filter};
use crate::run::stderr;
use std::process::Output;

/// What it printed, whatever it noted beside it.
fn printed(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn scratch(name: &str, bytes: &[u8]) -> String {
    let path = std::env::temp_dir().join(format!("kernscope-test-{}-{name}", std::process::id()));
    std::fs::write(&path, bytes).expect("writes");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn what_is_compiled_for_the_machine_runs_there() {
    let program = printed(&filter(&["compile", "--literal", "abc", "--target", "vm"], b""));
    for (memory, r0) in [("7861626378", "1\n"), ("78616278", "0\n"), ("", "0\n")] {
        assert_eq!(printed(&filter(&["exec", memory], program.as_bytes())), r0, "{memory}");
    }
    let broken = program.replace("\"array\"", "\"heap\"");
    assert!(
        failed(&filter(&["exec"], broken.as_bytes()))
            .contains("\"type\" is missing or not what it should be")
    );
}

#[test]
fn every_condition_and_target_is_dumped() {
    let rules = scratch("rules.toml", b"[[rule]]\nid = 'x'\nseverity = 'high'\nliteral = 'secret'\n");
    let classic = scratch("classic.txt", b"1\n6 0 0 65535\n");
    let conditions = [
        ["--literal", "password"],
        ["--regex", "ghp_[0-9a-zA-Z]{36}"],
        ["--bytes", "a>=3,b>=1;window=64"],
        ["--packet", "udp and dst port 53"],
        ["--rules", &rules],
        ["--cbpf", &classic],
    ];
    for [flag, value] in conditions {
        for target in ["xdp", "tc", "socket", "vm"] {
            let text = printed(&filter(&["compile", flag, value, "--target", target, "--dump"], b""));
            assert!(text.contains("(95) exit\n"), "{flag} {target}: {text}");
        }
    }
    for path in [rules, classic] {
        std::fs::remove_file(path).expect("was written");
    }
}

#[test]
fn userspace_and_the_machine_agree_without_privilege() {
    let input = scratch("input", b"the password is ghp_0123456789abcdefghijklmnopqrstuvwxyz, aabb");
    for (condition, said) in [
        (["--literal", "password"], "match"),
        (["--literal", "Password"], "no match"),
        (["--regex", "ghp_[0-9a-zA-Z]{36}"], "match"),
        (["--bytes", "a>=2,b>=2;window=4"], "match"),
        (["--bytes", "a>=2,b>=3;window=4"], "no match"),
    ] {
        for engine in ["userspace", "vm"] {
            let [flag, value] = condition;
            let output = filter(&["test", flag, value, "--input", &input, "--engine", engine], b"");
            assert_eq!(printed(&output), format!("{engine}: {said}\n"), "{condition:?}");
        }
    }
    std::fs::remove_file(input).expect("was written");
}

#[test]
fn a_wrong_condition_is_one_line_and_2() {
    for (args, said) in [
        (["--regex", "a(b"], "kernscope: parse expression \"a(b\": unclosed group, at byte 1\n"),
        (["--bytes", "a>=1"], "kernscope: parse thresholds \"a>=1\": no window; end with ;window=BYTES\n"),
        (
            ["--rules", "/nonexistent"],
            "kernscope: read /nonexistent: No such file or directory (os error 2); check its name\n",
        ),
    ] {
        let output = filter(&[&["compile"], &args[..], &["--target", "xdp"]].concat(), b"");
        assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(2), said));
    }
}
