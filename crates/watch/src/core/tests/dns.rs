//! Messages to and from name servers.

use super::*;
use serde_json::json;

fn message(answers: u8, tail: &[u8]) -> Vec<u8> {
    let flags: &[u8] = if answers == 0 { b"\x01\x00" } else { b"\x81\x80" };
    let head =
        [b"\x00\x07", flags, b"\0\x01\0", &[answers], b"\0\0\0\0", b"\x07example\x03org\0\0\x01\0\x01"]
            .concat();
    [&head, tail].concat()
}

fn answer() -> Vec<u8> {
    message(1, b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01")
}

fn moved(direction: u32, sock_type: u32, bytes: usize) -> Raw {
    let remote = abi::Endpoint { addr: [9; 16], port: 53, version: 4, scope: 0 };
    let bytes = bytes as u64;
    Raw::Dns(abi::Dns { file: file(1), remote, bytes, fd: 4, direction, sock_type, pad: 0 })
}

fn connect(version: u16, addr: [u8; 16]) -> Raw {
    let remote = abi::Endpoint { addr, port: 80, version, scope: 0 };
    Raw::Net(abi::Net { op: abi::NET_CONNECT, family: 2, sock_type: 1, remote, ..Default::default() })
}

#[test]
fn what_is_asked_and_answered_names_what_is_connected_to() {
    let mut bench = Bench::new();
    let ask = message(0, b"");
    // In two buffers, as a vector has them.
    let entry = bench.one(
        moved(abi::CONTENT_OUT, 2, ask.len()),
        &[(abi::SEC_DATA, 0, &ask[..5]), (abi::SEC_DATA, 0, &ask[5..])],
    );
    let expect = json!({
        "kind": "dns", "query": "example.org", "qtype": "A", "answers": [], "rcode": null, "id": 7,
        "server": "9.9.9.9:53", "proto": "udp", "fd": 4,
    });
    assert_eq!(json(&entry), expect);
    let mut v4 = [0; 16];
    v4[..4].copy_from_slice(&[192, 0, 2, 1]);
    assert_eq!(json(&bench.one(connect(4, v4), &[])).get("name"), None);
    let entry = json(&bench.one(moved(abi::CONTENT_IN, 2, 45), &[(abi::SEC_DATA, 0, &answer())]));
    assert_eq!((&entry["answers"], &entry["rcode"]), (&json!(["192.0.2.1"]), &json!("NOERROR")));
    assert_eq!(json(&bench.one(connect(4, v4), &[]))["name"], "example.org");
    let mapped = std::net::Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped().octets();
    assert_eq!(json(&bench.one(connect(6, mapped), &[]))["name"], "example.org");
}

#[test]
fn messages_of_a_stream_are_put_together_wherever_calls_part_them() {
    let one = [&u16::try_from(answer().len()).unwrap().to_be_bytes()[..], &answer()].concat();
    let both = [&one[..], &one].concat();
    for split in 1..both.len() {
        let mut bench = Bench::new();
        let mut told = 0;
        for part in [&both[..split], &both[split..]] {
            told += bench.send(moved(abi::CONTENT_IN, 1, part.len()), &[(abi::SEC_DATA, 0, part)]).len();
        }
        assert_eq!(told, 2, "split at {split}");
    }
    let mut bench = Bench::new();
    bench.none(moved(abi::CONTENT_IN, 1, 9), &[(abi::SEC_DATA, 0, &one[..9])], "dns_part");
    bench.none(moved(abi::CONTENT_IN, 1, 5000), &[(abi::SEC_DATA, 0, &one)], "dns_part");
    assert_eq!(bench.send(moved(abi::CONTENT_IN, 1, one.len()), &[(abi::SEC_DATA, 0, &one)]).len(), 1);
}

#[test]
fn what_is_no_message_is_accounted_for() {
    let mut bench = Bench::new();
    bench.none(moved(abi::CONTENT_OUT, 2, 3), &[(abi::SEC_DATA, 0, b"abc")], "dns_unread");
    assert_eq!(bench.send(moved(9, 2, 3), &[(abi::SEC_DATA, 0, b"abc")]), []);
    assert_eq!(bench.core.tally().undecodable, 1);
}
