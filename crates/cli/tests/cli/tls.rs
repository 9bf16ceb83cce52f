//! `watch` on programs that speak TLS: every byte, both ways, and what is said of it (root).

use crate::run::{Dir, refused, run, watch_by_ebpf};
use kernscope_report::text::unescape;
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;

/// A server and a client in one program: the client sends pieces of these sizes, each answered by itself reversed.
/// Prints what the client sent and got, each as bytes and SHA-256.
const TALK: &str = r#"
import hashlib, random, socket, ssl, sys, threading
sizes = [int(size) for size in sys.argv[2:]]
sides = [ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl._create_unverified_context()]
sides[0].load_cert_chain(sys.argv[1])
listener = socket.create_server(("127.0.0.1", 0))
def exactly(side, size):
    parts = []
    while size:
        parts.append(side.recv(size))
        size -= len(parts[-1])
    return b"".join(parts)
def serve():
    with sides[0].wrap_socket(listener.accept()[0], server_side=True) as side:
        for size in sizes:
            side.sendall(exactly(side, size)[::-1])
thread = threading.Thread(target=serve)
thread.start()
sent, got = hashlib.sha256(), hashlib.sha256()
with sides[1].wrap_socket(socket.create_connection(listener.getsockname())) as side:
    for size in sizes:
        data = random.Random(size).randbytes(size)
        side.sendall(data)
        sent.update(data)
        got.update(exactly(side, size))
    thread.join()
print(sum(sizes), sent.hexdigest(), got.hexdigest())
"#;

/// A certificate and its key in one file; `None`, said aloud, without openssl.
pub(crate) fn certificate(dir: &Dir) -> Option<String> {
    let (key, file) = (dir.text("key.pem"), dir.text("both.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-keyout", &key, "-out", &file])
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        eprintln!("skipped: openssl makes no certificate");
        return None;
    }
    let both = [std::fs::read(&key), std::fs::read(&file)].map(|part| part.expect("written by openssl"));
    std::fs::write(&file, both.concat()).expect("write the certificate");
    Some(file)
}

/// Runs a command under `watch`; its records and what it printed, or `None`, said aloud, where eBPF is not possible.
pub(crate) fn watch(dir: &Dir, options: &[&str], command: &[&str]) -> Option<(Vec<Value>, String)> {
    let (output, records) = watch_by_ebpf(dir, options, command)?;
    let hooks = coverage(&records)["hooks"].as_array().expect("a list").clone();
    let tls = hooks.iter().find(|hook| hook["name"] == "tls");
    if let Some(hook) = tls.filter(|hook| hook["tier"] == "none") {
        eprintln!("skipped: {}", hook["why"]);
        return None;
    }
    Some((records, String::from_utf8_lossy(&output.stdout).into_owned()))
}

pub(crate) fn coverage(records: &[Value]) -> &Value {
    records.iter().find(|record| record["kind"] == "coverage").expect("every run has one")
}

/// What went each way on each connection, put together by offset.
pub(crate) fn streams(records: &[Value]) -> BTreeMap<(u64, String), Vec<u8>> {
    let mut streams: BTreeMap<(u64, String), Vec<u8>> = BTreeMap::new();
    for record in records.iter().filter(|record| record["kind"] == "tls_data") {
        let text = record["data"].as_str().expect("text");
        let is_escaped = record["escaped"].as_array().is_some_and(|names| names.iter().any(|n| n == "data"));
        let data = if is_escaped { unescape(text).expect("escaped") } else { text.as_bytes().to_vec() };
        assert_eq!(record["len"], data.len() as u64);
        assert_eq!(record["truncated"], false);
        let key = (
            record["conn"].as_u64().expect("a number"),
            record["direction"].as_str().expect("text").to_owned(),
        );
        let stream = streams.entry(key).or_default();
        assert_eq!(record["offset"], stream.len() as u64, "no gap, no overlap");
        stream.extend(data);
    }
    streams
}

pub(crate) fn sha256(data: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(data).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn every_byte_is_told_both_ways() {
    let dir = Dir::new("tls-bytes");
    let Some(certificate) = certificate(&dir) else { return };
    let sizes = ["1", "100", "2000", "16384", "16385", "100000", "2000000"];
    let command = [&["python3", "-c", TALK, &certificate][..], &sizes].concat();
    let Some((records, printed)) = watch(&dir, &["--no-redact"], &command) else { return };
    let [bytes, sent, got] = printed.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{printed}") };
    let streams = streams(&records);
    assert_eq!(streams.len(), 4, "two ends, two ways: {:?}", streams.keys());
    let told: Vec<(usize, String)> = streams.values().map(|data| (data.len(), sha256(data))).collect();
    for wanted in [sent, got] {
        let count = told.iter().filter(|(len, sum)| len.to_string() == bytes && sum == wanted).count();
        assert_eq!(count, 2, "sent by one end and received by the other");
    }
    let ledger = records.last().expect("the ledger");
    assert_eq!((&ledger["closes"], &ledger["lost"]), (&Value::Bool(true), &serde_json::json!({})));
    let tls = coverage(&records)["tls"].as_array().expect("a list").clone();
    assert_eq!((tls.len(), &tls[0]["state"], &tls[0]["library"]), (1, &"attached".into(), &"openssl".into()));
    for record in records.iter().filter(|record| record["kind"] == "tls_data") {
        assert!(record["remote"].as_str().is_some_and(|end| end.starts_with("127.0.0.1:")), "{record}");
        assert!(record.get("socket_guessed").is_none(), "python uses the socket inside the call");
    }
}

#[test]
fn secrets_are_redacted_and_a_run_without_tls_says_so() {
    let dir = Dir::new("tls-secret");
    let Some(certificate) = certificate(&dir) else { return };
    // In two parts, so that no scanner finds a token here.
    let token = ["ghp_", "0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R"].concat();
    let program = TALK
        .replace("random.Random(size).randbytes(size)", "sys.argv[2].encode()")
        .replace("int(size) for size in sys.argv[2:]", "len(sys.argv[2])")
        .replace("side.sendall(data)", "side.sendall(data[:30]); side.sendall(data[30:])");
    let text = format!("Authorization: token {token}\r\n");
    let command = ["python3", "-c", &program, &certificate, &text];
    let Some((records, _)) = watch(&dir, &[], &command) else { return };
    let told: Vec<&Value> = records.iter().filter(|record| record["kind"] == "tls_data").collect();
    let shown: Vec<_> = told.iter().filter(|record| record["secrets"] == 1).collect();
    assert_eq!(shown.len(), 4, "what was sent in two calls and the server got; backwards it is no token");
    for part in token.as_bytes().windows(8) {
        let part = std::str::from_utf8(part).expect("text");
        assert!(told.iter().all(|record| !record["data"].as_str().expect("text").contains(part)));
    }
    let found: Vec<&Value> = records.iter().filter(|record| record["kind"] == "content_match").collect();
    let ways: Vec<_> = found.iter().map(|found| found["direction"].as_str().expect("text")).collect();
    assert!(ways.len() == 2 && ways.contains(&"send") && ways.contains(&"recv"), "{found:?}");
    for found in found {
        assert_eq!((&found["source"], &found["offset"]), (&"tls".into(), &21.into()));
        assert!(found["remote"].as_str().is_some_and(|end| end.starts_with("127.0.0.1:")), "{found}");
    }
    let Some((records, _)) = watch(&dir, &["--no-tls"], &command) else { return };
    assert!(records.iter().all(|record| record["kind"] != "tls_data"));
}

#[test]
fn who_asks_for_tls_where_there_is_none_is_refused() {
    let dir = Dir::new("tls-asked");
    let file = dir.text("recorded");
    refused(&["watch", "--tls", "--backend", "ptrace", "--", "true"], "--backend ebpf");
    refused(&["watch", "--tls", "--record", &file, "--", "true"], "--no-redact");
    let both = run(&["watch", "--tls", "--no-tls", "--", "true"]);
    assert_eq!(both.status.code(), Some(2));
}

/// A server and a client of HTTP in one program; the client sends JSON, and gets JSON.
const HTTP: &str = r#"
import http.server, json, ssl, sys, threading, urllib.request
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps({"got": asked}).encode()
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1])
server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.handle_request).start()
url = "https://127.0.0.1:%d/v1/things?x=1" % server.server_address[1]
request = urllib.request.Request(url, json.dumps({"a": 1}).encode(), {"Content-Type": "application/json"})
urllib.request.urlopen(request, context=ssl._create_unverified_context()).read()
"#;

#[test]
fn http_is_told_by_both_ends() {
    let dir = Dir::new("tls-http");
    let Some(certificate) = certificate(&dir) else { return };
    let Some((records, _)) = watch(&dir, &[], &["python3", "-c", HTTP, &certificate]) else { return };
    let told: Vec<&Value> = records.iter().filter(|record| record["kind"] == "http").collect();
    for (message, status, body) in [
        ("request", Value::Null, serde_json::json!({"a": 1})),
        ("response", 201.into(), serde_json::json!({"got": {"a": 1}})),
    ] {
        let of: Vec<_> = told.iter().filter(|record| record["message"] == message).collect();
        assert_eq!(of.len(), 2, "{told:#?}");
        let directions: Vec<_> = of.iter().map(|one| one["direction"].as_str().expect("text")).collect();
        assert!(directions.contains(&"send") && directions.contains(&"recv"), "{directions:?}");
        for one in of {
            assert_eq!((&one["method"], &one["path"]), (&"POST".into(), &"/v1/things?x=1".into()));
            assert_eq!((&one["status"], &one["body"]), (&status, &body));
            assert!(one["host"].as_str().is_some_and(|host| host.starts_with("127.0.0.1:")), "{one}");
        }
    }
    assert_eq!(records.last().expect("the ledger")["closes"], true);
}

/// Writes and reads the beginning of a handshake by hand.
const BY_HAND: &str = r#"
import socket
ends = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(ends.getsockname())
server = ends.accept()[0]
client.sendall(b"\x16\x03\x01\x00\x05hello")
server.recv(100)
print(ends.getsockname()[1])
"#;
/// Begins a handshake, and gets no answer.
const REFUSED: &str = r#"
import socket, ssl, threading
ends = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=lambda: ends.accept()[0].close()).start()
try:
    ssl._create_unverified_context().wrap_socket(socket.create_connection(ends.getsockname()))
except OSError as error:
    print(error)
"#;

#[test]
fn who_speaks_tls_by_no_library_is_blind_on_any_port_and_who_is_refused_is_not() {
    let dir = Dir::new("tls-blind");
    let Some((records, port)) = watch(&dir, &[], &["python3", "-c", BY_HAND]) else { return };
    let tls = coverage(&records)["tls"].as_array().expect("a list").clone();
    assert_eq!((tls.len(), &tls[0]["state"]), (1, &"blind".into()), "{tls:?}");
    let why = tls[0]["why"].as_str().expect("text");
    assert!(why.contains(&format!("127.0.0.1:{}", port.trim())), "{why}");
    let Some((records, _)) = watch(&dir, &[], &["python3", "-c", REFUSED]) else { return };
    let tls = coverage(&records)["tls"].as_array().expect("a list").clone();
    assert_eq!((tls.len(), &tls[0]["state"]), (1, &"attached".into()), "{tls:?}");
    assert_eq!(tls[0]["library"], "openssl");
}
