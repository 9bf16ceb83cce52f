//! What is hidden of commands, and what is not.

use super::{blot, hide, shown};
use crate::talk::judges::Judges;

fn argv(args: &[&str]) -> Vec<String> {
    args.iter().map(|arg| (*arg).to_owned()).collect()
}

/// A token of a provider, put together here so that no scanner finds it in this file.
fn token() -> String {
    format!("ghp_{}", "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8")
}

#[test]
fn secrets_of_many_shapes_are_hidden() {
    for (args, told) in [
        (&["x", "--password=hunter2"][..], "x --password=<redacted>"),
        (&["x", "--db-password", "hunter2", "rest"], "x --db-password <redacted> rest"),
        (&["x", "--api-key", "hunter2"], "x --api-key <redacted>"),
        (&["x", "--token", "hunter2 with words"], "x --token <redacted>"),
        (&["env", "GITHUB_TOKEN=hunter2", "ls"], "env GITHUB_TOKEN=<redacted> ls"),
        (&["docker", "run", "-e", "DB_PASS=hunter2"], "docker run -e DB_PASS=<redacted>"),
        (&["/usr/bin/mysql", "-uroot", "-phunter2"], "/usr/bin/mysql -uroot -p<redacted>"),
        (&["sshpass", "-p", "hunter2", "ssh", "h"], "sshpass -p <redacted> ssh h"),
        (&["curl", "-u", "bob:hunter2", "http://h/"], "curl -u bob:<redacted> http://h/"),
        (&["curl", "--user=bob:hunter2"], "curl --user=bob:<redacted>"),
        (&["curl", "-H", "Authorization: Bearer hunter2"], "curl -H Authorization: Bearer <redacted>"),
        (&["curl", "-H", "X-Api-Key: hunter2"], "curl -H X-Api-Key: <redacted>"),
        (&["git", "clone", "https://bob:hunter2@h/r.git"], "git clone https://bob:<redacted>@h/r.git"),
        (&["psql", "pg://u:p%40x@h/d?u=http://a:b@c"], "psql pg://u:<redacted>@h/d?u=http://a:<redacted>@c"),
        (&["openssl", "enc", "-k", "pass:hunter2"], "openssl enc -k pass:<redacted>"),
        (&["smbclient", "//h/s", "-U", "bob%hunter2"], "smbclient //h/s -U bob%<redacted>"),
        (
            &[
                "sh",
                "-c",
                "cd /x && mysql -phunter2 -e 'select 1'; curl -H \"Authorization: Basic hunter2\" u",
            ],
            "sh -c cd /x && mysql -p<redacted> -e 'select 1'; curl -H \"Authorization: Basic <redacted>\" u",
        ),
    ] {
        assert_eq!(shown(&argv(args)).join(" "), told);
    }
}

#[test]
fn what_is_no_secret_stands_as_it_is() {
    for args in [
        &["git", "commit", "--author=Bob <b@h>", "-m", "pass the key: value"][..],
        &["sort", "--key=2", "-p", "x"],
        &["ssh", "-p", "22", "git@github.com"],
        &["x", "--password-file=/run/secret", "--token-path", "/x", "--no-password"],
        &["x", "--password", "--verbose"],
        &["mysql", "-p"],
        &["curl", "http://user@host/path", "-u", "bob"],
        &["mkdir", "-p", "/a/b"],
        &["env", "PATH=/bin", "PWD=/x"],
        &["sh", "-c", "echo a;b&&c 'd e' \"f\" ; ; |"],
        &["", " ", "\u{e9}\u{e9} \u{e9}"],
        &[],
    ] {
        assert_eq!(hide(&argv(args), &mut Judges::default()), None, "{args:?}");
    }
}

#[test]
fn rules_find_secrets_in_arguments_wherever_they_stand() {
    let token = token();
    for args in [
        &["x", token.as_str()][..],
        &["sh", "-c", &format!("push {token} \u{e9}")],
        &["x", &format!("-t{token}")],
    ] {
        let hidden = hide(&argv(args), &mut Judges::default()).expect("hidden");
        let line = hidden.argv.join(" ");
        assert!(!line.contains(&token[8..]) && line.contains("bytes more]"), "{line}");
        let mut message = format!("sh ran {token}");
        blot(&mut message, &hidden.secrets);
        assert!(!message.contains(&token[8..]), "{message}");
    }
}

#[test]
fn any_arguments_are_taken() {
    let pieces = [
        "--pass=", "\u{20ac}", "'", "\"", " ", ";", "a://b:c@", "pass:", "-p", "mysql", ":", "=", "\\", "|x",
    ];
    for n in 0..20_000_usize {
        let pick = |m: usize| pieces[(n / pieces.len().pow(u32::try_from(m).unwrap())) % pieces.len()];
        let args = [format!("{}{}", pick(0), pick(1)), format!("{}{}{}", pick(2), pick(3), pick(0))];
        let all = shown(&args);
        assert_eq!(all.len(), args.len());
    }
}
