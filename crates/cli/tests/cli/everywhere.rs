//! Every built-in rule on every way on which data is judged: files, pipes, TCP, UDP and TLS, split over two calls (root).
//!
//! At a few places of each example; at every one by `cargo nextest run -p kernscope every_offset --run-ignored only`.

use crate::python::ENDS;
use crate::run::{Dir, watch_by_ebpf};
use crate::tls::certificate;
use kernscope_sieve::matcher::{Matcher, Place};
use kernscope_sieve::rules::RuleSet;
use std::collections::BTreeMap;

/// Places at which each example is split by default.
const SPLITS: usize = 3;

/// Moves each text in two calls, cut at each of its places, every way there is; the file is read back in the same parts.
const MOVE: &str = r#"
import json, ssl, threading
texts = json.load(open(sys.argv[1]))
ends = socket.socketpair()
sides = [ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl._create_unverified_context()]
sides[0].load_cert_chain(sys.argv[3])
server = []
accept = threading.Thread(target=lambda: server.append(sides[0].wrap_socket(ends[0], server_side=True)))
accept.start()
client = sides[1].wrap_socket(ends[1])
accept.join()
server, = server
print(json.dumps({str(fd): way for fd, way in [(file, "file"), (here, "pipe"), (there, "pipe"),
    (near.fileno(), "tcp"), (far.fileno(), "tcp"), (to.fileno(), "udp"), (of.fileno(), "udp")]}))
lengths = []
for text, cuts in texts:
    text = text.encode()
    for cut in cuts:
        for part in (text[:cut], text[cut:]):
            lengths.append(len(part))
            os.write(file, part)
            os.write(there, part)
            assert os.read(here, len(part)) == part
            near.sendall(part)
            assert far.recv(len(part), socket.MSG_WAITALL) == part
            of.send(part)
            assert to.recv(len(part)) == part
            client.sendall(part)
            assert server.recv(len(part)) == part
os.lseek(file, 0, os.SEEK_SET)
for length in lengths:
    assert len(os.read(file, length)) == length
"#;

#[test]
fn every_rule_is_found_on_every_way() {
    everywhere(Some(SPLITS));
}

#[test]
#[ignore = "takes minutes"]
fn every_rule_is_found_on_every_way_at_every_offset() {
    everywhere(None);
}

/// Splits the example of each rule at so many places, or at all.
fn everywhere(splits: Option<usize>) {
    let dir = Dir::new(if splits.is_some() { "everywhere" } else { "every-offset" });
    let Some(certificate) = certificate(&dir) else { return };
    let matcher = Matcher::new(RuleSet::builtin());
    let mut scratch = matcher.scratch();
    let (mut texts, mut names) = (Vec::new(), Vec::new());
    for (index, rule) in matcher.rules().iter().enumerate() {
        // Rules that ask for a path are not for pipes and sockets. What is sent again is not to look like more of the same.
        let text = format!("\n\n{}\n\n#\n", rule.examples.first().expect("every rule has one"));
        let found = matcher.find(text.as_bytes(), &Place::default(), &mut scratch);
        let Some(found) = found.iter().find(|found| found.rule == index) else { continue };
        let (start, bytes) = (found.start as usize, (found.end - found.start) as usize);
        let cuts: Vec<usize> = match splits {
            Some(splits) => (1..=splits).map(|part| start + bytes * part / (splits + 1)).collect(),
            None => (start..=start + bytes).collect(),
        };
        names.push((rule.id.clone(), cuts.len()));
        texts.push((text, cuts));
    }
    assert!(names.len() >= 200, "only {} rules", names.len());
    let list = dir.text("texts.json");
    std::fs::write(&list, serde_json::to_string(&texts).expect("text")).expect("write the texts");
    let (program, file) = ([ENDS, MOVE].concat(), dir.text("moved"));
    let command = ["python3", "-c", &program, &list, &file, &certificate];
    let Some((output, records)) = watch_by_ebpf(&dir, &["--rules", "builtin"], &command) else { return };
    let ways: BTreeMap<String, String> = serde_json::from_slice(&output.stdout).expect("descriptors");
    assert_eq!(records.last().expect("the ledger")["lost"], serde_json::json!({}));
    let mut finds: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    for found in records.iter().filter(|record| record["kind"] == "content_match") {
        let text = |field: &str| found[field].as_str().expect("text");
        // The list itself is read from a descriptor that is another's later.
        if found["path"].as_str().is_some_and(|path| path.ends_with("texts.json")) {
            continue;
        }
        let way = match text("source") {
            "tls" => text("direction"),
            _ => ways.get(&found["fd"].to_string()).map_or("?", String::as_str),
        };
        *finds.entry((text("rule"), way, text("source"))).or_default() += 1;
    }
    let mut missing: Vec<String> = Vec::new();
    for (name, splits) in &names {
        for (way, source) in [
            ("file", "file_write"),
            ("file", "file_read"),
            ("pipe", "file_write"),
            ("pipe", "file_read"),
            ("tcp", "net_send"),
            ("tcp", "net_recv"),
            ("udp", "net_send"),
            ("udp", "net_recv"),
            ("send", "tls"),
            ("recv", "tls"),
        ] {
            let count = finds.get(&(name.as_str(), way, source)).copied().unwrap_or(0);
            if count < *splits {
                missing.push(format!("{name}: {way} {source}: {count} of {splits}"));
            }
        }
    }
    let cuts: usize = names.iter().map(|(_, splits)| splits).sum();
    println!("{} rules, split at {cuts} places, each on 10 ways", names.len());
    assert!(missing.is_empty(), "{} are missing:\n{}", missing.len(), missing.join("\n"));
    let others: Vec<_> = records
        .iter()
        .filter(|record| record["kind"] == "alert" && record["rule"] != "secret_sent")
        .map(|alert| (&alert["rule"], &alert["message"]))
        .collect();
    assert!(others.is_empty(), "{others:?}");
}
