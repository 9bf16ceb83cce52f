//! What processes do: they begin, open, move, talk and end.

use crate::{Body, NetCall, NodeType, OpenMode, PathCall, PathInfo, PathSource};

fn path(text: &str) -> PathInfo {
    PathInfo { path: Some(text.to_owned()), ..Default::default() }
}

fn call(text: &str) -> PathCall {
    PathCall { path: path(text), raw_path: Some(text.to_owned()), dirfd: -100, ..Default::default() }
}

fn net(remote: Option<&str>, local: Option<&str>, ret: i64) -> NetCall {
    NetCall {
        proto: "tcp".to_owned(),
        local: local.map(str::to_owned),
        remote: remote.map(str::to_owned),
        name: None,
        fd: 3,
        ret,
        errno: (ret < 0).then(|| "ECONNREFUSED".to_owned()),
        io_uring: false,
    }
}

fn exec(argv: &[&str], exe: &str) -> Body {
    Body::ProcessExec {
        argv: argv.iter().map(|arg| (*arg).to_owned()).collect(),
        argv_truncated: false,
        argc: argv.len() as u32,
        cwd: Some("/home/user".to_owned()),
        exe: Some(exe.to_owned()),
        filename: Some(exe.to_owned()),
        interpreter: None,
        dev: 2049,
        inode: 77,
        sha256: None,
        env: None,
        env_truncated: false,
    }
}

fn open(text: &str, mode: OpenMode, flags: &[&str], ret: i64) -> Body {
    Body::FileOpen {
        path: path(text),
        raw_path: Some(text.to_owned()),
        dirfd: -100,
        flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
        mode,
        dev: (ret >= 0).then_some(2049),
        inode: (ret >= 0).then_some(12),
        ret,
        errno: (ret < 0).then(|| "ENOENT".to_owned()),
        io_uring: false,
    }
}

fn close(text: &str, read_bytes: Option<u64>) -> Body {
    Body::FileClose {
        path: path(text),
        fd: 3,
        cause: "close".to_owned(),
        dev: 2049,
        inode: 12,
        read_bytes,
        write_bytes: read_bytes.map(|_| 0),
        reads: read_bytes.map(|_| 2),
        writes: read_bytes.map(|_| 0),
    }
}

fn mmap(ret: i64) -> Body {
    Body::FileMmap {
        path: path("/usr/lib/libc.so.6"),
        prot: vec!["read".to_owned(), "exec".to_owned()],
        shared: false,
        len: 4096,
        offset: 0,
        dev: 2049,
        inode: 13,
        ret,
        errno: (ret < 0).then(|| "EACCES".to_owned()),
    }
}

pub(super) fn processes() -> Vec<(u32, Body)> {
    let script = match exec(&["./run.sh", "two words"], "/usr/bin/dash") {
        Body::ProcessExec { argv, argc, cwd, exe, filename, dev, inode, .. } => Body::ProcessExec {
            argv,
            argv_truncated: true,
            argc: argc + 7,
            cwd,
            exe,
            filename,
            interpreter: Some("/bin/sh".to_owned()),
            dev,
            inode,
            sha256: Some("ab".repeat(32)),
            env: Some(vec!["HOME=/root".to_owned(), "API_TOKEN=<redacted>".to_owned()]),
            env_truncated: true,
        },
        other => other,
    };
    let snapshot =
        Body::ProcessSnapshot { argv: vec!["init".to_owned()], cwd: None, exe: None, watched: false };
    let failed = Body::ProcessExecFailed {
        path: PathInfo { path_source: PathSource::Resolved, ..path("/usr/bin/nothing") },
        raw_path: Some("nothing".to_owned()),
        ret: -2,
        errno: Some("ENOENT".to_owned()),
    };
    vec![
        (1, snapshot),
        (100, exec(&["bash", "-c", "cat /etc/hostname"], "/usr/bin/bash")),
        (100, Body::ProcessFork { child_pid: 101, child_start_ns: 101_000_000, child_ppid: None }),
        (101, failed),
        (101, script),
    ]
}

pub(super) fn files() -> Vec<(u32, Body)> {
    let moved = PathCall { dev: Some(2049), inode: Some(9), io_uring: true, ..call("/tmp/a") };
    let gone = PathInfo { deleted: true, path_truncated: true, ..path("/deep/gone") };
    let denied = PathCall {
        path: gone,
        raw_path: None,
        ret: -1,
        errno: Some("EPERM".to_owned()),
        ..Default::default()
    };
    vec![
        (101, open("/etc/hostname", OpenMode::Read, &["O_RDONLY", "O_CLOEXEC"], 3)),
        (101, open("/etc/nothing", OpenMode::Read, &["O_RDONLY"], -2)),
        (101, open("/tmp/new", OpenMode::Create, &["O_WRONLY", "O_CREAT"], 4)),
        (101, mmap(0)),
        (101, mmap(-13)),
        (101, close("/etc/hostname", Some(12))),
        (101, close("/etc/hostname", None)),
        (101, Body::FileUnlink(call("/tmp/old"))),
        (
            101,
            Body::FileRename {
                call: moved,
                new_path: Some("/tmp/b".into()),
                raw_new_path: Some("b".into()),
                exchange: false,
            },
        ),
        (101, Body::FileLink { call: call("/tmp/b"), new_path: Some("/tmp/c".into()), raw_new_path: None }),
        (101, Body::FileSymlink { call: call("/tmp/d"), target: Some("../b".to_owned()) }),
        (101, Body::FileMkdir { call: call("/tmp/dir"), mode: 0o755 }),
        (101, Body::FileMknod { call: call("/tmp/pipe"), node: NodeType::Fifo, mode: 0o600, rdev: None }),
        (
            101,
            Body::FileMknod {
                call: call("/tmp/disk"),
                node: NodeType::BlockDevice,
                mode: 0o660,
                rdev: Some(8 << 8 | 1),
            },
        ),
        (101, Body::FileChmod { call: denied, mode: 0o4755 }),
        (101, Body::FileChown { call: call("/tmp/b"), owner: Some(0), group: None }),
        (101, Body::FileTruncate { call: call("/tmp/b"), length: 4096 }),
    ]
}

pub(super) fn network() -> Vec<(u32, Body)> {
    let local = Some("127.0.0.1:8080");
    let peer = Some("127.0.0.1:40000");
    vec![
        (100, Body::NetConnect(net(Some("127.0.0.1:1"), None, -111))),
        (100, Body::NetBind(net(None, local, 0))),
        (100, Body::NetListen(net(None, local, 0))),
        (100, Body::NetAccept(net(peer, local, 5))),
        (
            100,
            Body::NetConnect(NetCall {
                name: Some("example.org".to_owned()),
                ..net(Some("192.0.2.1:443"), None, 0)
            }),
        ),
        (100, Body::NetSend(NetCall { proto: "udp".to_owned(), ..net(Some("[::1]:53"), None, 12) })),
        (100, Body::NetClose { call: net(peer, local, 0), bytes_sent: Some(2048), bytes_received: Some(10) }),
        (100, Body::NetClose { call: net(peer, local, 0), bytes_sent: None, bytes_received: None }),
    ]
}

pub(super) fn ends() -> Vec<(u32, Body)> {
    let exit = |code, signal| Body::ProcessExit { code, signal, core_dumped: false, duration_ns: None };
    let killed =
        Body::ProcessExit { code: None, signal: Some(11), core_dumped: true, duration_ns: Some(1_500_000) };
    vec![(101, killed), (100, exit(Some(0), None))]
}
