//! `watch --rules` where data cannot be judged: what is not found was counted as lost, whatever the reason (root).

use crate::content::{MESSAGES, RULES, TOKEN};
use crate::run::{Dir, watch_by_ebpf};
use serde_json::Value;

/// Runs a program with the token and these arguments: finds that go out, and what was lost for want of reading.
fn moved(name: &str, options: &[&str], program: &str, args: &[&str]) -> Option<(usize, u64)> {
    let dir = Dir::new(name);
    std::fs::write(dir.path("rules.toml"), RULES).expect("write rules");
    let (rules, file) = (dir.text("rules.toml"), dir.text("data"));
    let options = [&["--rules", &rules], options].concat();
    let command = [&["python3", "-c", program, TOKEN, &file], args].concat();
    let (_, records) = watch_by_ebpf(&dir, &options, &command)?;
    let is_out = |record: &&Value| {
        record["kind"] == "content_match"
            && (record["source"] == "file_write" || record["source"] == "net_send")
    };
    let lost = records.last().expect("the ledger")["lost"].as_object().expect("by cause").clone();
    let unread = lost.get("content_unread").map_or(0, |lost| lost.as_u64().expect("a number"));
    assert!(!lost.contains_key("ring_full"), "nothing else is lost of what is judged: {lost:?}");
    let hooks = records.iter().find(|record| record["kind"] == "coverage").expect("one")["hooks"].clone();
    let content = hooks.as_array().expect("a list").iter().find(|hook| hook["name"] == "content");
    let content = content.expect("told");
    let why = content["why"].as_str().expect("words");
    match unread {
        0 => assert!(!why.contains("could not be read"), "{why}"),
        _ => {
            assert!(why.contains(&format!("{unread} calls that could not be read")), "{why}");
            assert_eq!(content["state"], "partial");
        }
    }
    Some((records.iter().filter(is_out).count(), unread))
}

/// Writes in calls of so many bytes, each with a token at its end, to a file or to standard output.
const LONG: &str = r#"
import os, sys
token = b" " + sys.argv[1].encode() + b" "
file = 1 if sys.argv[6:] else os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT, 0o600)
for size in range(*map(int, sys.argv[3:6])):
    assert os.write(file, b"." * (size - len(token)) + token) == size
"#;

#[test]
fn a_call_of_any_length_is_judged_to_its_end_or_counted() {
    // What goes through standard output is told by one program more before it is judged.
    for (options, to) in [(&[][..], &[][..]), (&["--stdio"], &["stdout"])] {
        let long = |sizes: [&str; 3]| moved("lost-long", options, LONG, &[&sizes[..], to].concat());
        let Some(judged) = long(["600000", "1600000", "40000"]) else { return };
        assert_eq!(judged, (25, 0), "around what fits into the smallest pieces");
        assert_eq!(long(["2000000", "10485761", "2828586"]), Some((4, 0)), "up to 10 MiB");
        assert_eq!(long(["11000000", "12000001", "1000000"]), Some((0, 2)), "more is counted");
    }
}

/// Sends datagrams with a token each, so many in a call: from one to two dozen.
const MANY: &str = r#"
to, of = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
to.bind(("127.0.0.1", 0))
of.connect(to.getsockname())
vector = (Iovec * 1)(Iovec(ctypes.cast(token, ctypes.c_void_p), len(token)))
for count in range(1, 25):
    messages = (Message * count)(*[Message(None, 0, vector, 1, None, 0, 0, 0, 0) for _ in range(count)])
    assert libc.sendmmsg(of.fileno(), messages, count, 0) == count, ctypes.get_errno()
"#;

#[test]
fn ten_messages_of_a_call_are_judged_and_the_rest_is_counted() {
    let Some((found, lost)) = moved("lost-many", &[], &[MESSAGES, MANY].concat(), &[]) else { return };
    let judged: usize = (1..25).map(|count| count.min(10)).sum();
    assert_eq!((found, lost), (judged, 14), "one is counted for each call of more than ten");
}

/// Writes pages that nobody has touched to where nobody reads them: all of a call, and all but its first piece, which has a token.
const UNTOUCHED: &str = r#"
import ctypes, mmap, os, sys
token = b" " + sys.argv[1].encode() + b" "
libc = ctypes.CDLL(None, use_errno=True)
null = os.open("/dev/null", os.O_WRONLY)
def write(touched):
    pages = mmap.mmap(-1, 4 << 20)
    pages[:touched] = (token + b"." * touched)[:touched]
    address = ctypes.addressof(ctypes.c_char.from_buffer(pages))
    assert libc.write(null, ctypes.c_void_p(address), 200_000) == 200_000
write(0)
write(100_000)
"#;

#[test]
fn pages_that_are_not_there_are_counted() {
    let Some((found, lost)) = moved("lost-untouched", &[], UNTOUCHED, &[]) else { return };
    assert_eq!(
        (found, lost),
        (1, 2),
        "the first piece of the second call is judged; nothing else can be read"
    );
}
