//! A secret that is read from a file by one program and sent by another, plain and by TLS: one alert, with its evidence (root).

use crate::run::{Dir, watch_by_ebpf};
use serde_json::Value;
use std::process::Command;

/// In two parts, so that no scanner finds a token here.
const TOKEN: [&str; 2] = ["ghp_", "0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R"];

/// A server that takes one request, outside of what is watched: prints its port, then reads. With a file it speaks TLS.
const SERVE: &str = r#"
import socket, ssl, sys
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
side = listener.accept()[0]
if len(sys.argv) > 1:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1])
    side = context.wrap_socket(side, server_side=True)
data = b""
while b"0\r\n\r\n" not in data and b"Q7R" not in data.upper():
    data += side.recv(65536)
side.sendall(b"HTTP/1.1 204 No\r\nConnection: close\r\n\r\n")
"#;

/// Runs `cat FILE | curl URL` under `watch`; its records, or `None`, said aloud, where that is not possible.
fn watch(dir: &Dir, certificate: Option<&str>) -> Option<(Vec<Value>, String)> {
    if !Command::new("curl").arg("--version").output().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no curl");
        return None;
    }
    let mut serve = Command::new("python3");
    serve.args(["-c", SERVE]).args(certificate).stdout(std::process::Stdio::piped());
    let mut server = serve.spawn().expect("python3 runs");
    let mut port = String::new();
    let mut lines = std::io::BufReader::new(server.stdout.take().expect("piped"));
    std::io::BufRead::read_line(&mut lines, &mut port).expect("a port");
    let scheme = if certificate.is_some() { "https" } else { "http" };
    let key = dir.text("credentials");
    let secret = TOKEN.concat();
    std::fs::write(&key, format!("[default]\ntoken = {secret}\n")).expect("write the file");
    let command =
        format!("cat {key} | curl -sk --max-time 20 --data-binary @- {scheme}://127.0.0.1:{}/", port.trim());
    let watched = watch_by_ebpf(dir, &["--rules", "builtin"], &["sh", "-c", &command]);
    if watched.is_none() {
        server.kill().expect("the server is ours");
    }
    server.wait().expect("the server ends");
    watched.map(|(_, records)| (records, port.trim().to_owned()))
}

/// Holds the one alert against the records that it names.
fn check(records: &[Value], port: &str, source: &str) {
    let text = serde_json::to_string(records).expect("text");
    assert!(!text.contains(&TOKEN[1][..12]), "the secret is nowhere");
    let alerts: Vec<&Value> = records.iter().filter(|record| record["kind"] == "alert").collect();
    let [alert] = alerts[..] else { panic!("one alert: {alerts:#?}") };
    assert_eq!((&alert["rule"], &alert["severity"]), (&"secret_sent".into(), &"high".into()));
    let message = alert["message"].as_str().expect("text");
    assert!(
        message.contains("/credentials by cat (")
            && message.contains(&format!("to 127.0.0.1:{port} by curl (")),
        "{message}"
    );
    let evidence: Vec<&Value> = alert["evidence"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|seq| records.iter().find(|record| record["seq"] == *seq).expect("a record of this run"))
        .collect();
    let finds: Vec<(&str, &str)> = evidence
        .iter()
        .filter(|record| record["kind"] == "content_match")
        .map(|one| (one["source"].as_str().expect("text"), one["proc"]["comm"].as_str().expect("text")))
        .collect();
    assert_eq!(finds, [("file_read", "cat"), ("file_write", "cat"), ("file_read", "curl"), (source, "curl")]);
    let forks = evidence.iter().filter(|record| record["kind"] == "process_fork").count();
    assert_eq!((forks, evidence.len()), (2, 6), "{evidence:#?}");
    assert_eq!(records.last().expect("the ledger")["closes"], true);
}

#[test]
fn from_a_file_through_a_pipe_to_a_host() {
    let dir = Dir::new("chain-plain");
    let Some((records, port)) = watch(&dir, None) else { return };
    check(&records, &port, "net_send");
}

#[test]
fn from_a_file_through_a_pipe_and_tls_to_a_host() {
    let dir = Dir::new("chain-tls");
    let Some(certificate) = crate::tls::certificate(&dir) else { return };
    let Some((records, port)) = watch(&dir, Some(&certificate)) else { return };
    check(&records, &port, "tls");
}
