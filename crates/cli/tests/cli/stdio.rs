//! `watch --stdio` on a program that starts a server and talks to it in lines of JSON, as the Model Context Protocol does (root).

use crate::run::{Dir, kernscope, records, refused, watch_by_ebpf};
use serde_json::{Value, json};

/// A server: reads requests, answers them, and says on standard error what it does.
const SERVER: &str = r#"
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    print("log: got", len(line), "bytes", file=sys.stderr, flush=True)
    if "id" not in asked:
        continue
    params = asked.get("params", {})
    answer = {"jsonrpc": "2.0", "id": asked["id"], "result": {"content": "x" * params.get("size", 1), "echo": params.get("text")}}
    if asked["method"] == "unknown":
        answer = {"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32601, "message": "Method not found"}}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
"#;

/// A client: starts the server over pipes, or over sockets as node does, and sends one message in two writes.
const CLIENT: &str = r#"
import json, os, socket, subprocess, sys
server, token, kind = sys.argv[1:4]
if kind == "pipe":
    child = subprocess.Popen([sys.executable, "-c", server], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    to, of = child.stdin, child.stdout
else:
    ends = [socket.socketpair() for _ in range(2)]
    child = subprocess.Popen([sys.executable, "-c", server], stdin=ends[0][1], stdout=ends[1][1], stderr=subprocess.DEVNULL)
    for end in ends: end[1].close()
    to, of = ends[0][0].makefile("wb"), ends[1][0].makefile("rb")
def ask(message):
    data = (json.dumps(dict(jsonrpc="2.0", **message)) + "\n").encode()
    for part in (data[:9], data[9:]):
        to.write(part)
        to.flush()
    return json.loads(of.readline()) if "id" in message else None
assert ask({"id": 1, "method": "initialize", "params": {"text": "hello"}})["result"]["echo"] == "hello"
ask({"method": "notifications/initialized"})
assert ask({"id": "two", "method": "tools/call", "params": {"text": token}})["result"]["echo"] == token
assert len(ask({"id": 3, "method": "tools/call", "params": {"size": 50000}})["result"]["content"]) == 50000
assert len(ask({"id": 4, "method": "tools/call", "params": {"size": 150000}})["result"]["content"]) == 150000
assert ask({"id": 5, "method": "unknown"})["error"]["code"] == -32601
to.close()
if kind == "socket": ends[0][0].shutdown(socket.SHUT_RDWR)
child.wait()
"#;

#[test]
fn what_a_server_and_its_client_say_is_told() {
    let dir = Dir::new("stdio");
    // In two parts, so that no scanner finds a token here.
    let token = ["ghp_", "0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R"].concat();
    for kind in ["pipe", "socket"] {
        let program = ["python3", "-c", CLIENT, SERVER, &token, kind];
        let Some((_, records)) = watch_by_ebpf(&dir, &["--stdio"], &program) else { return };
        let told: Vec<&Value> = records.iter().filter(|record| record["kind"] == "stdio").collect();
        let of = |fd: u64| -> Vec<(Value, Value, Value)> {
            let of = told.iter().filter(|record| record["fd"] == fd);
            of.map(|one| (one["message"].clone(), one["id"].clone(), one["method"].clone())).collect()
        };
        let row = |message: &str, id: Value, method: Value| (json!(message), id, method);
        let asked = [
            row("request", json!(1), json!("initialize")),
            row("notification", Value::Null, json!("notifications/initialized")),
            row("request", json!("two"), json!("tools/call")),
            row("request", json!(3), json!("tools/call")),
            row("request", json!(4), json!("tools/call")),
            row("request", json!(5), json!("unknown")),
        ];
        assert_eq!(of(0), asked, "{kind}");
        let ids = [json!(1), json!("two"), json!(3), json!(4)];
        let answered: Vec<_> = ids.into_iter().map(|id| row("response", id, Value::Null)).collect();
        let answered = [answered, vec![row("error", json!(5), Value::Null)]].concat();
        assert_eq!(of(1), answered, "{kind}");
        assert_eq!(of(2), [], "what is no JSON is not told");
        let echo = told.iter().find(|one| one["fd"] == 1 && one["id"] == "two").expect("told");
        let shown = echo["body"]["result"]["echo"].as_str().expect("text");
        assert!(shown.starts_with("ghp_") && shown != token, "{shown}");
        let sized = |id: u64| told.iter().find(|one| one["fd"] == 1 && one["id"] == id).expect("told");
        assert_eq!(sized(3)["body"]["result"]["content"].as_str().expect("text").len(), 50_000);
        assert_eq!((&sized(4)["truncated"], &sized(4)["body"]), (&json!(true), &Value::Null));
        assert!(sized(4)["body_bytes"].as_u64().expect("a number") > 150_000);
        let text = std::fs::read_to_string(dir.path("out")).expect("records");
        let lines = text.lines().filter(|line| line.contains(r#""kind":"stdio""#));
        assert!(!lines.into_iter().any(|line| line.contains(&token)), "redacted");
        let ledger = records.last().expect("the ledger");
        assert_eq!((&ledger["closes"], &ledger["lost"]), (&json!(true), &json!({})));
    }
}

#[test]
fn a_recording_does_not_hold_it_and_ptrace_does_not_see_it() {
    let dir = Dir::new("stdio-not");
    let (raw, out) = (dir.text("raw"), dir.text("out"));
    refused(&["watch", "--stdio", "--record", &raw, "--", "true"], "--no-redact");
    let args =
        ["watch", "--backend", "ptrace", "--stdio", "--format", "jsonl", "--output", &out, "--", "true"];
    assert_eq!(kernscope(&args).output().expect("kernscope runs").status.code(), Some(0));
    let records = records(&dir.path("out"));
    let coverage = records.iter().find(|record| record["kind"] == "coverage").expect("one");
    let hook = coverage["hooks"].as_array().expect("a list").iter().find(|hook| hook["name"] == "stdio");
    assert_eq!(hook.expect("told")["state"], "blind");
}
