//! `watch` on the programs that people speak TLS with, against nginx outside of what is watched: every body that a client puts and gets
//! is told, from one byte to 10 MB, by the library that it has (root, nginx, and the client on the search path).

use crate::run::Dir;
use crate::tls::{certificate, coverage, sha256, streams, watch};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::BufRead;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Sizes of bodies, bytes.
const SIZES: [usize; 4] = [1, 1000, 100_001, 10_000_000];
/// What HTTP/2 connections begin with, and the bytes of a frame's header.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const FRAME_BYTES: usize = 9;

/// nginx with files that can be put, on a port of its own; it ends with this.
struct Server {
    process: Child,
    port: String,
}

impl Server {
    /// `None`, said aloud, without nginx.
    fn start(dir: &Dir) -> Option<Self> {
        if Command::new("nginx").arg("-V").output().is_err() {
            eprintln!("skipped: no nginx (Debian: nginx-light)");
            return None;
        }
        let certificate = certificate(dir)?;
        let folder = dir.text("nginx");
        std::fs::create_dir(&folder).expect("a folder");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/nginx.py");
        let mut python = Command::new("python3");
        python.arg(script).args([&folder, &certificate, "serve"]);
        python.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = python.spawn().expect("python3 runs");
        let mut port = String::new();
        std::io::BufReader::new(process.stdout.take().expect("piped")).read_line(&mut port).expect("a port");
        for size in SIZES {
            std::fs::write(dir.path(&format!("body.{size}")), body(size)).expect("write a body");
        }
        Some(Self { process, port: port.trim().to_owned() })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It serves until its input ends.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

fn body(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at * 7 + at / 251 + size) as u8).collect()
}

/// The bodies of what was said one way on a connection, by HTTP/1.1 with lengths or by HTTP/2.
fn bodies(stream: &[u8], is_two: bool) -> BTreeSet<String> {
    match is_two {
        true => frames(stream.strip_prefix(PREFACE).unwrap_or(stream)),
        false => crate::tls_built_in::bodies(stream).into_iter().map(sha256).collect(),
    }
}

/// Data of each stream of HTTP/2, put together.
fn frames(mut rest: &[u8]) -> BTreeSet<String> {
    let mut data: std::collections::BTreeMap<u32, Vec<u8>> = Default::default();
    while let Some(head) = rest.first_chunk::<FRAME_BYTES>() {
        let len = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let (kind, stream) = (head[3], u32::from_be_bytes([head[5], head[6], head[7], head[8]]));
        if kind == 0 {
            data.entry(stream).or_default().extend(&rest[FRAME_BYTES..FRAME_BYTES + len]);
        }
        rest = &rest[FRAME_BYTES + len..];
    }
    assert!(rest.is_empty(), "whole frames");
    data.values().map(|data| sha256(data)).collect()
}

/// A client that puts the file `FROM` at `URL` and gets it from there into `TO`, by the library; `{port}` and `{size}` are filled in.
struct Client<'a> {
    name: &'a str,
    library: &'a str,
    is_two: bool,
    command: &'a [&'a str],
}

/// Runs the client for each size, and holds what is told against what went over.
fn assert_told(client: &Client<'_>) {
    let dir = Dir::new(&format!("tls-client-{}", client.name));
    let Some(server) = Server::start(&dir) else { return };
    for size in SIZES {
        let (from, to) = (dir.text(&format!("body.{size}")), dir.text(&format!("got.{size}")));
        let url = format!("https://127.0.0.1:{}/put/{}-{size}", server.port, client.name);
        let fill = |word: &&str| {
            let filled = word.replace("FROM", &from).replace("TO", &to).replace("URL", &url);
            filled.replace("PORT", &server.port).replace("SIZE", &size.to_string())
        };
        let command: Vec<String> = client.command.iter().map(fill).collect();
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let Some((records, said)) = watch(&dir, &["--no-redact"], &command) else { return };
        let body = body(size);
        assert!(std::fs::read(&to).is_ok_and(|got| got == body), "{}: it got it back: {said}", client.name);
        let streams = streams(&records);
        for way in ["send", "recv"] {
            let of_way = streams.iter().filter(|((_, direction), _)| direction == way);
            let told = of_way.flat_map(|(_, data)| bodies(data, client.is_two)).collect::<BTreeSet<_>>();
            assert!(told.contains(&sha256(&body)), "{}, {size} bytes: {way}", client.name);
        }
        assert_followed(&records, client.library);
        let is_http = |record: &&Value| record["kind"] == "http" && record["message"] == "request";
        let asked: Vec<_> = records.iter().filter(is_http).map(|one| one["method"].as_str()).collect();
        assert_eq!(asked, [Some("PUT"), Some("GET")], "{}", client.name);
    }
}

/// Whoever spoke TLS was followed by the library, with the socket that it used, and nothing was lost.
fn assert_followed(records: &[Value], library: &str) {
    let ledger = records.last().expect("the ledger");
    assert_eq!((&ledger["closes"], &ledger["lost"]), (&Value::Bool(true), &json!({})));
    let tls = coverage(records)["tls"].as_array().expect("a list");
    assert!(!tls.is_empty());
    for one in tls {
        assert_eq!((&one["state"], &one["library"]), (&"attached".into(), &library.into()), "{one}");
    }
    for record in records.iter().filter(|record| record["kind"] == "tls_data") {
        assert!(record["remote"].as_str().is_some_and(|end| end.starts_with("127.0.0.1:")), "{record}");
        assert!(record["fd"].as_i64().is_some_and(|fd| fd > 2), "{record}");
    }
}

/// Whether a program runs with these arguments; said aloud if not.
fn runs(program: &str, args: &[&str], package: &str) -> bool {
    let is = Command::new(program).args(args).output().is_ok_and(|output| output.status.success());
    if !is {
        eprintln!("skipped: no {program} ({package})");
    }
    is
}

const CURL: [&str; 9] = ["curl", "-sSk", "HOW", "-T", "FROM", "URL", "-o", "/dev/null", "--next"];

#[test]
fn every_byte_of_curl() {
    if !runs("curl", &["--version"], "Debian: curl") {
        return;
    }
    for (name, how, is_two) in [("curl", "--http1.1", false), ("curl-two", "--http2", true)] {
        let put: Vec<&str> = CURL.iter().map(|word| if *word == "HOW" { how } else { *word }).collect();
        let command = [&put[..], &["-sSk", how, "URL", "-o", "TO"]].concat();
        assert_told(&Client { name, library: "openssl", is_two, command: &command });
    }
}

#[test]
fn every_byte_of_wget() {
    if !runs("wget", &["--version"], "Debian: wget") {
        return;
    }
    let both = "wget -q --no-check-certificate --method=PUT --body-file=FROM -O /dev/null URL && wget -q --no-check-certificate -O TO URL";
    let linked = Command::new("wget").arg("--version").output().expect("it runs").stdout;
    let is_gnutls = String::from_utf8_lossy(&linked).contains("+ssl/gnutls");
    let library = if is_gnutls { "gnutls" } else { "openssl" };
    assert_told(&Client { name: "wget", library, is_two: false, command: &["sh", "-c", both] });
}

const REQUESTS: &str = r#"
import requests, sys, warnings
warnings.simplefilter("ignore")
url, body, to = sys.argv[1:]
with requests.Session() as session, open(to, "wb") as file:
    session.put(url, data=open(body, "rb").read(), verify=False).raise_for_status()
    file.write(session.get(url, headers={"Accept-Encoding": "identity"}, verify=False).content)
"#;

#[test]
fn every_byte_of_requests() {
    if !runs("python3", &["-c", "import requests"], "pip install requests") {
        return;
    }
    let command = ["python3", "-c", REQUESTS, "URL", "FROM", "TO"];
    assert_told(&Client { name: "requests", library: "openssl", is_two: false, command: &command });
}

const NODE_HTTPS: &str = r#"
const fs = require("fs"), https = require("https"), [url, from, to] = process.argv.slice(1);
const agent = new https.Agent({ rejectUnauthorized: false, keepAlive: true });
const body = fs.readFileSync(from);
const ask = (method, body) => new Promise((done, failed) => {
  const headers = body ? { "Content-Length": body.length } : {};
  https.request(url, { method, agent, headers }, answer => {
    const parts = [];
    answer.on("data", part => parts.push(part)).on("end", () => done(Buffer.concat(parts)));
  }).on("error", failed).end(body);
});
ask("PUT", body).then(() => ask("GET")).then(got => { fs.writeFileSync(to, got); agent.destroy(); });
"#;

const NODE_FETCH: &str = r#"
const fs = require("fs"), [url, from, to] = process.argv.slice(1);
(async () => {
  await (await fetch(url, { method: "PUT", body: fs.readFileSync(from) })).arrayBuffer();
  const got = await fetch(url, { headers: { "Accept-Encoding": "identity" } });
  fs.writeFileSync(to, Buffer.from(await got.arrayBuffer()));
})();
"#;

#[test]
fn every_byte_of_node() {
    if !runs("node", &["--version"], "Debian: nodejs") {
        return;
    }
    for (name, program) in [("node-https", NODE_HTTPS), ("node-fetch", NODE_FETCH)] {
        let trusting = "NODE_TLS_REJECT_UNAUTHORIZED=0";
        let command = ["env", trusting, "NODE_NO_WARNINGS=1", "node", "-e", program, "URL", "FROM", "TO"];
        assert_told(&Client { name, library: "openssl", is_two: false, command: &command });
    }
}

/// Both requests by hand, each on a connection of its own, by `$2`, which carries its input over TLS; heads end up in `$3` too.
const BY_HAND: &str = r#"
name=put/$1-SIZE
put() { printf 'PUT /%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: SIZE\r\n\r\n' $name; cat FROM; }
get() { printf 'GET /%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' $name; }
put > FROM.put; get > FROM.get
sh -c "$2" < FROM.put > /dev/null && sh -c "$2" < FROM.get > TO.all || exit 1
tail -c SIZE TO.all > TO
"#;

#[test]
fn every_byte_of_s_client() {
    if !runs("openssl", &["version"], "Debian: openssl") {
        return;
    }
    let carry = "openssl s_client -quiet -nocommands -connect 127.0.0.1:PORT 2> /dev/null";
    let command = ["sh", "-c", BY_HAND, "sh", "s_client", carry];
    assert_told(&Client { name: "s_client", library: "openssl", is_two: false, command: &command });
}

#[test]
fn every_byte_of_tstclnt() {
    // It says how it is used, and fails.
    if Command::new("tstclnt").output().is_err() {
        return eprintln!("skipped: no tstclnt (Debian: libnss3-tools)");
    }
    let carry = "tstclnt -D -o -h 127.0.0.1 -p PORT 2> /dev/null";
    let command = ["sh", "-c", BY_HAND, "sh", "tstclnt", carry];
    assert_told(&Client { name: "tstclnt", library: "nss", is_two: false, command: &command });
}

#[test]
fn every_byte_of_gnutls_cli() {
    if !runs("gnutls-cli", &["--version"], "Debian: gnutls-bin") {
        return;
    }
    let carry = "gnutls-cli --logfile /dev/null --insecure -p PORT 127.0.0.1";
    let command = ["sh", "-c", BY_HAND, "sh", "gnutls-cli", carry];
    assert_told(&Client { name: "gnutls-cli", library: "gnutls", is_two: false, command: &command });
}

/// Makes a repository whose objects are one pack, in the folder that nginx serves.
const REPOSITORY: &str = r#"
set -e
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git init -q "$1/work" && cd "$1/work"
cp "$2" body && git add body && git commit -q -m one && git repack -q -a -d
git clone -q --bare . "$1/nginx/files/one.git" && cd "$1/nginx/files/one.git" && git repack -q -a -d && git update-server-info
"#;

#[test]
fn every_byte_of_a_clone_by_git() {
    if !runs("git", &["--version"], "Debian: git") {
        return;
    }
    let dir = Dir::new("tls-client-git");
    let Some(server) = Server::start(&dir) else { return };
    let folder = dir.text("");
    let made = Command::new("sh").args(["-c", REPOSITORY, "sh", &folder, &dir.text("body.100001")]).output();
    let made = made.expect("sh runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let url = format!("https://127.0.0.1:{}/one.git", server.port);
    let command = ["git", "-c", "http.sslVerify=false", "clone", "-q", &url, &dir.text("clone")];
    let Some((records, _)) = watch(&dir, &["--no-redact"], &command) else { return };
    assert_eq!(std::fs::read(dir.path("clone/body")).expect("cloned"), body(100_001));
    let pack = std::fs::read_dir(dir.path("nginx/files/one.git/objects/pack"))
        .expect("a folder")
        .find_map(|entry| {
            Some(entry.ok()?.path()).filter(|path| path.extension().is_some_and(|end| end == "pack"))
        })
        .expect("a pack");
    let pack = std::fs::read(pack).expect("readable");
    let got: Vec<Vec<u8>> =
        streams(&records).into_iter().filter(|((_, way), _)| way == "recv").map(|(_, data)| data).collect();
    let has = |data: &Vec<u8>| data.windows(pack.len()).any(|part| part == pack);
    assert!(got.iter().any(has), "the pack of {} bytes", pack.len());
    let tls = coverage(&records)["tls"].as_array().expect("a list");
    assert!(tls.iter().all(|one| one["state"] == "attached") && !tls.is_empty(), "{tls:?}");
    assert_eq!(records.last().expect("the ledger")["closes"], true);
}

/// `gnutls-serv`, which sends back what comes, and `openssl s_client`.
const ECHO: &str = r#"
gnutls-serv --quiet --echo --port PORT --x509certfile "$1" --x509keyfile "$1" > /dev/null 2>&1 & server=$!
i=0
until (exec 3<> /dev/tcp/127.0.0.1/PORT) 2> /dev/null || [ $((i += 1)) = 200 ]; do sleep 0.05; done
{ cat "$2"; sleep 1; } | openssl s_client -quiet -nocommands -no_ign_eof -connect 127.0.0.1:PORT 2> /dev/null > "$3"
kill $server
"#;

#[test]
fn every_byte_of_gnutls_serv() {
    if !runs("gnutls-serv", &["--version"], "Debian: gnutls-bin") {
        return;
    }
    let dir = Dir::new("tls-gnutls-serv");
    let Some(certificate) = certificate(&dir) else { return };
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("a port").port();
    let lines: Vec<u8> =
        (0..200_000).map(|at| if at % 100 == 99 { b'\n' } else { b'a' + (at % 26) as u8 }).collect();
    std::fs::write(dir.path("lines"), &lines).expect("write lines");
    let script = ECHO.replace("PORT", &port.to_string());
    let command = ["bash", "-c", &script, "bash", &certificate, &dir.text("lines"), &dir.text("got")];
    let Some((records, _)) = watch(&dir, &["--no-redact"], &command) else { return };
    assert!(std::fs::read(dir.path("got")).is_ok_and(|got| got == lines), "it came back");
    let told: Vec<String> = streams(&records).values().map(|data| sha256(data)).collect();
    assert_eq!(told, vec![sha256(&lines); 4], "two ends, two ways");
    let tls = coverage(&records)["tls"].as_array().expect("a list");
    let mut libraries: Vec<_> = tls.iter().map(|one| one["library"].as_str()).collect();
    libraries.sort_unstable();
    assert_eq!(libraries, [Some("gnutls"), Some("openssl")], "{tls:?}");
}
