//! `watch` on programs that ask a name server: each way to ask, and the names of what they connect to (root).

use crate::run::{Dir, kernscope, records, was_possible};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};

/// A loopback address of its own, so that no other name server is in the way.
const SERVER: &str = "127.83.19.7:53";
const RESOLVER: &str = "127.83.19.8:53";

/// Asks for `way.example.org` in each way, then connects to the address that was answered.
const ASK: &str = r#"
import os, socket, struct, sys
server = ("127.83.19.7", 53)
def question(way):
    name = b"".join(bytes([len(label)]) + label for label in [way.encode(), b"example", b"org", b""])
    return struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + name + struct.pack(">2H", 1, 1)
def udp():
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
with udp() as s:
    s.sendto(question("sendto"), server)
    s.recvfrom(4096)
with udp() as s:
    s.connect(server)
    s.send(question("send"))
    s.recv(4096)
with udp() as s:
    s.connect(server)
    os.write(s.fileno(), question("write"))
    os.read(s.fileno(), 4096)
with udp() as s:
    whole = question("sendmsg")
    s.sendmsg([whole[:5], whole[5:]], [], 0, server)
    s.recv(4096, socket.MSG_PEEK)
    s.recvmsg_into([bytearray(20), bytearray(400)])
with udp() as s:
    s.connect(server)
    os.writev(s.fileno(), [question("writev")])
    os.readv(s.fileno(), [bytearray(7), bytearray(400)])
with socket.create_connection(server) as s:
    whole = question("stream")
    whole = struct.pack(">H", len(whole)) + whole
    s.sendall(whole[:9])
    s.sendall(whole[9:])
    length = struct.unpack(">H", s.recv(2, socket.MSG_WAITALL))[0]
    s.recv(length, socket.MSG_WAITALL)
with udp() as s:
    s.sendto(b"no question", ("127.83.19.7", 5300))
with socket.socket() as s:
    try: s.connect(("192.0.2.1", int(sys.argv[1])))
    except OSError: pass
"#;

/// The answer to a question: `192.0.2.1`.
fn answer(question: &[u8]) -> Vec<u8> {
    let mut bytes = question.to_vec();
    (bytes[2], bytes[3], bytes[7]) = (0x81, 0x80, 1);
    bytes.extend_from_slice(b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01");
    bytes
}

/// Answers five datagrams and one stream; `None`, said aloud, where the port is not to be had.
fn serve() -> Option<std::thread::JoinHandle<()>> {
    let (Ok(datagrams), Ok(streams)) = (UdpSocket::bind(SERVER), TcpListener::bind(SERVER)) else {
        eprintln!("skipped: {SERVER} is not to be had");
        return None;
    };
    Some(std::thread::spawn(move || {
        let mut buffer = [0; 512];
        for _ in 0..5 {
            let (len, from) = datagrams.recv_from(&mut buffer).expect("a question");
            datagrams.send_to(&answer(&buffer[..len]), from).expect("sent");
        }
        let (mut stream, _) = streams.accept().expect("a connection");
        let mut len = [0; 2];
        stream.read_exact(&mut len).expect("a length");
        let mut question = vec![0; usize::from(u16::from_be_bytes(len))];
        stream.read_exact(&mut question).expect("a question");
        let answer = answer(&question);
        let len = u16::try_from(answer.len()).expect("short").to_be_bytes();
        stream.write_all(&[&len[..], &answer].concat()).expect("sent");
    }))
}

/// What the C library's resolver does, with a name server of its own.
const RESOLVE: &str = r#"
import socket, subprocess, sys
subprocess.run(["mount", "--bind", sys.argv[1], "/etc/resolv.conf"], check=True)
subprocess.run(["mount", "--bind", sys.argv[2], "/etc/nsswitch.conf"], check=True)
answered = {info[4][0] for info in socket.getaddrinfo("libc.example.org", 9, type=socket.SOCK_STREAM)}
assert answered == {"192.0.2.1"}, answered
"#;

/// Answers the two questions of a resolver, for addresses of either family.
fn serve_resolver() -> Option<std::thread::JoinHandle<()>> {
    let Ok(datagrams) = UdpSocket::bind(RESOLVER) else {
        eprintln!("skipped: {RESOLVER} is not to be had");
        return None;
    };
    datagrams.set_read_timeout(Some(std::time::Duration::from_secs(60))).expect("a limit");
    Some(std::thread::spawn(move || {
        let mut buffer = [0; 512];
        for _ in 0..2 {
            let Ok((len, from)) = datagrams.recv_from(&mut buffer) else { return };
            // Type A is 1; for the other one there is no address. An extension behind the question is left out.
            let end = 12 + buffer[12..len].iter().position(|byte| *byte == 0).expect("a name") + 5;
            let question = &mut buffer[..end];
            question[11] = 0;
            let is_v4 = question[end - 3] == 1;
            let mut bytes = if is_v4 { answer(question) } else { question.to_vec() };
            (bytes[2], bytes[3]) = (0x81, 0x80);
            datagrams.send_to(&bytes, from).expect("sent");
        }
    }))
}

#[test]
fn the_c_librarys_resolver_is_read_by_both_back_ends() {
    let dir = Dir::new("dns-libc");
    std::fs::write(dir.path("resolv.conf"), "nameserver 127.83.19.8\n").expect("written");
    std::fs::write(dir.path("nsswitch.conf"), "hosts: dns\n").expect("written");
    for backend in ["ebpf", "ptrace"] {
        let out = dir.text(backend);
        let args = ["watch", "--backend", backend, "--format", "jsonl", "--output", &out, "--"];
        let probe = kernscope(&[&args[..], &["unshare", "-m", "true"]].concat()).output().expect("it runs");
        if probe.status.code() != Some(0) {
            eprintln!("skipped: {backend}: {}", String::from_utf8_lossy(&probe.stderr));
            continue;
        }
        let Some(server) = serve_resolver() else { return };
        let (resolv, nsswitch) = (dir.text("resolv.conf"), dir.text("nsswitch.conf"));
        let command = ["unshare", "-m", "python3", "-c", RESOLVE, &resolv, &nsswitch];
        let output = kernscope(&[&args[..], &command].concat()).output().expect("kernscope runs");
        assert_eq!(output.status.code(), Some(0), "{backend}: {}", String::from_utf8_lossy(&output.stderr));
        server.join().expect("both were answered");
        let records = records(&dir.path(backend));
        let mut told: Vec<(&str, &Value)> = records
            .iter()
            .filter(|one| one["kind"] == "dns" && one["query"] == "libc.example.org")
            .map(|one| (one["qtype"].as_str().expect("a type"), &one["answers"]))
            .collect();
        told.sort_by_key(|(qtype, answers)| (*qtype, answers.to_string().len()));
        let (none, address) = (json!([]), json!(["192.0.2.1"]));
        assert_eq!(told, [("A", &none), ("A", &address), ("AAAA", &none), ("AAAA", &none)], "{backend}");
        assert_eq!(records.last().expect("the ledger")["closes"], true);
    }
}

#[test]
fn each_way_to_ask_is_told_and_names_what_is_connected_to() {
    let dir = Dir::new("dns");
    let out = dir.text("out");
    // Whatever is there or not: what counts is that it is tried.
    let args = ["watch", "--backend", "ebpf", "--format", "jsonl", "--output", &out, "--", "timeout", "5"];
    let probe = kernscope(&[&args[..], &["true"]].concat()).output().expect("kernscope runs");
    if !was_possible(&probe) {
        return;
    }
    let Some(server) = serve() else { return };
    let output =
        kernscope(&[&args[..], &["python3", "-c", ASK, "9"]].concat()).output().expect("kernscope runs");
    assert!(matches!(output.status.code(), Some(0 | 124)), "{}", String::from_utf8_lossy(&output.stderr));
    server.join().expect("all were answered");
    let records = records(&dir.path("out"));
    let dns: Vec<&Value> = records.iter().filter(|record| record["kind"] == "dns").collect();
    for way in ["sendto", "send", "write", "sendmsg", "writev", "stream"] {
        let of: Vec<_> = dns.iter().filter(|one| one["query"] == format!("{way}.example.org")).collect();
        assert_eq!(of.len(), 2, "{way}: {of:#?}");
        let proto = if way == "stream" { "tcp" } else { "udp" };
        for (one, answers, rcode) in
            [(of[0], json!([]), Value::Null), (of[1], json!(["192.0.2.1"]), json!("NOERROR"))]
        {
            assert_eq!(
                (&one["answers"], &one["rcode"], &one["qtype"]),
                (&answers, &rcode, &json!("A")),
                "{way}"
            );
            assert_eq!(
                (&one["server"], &one["proto"], &one["id"]),
                (&json!(SERVER), &json!(proto), &json!(7))
            );
        }
    }
    assert_eq!(dns.len(), 12, "nothing beside them");
    let connect = records.iter().find(|one| one["kind"] == "net_connect" && one["remote"] == "192.0.2.1:9");
    assert_eq!(connect.expect("it was tried")["name"], "stream.example.org");
    assert_eq!(records.last().expect("the ledger")["closes"], true);
}
