//! What is learnt allows what it was learnt from, and says no more than that.

use super::super::paths::{Class, Places};
use super::super::{Mode, Policy};
use super::{About, Learner, Machine};
use kernscope_report::{Body, Entry, NetCall, OpenMode, PathCall, PathInfo};
use proptest::prelude::*;
use std::path::Path;

fn places() -> Places {
    Places { home: "/home/u".into(), cwd: "/home/u/work".into() }
}

fn entry(body: Body) -> Entry {
    Entry { ts_ns: 1, proc: None, body, escaped: Vec::new() }
}

fn info(path: &str) -> PathInfo {
    PathInfo { path: Some(path.to_owned()), ..PathInfo::default() }
}

fn open(path: &str, mode: OpenMode) -> Entry {
    let (raw_path, flags) = (None, Vec::new());
    let (dev, inode, errno) = (None, None, None);
    entry(Body::FileOpen {
        path: info(path),
        raw_path,
        dirfd: 0,
        flags,
        mode,
        dev,
        inode,
        ret: 3,
        errno,
        io_uring: false,
    })
}

fn call(path: &str) -> PathCall {
    PathCall { path: info(path), ..PathCall::default() }
}

fn connect(remote: &str, name: Option<&str>) -> Entry {
    let name = name.map(str::to_owned);
    let (proto, local, errno) = ("tcp".to_owned(), None, None);
    let remote = Some(remote.to_owned());
    entry(Body::NetConnect(NetCall { proto, local, remote, name, fd: 3, ret: 0, errno, io_uring: false }))
}

fn learnt(entries: &[Entry], names: bool) -> String {
    let mut learner = Learner::default();
    entries.iter().for_each(|entry| learner.see(entry));
    let machine = Machine { places: &places(), names, was_there: &|path| path.starts_with("/etc") };
    learner.text(&About { what: "make", backend: "ebpf", lost: 0 }, &machine)
}

fn read(text: &str) -> Policy {
    Policy::parse(text, Path::new("/p.toml"), &places()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn what_was_there_is_allowed_by_name_and_what_was_made_by_its_directory() {
    let mkdir = |path| entry(Body::FileMkdir { call: call(path), mode: 0o777 });
    let entries = [
        open("/etc/passwd", OpenMode::Read),
        open("/etc/passwd", OpenMode::Read),
        open("/home/u/.config/x[1]", OpenMode::Read),
        open("/usr/lib/x86_64-linux-gnu/libc.so.6", OpenMode::Read),
        open("/proc/77/maps", OpenMode::Read),
        open("/etc/there", OpenMode::Create),
        mkdir("/home/u/work/target"),
        mkdir("/home/u/work/target/debug"),
        open("/home/u/work/target/debug/a.o", OpenMode::Create),
        open("/tmp/ccX1y2Z3.s", OpenMode::Create),
        connect("127.0.0.1:8080", None),
        connect("93.184.216.34:443", Some("Example.org")),
        connect("[2001:db8::1]:53", None),
    ];
    let text = learnt(&entries, false);
    for line in [
        "\"/etc/passwd\", # 2 times",
        "'~/.config/x\\[1\\]', # once",
        "\"/usr/lib/x86_64-linux-gnu/**\", # once",
        "\"/proc/**\", # once",
        "\"/etc/there\", # once",
        "\"./**\", # 3 paths, 3 times",
        "\"/tmp/**\", # once",
        "\"localhost:8080\", # once",
        "\"example.org:443\", # once",
        "\"[2001:db8::1]:53\", # once",
    ] {
        assert!(text.contains(&format!("\n    {line}\n")), "{line}: {text}");
    }
    let text = learnt(&entries, true);
    for line in ["\"./target/**\", # 3 paths, 3 times", "\"/tmp/cc*.s\", # once"] {
        assert!(text.contains(&format!("\n    {line}\n")), "{line}: {text}");
    }
    let policy = read(&text);
    assert!(Class::ALL.iter().all(|class| policy.rule(*class).default_denied), "{text}");
    assert!(policy.mode_of(Class::Exec) == Mode::Deny && policy.hosts.default_denied, "{text}");
}

#[test]
fn many_of_a_directory_are_the_directory_but_not_all_of_home() {
    let named = |dir: &str| (0..20).map(|n| open(&format!("{dir}/f{n}"), OpenMode::Read)).collect::<Vec<_>>();
    let text = learnt(&[named("/srv/data"), named("/home/u"), named("/etc")].concat(), false);
    assert!(text.contains("\"/srv/data/**\", # 20 paths, 20 times"), "{text}");
    assert!(text.contains("\"~/f0\"") && text.contains("\"/etc/f19\"") && !text.contains("~/**"), "{text}");
}

#[test]
fn what_was_refused_is_not_learnt_and_what_is_missing_is_said() {
    let mut refused = open("/etc/shadow", OpenMode::Read);
    let Body::FileOpen { errno, ret, .. } = &mut refused.body else { unreachable!() };
    (*errno, *ret) = (Some("EACCES".into()), -13);
    let mut cut = open("/deep", OpenMode::Read);
    let Body::FileOpen { path, .. } = &mut cut.body else { unreachable!() };
    path.path_truncated = true;
    let text = learnt(&[refused, cut], false);
    assert!(!text.contains("shadow") && text.contains("# NOTE: 1 times a path was too long"), "{text}");
}

fn some_path() -> impl Strategy<Value = String> {
    let name = "[a-c*\\[{}~.\\\\? ]{1,3}|tmp[a-z0-9]{8}|lib[.]so";
    let names = proptest::collection::vec(name, 1..5);
    let names = names.prop_filter("no dots", |names| names.iter().all(|name| name != "." && name != ".."));
    let place = prop_oneof![Just(""), Just("/home/u"), Just("/home/u/work"), Just("/proc/12"), Just("/tmp")];
    (place, names).prop_map(|(place, names)| format!("{place}/{}", names.join("/")))
}

fn some_entry() -> impl Strategy<Value = Entry> {
    let modes = prop_oneof![Just(OpenMode::Read), Just(OpenMode::ReadWrite), Just(OpenMode::Create)];
    prop_oneof![
        (some_path(), modes).prop_map(|(path, mode)| open(&path, mode)),
        some_path().prop_map(|path| entry(Body::FileMkdir { call: call(&path), mode: 0 })),
        some_path().prop_map(|path| entry(Body::FileUnlink(call(&path)))),
        (some_path(), some_path()).prop_map(|(from, to)| {
            entry(Body::FileRename {
                call: call(&from),
                new_path: Some(to),
                raw_new_path: None,
                exchange: false,
            })
        }),
        ("[0-9]{1,2}", 1_u16..20).prop_map(|(net, port)| connect(&format!("10.0.0.{net}:{port}"), None)),
    ]
}

proptest! {
    #[test]
    fn a_learnt_policy_denies_nothing_that_it_was_learnt_from(
        entries in proptest::collection::vec(some_entry(), 0..60),
        names in any::<bool>(),
    ) {
        let text = learnt(&entries, names);
        let policy = read(&text);
        for entry in &entries {
            prop_assert_eq!(policy.judge(entry), Vec::new(), "{}", text);
        }
    }
}
