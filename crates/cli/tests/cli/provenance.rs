//! Text that came from the network and became a command: a server by HTTPS says what to do, a program does it (root).

use crate::run::{Dir, kernscope, records};
use crate::tls::{certificate, watch};
use serde_json::Value;
use std::path::Path;

/// A server that replies as a model does, in one process; a program that asks it and runs the command, in another.
/// The second argument: what the program runs, `reply` for what it was told.
const AGENT: &str = r#"
import http.client, http.server, json, os, ssl, subprocess, sys
COMMAND = "wc -l /etc/hostname; echo 'three files' | tr a-z A-Z"
def events():
    words = [COMMAND[at:at + 9] for at in range(0, len(COMMAND), 9)]
    return "".join("data: " + json.dumps({"choices": [{"delta": {"content": word}}]}) + "\n\n" for word in words)
class Model(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        streams = self.path == "/stream"
        body = events() if streams else json.dumps({"content": [{"type": "tool_use", "input": {"command": COMMAND}}]})
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())
    def log_message(self, *args):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Model)
side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
side.load_cert_chain(sys.argv[1])
server.socket = side.wrap_socket(server.socket, server_side=True)
child = os.fork()
if child == 0:
    server.handle_request()
    os._exit(0)
link = http.client.HTTPSConnection("127.0.0.1", server.server_port, context=ssl._create_unverified_context())
link.request("POST", "/stream" if "stream" in sys.argv[2] else "/", "{}")
reply = link.getresponse().read().decode()
if "stream" in sys.argv[2]:
    lines = [line[6:] for line in reply.split("\n") if line.startswith("data: ")]
    command = "".join(json.loads(line)["choices"][0]["delta"]["content"] for line in lines)
else:
    command = json.loads(reply)["content"][0]["input"]["command"]
assert command == COMMAND
if "own" in sys.argv[2]:
    command = "echo 'nothing of it' | tr a-z A-Z; wc -c /etc/passwd-"
subprocess.run(["sh", "-c", command])
os.waitpid(child, 0)
"#;

fn alerts(records: &[Value]) -> Vec<&Value> {
    records.iter().filter(|record| record["rule"] == "text-became-command").collect()
}

#[track_caller]
fn is_told(records: &[Value]) {
    let [alert] = alerts(records)[..] else { panic!("one alert, not {:#?}", alerts(records)) };
    let evidence: Vec<u64> =
        alert["evidence"].as_array().expect("a list").iter().filter_map(Value::as_u64).collect();
    let of = |kind: &str| {
        let all = records.iter().filter(|record| record["kind"] == kind);
        all.filter(|record| evidence.iter().any(|seq| record["seq"] == *seq)).count()
    };
    assert!(of("tls_data") >= 1 && of("process_exec") == 1, "{alert:#}");
    assert!(alert["message"].as_str().expect("text").contains("wc -l /etc/hostname"), "{alert:#}");
    assert!(alert["because"].to_string().contains("received from 127.0.0.1:"), "{alert:#}");
}

#[test]
fn a_reply_that_becomes_a_command_is_told_with_where_it_came_from() {
    let dir = Dir::new("provenance");
    let Some(certificate) = certificate(&dir) else { return };
    for mode in ["reply", "stream"] {
        let recording = dir.text("raw");
        let options = ["--no-redact", "--record", &recording];
        let Some((told, _)) = watch(&dir, &options, &["python3", "-c", AGENT, &certificate, mode]) else {
            return;
        };
        is_told(&told);
        let again = dir.text("again");
        let args = ["watch", "--replay", &recording, "--no-redact", "--format", "jsonl", "--output", &again];
        let output = kernscope(&args).output().expect("kernscope runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        is_told(&records(Path::new(&again)));
        // Redacted records wait for what follows, so that the command is known first.
        let Some((told, _)) = watch(&dir, &[], &["python3", "-c", AGENT, &certificate, mode]) else { return };
        is_told(&told);
    }
    let Some((told, _)) = watch(&dir, &[], &["python3", "-c", AGENT, &certificate, "own"]) else { return };
    assert_eq!(alerts(&told).len(), 0, "a command of its own: {told:#?}");
}
