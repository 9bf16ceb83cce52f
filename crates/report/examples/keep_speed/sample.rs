//! One entry of many that look like those of a build; the tests of the page use it as well.

use kernscope_report::{Body, Entry, OpenMode, PathInfo, Proc};

/// A file that is opened, one of 5,000, by a process that opens 500.
pub(crate) fn open(n: u64) -> Entry {
    let path = format!("/home/user/project/target/debug/deps/lib{}.rlib", n % 5000);
    let pid = 1000 + (n / 500) as u32;
    let proc = Proc {
        pid,
        tid: pid,
        ppid: 999,
        uid: 0,
        comm: "rustc".into(),
        exe: Some("/usr/bin/rustc".into()),
        start_ns: n / 500,
        agent: None,
    };
    let body = Body::FileOpen {
        raw_path: Some(path.clone()),
        path: PathInfo { path: Some(path), ..Default::default() },
        dirfd: -100,
        flags: vec!["O_RDONLY".to_owned(), "O_CLOEXEC".to_owned()],
        mode: OpenMode::Read,
        dev: Some(2049),
        inode: Some(n),
        ret: 3,
        errno: None,
        io_uring: false,
    };
    Entry { ts_ns: n * 10_000, proc: Some(proc), body, escaped: Vec::new() }
}
