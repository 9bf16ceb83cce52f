//! `watch --pid` on a process that spoke TLS before anybody looked: from then on every byte is told (root).

use crate::run::{Dir, kernscope, records};
use crate::tls::{certificate, coverage, streams};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A server and a client in one program: the client counts aloud until it is told to end, and says so; the server echoes it.
const COUNT: &str = r#"
import os, socket, ssl, sys, threading, time
server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl._create_unverified_context()
server.load_cert_chain(sys.argv[1])
listener = socket.create_server(("127.0.0.1", 0))
def serve():
    with server.wrap_socket(listener.accept()[0], server_side=True) as side:
        for line in side.makefile("rb"):
            side.sendall(line)
thread = threading.Thread(target=serve)
thread.start()
with client.wrap_socket(socket.create_connection(listener.getsockname())) as side:
    lines, number = side.makefile("rb"), 0
    def say(line):
        side.sendall(line)
        assert lines.readline() == line
    while not os.path.exists(sys.argv[2]):
        say(b"tick %d\n" % number)
        if number == 3: print("talks", flush=True)
        number += 1
        time.sleep(0.02)
    say(b"the end after %d\n" % number)
    side.shutdown(socket.SHUT_RDWR)
thread.join()
"#;
/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn a_connection_that_is_older_than_the_run_is_told_from_then_on() {
    let dir = Dir::new("tls-pid");
    let Some(certificate) = certificate(&dir) else { return };
    let (out, stop) = (dir.text("out"), dir.text("stop"));
    let mut program = Command::new("python3");
    program.args(["-c", COUNT, &certificate, &stop]).stdout(Stdio::piped());
    let mut program = program.spawn().expect("python runs");
    let mut first = [0; 6];
    std::io::Read::read_exact(program.stdout.as_mut().expect("piped"), &mut first).expect("it talks");
    let pid = program.id().to_string();
    let args =
        ["watch", "--backend", "ebpf", "--no-redact", "--format", "jsonl", "--output", &out, "--pid", &pid];
    let mut watch = kernscope(&args).stderr(Stdio::piped()).spawn().expect("kernscope runs");
    let begun = Instant::now();
    let has_told = || std::fs::read_to_string(dir.path("out")).is_ok_and(|text| text.contains("tls_data"));
    let mut refused = false;
    while !has_told() && !refused {
        assert!(begun.elapsed() < LIMIT, "nothing was told of the connection");
        std::thread::sleep(Duration::from_millis(20));
        refused = watch.try_wait().expect("its status").is_some_and(|status| status.code() == Some(2));
    }
    std::fs::write(&stop, "").expect("told to end");
    assert!(program.wait().expect("it ends").success());
    let output = watch.wait_with_output().expect("kernscope ends");
    if refused {
        return eprintln!("skipped: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let records = records(&dir.path("out"));
    let streams = streams(&records);
    assert_eq!(streams.len(), 4, "two ends, two ways: {:?}", streams.keys());
    for (way, data) in streams {
        let text = String::from_utf8(data).expect("text");
        let number = |line: &str| line.rsplit(' ').next().and_then(|word| word.parse::<u64>().ok());
        let first = text.lines().next().and_then(number).expect("a number");
        let last = text.lines().last().and_then(number).expect("a number");
        assert!(first > 3, "what was said before is not told: {way:?}");
        let mut wanted: String = (first..last).map(|number| format!("tick {number}\n")).collect();
        wanted.push_str(&format!("the end after {last}\n"));
        assert_eq!(text, wanted, "{way:?}");
    }
    let tls = coverage(&records)["tls"].as_array().expect("a list").clone();
    assert_eq!((tls.len(), &tls[0]["state"]), (1, &"attached".into()), "{tls:?}");
    assert_eq!(records.last().expect("the ledger")["closes"], true);
}
