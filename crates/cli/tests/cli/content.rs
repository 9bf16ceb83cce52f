//! `watch --rules` on real programs: what they read, write, send and receive (root).

use crate::python::ENDS;
use crate::run::{Dir, records, refused, run, watch_by_ebpf};
use serde_json::Value;
use std::collections::BTreeSet;

pub(crate) const RULES: &str = "[[rule]]\nid = 'token'\nregex = '\\btok_[0-9a-f]{16}\\b'\n";
pub(crate) const TOKEN: &str = "tok_0123456789abcdef";
/// Bytes of the file that is written at once: several pieces, whatever the kernel.
const FILE_BYTES: usize = 200_000;

/// Writes a file with tokens at places, reads it in part, writes a vector, and talks to itself over TCP and UDP.
const PROGRAM: &str = r#"
import os, socket, sys
token, size = sys.argv[1].encode(), int(sys.argv[2])
places = [int(place) for place in sys.argv[4:]]
data = bytearray(b"." * size)
for place in places:
    data[place:place + len(token)] = token
file = os.open(sys.argv[3], os.O_RDWR | os.O_CREAT, 0o600)
assert os.write(file, data) == size
os.pread(file, 64, places[1] - 8)
os.writev(file, [b" tok_0123", b"456789abcdef "])
with socket.socket() as listener:
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    near = socket.create_connection(listener.getsockname())
    far, _ = listener.accept()
    near.sendmsg([b"x ", token[:7], token[7:], b" y"])
    far.recv(100)
"#;

/// Places of tokens: at both ends, and around where a piece may end.
fn places() -> Vec<usize> {
    let around = |(number, piece): (usize, usize)| [piece - [30, 20, 19, 10, 1][number % 5], piece + 30];
    let pieces = [1024, 4096, 61_440, 61_441, 65_535, 65_536, 66_560, 70_000, 122_880, 126_975, 131_070];
    [0].into_iter().chain(pieces.into_iter().enumerate().flat_map(around)).collect()
}

/// Where the rule finds something: tokens too close to another are none.
fn expected(data: &str) -> BTreeSet<u64> {
    let rule = regex::Regex::new(r"\btok_[0-9a-f]{16}\b").expect("an expression");
    rule.find_iter(data).map(|found| found.start() as u64).collect()
}

fn offsets<'a>(records: &'a [Value], source: &str) -> Vec<&'a Value> {
    records.iter().filter(|record| record["kind"] == "content_match" && record["source"] == source).collect()
}

#[test]
fn what_moves_is_found_wherever_it_lies_and_never_shown() {
    let dir = Dir::new("content");
    std::fs::write(dir.path("rules.toml"), RULES).expect("write rules");
    let (rules, file) = (dir.text("rules.toml"), dir.text("data"));
    let size = FILE_BYTES.to_string();
    let places_at: Vec<String> = places().iter().map(usize::to_string).collect();
    let mut program = vec!["python3", "-c", PROGRAM, TOKEN, &size, &file];
    program.extend(places_at.iter().map(String::as_str));
    let Some((_, records)) = watch_by_ebpf(&dir, &["--rules", &rules], &program) else { return };
    let data = std::fs::read_to_string(&file).expect("what was written");
    let at = |record: &&Value| record["offset"].as_u64().expect("known");
    let written = offsets(&records, "file_write");
    assert!(written.iter().all(|record| record["path"] == *file));
    assert_eq!(written.iter().map(at).collect::<BTreeSet<_>>(), expected(&data));
    assert_eq!(written.len(), expected(&data).len(), "each once");
    assert!(offsets(&records, "file_read").iter().any(|record| at(record) == places()[1] as u64));
    let (sent, got) = (offsets(&records, "net_send"), offsets(&records, "net_recv"));
    assert_eq!((sent.len(), got.len()), (1, 1));
    assert!(
        sent[0]["remote"].as_str().expect("an address").starts_with("127.0.0.1:") && sent[0]["offset"] == 2
    );
    let text = std::fs::read_to_string(dir.path("out")).expect("records");
    let matches = text.lines().filter(|line| line.contains("content_match"));
    assert!(matches.clone().count() > 10 && !matches.into_iter().any(|line| line.contains(TOKEN)));
}

/// Writes 10 MB with tokens at these places in one call, and reads it in one.
const WHOLE: &str = r#"
import os, sys
token, size = sys.argv[1].encode(), int(sys.argv[2])
data = bytearray(b"." * size)
for place in map(int, sys.argv[4:]):
    data[place:place + len(token)] = token
file = os.open(sys.argv[3], os.O_RDWR | os.O_CREAT, 0o600)
assert os.write(file, data) == size
os.lseek(file, 0, os.SEEK_SET)
assert os.read(file, size) == data
halves = memoryview(data)
os.lseek(file, 0, os.SEEK_SET)
assert os.writev(file, [halves[:300000], halves[300000:300007], halves[300007:600000]]) == 600000
"#;
/// Bytes of it.
const WHOLE_BYTES: usize = 10_000_000;

#[test]
fn ten_million_bytes_of_one_call_are_judged_each_find_once() {
    let dir = Dir::new("content-whole");
    std::fs::write(dir.path("rules.toml"), RULES).expect("write rules");
    let (rules, file) = (dir.text("rules.toml"), dir.text("data"));
    // Some lie across every place where a piece or an event may end, whatever its size.
    let places: Vec<usize> = (0..400).map(|number| number * 24_989 + number % 23).collect();
    let words: Vec<String> = places.iter().map(usize::to_string).collect();
    let size = WHOLE_BYTES.to_string();
    let mut program = vec!["python3", "-c", WHOLE, TOKEN, &size, &file];
    program.extend(words.iter().map(String::as_str));
    let Some((_, records)) = watch_by_ebpf(&dir, &["--rules", &rules], &program) else { return };
    let told = |source| {
        let mut told: Vec<usize> = offsets(&records, source)
            .into_iter()
            .filter(|record| record["path"] == *file)
            .map(|record| record["offset"].as_u64().expect("known") as usize)
            .collect();
        told.sort_unstable();
        told
    };
    assert_eq!(told("file_read"), places);
    let again = places.iter().filter(|place| **place < 600_000 - TOKEN.len());
    let mut written: Vec<usize> = places.iter().chain(again).copied().collect();
    written.sort_unstable();
    assert_eq!(told("file_write"), written, "all by one call, and the first once more by a vector");
    assert_eq!(records.last().expect("the ledger")["lost"], serde_json::json!({}));
}

/// Pieces and bytes that are judged when `dd` copies so many blocks of 64 KiB; nothing without eBPF.
fn judged(dir: &Dir, blocks: u64) -> Option<[u64; 2]> {
    let (rules, to) = (dir.text("rules.toml"), format!("of={}", dir.text("data")));
    let count = format!("count={blocks}");
    let copy = ["dd", "if=/dev/zero", &to, "bs=64k", &count, "status=none"];
    let (_, records) = watch_by_ebpf(dir, &["--rules", &rules], &copy)?;
    let hooks = records.iter().find(|record| record["kind"] == "coverage").expect("one")["hooks"].clone();
    let content = hooks.as_array().expect("a list").iter().find(|hook| hook["name"] == "content");
    let why = content.expect("told")["why"].as_str().expect("words").to_owned();
    let numbers: Vec<u64> = why.split(' ').filter_map(|word| word.parse().ok()).collect();
    Some(numbers[..2].try_into().expect("pieces and bytes"))
}

#[test]
fn a_call_of_64_kib_is_judged_at_once() {
    let dir = Dir::new("content-piece");
    std::fs::write(dir.path("rules.toml"), RULES).expect("write rules");
    let (Some(few), Some(many)) = (judged(&dir, 16), judged(&dir, 48)) else { return };
    let [pieces, bytes] = [many[0] - few[0], many[1] - few[1]];
    // Before 5.17 the verifier follows each round, and pieces are of some hundred bytes.
    if pieces > 1000 {
        return eprintln!("skipped: this kernel judges pieces of {} bytes", bytes / pieces);
    }
    let calls = 2 * 32;
    assert_eq!(
        [pieces, bytes],
        [calls, calls * (65_536 + 1024)],
        "read and written, each behind the end of the one before"
    );
}

/// Moves a token in two calls, cut at each place, through [`ENDS`]; and once more in a vector.
const SPLIT: &str = r#"
token = b" " + sys.argv[1].encode() + b" "
for cut in range(1, len(token)):
    parts = token[:cut], token[cut:]
    for part in parts:
        os.write(file, part)
        os.write(there, part)
        near.sendall(part)
        of.send(part)
    for part in parts:
        assert os.read(here, len(part)) == part
        assert far.recv(len(part), socket.MSG_WAITALL) == part
        assert to.recv(100) == part
os.lseek(file, 0, os.SEEK_SET)
while os.read(file, 7):
    pass
os.writev(file, [token[:9]])
os.writev(file, [token[9:15], token[15:]])
os.pwrite(file, token[:9], 1000000)
os.pwrite(file, token[9:], 2000000)
"#;

#[test]
fn what_is_split_over_two_calls_is_found() {
    let dir = Dir::new("content-split");
    std::fs::write(dir.path("rules.toml"), RULES).expect("write rules");
    let (rules, file) = (dir.text("rules.toml"), dir.text("data"));
    let split = [ENDS, SPLIT].concat();
    let program = ["python3", "-c", &split, TOKEN, &file];
    let Some((_, records)) = watch_by_ebpf(&dir, &["--rules", &rules], &program) else { return };
    let cuts = TOKEN.len() + 1;
    let files =
        |source| offsets(&records, source).into_iter().filter(|record| record["path"] == *file).count();
    let (written, read) = (offsets(&records, "file_write").len(), offsets(&records, "file_read").len());
    assert_eq!((files("file_write"), files("file_read")), (cuts + 1, cuts), "a file, and once in vectors");
    assert_eq!((written - files("file_write"), read - files("file_read")), (cuts, cuts), "a pipe");
    assert_eq!(offsets(&records, "net_send").len(), 2 * cuts, "TCP and UDP");
    assert_eq!(offsets(&records, "net_recv").len(), 2 * cuts, "TCP and UDP");
}

/// Looks at a token before it is received, by each call that can; once after half of it was received.
const PEEK: &str = r#"
import socket, sys
token = b" " + sys.argv[1].encode() + b" "
near, far = socket.socketpair()
def peek():
    assert far.recv(100, socket.MSG_PEEK), "something is there"
    assert far.recvmsg(100, 0, socket.MSG_PEEK)[0]
near.sendall(token)
peek()
assert far.recv(100) == token
near.sendall(token[:9])
assert far.recv(100) == token[:9]
near.sendall(token[9:])
peek()
assert far.recv(100) == token[9:]
"#;

#[test]
fn what_is_peeked_at_is_counted_and_judged_when_it_is_received() {
    let dir = Dir::new("content-peek");
    std::fs::write(dir.path("rules.toml"), RULES).expect("write rules");
    let rules = dir.text("rules.toml");
    let program = ["python3", "-c", PEEK, TOKEN];
    let Some((_, records)) = watch_by_ebpf(&dir, &["--rules", &rules], &program) else { return };
    assert_eq!(offsets(&records, "net_send").len(), 2, "one whole, one in two calls");
    let got: Vec<_> = offsets(&records, "net_recv").iter().map(|found| found["offset"].clone()).collect();
    assert_eq!(got, [1, TOKEN.len() as u64 + 3], "the same, where they are in what was received");
    let bytes = 2 * (TOKEN.len() as u64 + 2);
    let closes = records.iter().filter(|record| record["bytes_received"] == bytes);
    assert_eq!(closes.count(), 1, "each byte once");
}

/// The beginning of a program: a token, and what calls with several messages take (`struct iovec`, `struct mmsghdr`).
pub(crate) const MESSAGES: &str = r#"
import ctypes, socket, sys
token = b" " + sys.argv[1].encode() + b" "
libc = ctypes.CDLL(None, use_errno=True)
class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]
class Message(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("name_len", ctypes.c_uint32), ("iov", ctypes.POINTER(Iovec)),
        ("iov_len", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_len", ctypes.c_size_t),
        ("flags", ctypes.c_int), ("pad", ctypes.c_int), ("len", ctypes.c_uint32)]
"#;

/// Moves tokens by calls with several messages and by pages given to a pipe; then, if asked, in ways that nothing judges.
const MANY: &str = r#"
import mmap, os
keep = []
def vector(parts):
    buffers = [ctypes.create_string_buffer(bytes(part), len(part)) for part in parts]
    keep.append(buffers)
    return (Iovec * len(parts))(*[Iovec(ctypes.cast(buffer, ctypes.c_void_p), len(buffer)) for buffer in buffers])
def messages(all):
    vectors = [vector(parts) for parts in all]
    keep.append(vectors)
    return (Message * len(all))(*[Message(None, 0, vector, len(vector), None, 0, 0, 0, 0) for vector in vectors])
to = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
to.bind(("127.0.0.1", 0))
of = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
of.connect(to.getsockname())
sent = [[b"nothing"], [token[:5], token[5:]], [], [b"x", token[:9]], [token[9:]]]
assert libc.sendmmsg(of.fileno(), messages(sent), len(sent), 0) == len(sent), ctypes.get_errno()
room = messages([[bytes(10), bytes(100)] for _ in sent])
assert libc.recvmmsg(to.fileno(), room, len(sent), 0, None) == len(sent), ctypes.get_errno()
here, there = os.pipe()
assert libc.vmsplice(there, vector([token[:7], token[7:]]), 2, 0) == len(token)
if sys.argv[3:]:
    file = os.open(sys.argv[2], os.O_RDWR | os.O_CREAT, 0o600)
    os.splice(here, file, len(token))
    mmap.mmap(file, 0).read()
    os.lseek(file, 0, os.SEEK_SET)
    os.sendfile(there, file, 0, 5)
"#;

#[test]
fn many_messages_of_a_call_are_judged_and_what_is_not_is_said() {
    let dir = Dir::new("content-many");
    std::fs::write(dir.path("rules.toml"), RULES).expect("write rules");
    let (rules, file) = (dir.text("rules.toml"), dir.text("data"));
    for more in [&[][..], &["more"]] {
        let text = [MESSAGES, MANY].concat();
        let program = [&["python3", "-c", &text, TOKEN, &file], more].concat();
        let Some((_, records)) = watch_by_ebpf(&dir, &["--rules", &rules], &program) else { return };
        assert_eq!(offsets(&records, "net_send").len(), 2, "one whole, one split over two messages");
        assert_eq!(offsets(&records, "net_recv").len(), 2, "and as they come");
        assert!(!offsets(&records, "file_write").is_empty(), "vmsplice");
        let hooks = records.iter().find(|record| record["kind"] == "coverage").expect("one")["hooks"].clone();
        let content = hooks.as_array().expect("a list").iter().find(|hook| hook["name"] == "content");
        let why = content.expect("told")["why"].as_str().expect("words");
        assert_eq!(why.contains("copies inside the kernel"), !more.is_empty(), "{why}");
        assert_eq!(
            why.contains(" 1 copies"),
            !more.is_empty(),
            "out of a pipe; that out of a file is judged: {why}"
        );
        assert!(
            more.is_empty() || why.contains("mapped files") && content.expect("told")["state"] == "partial"
        );
    }
}

#[test]
fn rules_that_are_none_and_recordings_of_secrets_are_refused() {
    let dir = Dir::new("content-bad");
    let out = dir.text("raw");
    refused(&["watch", "--rules", "/nonexistent/rules", "--", "true"], "/nonexistent/rules");
    refused(&["watch", "--rules", "builtin", "--record", &out, "--", "true"], "--no-redact");
}

#[test]
fn ptrace_says_that_it_tries_no_rule() {
    let dir = Dir::new("content-ptrace");
    let out = dir.text("out");
    let args = [
        "watch",
        "--backend",
        "ptrace",
        "--format",
        "jsonl",
        "--rules",
        "builtin",
        "--output",
        &out,
        "--",
        "true",
    ];
    assert_eq!(run(&args).status.code(), Some(0));
    let records = records(&dir.path("out"));
    let hooks = records.iter().find(|record| record["kind"] == "coverage").expect("one")["hooks"].clone();
    let content =
        hooks.as_array().expect("a list").iter().find(|hook| hook["name"] == "content").expect("told");
    assert_eq!(content["state"], "blind");
}
