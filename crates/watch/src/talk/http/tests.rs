use super::*;

/// Both sides of a conversation, said in parts of `step` bytes, one side after the other.
fn told(sides: [&[u8]; 2], step: usize) -> Vec<Message> {
    let (mut talk, mut out) = (Conversation::default(), Vec::new());
    for (side, bytes) in sides.into_iter().enumerate() {
        for (number, part) in bytes.chunks(step).enumerate() {
            talk.push(side, (number * step) as u64, part, &mut out);
        }
    }
    talk.end(&mut out);
    out
}

/// The same for parts of any size, which must all tell the same.
fn always(sides: [&[u8]; 2]) -> Vec<Message> {
    let whole = told(sides, usize::MAX);
    for step in 1..sides[0].len().max(sides[1].len()) {
        assert_eq!(told(sides, step), whole, "in parts of {step}");
    }
    whole
}

fn text(message: &Message) -> &str {
    std::str::from_utf8(message.body.as_deref().unwrap_or_default()).expect("text")
}

#[test]
fn questions_and_answers_of_one_connection() {
    let asked = b"POST /v1/x?y=1 HTTP/1.1\r\nHost: api.example.org\r\nContent-Type: application/json\r\n\
        Content-Length: 7\r\n\r\n{\"a\":1}HEAD / HTTP/1.1\r\nHost: b\r\n\r\nGET /c HTTP/1.1\r\nHost: c\r\n\r\n";
    let answered = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Type: application/problem+json; charset=x\r\n\
        Transfer-Encoding: chunked\r\n\r\n5;x=y\r\n{\"b\":\r\n2\r\n2}\r\n0\r\nTrailer: x\r\n\r\n\
        HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nHTTP/1.0 404 No\r\n\r\nuntil the end";
    let told = always([asked, answered]);
    let brief: Vec<_> = told
        .iter()
        .map(|one| {
            (
                one.kind,
                one.method.as_deref().unwrap(),
                one.host.as_deref().unwrap(),
                one.status,
                one.body_bytes,
            )
        })
        .collect();
    let (ask, answer) = (Kind::Request, Kind::Response);
    let expect = [
        (ask, "POST", "api.example.org", None, 7),
        (ask, "HEAD", "b", None, 0),
        (ask, "GET", "c", None, 0),
        (answer, "POST", "api.example.org", Some(201), 7),
        (answer, "HEAD", "b", Some(200), 0),
        (answer, "GET", "c", Some(404), 13),
    ];
    assert_eq!(brief, expect);
    assert_eq!((text(&told[0]), text(&told[3])), ("{\"a\":1}", "{\"b\":2}"));
    assert_eq!(
        (told[0].path.as_deref(), told[2].version, told[5].version),
        (Some("/v1/x?y=1"), "1.1", "1.0")
    );
    assert!(told.iter().all(|one| !one.is_cut && one.body.is_some() == (one.body_bytes == 7)));
    assert_eq!(told[1].offset, asked.windows(4).position(|four| four == b"HEAD").unwrap() as u64);
}

#[test]
fn events_are_told_one_by_one() {
    let body = b"event: delta\ndata: {\"a\":1}\n\n: comment\r\ndata: x\r\ndata:y\r\n\r\ndata: cut";
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunks: Vec<u8> = body
        .chunks(7)
        .flat_map(|part| [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat())
        .collect();
    let told = always([b"GET /s HTTP/1.1\r\nHost: h\r\n\r\n", &[&head[..], &chunks, b"0\r\n\r\n"].concat()]);
    let brief: Vec<_> = told.iter().map(|one| (one.kind, one.event.as_deref(), text(one))).collect();
    let expect = [
        (Kind::Request, None, ""),
        (Kind::Response, None, ""),
        (Kind::Event, Some("delta"), "{\"a\":1}"),
        (Kind::Event, None, "x\ny"),
    ];
    assert_eq!(brief, expect);
    assert_eq!((told[3].path.as_deref(), told[3].status), (Some("/s"), Some(200)));
}

#[test]
fn what_breaks_off_or_is_too_long_says_so() {
    let long = "x".repeat(BODY_BYTES + 1);
    let asked = format!(
        "PUT / HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{long}",
        long.len()
    );
    let all = told([asked.as_bytes(), b""], 1000);
    assert!(all.len() == 1 && all[0].is_cut && all[0].body_bytes == long.len() as u64);
    assert_eq!(all[0].body.as_ref().map(Vec::len), Some(BODY_BYTES));
    let broken = told([&asked.as_bytes()[..asked.len() - 10], b""], 1000);
    assert!(broken[0].is_cut && broken[0].body_bytes == long.len() as u64 - 10);
}

#[test]
fn what_is_no_http_is_left_alone() {
    for bytes in [
        &b"\x16\x03\x01\x02\0\x01"[..],
        b"220 mail.example.org ESMTP\r\n",
        b"\0\0\0\x05",
        b"SSH-2.0-x\r\n",
        b"{}",
    ] {
        let (mut talk, mut out) = (Conversation::default(), Vec::new());
        talk.push(0, 0, bytes, &mut out);
        assert_eq!((out.len(), matches!(talk.sides[0], Side::Other)), (0, true), "{}", bytes.escape_ascii());
    }
    let (mut talk, mut out) = (Conversation::default(), Vec::new());
    talk.push(0, 0, b"GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: rfb\r\n\r\n", &mut out);
    talk.push(1, 0, b"HTTP/1.1 101 Switching\r\nUpgrade: rfb\r\n\r\n\x81\x05GET /", &mut out);
    talk.push(0, 60, b"GET / HTTP/1.1\r\n\r\n", &mut out);
    assert!(talk.is_over());
    let upgrades: Vec<_> = out.iter().map(|one| one.upgrade.as_deref()).collect();
    assert_eq!(upgrades, [Some("rfb"); 2]);
}

#[test]
fn a_connection_becomes_a_websocket() {
    let asked = &b"GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n\x81\x82\x01\x02\x03\x04ik"[..];
    let answered = &b"HTTP/1.1 101 Switching\r\nUpgrade: WebSocket\r\n\r\n\x81\x07{\"a\":1}\x82\x01x"[..];
    let head = asked.len() - 8;
    for size in [1, 7, 1000] {
        let (mut talk, mut told) = (Conversation::default(), Vec::new());
        let places = [(0, 0, &asked[..head]), (1, 0, answered), (0, head, &asked[head..])];
        for (side, at, bytes) in places {
            for (number, part) in bytes.chunks(size).enumerate() {
                talk.push(side, (at + number * size) as u64, part, &mut told);
            }
        }
        talk.end(&mut told);
        let brief: Vec<_> =
            told.iter().map(|one| (one.kind, one.side, one.event.as_deref(), text(one))).collect();
        let mut frames: Vec<_> = brief.iter().filter(|one| one.0 == Kind::Frame).copied().collect();
        frames.sort_by_key(|one| one.1);
        let expect = [
            (Kind::Frame, 0, Some("text"), "hi"),
            (Kind::Frame, 1, Some("text"), "{\"a\":1}"),
            (Kind::Frame, 1, Some("binary"), ""),
        ];
        assert_eq!(frames, expect, "{brief:?}");
        assert!(told.iter().all(|one| one.path.as_deref() == Some("/chat")), "{told:?}");
    }
}

#[test]
fn packed_bodies_are_shown_unpacked() {
    use std::io::Write;
    let json = br#"{"packed": true}"#;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let packed = gzip.write_all(json).and_then(|()| gzip.finish()).expect("in memory");
    let answered = |encoding: &str| {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: {encoding}\r\nContent-Length: {}\r\n\r\n",
            packed.len()
        );
        [head.as_bytes(), &packed].concat()
    };
    for size in [1, 1000] {
        let all = told([b"GET / HTTP/1.1\r\n\r\n", &answered("gzip")], size);
        assert_eq!((text(&all[1]).as_bytes(), all[1].is_cut), (&json[..], false));
        assert_eq!(
            (all[1].body_bytes, all[1].content_encoding.as_deref()),
            (packed.len() as u64, Some("gzip"))
        );
        let all = told([b"GET / HTTP/1.1\r\n\r\n", &answered("br")], size);
        assert_eq!((&all[1].body, all[1].body_bytes), (&None, packed.len() as u64));
    }
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&len[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
}

#[test]
fn frames_of_http2() {
    let mut encoder = loona_hpack::Encoder::new();
    let mut block = |headers: &[(&str, &str)]| {
        encoder.encode(headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
    };
    let first = block(&[
        (":method", "POST"),
        (":path", "/a"),
        (":authority", "h.example"),
        ("content-type", "application/json"),
    ]);
    let second = block(&[(":method", "GET"), (":path", "/b"), (":authority", "h.example")]);
    let asked = [
        &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
        &frame(4, 0, 0, &[]),
        &frame(1, 0x20, 1, &[&[0, 0, 0, 0, 9], &first[..3]].concat()),
        &frame(9, 4, 1, &first[3..]),
        &frame(1, 5, 3, &second),
        &frame(0, 8, 1, b"\x02{\"a\"--"),
        &frame(8, 0, 0, &[0, 0, 1, 0]),
        &frame(0, 1, 1, b":2}"),
    ]
    .concat();
    let mut encoder = loona_hpack::Encoder::new();
    let mut block = |headers: &[(&str, &str)]| {
        encoder.encode(headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
    };
    let answered = [
        frame(4, 0, 0, &[0, 3, 0, 0, 0, 100]),
        frame(1, 4, 3, &block(&[(":status", "200"), ("content-type", "text/event-stream")])),
        frame(0, 0, 3, b"data: {\"b\":3}\n\n"),
        frame(1, 4, 1, &block(&[(":status", "404")])),
        frame(0, 0, 1, b"nothing"),
        frame(1, 5, 1, &block(&[("grpc-status", "5")])),
        frame(3, 0, 3, &[0, 0, 0, 8]),
    ]
    .concat();
    let told = always([&asked, &answered]);
    let brief: Vec<_> = told
        .iter()
        .map(|one| {
            (
                one.kind,
                one.stream.unwrap(),
                one.method.as_deref().unwrap(),
                one.path.as_deref().unwrap(),
                one.status,
            )
        })
        .collect();
    let expect = [
        (Kind::Request, 3, "GET", "/b", None),
        (Kind::Request, 1, "POST", "/a", None),
        (Kind::Response, 3, "GET", "/b", Some(200)),
        (Kind::Event, 3, "GET", "/b", Some(200)),
        (Kind::Response, 1, "POST", "/a", Some(404)),
    ];
    assert_eq!(brief, expect);
    assert_eq!((text(&told[1]), text(&told[3]), told[4].body_bytes), ("{\"a\":2}", "{\"b\":3}", 7));
    assert!(told.iter().all(|one| !one.is_cut && one.host.as_deref() == Some("h.example")));
}
