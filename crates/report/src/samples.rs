//! A small run with at least one entry of every kind, for the tests of this crate.

use crate::{
    Alert, Answer, Body, Cause, ContentMatch, ContentSource, Coverage, Device, DeviceName, Dns, Entry,
    Evidence, FilterCounts, Hook, Http, HttpMessage, Ledger, Match, NetCall, NodeType, OpenMode, PathCall,
    PathInfo, PathSource, PolicyDeny, Probe, Proc, Severity, Sought, State, Stdio, StdioMessage, Suggestion,
    TlsData, TlsDirection, TlsTarget, Verdict,
};

fn proc(pid: u32, ppid: u32, comm: &str, exe: &str) -> Proc {
    Proc {
        pid,
        tid: pid,
        ppid,
        uid: 1000,
        comm: comm.into(),
        exe: Some(exe.into()),
        start_ns: u64::from(pid) * 1_000_000,
        agent: None,
    }
}

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

fn processes() -> Vec<(u32, Body)> {
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

fn files() -> Vec<(u32, Body)> {
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

fn network() -> Vec<(u32, Body)> {
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

fn ends() -> Vec<(u32, Body)> {
    let exit = |code, signal| Body::ProcessExit { code, signal, core_dumped: false, duration_ns: None };
    let killed =
        Body::ProcessExit { code: None, signal: Some(11), core_dumped: true, duration_ns: Some(1_500_000) };
    vec![(101, killed), (100, exit(Some(0), None))]
}

fn probe() -> Body {
    Body::Probe(Probe {
        name: "fentry".to_owned(),
        group: "program".to_owned(),
        answer: Answer::No,
        cause: Some(Cause::Forbidden),
        why: "EPERM".to_owned(),
        detail: String::new(),
        costs: "watch: exact parents".to_owned(),
        fix: "run as root".to_owned(),
    })
}

fn content() -> Vec<(u32, Body)> {
    let found = ContentMatch {
        rule: "github-pat".to_owned(),
        description: String::new(),
        severity: "high".to_owned(),
        source: ContentSource::FileRead,
        path: PathInfo { path: Some("/home/a/.netrc".to_owned()), ..PathInfo::default() },
        remote: None,
        fd: 3,
        offset: Some(17),
        conn: None,
        direction: None,
        redacted: "ghp_[36 bytes more]".to_owned(),
        secret_bytes: 40,
    };
    let sent = ContentMatch {
        source: ContentSource::NetSend,
        path: PathInfo::default(),
        remote: Some("192.0.2.1:443".to_owned()),
        offset: None,
        ..found.clone()
    };
    let spoken = ContentMatch {
        source: ContentSource::Tls,
        offset: Some(40),
        conn: Some(1),
        direction: Some(TlsDirection::Send),
        ..sent.clone()
    };
    let found = [found, sent, spoken].map(Body::ContentMatch);
    let asked = Dns {
        query: "example.org".to_owned(),
        qtype: "A".to_owned(),
        id: 4711,
        server: Some("192.0.2.53:53".to_owned()),
        proto: "udp".to_owned(),
        fd: 4,
        ..Dns::default()
    };
    let answered =
        Dns { answers: vec!["192.0.2.1".to_owned()], rcode: Some("NOERROR".to_owned()), ..asked.clone() };
    found
        .into_iter()
        .chain([Body::TlsData(said()), Body::Dns(asked), Body::Dns(answered)])
        .chain(http())
        .chain([Body::Stdio(line())])
        .map(|body| (100, body))
        .collect()
}

fn http() -> [Body; 2] {
    let asked = Http {
        message: HttpMessage::Request,
        version: "2".to_owned(),
        conn: 1,
        direction: TlsDirection::Send,
        stream: Some(1),
        offset: 33,
        method: Some("POST".to_owned()),
        host: Some("api.example.org".to_owned()),
        path: Some("/v1/things".to_owned()),
        status: None,
        content_type: Some("application/json".to_owned()),
        content_encoding: None,
        upgrade: None,
        event: None,
        body: Some(serde_json::json!({"name": "x"})),
        body_bytes: 12,
        truncated: false,
        remote: Some("192.0.2.1:443".to_owned()),
    };
    let answered = Http {
        message: HttpMessage::Event,
        direction: TlsDirection::Recv,
        status: Some(200),
        content_type: Some("text/event-stream".to_owned()),
        event: Some("delta".to_owned()),
        body: Some("no JSON".into()),
        body_bytes: 20_000,
        truncated: true,
        ..asked.clone()
    };
    [asked, answered].map(Body::Http)
}

fn line() -> Stdio {
    Stdio {
        direction: TlsDirection::Recv,
        fd: 0,
        message: StdioMessage::Request,
        method: Some("tools/call".to_owned()),
        id: Some(7.into()),
        offset: 120,
        body: Some(serde_json::json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call"})),
        body_bytes: 46,
        truncated: false,
    }
}

fn said() -> TlsData {
    TlsData {
        direction: TlsDirection::Send,
        library: "openssl".to_owned(),
        library_path: Some("/usr/lib/libssl.so.3".to_owned()),
        conn: 1,
        offset: 0,
        len: 66,
        call_bytes: 66,
        truncated: false,
        missing_bytes: 0,
        data: "GET / HTTP/1.1\r\nAuthorization: Bearer ghp_[36 bytes more]\r\n\r\n".to_owned(),
        secrets: 1,
        fd: Some(5),
        local: Some("192.0.2.7:40000".to_owned()),
        remote: Some("192.0.2.1:443".to_owned()),
        socket_guessed: false,
    }
}

fn matched() -> Body {
    Body::Match(Match {
        rule: "github-pat".to_owned(),
        description: "A personal access token of GitHub".to_owned(),
        severity: "high".to_owned(),
        path: "src/main.rs".to_owned(),
        commit: Some("0123456789abcdef0123456789abcdef01234567".to_owned()),
        start: 120,
        end: 160,
        secret_start: 120,
        line: 7,
        column: 12,
        redacted: "ghp_[36 bytes more]".to_owned(),
        secret_bytes: 40,
        entropy: 4.25,
        fingerprint: "0123456789abcdef0123456789abcdef".to_owned(),
    })
}

fn device() -> Body {
    let name = |name: &str, via: &str| DeviceName { name: name.to_owned(), via: via.to_owned() };
    Body::Device(Device {
        mac: "00:17:88:24:76:ff".to_owned(),
        ips: vec!["192.0.2.7".to_owned(), "fe80::217:88ff:fe24:76ff".to_owned()],
        vendor: Some("Philips Lighting BV".to_owned()),
        hostname: Some("Philips-hue".to_owned()),
        names: vec![name("Philips-hue", "dhcp"), name("hue.local", "mdns")],
        device_type: "light bridge".to_owned(),
        category: "hub".to_owned(),
        label: Some("HueBridge".to_owned()),
        confidence: 0.97,
        os: Some("Linux".to_owned()),
        model: Some("BSB002".to_owned()),
        roles: vec!["dhcp_server".to_owned()],
        evidence: vec![Evidence {
            fact: "mdns service _hue._tcp".to_owned(),
            speaks_for: "hub".to_owned(),
            weight: 4.0,
        }],
        same_as: vec![Suggestion {
            mac: "02:17:88:24:76:ff".to_owned(),
            because: vec!["name hue.local".to_owned()],
        }],
        sought: Some(Sought { addresses: 3, ports: 2, addresses_a_minute: 2, ports_a_minute: 2 }),
        frames: 12,
        first_seen: "2026-01-02T03:04:05.000000000Z".to_owned(),
        last_seen: "2026-01-02T03:05:05.000000000Z".to_owned(),
        online: true,
        source: "office.pcap".to_owned(),
        mac_random: false,
    })
}

fn alert() -> Body {
    Body::Alert(Alert {
        rule: "port_scan_vertical".to_owned(),
        severity: Severity::High,
        message: "192.0.2.7 looks for open ports of 192.0.2.9: 15 of 15 did not answer".to_owned(),
        evidence: vec![4],
        because: vec!["tcp ports 1 to 15".to_owned()],
        id: "0123456789abcdef".to_owned(),
        mac: "00:17:88:24:76:ff".to_owned(),
        ip: Some("192.0.2.7".to_owned()),
        count: 15,
        first_seen: "2026-01-02T03:04:05.000000000Z".to_owned(),
        last_seen: "2026-01-02T03:05:05.000000000Z".to_owned(),
        source: "office.pcap".to_owned(),
        technique: vec!["T1595".to_owned()],
        tags: vec!["scan".to_owned()],
        acknowledged: false,
    })
}

fn policy_deny() -> Body {
    Body::PolicyDeny(PolicyDeny {
        rule: "read: ~/.ssh/**".to_owned(),
        policy: "agent".to_owned(),
        action: "read".to_owned(),
        enforced: false,
        why: Some("the policy observes".to_owned()),
        path: Some("/home/u/.ssh/id_ed25519".to_owned()),
        evidence: vec![7],
        ..PolicyDeny::default()
    })
}

fn counts() -> Body {
    Body::FilterCounts(FilterCounts {
        interface: "eth0".to_owned(),
        hook: "xdp".to_owned(),
        direction: "ingress".to_owned(),
        packets: 120,
        matched: Some(3),
        passed: 117,
        dropped: 3,
        other: 0,
    })
}

fn verdict() -> Body {
    Body::Verdict(Verdict {
        feature: "watch".to_owned(),
        tier: "ptrace".to_owned(),
        why: "no eBPF: EPERM".to_owned(),
        lost: vec!["byte counts".to_owned()],
    })
}

/// About the run itself.
pub(crate) fn coverage() -> Coverage {
    let hook = |name: &str, state, why: &str| Hook {
        name: name.to_owned(),
        tier: "tp_btf".to_owned(),
        state,
        why: why.to_owned(),
    };
    Coverage {
        backend: "ebpf".to_owned(),
        why: "asked for".to_owned(),
        hooks: vec![
            hook("exec", State::Attached, ""),
            hook("io_uring", State::Idle, ""),
            hook("path_calls", State::Partial, "no fentry: paths are joined"),
            hook("tls", State::Blind, "not built in"),
        ],
        tls: vec![TlsTarget {
            pid: 100,
            exe: "/usr/bin/curl".to_owned(),
            library: "openssl".to_owned(),
            path: Some("/usr/lib/libssl.so.3".to_owned()),
            state: State::Attached,
            why: String::new(),
        }],
    }
}

/// An account with every part.
pub(crate) fn ledger() -> Ledger {
    Ledger {
        seen: 40,
        emitted: 30,
        filtered: 7,
        lost: [("ring_full".to_owned(), 3)].into(),
        closes: false,
        filtered_by: [("unused_fd".to_owned(), 7)].into(),
        seen_by: [("open".to_owned(), 40)].into(),
    }
    .close()
}

/// The entries, in order, half a millisecond apart.
pub(crate) fn entries() -> Vec<Entry> {
    let bodies = [processes(), files(), network(), content(), ends()].concat();
    let mut entries: Vec<Entry> = bodies
        .into_iter()
        .zip(0u64..)
        .map(|((pid, body), n)| Entry {
            ts_ns: 5_000_000_000 + n * 500_000,
            proc: Some(match pid {
                1 => proc(1, 0, "init", "/sbin/init"),
                100 => proc(100, 1, "bash", "/usr/bin/bash"),
                _ => proc(101, 100, "cat", "/usr/bin/cat"),
            }),
            body,
            escaped: if n == 5 { vec!["path", "raw_path"] } else { Vec::new() },
        })
        .collect();
    for body in [
        matched(),
        device(),
        alert(),
        policy_deny(),
        counts(),
        probe(),
        verdict(),
        Body::Coverage(coverage()),
        Body::Ledger(ledger()),
    ] {
        entries.push(Entry { ts_ns: 6_000_000_000, proc: None, body, escaped: Vec::new() });
    }
    entries
}
