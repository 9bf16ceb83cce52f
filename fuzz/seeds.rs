//! Writes the seed corpora: one event of each kind in a meaningful order, and recordings of them.
//!
//! ```text
//! cargo run --example seeds        (in fuzz/)
//! ```

use kernscope_abi as abi;
use kernscope_watch::raw::{Body, Builder};
use kernscope_watch::stream::{Header, Trailer, Writer};
use std::fs;
use std::io;

const WALK: (u8, u8, &[u8]) = (abi::SEC_PATH, 0, b"name\0dir\0");
const BASE: (u8, u8, &[u8]) = (abi::SEC_BASE, 0, b"base\0");
const RAW: (u8, u8, &[u8]) = (abi::SEC_RAW, 0, b"../a");
const RAW2: (u8, u8, &[u8]) = (abi::SEC_RAW2, 0, b"/b");

fn event(flags: u16, body: Body, sections: &[(u8, u8, &[u8])]) -> Vec<u8> {
    let mut header =
        abi::Header { flags, pid: 5, tid: 5, ppid: 1, start_ns: 9, ts_ns: 99, ..Default::default() };
    header.comm[..2].copy_from_slice(b"sh");
    let add = |builder: Builder, (tag, flags, bytes): &(u8, u8, &[u8])| builder.section(*tag, *flags, bytes);
    sections.iter().fold(Builder::new(header, body), add).finish()
}

fn process() -> Vec<Vec<u8>> {
    let strings = |what, offset, bytes| {
        event(0, Body::Strings(abi::Strings { what, offset }), &[(abi::SEC_STRINGS, 0, bytes)])
    };
    let fork = abi::Fork { child_pid: 6, child_tid: 6, child_ppid: 5, child_start_ns: 10, pad: 0 };
    let exec =
        abi::Exec { ino: 3, dev: 8 << 20, argc: 2, arg_bytes: 4, env_bytes: 6, old_tid: 5, candidate: 0 };
    let snapshot = [(abi::SEC_RESOLVED, 0, &b"/bin/sh"[..]), (abi::SEC_STRINGS, 0, b"sh\0")];
    vec![
        event(4, Body::Snapshot(abi::Snapshot { dev: 1, watched: 1, ino: 2 }), &snapshot),
        event(0, Body::Fork(fork), &[]),
        strings(abi::STRINGS_ARGV, 0, b"a\0"),
        strings(abi::STRINGS_ARGV, 2, b"b\0"),
        strings(abi::STRINGS_ENV, 0, b"KEY=1\0"),
        event(0, Body::Close(close(abi::CLOSE_EXEC)), &[WALK]),
        event(0, Body::Exec(exec), &[WALK, (abi::SEC_CWD, 0, b"tmp\0"), (abi::SEC_FILENAME, 0, b"./x")]),
        event(0, Body::Close(close(abi::CLOSE_EXEC)), &[WALK]),
        event(0, Body::ExecFail(abi::ExecFail { ret: -2, dirfd: -100 }), &[BASE, RAW]),
        event(0, Body::Exit(abi::Exit { status: 256, fds_unseen: 0 }), &[]),
    ]
}

fn close(cause: u32) -> abi::Close {
    let file = abi::FileId { id: 7, ino: 3, dev: 8 << 20, st_mode: 0o100_644 };
    abi::Close { file, fd: 3, cause, read_bytes: 4, write_bytes: 0, reads: 1, writes: 0 }
}

fn files() -> Vec<Vec<u8>> {
    let file = close(0).file;
    let open = abi::Open { file, ret: 3, dirfd: -100, flags: 0o101, mode: 0o600, request: 0 };
    let mut all = vec![
        event(0, Body::Open(open), &[WALK, RAW]),
        event(0, Body::Open(abi::Open { ret: -13, ..open }), &[BASE, RAW, (abi::SEC_ROOT, 0, b"jail\0")]),
        event(0, Body::Mmap(abi::Mmap { file, ret: 0, len: 4096, offset: 0, prot: 5, flags: 2 }), &[WALK]),
    ];
    for cause in [abi::CLOSE_FLUSH, abi::CLOSE_CALL, abi::CLOSE_DUP, abi::CLOSE_EXIT] {
        all.push(event(0, Body::Close(close(cause)), &[WALK]));
    }
    for op in (abi::OP_UNLINK..=abi::OP_TRUNCATE).chain([abi::OP_MKNOD]) {
        let call = abi::PathOp { op, dirfd: -100, dirfd2: -100, a0: 0o600, ..Default::default() };
        all.push(event(
            0,
            Body::PathHint(abi::PathHint { op, dev: 1, ino: 2 }),
            &[WALK, (abi::SEC_PATH2, 0, b"b\0")],
        ));
        all.push(event(0, Body::PathOp(call), &[BASE, RAW, (abi::SEC_BASE2, 0, b"c\0"), RAW2]));
        all.push(event(
            0,
            Body::PathOp(call),
            &[BASE, RAW, RAW2, (abi::SEC_RESOLVED, abi::SECF_JOINED, b"/base")],
        ));
    }
    all
}

fn sockets() -> Vec<Vec<u8>> {
    let remote = abi::Endpoint { addr: [1; 16], port: 80, version: 6, scope: 2 };
    let mut all = Vec::new();
    for (op, family) in (abi::NET_CONNECT..=abi::NET_SEND).flat_map(|op| [(op, 1), (op, 2)]) {
        let net = abi::Net {
            op,
            family,
            sock_type: 1,
            fd: 4,
            file: close(0).file,
            remote,
            sent_bytes: 9,
            ..Default::default()
        };
        all.push(event(
            0,
            Body::Net(net),
            &[(abi::SEC_UNIX_LOCAL, 0, b"\0name\0"), (abi::SEC_UNIX_REMOTE, 0, b"x.sock"), BASE],
        ));
    }
    all
}

fn uring() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for opcode in [18, 35, 36, 37, 38, 39, 55] {
        let submit = abi::UringSubmit { request: 1, opcode, dirfd: -100, dirfd2: -100, flags: 0 };
        all.push(event(abi::FLAG_URING, Body::UringSubmit(submit), &[BASE, RAW, RAW2]));
        let done = match opcode {
            18 => Body::Open(abi::Open { ret: -2, request: 1, ..Default::default() }),
            _ => Body::PathOp(abi::PathOp { request: 1, ..Default::default() }),
        };
        all.push(event(abi::FLAG_URING, done, &[]));
    }
    all
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    fs::create_dir_all("seeds/raw_event")?;
    fs::create_dir_all("seeds/replay_file")?;
    for (name, events) in
        [("process", process()), ("files", files()), ("sockets", sockets()), ("uring", uring())]
    {
        // 3: sizes corrected, environment told.
        let mut input = vec![3];
        for event in &events {
            input.extend(u16::try_from(event.len())?.to_le_bytes());
            input.extend(event);
        }
        fs::write(format!("seeds/raw_event/{name}"), input)?;
        record(&format!("seeds/replay_file/{name}"), &events)?;
    }
    Ok(())
}

/// A whole recording, and one without its end.
fn record(path: &str, events: &[Vec<u8>]) -> Result<(), Box<dyn std::error::Error>> {
    let header = Header { backend: "ebpf".into(), kernel: "6.1".into(), counts: true, ..Default::default() };
    for (path, whole) in [(path.to_owned(), true), (format!("{path}-cut"), false)] {
        let mut writer = Writer::new(io::BufWriter::new(fs::File::create(path)?), &header)?;
        for event in events {
            writer.event(event)?;
        }
        if whole {
            let mut trailer = Trailer::default();
            trailer.account.produced[usize::from(abi::KIND_EXIT)] = events.len() as u64;
            trailer.account.lost.insert("ring_full", 1);
            writer.finish(&trailer)?;
        }
    }
    Ok(())
}
