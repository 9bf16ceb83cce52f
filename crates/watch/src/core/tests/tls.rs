//! Plain text of TLS connections.

use super::*;

fn said(at: u64, offset: u64, call_bytes: u64) -> abi::Tls {
    abi::Tls {
        handle: 5,
        born_ns: 9,
        offset,
        call_bytes,
        at,
        remote: abi::Endpoint { addr: [0; 16], port: 443, version: 4, scope: 0 },
        fd: 4,
        joined: abi::TLS_SOCKET_USED,
        direction: abi::TLS_OUT,
        target: 1,
        ..Default::default()
    }
}

/// Plain text that is told at once.
fn plain(bench: &mut Bench, tls: abi::Tls, data: &[u8]) -> Entry {
    bench.one(Raw::Tls(tls), &[(abi::SEC_DATA, 0, data)])
}

fn target(bench: &mut Bench) {
    let body = Raw::TlsTarget(abi::TlsTarget { target: 1, library: abi::TLS_OPENSSL });
    bench.none(body, &[(abi::SEC_RESOLVED, 0, b"/lib/libssl.so.3")], "tls_target");
}

#[test]
fn parts_have_their_place_and_gaps_are_told() {
    let mut bench = Bench::with(Config { redact: false, ..Config::default() });
    target(&mut bench);
    let part = |bench: &mut Bench, tls, data: &[u8]| json(&plain(bench, tls, data));
    let first = part(&mut bench, said(0, 0, 6), b"abc");
    assert_eq!((&first["conn"], &first["offset"], &first["len"]), (&1.into(), &0.into(), &3.into()));
    assert_eq!((&first["direction"], &first["library"]), (&"send".into(), &"openssl".into()));
    assert_eq!(
        (&first["library_path"], &first["remote"]),
        (&"/lib/libssl.so.3".into(), &"0.0.0.0:443".into())
    );
    let second = part(&mut bench, said(3, 0, 6), b"def");
    assert_eq!((&second["offset"], &second["truncated"]), (&3.into(), &false.into()));
    let third = part(&mut bench, said(0, 10, 2), b"\xffz");
    assert_eq!((&third["truncated"], &third["missing_bytes"]), (&true.into(), &4.into()));
    assert_eq!(third["data"], "\\xffz");
    // Another direction begins at its own start, another connection is another number.
    let back = part(&mut bench, abi::Tls { direction: abi::TLS_IN, ..said(0, 0, 1) }, b"x");
    assert_eq!((&back["conn"], &back["truncated"]), (&1.into(), &false.into()));
    let other = part(&mut bench, abi::Tls { born_ns: 10, ..said(0, 0, 1) }, b"x");
    assert_eq!(other["conn"], 2);
    let coverage = bench.core.tls_coverage();
    assert_eq!(coverage.len(), 1);
    assert_eq!((coverage[0].pid, coverage[0].state), (20, kernscope_report::State::Partial));
    assert!(coverage[0].why.contains("4 bytes"), "{}", coverage[0].why);
}

#[test]
fn what_is_missing_at_the_end_is_told_as_well() {
    let mut bench = Bench::new();
    target(&mut bench);
    assert_eq!(bench.send(Raw::Tls(said(0, 0, 3)), &[(abi::SEC_DATA, 0, b"abc")]), [], "it waits");
    assert_eq!(bench.core.tls_coverage()[0].state, kernscope_report::State::Attached);
    let end = abi::Tls { direction: abi::TLS_END, offset: 7, call_bytes: 3, ..said(0, 0, 0) };
    assert_eq!(json(&bench.one(Raw::Tls(end), &[]))["data"], "abc");
    assert_eq!(bench.filtered("tls_end"), 1);
    let coverage = bench.core.tls_coverage();
    assert_eq!(coverage[0].state, kernscope_report::State::Partial);
    assert!(coverage[0].why.starts_with("7 bytes"), "{}", coverage[0].why);
    let other = abi::Tls { direction: 9, ..said(0, 0, 1) };
    assert_eq!(bench.send(Raw::Tls(other), &[(abi::SEC_DATA, 0, b"x")]), []);
    assert_eq!(bench.core.tally().undecodable, 1);
}

#[test]
fn who_connects_and_is_not_seen_is_blind() {
    let mut bench = Bench::new();
    target(&mut bench);
    let connect = |port, ret| {
        let remote = abi::Endpoint { addr: [0; 16], port, version: 4, scope: 0 };
        Raw::Net(abi::Net {
            op: abi::NET_CONNECT,
            family: 2,
            sock_type: 1,
            remote,
            ret,
            ..Default::default()
        })
    };
    for (port, ret) in [(80, 0), (443, -111)] {
        bench.one(connect(port, ret), &[]);
        assert_eq!(bench.core.tls_coverage(), []);
    }
    bench.one(connect(443, -115), &[]);
    let coverage = bench.core.tls_coverage();
    assert_eq!((coverage[0].pid, coverage[0].state), (20, kernscope_report::State::Blind));
    assert!(coverage[0].why.contains("0.0.0.0:443"), "{}", coverage[0].why);
    bench.send(Raw::Tls(said(0, 0, 1)), &[(abi::SEC_DATA, 0, b"x")]);
    assert_eq!(bench.core.tls_coverage()[0].state, kernscope_report::State::Attached);
}

#[test]
fn a_handshake_is_blind_until_a_library_is_known() {
    let mut bench = Bench::new();
    target(&mut bench);
    let remote = abi::Endpoint { addr: [0; 16], port: 4433, version: 4, scope: 0 };
    let seen = abi::Tls { direction: abi::TLS_SEEN, remote, ..Default::default() };
    bench.none(Raw::Tls(seen), &[], "tls_seen");
    let coverage = bench.core.tls_coverage();
    assert_eq!((coverage.len(), coverage[0].state), (1, kernscope_report::State::Blind));
    let why = "a TLS handshake went over a socket to 0.0.0.0:4433: it called no function of a TLS library that is followed";
    assert_eq!(coverage[0].why, why);
    let used = abi::Tls { direction: abi::TLS_USED, target: 1, ..Default::default() };
    bench.none(Raw::Tls(used), &[], "tls_used");
    let coverage = bench.core.tls_coverage();
    assert_eq!((coverage.len(), coverage[0].state), (1, kernscope_report::State::Attached));
}

#[test]
fn who_shook_hands_before_the_library_was_followed_is_partial() {
    let mut bench = Bench::new();
    let remote = abi::Endpoint { addr: [0; 16], port: 4433, version: 4, scope: 0 };
    bench.none(
        Raw::Tls(abi::Tls { direction: abi::TLS_SEEN, remote, ..Default::default() }),
        &[],
        "tls_seen",
    );
    bench.header.ts_ns += 5;
    target(&mut bench);
    let used = abi::Tls { direction: abi::TLS_USED, target: 1, ..Default::default() };
    bench.none(Raw::Tls(used), &[], "tls_used");
    let coverage = bench.core.tls_coverage();
    assert_eq!((coverage.len(), coverage[0].state), (1, kernscope_report::State::Partial));
    assert!(coverage[0].why.contains("0.0.0.0:4433 before the library was followed"), "{}", coverage[0].why);
}
