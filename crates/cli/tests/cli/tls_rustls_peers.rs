//! `watch` on rustls talking with OpenSSL: its clients with a server in Python, its server with `openssl s_client` and with curl. Every
//! byte is told by both ends, both ways (root).

use crate::run::Dir;
use crate::tls::{certificate, coverage, sha256, streams, watch};
use crate::tls_rustls::{CLIENTS, SIZES, assert_told, build, piece};
use serde_json::Value;

/// A server that answers each piece reversed, and the clients that it starts: a certificate, the program, the version, how many, sizes.
const SERVE: &str = r#"
import socket, ssl, subprocess, sys, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1])
clients, sizes = int(sys.argv[4]), [int(size) for size in sys.argv[5:]]
listener = socket.create_server(("127.0.0.1", 0), backlog=clients)
def exactly(side, size):
    parts = []
    while size:
        parts.append(side.recv(size))
        assert parts[-1], "it ends early"
        size -= len(parts[-1])
    return b"".join(parts)
def answer(plain):
    with context.wrap_socket(plain, server_side=True) as side:
        for size in sizes:
            side.sendall(exactly(side, size)[::-1])
def serve():
    for _ in range(clients):
        threading.Thread(target=answer, args=(listener.accept()[0],)).start()
threading.Thread(target=serve, daemon=True).start()
port = str(listener.getsockname()[1])
subprocess.run([sys.argv[2], "ask", port, *sys.argv[3:]], check=True, timeout=120)
"#;

/// The server, and one client of another kind, `PORT` in whose arguments is the server's: the program, a certificate, the version,
/// sizes in one argument, what goes to the client's standard input, the client. Prints the SHA-256 of the answer.
const ASK: &str = r#"
import hashlib, subprocess, sys
program, certificate, version, sizes, sent = sys.argv[1:6]
serve = [program, "serve", certificate, version, "1", *sizes.split()]
with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server, open(sent, "rb") as data:
    port = server.stdout.readline().strip()
    client = [word.replace("PORT", port) for word in sys.argv[6:]]
    answer = subprocess.run(client, stdin=data, stdout=subprocess.PIPE, check=True, timeout=120).stdout
    assert server.wait(60) == 0
print(hashlib.sha256(answer).hexdigest())
"#;

#[test]
fn every_byte_of_clients_with_rustls_and_a_server_with_openssl() {
    let Some(program) = build(&["--release"], "release") else { return };
    let dir = Dir::new("tls-rustls-asks");
    let Some(certificate) = certificate(&dir) else { return };
    let counts: Vec<String> = [CLIENTS].iter().chain(&SIZES).map(|number| number.to_string()).collect();
    for version in ["1.3", "1.2"] {
        let mut command = vec!["python3", "-c", SERVE, &certificate, &program, version];
        command.extend(counts.iter().map(String::as_str));
        let Some((records, printed)) = watch(&dir, &["--no-redact"], &command) else { return };
        assert_eq!(printed.lines().count(), CLIENTS);
        assert_told(&records, CLIENTS, &SIZES, &["openssl", "rustls"], version);
    }
}

/// What a client sends, which makes these pieces of its standard input, is told by both ends, and so is what it gets: each reversed.
fn assert_served(name: &str, client: &[&str], input: &[u8], pieces: &[Vec<u8>]) {
    let Some(program) = build(&["--release"], "release") else { return };
    let dir = Dir::new(&format!("tls-rustls-serves-{name}"));
    let Some(certificate) = certificate(&dir) else { return };
    let (sent, file) = (pieces.concat(), dir.text("input"));
    std::fs::write(&file, input).expect("write the input");
    let sizes: Vec<String> = pieces.iter().map(|piece| piece.len().to_string()).collect();
    let sizes = sizes.join(" ");
    let got: Vec<u8> = pieces.iter().flat_map(|piece| piece.iter().rev().copied()).collect();
    for version in ["1.3", "1.2"] {
        let fixed = ["python3", "-c", ASK, &program, &certificate, version, &sizes, &file];
        let Some((records, printed)) = watch(&dir, &["--no-redact"], &[&fixed, client].concat()) else {
            return;
        };
        assert_eq!(printed.trim(), sha256(&got), "the client got the answer");
        let mut told: Vec<String> = streams(&records).values().map(|data| sha256(data)).collect();
        let mut wanted: Vec<String> = [&sent, &sent, &got, &got].map(|data| sha256(data)).into();
        told.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(told, wanted, "two ends, two ways: {name}, {version}");
        let ledger = records.last().expect("the ledger");
        assert_eq!((&ledger["closes"], &ledger["lost"]), (&Value::Bool(true), &serde_json::json!({})));
        let tls = coverage(&records)["tls"].as_array().expect("a list");
        let mut libraries: Vec<_> = tls.iter().map(|one| one["library"].as_str()).collect();
        libraries.sort_unstable();
        assert_eq!(libraries, [Some("openssl"), Some("rustls")], "{tls:?}");
        assert!(tls.iter().all(|one| one["state"] == "attached"), "{tls:?}");
    }
}

#[test]
fn every_byte_of_a_server_with_rustls_and_s_client() {
    let pieces: Vec<Vec<u8>> = SIZES.iter().map(|size| piece(1, *size)).collect();
    let client = ["openssl", "s_client", "-quiet", "-nocommands", "-connect", "127.0.0.1:PORT"];
    assert_served("s_client", &client, &pieces.concat(), &pieces);
}

#[test]
fn every_byte_of_a_server_with_rustls_and_curl() {
    // The whole of the request is answered reversed, as a server of HTTP 0.9 would.
    let body = piece(2, 300_000);
    let request =
        [format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), &body].concat();
    let bare = ["-H", "Host:", "-H", "User-Agent:", "-H", "Accept:", "-H", "Content-Type:", "-H", "Expect:"];
    let how = ["curl", "-s", "-k", "--noproxy", "*", "--http1.1", "--http0.9"];
    let what = ["--data-binary", "@-", "https://127.0.0.1:PORT/"];
    assert_served("curl", &[&how[..], &bare, &what].concat(), &body, &[request]);
}
