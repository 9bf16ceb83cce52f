//! HTTP in plain text, as records.

use super::*;
use serde_json::{Value, json};

fn say(bench: &mut Bench, direction: u32, offset: u64, data: &[u8]) -> Vec<Value> {
    let remote = abi::Endpoint { addr: [1; 16], port: 443, version: 4, scope: 0 };
    let call_bytes = data.len() as u64;
    let known =
        abi::Tls { handle: 5, born_ns: 9, remote, fd: 4, joined: abi::TLS_SOCKET_USED, ..Default::default() };
    let tls = abi::Tls { direction, offset, call_bytes, ..known };
    let told = bench.send(Raw::Tls(tls), &[(abi::SEC_DATA, 0, data)]);
    told.iter().map(json).filter(|record| record["kind"] == "http").collect()
}

#[test]
fn a_request_and_its_answer_without_the_secret_in_them() {
    let mut bench = Bench::new();
    // In two parts, so that no scanner finds a token here.
    let token = ["ghp_", "0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R"].concat();
    let body = format!("{{\"token\":\"{token}\"}}");
    let head = format!(
        "POST /v1?t={token} HTTP/1.1\r\nHost: h.example\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    assert_eq!(say(&mut bench, abi::TLS_OUT, 0, head.as_bytes()), [] as [Value; 0]);
    let told = say(&mut bench, abi::TLS_OUT, head.len() as u64, body.as_bytes());
    let expect = json!({
        "kind": "http", "message": "request", "version": "1.1", "conn": 1, "direction": "send", "offset": 0, "method": "POST",
        "host": "h.example", "path": "/v1?t=ghp_[36 bytes more]", "status": null, "content_type": "application/json",
        "body": {"token": "ghp_[36 bytes more]"}, "body_bytes": body.len(), "remote": "1.1.1.1:443",
    });
    assert_eq!(told, [expect]);
    let told = say(&mut bench, abi::TLS_IN, 0, b"HTTP/1.1 204 No\r\n\r\n");
    assert_eq!(
        (told.len(), &told[0]["status"], &told[0]["path"]),
        (1, &json!(204), &json!("/v1?t=ghp_[36 bytes more]"))
    );
    assert_eq!(told[0]["direction"], "recv");
}

#[test]
fn a_gap_and_an_end_cut_what_has_begun() {
    for ends in [false, true] {
        let mut bench = Bench::new();
        say(&mut bench, abi::TLS_OUT, 0, b"PUT / HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc");
        let told = match ends {
            false => say(&mut bench, abi::TLS_OUT, 90, b"GET / HTTP/1.1\r\n\r\n"),
            true => bench.finish().iter().map(json).filter(|one| one["kind"] == "http").collect(),
        };
        assert_eq!((told.len(), &told[0]["truncated"], &told[0]["body_bytes"]), (1, &json!(true), &json!(3)));
    }
}

#[test]
fn a_connection_of_which_the_start_was_not_seen_is_left_alone() {
    let mut bench = Bench::new();
    assert_eq!(say(&mut bench, abi::TLS_OUT, 5, b"GET / HTTP/1.1\r\n\r\n"), [] as [Value; 0]);
}
