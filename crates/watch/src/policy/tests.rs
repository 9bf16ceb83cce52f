//! Policies against texts.

use super::paths::{Class, Places};
use super::{Mode, Policy};
use std::path::Path;

fn parse(text: &str) -> Result<Policy, String> {
    let places = Places { home: "/home/u".into(), cwd: "/work".into() };
    Policy::parse(text, Path::new("/etc/p.toml"), &places).map_err(|error| error.to_string())
}

#[test]
fn an_allow_list_denies_the_rest_and_a_deny_list_allows_it() {
    let policy =
        parse("mode = 'deny'\n[read]\nallow = ['/a/**']\n[write]\ndeny = ['/b']\nmode = 'observe'").unwrap();
    assert_eq!(policy.name, "p");
    assert!(policy.rule(Class::Read).default_denied && policy.rule(Class::Read).mode == Mode::Deny);
    assert!(!policy.rule(Class::Write).default_denied && policy.rule(Class::Write).mode == Mode::Observe);
    assert!(policy.denies() && !policy.mounts_allowed);
    assert_eq!(policy.paths.denied(b"/b", Class::Write, false), Some("/b"));
}

#[test]
fn what_is_wrong_is_told_in_one_line_with_its_place() {
    for (text, told) in [
        ("mode = 'deni'", "read policy /etc/p.toml: line 1: unknown variant `deni`"),
        ("[read]\ndenied = []", "read policy /etc/p.toml: line 2: unknown field `denied`"),
        ("[read]\ndeny = ['/a/../b']", "policy /etc/p.toml: [read] read pattern \"/a/../b\": it has a `..`"),
        (
            "[connect]\nallow = ['x:99999']",
            "policy /etc/p.toml: [connect] read host \"x:99999\": \"99999\" is no port",
        ),
        ("[exec]\ndeny_file = 'none.txt'", "read policy /etc/none.txt: No such file"),
        ("mode = ", "read policy /etc/p.toml: line 1: "),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.starts_with(told) && !error.contains('\n'), "{error}");
    }
}
