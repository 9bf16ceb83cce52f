//! Patterns against paths, and the table against a matcher that knows no tables.

use super::{Class, List, ListError, PatternError, Places, Table};
use proptest::prelude::*;

fn places() -> Places {
    Places { home: "/home/u".into(), cwd: "/work/tree".into() }
}

fn table(patterns: &[&str]) -> Table {
    let mut builder = Table::builder(places());
    for pattern in patterns {
        builder.add(Class::Read, List::Deny, pattern.as_bytes()).unwrap();
    }
    builder.build().unwrap()
}

#[track_caller]
fn matches(pattern: &str, yes: &[&str], no: &[&str]) {
    let table = table(&[pattern]);
    let denied = |path: &&&str| table.denied(path.as_bytes(), Class::Read, false).is_some();
    assert_eq!(yes.iter().filter(denied).collect::<Vec<_>>(), yes.iter().collect::<Vec<_>>(), "{pattern}");
    assert_eq!(no.iter().filter(denied).collect::<Vec<_>>(), Vec::<&&str>::new(), "{pattern}");
}

#[test]
fn exact_paths_match_themselves() {
    matches(
        "/etc/shadow",
        &["/etc/shadow"],
        &["/etc/shadow-", "/etc/shado", "/x/etc/shadow", "/etc/shadow/x", "/etc", "/"],
    );
    matches("/", &["/"], &["/x"]);
}

#[test]
fn directories_match_with_all_below() {
    let (yes, no) = (["/srv/d", "/srv/d/a", "/srv/d/a/b"], ["/srv", "/srv/data", "/x/srv/d/a"]);
    matches("/srv/d/**", &yes, &no);
    matches("/srv/d/", &yes, &no);
    matches("/**", &["/", "/a", "/a/b"], &[]);
    matches("**", &["/", "/a", "/a/b"], &[]);
}

#[test]
fn without_a_slash_in_front_any_directory_will_do() {
    matches("*.pem", &["/a.pem", "/x/y/.pem", "/x/a.b.pem"], &["/a.pem/x", "/a.pe", "/a.pemm", "/pem"]);
    matches("id_rsa", &["/id_rsa", "/root/.ssh/id_rsa"], &["/id_rsa.pub", "/my_id_rsa"]);
    matches(
        ".aws/credentials",
        &["/home/u/.aws/credentials"],
        &["/home/u/xaws/credentials", "/.aws/x/credentials"],
    );
    matches("target/", &["/a/target", "/a/target/b/c"], &["/a/targets/b"]);
}

#[test]
fn stars_stay_inside_a_name() {
    matches(
        "/proc/*/mem",
        &["/proc/1/mem", "/proc/self/mem"],
        &["/proc/mem", "/proc/1/2/mem", "/proc/1/mems"],
    );
    matches("/a*b*c", &["/abc", "/axxbyyc", "/abbcc"], &["/ab", "/ac/b/c", "/abcd"]);
    matches("/*/*", &["/a/b"], &["/a", "/a/b/c"]);
    matches("/x/.env*", &["/x/.env", "/x/.env.local"], &["/x/.envs/a", "/x/a.env"]);
}

#[test]
fn globstars_stand_for_any_names() {
    matches("/a/**/z", &["/a/z", "/a/b/z", "/a/b/c/z", "/a/z/z"], &["/a", "/z", "/a/b/zz", "/b/a/z"]);
    matches(
        "**/.git/**/hooks/*",
        &["/r/.git/hooks/x", "/.git/modules/m/hooks/x"],
        &["/r/.git/hooks", "/r/git/hooks/x"],
    );
    matches("/a/**/*.k/**", &["/a/x.k", "/a/b/x.k/y/z"], &["/a/b/x.kk/y"]);
}

#[test]
fn question_marks_classes_braces_and_backslashes() {
    matches("/a?c", &["/abc", "/a\u{7f}c"], &["/ac", "/a/c", "/abbc"]);
    matches("/k[0-9a]", &["/k0", "/k9", "/ka"], &["/kb", "/k", "/k00"]);
    matches("/k[!0-9]", &["/kb"], &["/k0", "/k/"]);
    matches("/{srv,opt/x}/*.{key,pem}", &["/srv/a.key", "/opt/x/a.pem"], &["/opt/a.key", "/srv/a.crt"]);
    matches(r"/a\*\{b", &["/a*{b"], &["/axb", "/a*b"]);
}

#[test]
fn home_and_working_directory_are_put_in() {
    matches("~/.ssh/**", &["/home/u/.ssh/id"], &["/root/.ssh/id", "/.ssh/id"]);
    matches("./out", &["/work/tree/out"], &["/out", "/work/tree/out/x"]);
    matches("~", &["/home/u"], &["/home/u/x"]);
}

#[test]
fn what_is_no_pattern_is_refused_with_the_reason() {
    let refused = |text: &[u8]| match Table::builder(places()).add(Class::Read, List::Deny, text) {
        Err(ListError::Pattern { why, .. }) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(b""), PatternError::Empty);
    assert_eq!(refused(b"/a/../b"), PatternError::Parent);
    assert_eq!(refused(b"/a[b"), PatternError::Class);
    assert_eq!(refused(b"/a{b"), PatternError::Brace);
    assert_eq!(refused(b"/a**b"), PatternError::Globstar);
    assert_eq!(refused(b"/a\0b"), PatternError::Nul);
    assert_eq!(refused(&[b'a'; 5000]), PatternError::TooLong);
    assert_eq!(refused(b"/[a-z][a-z]"), PatternError::TooMany);
}

#[test]
fn lists_and_classes_are_apart() {
    let mut builder = Table::builder(places());
    builder.add(Class::Read, List::Deny, b"/s/**").unwrap();
    builder.add(Class::Read, List::Except, b"/s/open/**").unwrap();
    builder.add(Class::Write, List::Allow, b"/w/**").unwrap();
    let table = builder.build().unwrap();
    assert_eq!(table.denied(b"/s/x", Class::Read, false), Some("/s/**"));
    assert_eq!(table.denied(b"/s/open/x", Class::Read, false), None);
    assert_eq!(table.denied(b"/s/x", Class::Exec, false), None);
    assert_eq!(table.denied(b"/w/x", Class::Write, true), None);
    assert_eq!(table.denied(b"/v/x", Class::Write, true), Some(""));
}

#[test]
fn directories_above_what_is_denied_are_guarded() {
    let table = table(&["/home/u/.ssh/id_*", "**/.aws/credentials"]);
    let guarded = |path: &str| table.bits(path.as_bytes()) & kernscope_abi::paths::GUARD != 0;
    assert!(
        guarded("/")
            && guarded("/home")
            && guarded("/home/u")
            && guarded("/home/u/.ssh")
            && guarded("/x/.aws")
    );
    assert!(!guarded("/home/u/.ssh/id_rsa") && !guarded("/x") && !guarded("/home/v"));
}

#[test]
fn patterns_that_fan_out_have_room() {
    let mut builder = Table::builder(places());
    for at in 0..10_000 {
        let pattern = format!("/srv/{at}/dir{}/*.key", at * 7);
        builder.add(Class::Write, List::Deny, pattern.as_bytes()).unwrap();
    }
    let table = builder.build().unwrap();
    assert!(table.denied(b"/srv/77/dir539/a.key", Class::Write, false).is_some());
    assert!(table.denied(b"/srv/77/dir540/a.key", Class::Write, false).is_none());
    // Slots for 17 bytes of each pattern, 24 of the directories above, and a fifth as much for gaps.
    assert!(table.slots().len() < 520_000, "{} slots", table.slots().len());
}

#[test]
fn ten_thousand_patterns_have_room() {
    let mut builder = Table::builder(places());
    for at in 0..10_000 {
        let pattern = match at % 4 {
            0 => format!("/srv/customers/{at:05}/private/credentials.json"),
            1 => format!("/var/lib/service-{at}/**"),
            2 => format!("*.secret{at}"),
            _ => format!("/home/*/projects/p{at}/**/key?.pem"),
        };
        builder.add(Class::Read, List::Deny, pattern.as_bytes()).unwrap();
    }
    let table = builder.build().unwrap();
    assert_eq!(table.denied(b"/var/lib/service-77/a/b", Class::Read, false), Some("/var/lib/service-77/**"));
    assert_eq!(table.denied(b"/x/y.secret4242", Class::Read, false), Some("*.secret4242"));
    assert!(table.denied(b"/home/me/projects/p9999/a/b/key1.pem", Class::Read, false).is_some());
    assert_eq!(table.denied(b"/home/me/projects/p9998/a/b/key1.pem", Class::Read, false), None);
}

/// Whether names match a pattern's names, tried in every way there is.
fn plain(pattern: &[&str], names: &[&str]) -> bool {
    match pattern {
        [] => names.is_empty(),
        ["**", rest @ ..] => (0..=names.len()).any(|skip| plain(rest, &names[skip..])),
        [one, rest @ ..] => names
            .split_first()
            .is_some_and(|(name, names)| plain_name(one.as_bytes(), name.as_bytes()) && plain(rest, names)),
    }
}

fn plain_name(pattern: &[u8], name: &[u8]) -> bool {
    match pattern {
        [] => name.is_empty(),
        [b'*', rest @ ..] => (0..=name.len()).any(|skip| plain_name(rest, &name[skip..])),
        [b'?', rest @ ..] => !name.is_empty() && plain_name(rest, &name[1..]),
        [byte, rest @ ..] => name.first() == Some(byte) && plain_name(rest, &name[1..]),
    }
}

proptest! {
    #[test]
    fn the_table_says_what_every_way_of_trying_says(
        patterns in prop::collection::vec(prop::collection::vec("[ab?]{1,2}|\\*|\\*a|a\\*|b\\*a|\\*\\*", 0..5), 1..6),
        paths in prop::collection::vec(prop::collection::vec("[ab]{1,3}", 0..6), 1..12),
    ) {
        let texts: Vec<String> = patterns.iter().map(|names| format!("/{}", names.join("/"))).collect();
        let table = table(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        for path in paths {
            let names: Vec<&str> = path.iter().map(String::as_str).collect();
            let expected = patterns.iter().any(|pattern| {
                plain(&pattern.iter().map(String::as_str).collect::<Vec<_>>(), &names)
            });
            let path = format!("/{}", names.join("/"));
            let denied = table.denied(path.as_bytes(), Class::Read, false);
            prop_assert_eq!(denied.is_some(), expected, "{:?} of {:?}", path, texts);
        }
    }
}
