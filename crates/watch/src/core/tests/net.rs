use super::*;
use serde_json::json;

fn net(op: u32) -> abi::Net {
    let mut remote = abi::Endpoint { port: 80, version: 4, ..Default::default() };
    remote.addr[..4].copy_from_slice(&[10, 0, 0, 1]);
    abi::Net { op, fd: 3, family: 2, sock_type: 1, protocol: 6, file: file(1), remote, ..Default::default() }
}

#[test]
fn a_connection_attempt() {
    let mut bench = Bench::new();
    let entry = bench.one(Raw::Net(abi::Net { ret: -111, ..net(abi::NET_CONNECT) }), &[]);
    let expect = json!({
        "kind": "net_connect", "proto": "tcp", "local": null, "remote": "10.0.0.1:80", "fd": 3, "ret": -111,
        "errno": "ECONNREFUSED",
    });
    assert_eq!(json(&entry), expect);
}

#[test]
fn an_address_without_a_port_is_no_peer_unless_it_was_asked_for() {
    let mut bench = Bench::new();
    let remote = abi::Endpoint { port: 0, ..net(0).remote };
    let mut told = |op, sock_type, protocol| {
        let net = abi::Net { remote, sock_type, protocol, ..net(op) };
        json(&bench.one(Raw::Net(net), &[]))["remote"].clone()
    };
    assert_eq!(told(abi::NET_CLOSE, 1, 6), json!(null));
    assert_eq!(told(abi::NET_CONNECT, 1, 6), json!("10.0.0.1:0"));
    assert_eq!(told(abi::NET_CLOSE, 3, 1), json!("10.0.0.1:0"), "raw sockets have no ports");
}

#[test]
fn every_call_has_its_record() {
    let mut bench = Bench::new();
    for (op, name) in [
        (abi::NET_CONNECT, "net_connect"),
        (abi::NET_BIND, "net_bind"),
        (abi::NET_LISTEN, "net_listen"),
        (abi::NET_ACCEPT, "net_accept"),
        (abi::NET_SEND, "net_send"),
        (abi::NET_CLOSE, "net_close"),
    ] {
        assert_eq!(kind(&bench.one(Raw::Net(net(op)), &[])), name);
    }
    bench.header.flags = abi::FLAG_URING;
    assert_eq!(json(&bench.one(Raw::Net(net(abi::NET_CONNECT)), &[]))["io_uring"], true);
}

#[test]
fn unix_sockets() {
    let mut bench = Bench::new();
    let unix =
        |op| Raw::Net(abi::Net { family: 1, protocol: 0, remote: abi::Endpoint::default(), ..net(op) });
    let base: Sec<'_> = (abi::SEC_BASE, 0, b"run\0");
    let entry = json(&bench.one(unix(abi::NET_CONNECT), &[(abi::SEC_UNIX_REMOTE, 0, b"x.sock\0"), base]));
    assert_eq!((&entry["proto"], &entry["remote"]), (&json!("unix"), &json!("/run/x.sock")));
    let entry = json(&bench.one(unix(abi::NET_ACCEPT), &[(abi::SEC_UNIX_REMOTE, 0, b"x.sock\0"), base]));
    assert_eq!(entry["remote"], "x.sock", "relative to a directory of the peer, which is not known");
    let entry = json(&bench.one(unix(abi::NET_BIND), &[(abi::SEC_UNIX_LOCAL, 0, b"\0name")]));
    assert_eq!((&entry["local"], &entry["remote"]), (&json!("@name"), &json!(null)));
    let entry = bench.one(unix(abi::NET_BIND), &[(abi::SEC_UNIX_LOCAL, 0, b"/\xff")]);
    assert_eq!(entry.escaped, ["local"]);
}

#[test]
fn closes_follow_the_rules_of_files() {
    let mut bench = Bench::new();
    let close = |id, cause, sent_bytes| {
        Raw::Net(abi::Net {
            file: file(id),
            cause,
            sent_bytes,
            received_bytes: 5 * sent_bytes,
            ..net(abi::NET_CLOSE)
        })
    };
    bench.none(close(9, abi::CLOSE_EXIT, 0), &[], "inherited_close");
    bench.one(Raw::Net(net(abi::NET_CONNECT)), &[]);
    bench.one(close(1, abi::CLOSE_EXIT, 0), &[]);
    assert_eq!(bench.send(close(9, abi::CLOSE_EXEC, 2), &[]), []);
    bench.one(Raw::ExecFail(abi::ExecFail::default()), &[]);
    let entry = json(&bench.one(close(9, abi::CLOSE_CALL, 1), &[]));
    assert_eq!((&entry["bytes_sent"], &entry["bytes_received"]), (&json!(3), &json!(15)));
    bench.none(close(9, abi::CLOSE_FLUSH, 4), &[], "flush");
    assert_eq!(json(&bench.finish()[0])["bytes_sent"], 4);
}

#[test]
fn without_counts_they_are_null() {
    let mut bench = Bench::with(Config { counts: false, ..Config::default() });
    let entry = json(&bench.one(Raw::Net(net(abi::NET_CLOSE)), &[]));
    assert_eq!((&entry["bytes_sent"], &entry["bytes_received"]), (&json!(null), &json!(null)));
}
