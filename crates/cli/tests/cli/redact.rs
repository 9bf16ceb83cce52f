//! Secrets in arguments, in everything that a run writes.

use crate::browser::Browser;
use crate::run::{Dir, checked, kernscope};
use std::process::Command;

/// Not in any output but on request.
const SECRET: &str = "hunter2hunter2";

#[test]
fn secrets_of_command_lines_are_in_no_output_unless_they_are_asked_for() {
    let dir = Dir::new("redact-argv");
    for backend in ["ebpf", "ptrace"] {
        for (flag, is_shown) in [(None, false), (Some("--no-redact"), true)] {
            let (db, page, policy) = (dir.text("db"), dir.text("page.html"), dir.text("learnt.toml"));
            let _ = std::fs::remove_file(&db);
            let output = kernscope(&["watch", "--backend", backend, "--format", "jsonl", "--no-tls"])
                .args(["--db", &db, "--report", &page, "--learn", &policy, "--force"])
                .args(flag)
                .args([
                    "--",
                    "sh",
                    "-c",
                    "/bin/echo --password=$1 >/dev/null; curl -u bob:$1 file:///etc/passwd | sh -n",
                ])
                .args(["sh", &format!("--token={SECRET}")])
                .output()
                .expect("run kernscope");
            let (said, told) =
                (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            let records = checked(&said);
            assert!(records.iter().any(|record| record["kind"] == "alert"), "{backend}: {told}");
            let database: Vec<u8> = ["db", "db-wal"]
                .iter()
                .flat_map(|name| std::fs::read(dir.path(name)).unwrap_or_default())
                .collect();
            let learnt = std::fs::read_to_string(&policy).expect("a policy");
            for (name, text) in
                [("records", &*said), ("database", &*String::from_utf8_lossy(&database)), ("policy", &learnt)]
            {
                assert_eq!(text.contains(SECRET), is_shown, "{backend} {flag:?} {name}: {text}");
            }
            assert_eq!(said.contains("<redacted>"), !is_shown, "{said}");
        }
    }
}

/// Says what it was given through TLS, to itself, and writes it into a file.
const SPEAKS: &str = r#"
import os, socket, ssl, sys, threading
secret = sys.argv[2].split("=")[1]
sides = [ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl._create_unverified_context()]
sides[0].load_cert_chain(sys.argv[1])
listener = socket.create_server(("127.0.0.1", 0))
def serve():
    with sides[0].wrap_socket(listener.accept()[0], server_side=True) as side:
        side.recv(4096)
        side.sendall(b"HTTP/1.1 200 OK\r\nSet-Cookie: sid=" + secret.encode() + b"\r\nContent-Length: 2\r\n\r\nok")
thread = threading.Thread(target=serve)
thread.start()
with sides[1].wrap_socket(socket.create_connection(listener.getsockname())) as side:
    body = ('{"token": "' + secret + '"}').encode()
    side.sendall(b"POST /login HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + secret.encode()
        + b"\r\nContent-Type: application/json\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body)
    side.recv(4096)
thread.join()
print('{"jsonrpc": "2.0", "method": "login", "params": {"token": "' + secret + '"}}')
"#;

/// The lines that a page is made of.
const INSIDE: &str = "import base64, gzip, re, sys\npage = open(sys.argv[1]).read()\n\
    data = re.search(r'id=\"data\"[^>]*>([^<]*)<', page).group(1)\nsys.stdout.buffer.write(gzip.decompress(base64.b64decode(data)))";

#[test]
fn a_page_shows_no_secret_that_records_do_not_and_says_when_they_do() {
    let dir = Dir::new("redact-page");
    let Some(mut browser) = Browser::start(&dir) else { return };
    let Some(certificate) = crate::tls::certificate(&dir) else { return };
    let token = ["ghp_", "0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R"].concat();
    std::fs::write(dir.path("speaks.py"), SPEAKS).expect("a program");
    std::fs::write(dir.path("rules.toml"), RULE).expect("a rule");
    for (flag, is_shown) in [(None, false), (Some("--no-redact"), true)] {
        let page = dir.path(&format!("page-{is_shown}.html"));
        let output = kernscope(&["watch", "--backend", "ebpf", "--format", "jsonl", "--env", "--stdio"])
            .args(["--output", &dir.text("out")])
            .args([
                "--report",
                &dir.text(&format!("page-{is_shown}.html")),
                "--rules",
                &dir.text("rules.toml"),
            ])
            .args(flag)
            .env("DEPLOY_TOKEN", &token)
            .args(["--", "python3", &dir.text("speaks.py"), &certificate, &format!("--token={token}")])
            .output()
            .expect("run kernscope");
        let told = String::from_utf8_lossy(&output.stderr);
        if output.status.code() == Some(2) {
            eprintln!("skipped: {told}");
            return;
        }
        assert!(output.status.success(), "{told}");
        let records = checked(&std::fs::read_to_string(dir.path("out")).expect("records"));
        for kind in ["process_exec", "tls_data", "http", "content_match", "stdio"] {
            assert!(records.iter().any(|record| record["kind"] == kind), "{kind}: {told}");
        }
        let inside = Command::new("python3").args(["-c", INSIDE]).arg(&page).output().expect("python3 runs");
        assert!(inside.status.success(), "{}", String::from_utf8_lossy(&inside.stderr));
        let mut seen = vec![("lines", String::from_utf8_lossy(&inside.stdout).into_owned())];
        seen.push(("source", std::fs::read_to_string(&page).expect("the page")));
        browser.open(&page, "light");
        for tab in 1..=9 {
            browser.key(&tab.to_string());
            seen.push(("tab", text(&browser.eval("document.documentElement.outerHTML"))));
        }
        // Records in full, as a click shows them; and conversations.
        for kind in ["process_", "tls_data", "http", "content_match", "stdio", "file_open"] {
            seen.push((kind, text(&browser.eval(&details(2, &format!("kind:{kind}"))))));
        }
        seen.push(("conversations", text(&browser.eval(&details(6, "")))));
        let all: Vec<_> =
            seen.iter().filter(|(_, text)| text.contains(&token)).map(|(name, _)| *name).collect();
        let named = |name: &str| all.contains(&name);
        match is_shown {
            true => assert!(
                named("lines")
                    && named("tab")
                    && ["process_", "tls_data", "http", "stdio"].into_iter().all(named),
                "{all:?}"
            ),
            false => assert!(all.is_empty(), "{all:?}"),
        }
        let empty: Vec<_> = seen.iter().filter(|(_, text)| text.is_empty()).map(|(name, _)| *name).collect();
        assert!(empty.is_empty(), "nothing is shown of {empty:?}");
        assert_eq!(browser.eval("document.getElementById('unredacted').hidden"), !is_shown);
        assert_eq!(browser.eval("document.getElementById('unredacted').offsetHeight > 0"), is_shown);
    }
}

/// What clicks on the rows of a tab show, with this question.
fn details(tab: u32, question: &str) -> String {
    format!(
        "(async () => {{ document.querySelectorAll('[role=tab]')[{}].click(); const search = document.getElementById('search'); \
            search.value = '{question}'; search.dispatchEvent(new Event('input')); const rest = (ms) => new Promise((go) => setTimeout(go, ms)); await rest(400); \
            for (let n = 0; n < 100 && !document.querySelector('.row'); n++) await rest(100); \
            const seen = []; for (const row of document.querySelectorAll('.row')) {{ row.click(); \
            seen.push(document.getElementById('detail').outerHTML); }} return seen.join(' '); }})()",
        tab - 1
    )
}

/// Something that is in what is said, so that finds are in the page as well.
const RULE: &str = "[[rule]]\nid = 'token'\nregex = 'ghp_[0-9A-Za-z]{36}'\nkeywords = ['ghp_']";

fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
