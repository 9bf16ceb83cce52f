//! `watch` on Deno, whose TLS is rustls without symbols: it is told as blind, and the server that it asks is not (root).

use crate::run::Dir;
use crate::tls::{certificate, coverage, streams, watch};
use serde_json::Value;
use std::process::Command;

/// A server of HTTPS that answers one request of the program that it starts.
const SERVE: &str = r#"
import http.server, ssl, subprocess, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[::-1])
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1])
server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = "https://127.0.0.1:%d/" % server.server_address[1]
ask = 'const r = await fetch("%s", {method: "POST", body: "x".repeat(1000) + "y"}); console.log((await r.text()).slice(0, 2))' % url
arguments = [sys.argv[2], "eval", "--quiet", "--no-check", "--unsafely-ignore-certificate-errors", ask]
subprocess.run(arguments, check=True, stdin=subprocess.DEVNULL)
"#;

#[test]
fn deno_is_blind_and_who_serves_it_is_not() {
    let deno = std::env::var("KERNSCOPE_DENO").unwrap_or_else(|_| "deno".to_owned());
    if !Command::new(&deno).arg("--version").output().is_ok_and(|output| output.status.success()) {
        return eprintln!("skipped: no deno (`pip install deno` brings one; KERNSCOPE_DENO names it)");
    }
    let dir = Dir::new("tls-deno");
    let Some(certificate) = certificate(&dir) else { return };
    let command = ["python3", "-c", SERVE, &certificate, &deno];
    let Some((records, printed)) = watch(&dir, &["--no-redact"], &command) else { return };
    assert_eq!(printed.trim(), "yx");
    let tls = coverage(&records)["tls"].as_array().expect("a list").clone();
    let state = |is_deno: bool| {
        let of =
            tls.iter().find(|one| one["exe"].as_str().is_some_and(|exe| exe.contains("deno")) == is_deno);
        of.unwrap_or_else(|| panic!("{tls:?}"))
    };
    assert_eq!((&state(false)["state"], &state(false)["library"]), (&"attached".into(), &"openssl".into()));
    assert_eq!((&state(true)["state"], &state(true)["library"]), (&"blind".into(), &"unknown".into()));
    let why = state(true)["why"].as_str().expect("text");
    assert!(why.contains("127.0.0.1:") && why.contains("called no function"), "{why}");
    let body = format!("{}y", "x".repeat(1000));
    let heard =
        streams(&records).into_iter().find(|((_, way), _)| way == "recv").expect("what the server heard");
    assert!(String::from_utf8_lossy(&heard.1).ends_with(&body));
    assert_eq!(records.last().expect("the ledger")["closes"], Value::Bool(true));
}
