use super::*;
use serde_json::json;

fn argv(offset: u32) -> Raw {
    Raw::Strings(abi::Strings { what: abi::STRINGS_ARGV, offset })
}

fn env(offset: u32) -> Raw {
    Raw::Strings(abi::Strings { what: abi::STRINGS_ENV, offset })
}

fn exec(argc: u32, arg_bytes: u32) -> Raw {
    Raw::Exec(abi::Exec { argc, arg_bytes, ino: 5, dev: 259 << 20 | 2, old_tid: 20, ..Default::default() })
}

#[test]
fn everything_about_an_exec() {
    let mut bench = Bench::new();
    bench.none(argv(0), &[(abi::SEC_STRINGS, 0, b"./x.py\0a ")], "argv_chunk");
    bench.none(argv(9), &[(abi::SEC_STRINGS, 0, b"b\0\0")], "argv_chunk");
    let sections: [Sec<'_>; 5] = [
        (abi::SEC_PATH, 0, b"python3\0bin\0usr\0"),
        (abi::SEC_CWD, 0, b"u\0home\0"),
        (abi::SEC_FILENAME, 0, b"./x.py"),
        (abi::SEC_INTERP, 0, b"/usr/bin/env"),
        (abi::SEC_SHA256, 0, &[0xab; 32]),
    ];
    let entry = bench.one(exec(3, 12), &sections);
    let expect = json!({
        "kind": "process_exec", "argv": ["./x.py", "a b", ""], "argc": 3, "cwd": "/home/u",
        "exe": "/usr/bin/python3", "filename": "./x.py", "interpreter": "/usr/bin/env",
        "dev": 259 << 8 | 2, "inode": 5, "sha256": "ab".repeat(32),
    });
    assert_eq!(json(&entry), expect);
    assert_eq!(exe(&entry), Some("/usr/bin/python3"));
    assert_eq!(exe(&bench.one(opened(1, 3), &[])), Some("/usr/bin/python3"), "later events know the binary");
}

#[test]
fn arguments_that_are_not_all_there() {
    let flagged = |bench: &mut Bench, body| {
        let entry = json(&bench.one(body, &[]));
        (entry["argv"].clone(), entry["argv_truncated"].clone())
    };
    let mut bench = Bench::new();
    assert_eq!(flagged(&mut bench, exec(2, 6)), (json!([]), json!(true)), "no chunk came");
    bench.send(argv(0), &[(abi::SEC_STRINGS, 0, b"a\0b")]);
    assert_eq!(flagged(&mut bench, exec(2, 6)), (json!(["a", "b"]), json!(true)), "cut in the last");
    bench.send(argv(0), &[(abi::SEC_STRINGS, 0, b"a\0")]);
    bench.send(argv(4), &[(abi::SEC_STRINGS, 0, b"c\0")]);
    assert_eq!(flagged(&mut bench, exec(3, 6)), (json!(["a"]), json!(true)), "a gap");
    bench.send(argv(0), &[(abi::SEC_STRINGS, abi::SECF_UNRESOLVED, b"")]);
    assert_eq!(flagged(&mut bench, exec(0, 0)), (json!([]), json!(true)), "could not be read");
    assert_eq!(flagged(&mut bench, exec(0, 0)), (json!([]), json!(null)), "none were passed");
}

#[test]
fn strings_of_other_threads_do_not_mix() {
    let mut bench = Bench::new();
    bench.send(argv(0), &[(abi::SEC_STRINGS, 0, b"mine\0")]);
    bench.header.tid = 21;
    bench.send(argv(0), &[(abi::SEC_STRINGS, 0, b"other\0")]);
    bench.header.tid = 20;
    assert_eq!(json(&bench.one(exec(1, 5), &[]))["argv"], json!(["mine"]));
}

#[test]
fn a_thread_that_is_not_the_leader_executes() {
    let mut bench = Bench::new();
    bench.header.tid = 25;
    bench.send(argv(0), &[(abi::SEC_STRINGS, 0, b"x\0")]);
    bench.send(
        Raw::Close(abi::Close { file: file(1), fd: 4, cause: abi::CLOSE_EXEC, ..Default::default() }),
        &[],
    );
    bench.header.tid = 20;
    let out =
        bench.send(Raw::Exec(abi::Exec { argc: 1, arg_bytes: 2, old_tid: 25, ..Default::default() }), &[]);
    assert_eq!(out.iter().map(kind).collect::<Vec<_>>(), ["file_close", "process_exec"]);
    assert_eq!(json(&out[1])["argv"], json!(["x"]));
}

#[test]
fn the_environment_is_told_when_asked_for_and_without_secrets() {
    let strings = b"HOME=/root\0API_KEY=hunter2\0";
    let told = |config: Config| {
        let mut bench = Bench::with(config);
        bench.none(env(0), &[(abi::SEC_STRINGS, 0, strings)], "env_chunk");
        let exec = abi::Exec { env_bytes: 27, ..Default::default() };
        json(&bench.one(Raw::Exec(exec), &[]))
    };
    assert_eq!(told(Config::default()).get("env"), None);
    let with = told(Config { env: true, ..Config::default() });
    assert_eq!(with["env"], json!(["HOME=/root", "API_KEY=<redacted>"]));
    assert_eq!(with.get("env_truncated"), None);
    let plain = told(Config { env: true, redact: false, ..Config::default() });
    assert_eq!(plain["env"], json!(["HOME=/root", "API_KEY=hunter2"]));
}

#[test]
fn a_failed_exec() {
    let mut bench = Bench::new();
    bench.send(argv(0), &[(abi::SEC_STRINGS, 0, b"lost\0")]);
    let sections: [Sec<'_>; 2] = [(abi::SEC_RAW, 0, b"./no"), (abi::SEC_BASE, 0, b"u\0home\0")];
    let entry = bench.one(Raw::ExecFail(abi::ExecFail { ret: -2, dirfd: -100 }), &sections);
    let expect = json!({
        "kind": "process_exec_failed", "path": "/home/u/no", "path_source": "joined", "raw_path": "./no",
        "ret": -2, "errno": "ENOENT",
    });
    assert_eq!(json(&entry), expect);
    let later = json(&bench.one(exec(0, 0), &[]));
    assert_eq!(later["argv"], json!([]), "its strings are gone with it");
}

#[test]
fn a_binary_without_a_path() {
    let mut bench = Bench::new();
    let flags = abi::SECF_DISCONNECTED | abi::SECF_DELETED;
    let entry = bench.one(exec(0, 0), &[(abi::SEC_PATH, flags, b"memfd:payload\0")]);
    assert_eq!(exe(&entry), Some("memfd:payload"));
    let entry = bench.one(exec(0, 0), &[(abi::SEC_PATH, 0, b"\xff\0bin\0")]);
    assert_eq!(exe(&entry), Some("/bin/\\xff"));
    assert_eq!(entry.escaped, ["exe", "proc.exe"]);
    assert_eq!(exe(&bench.one(exec(0, 0), &[])), None, "not known is not the old one");
}
