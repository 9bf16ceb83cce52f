//! What processes say, and what is found in it.

use crate::{
    Body, ContentMatch, ContentSource, Dns, Http, HttpMessage, PathInfo, Stdio, StdioMessage, TlsData,
    TlsDirection,
};

pub(super) fn content() -> Vec<(u32, Body)> {
    let found = ContentMatch {
        rule: "github-pat".to_owned(),
        description: String::new(),
        severity: "high".to_owned(),
        source: ContentSource::FileRead,
        path: PathInfo { path: Some("/home/a/.netrc".to_owned()), ..PathInfo::default() },
        remote: None,
        fd: 3,
        offset: Some(17),
        conn: None,
        direction: None,
        redacted: "ghp_[36 bytes more]".to_owned(),
        secret_bytes: 40,
    };
    let sent = ContentMatch {
        source: ContentSource::NetSend,
        path: PathInfo::default(),
        remote: Some("192.0.2.1:443".to_owned()),
        offset: None,
        ..found.clone()
    };
    let spoken = ContentMatch {
        source: ContentSource::Tls,
        offset: Some(40),
        conn: Some(1),
        direction: Some(TlsDirection::Send),
        ..sent.clone()
    };
    let found = [found, sent, spoken].map(Body::ContentMatch);
    let asked = Dns {
        query: "example.org".to_owned(),
        qtype: "A".to_owned(),
        id: 4711,
        server: Some("192.0.2.53:53".to_owned()),
        proto: "udp".to_owned(),
        fd: 4,
        ..Dns::default()
    };
    let answered =
        Dns { answers: vec!["192.0.2.1".to_owned()], rcode: Some("NOERROR".to_owned()), ..asked.clone() };
    found
        .into_iter()
        .chain([Body::TlsData(said()), Body::Dns(asked), Body::Dns(answered)])
        .chain(http())
        .chain([Body::Stdio(line())])
        .map(|body| (100, body))
        .collect()
}

fn http() -> [Body; 2] {
    let asked = Http {
        message: HttpMessage::Request,
        version: "2".to_owned(),
        conn: 1,
        direction: TlsDirection::Send,
        stream: Some(1),
        offset: 33,
        method: Some("POST".to_owned()),
        host: Some("api.example.org".to_owned()),
        path: Some("/v1/things".to_owned()),
        status: None,
        content_type: Some("application/json".to_owned()),
        content_encoding: None,
        upgrade: None,
        event: None,
        body: Some(serde_json::json!({"name": "x"})),
        body_bytes: 12,
        truncated: false,
        remote: Some("192.0.2.1:443".to_owned()),
    };
    let answered = Http {
        message: HttpMessage::Event,
        direction: TlsDirection::Recv,
        status: Some(200),
        content_type: Some("text/event-stream".to_owned()),
        event: Some("delta".to_owned()),
        body: Some("no JSON".into()),
        body_bytes: 20_000,
        truncated: true,
        ..asked.clone()
    };
    [asked, answered].map(Body::Http)
}

fn line() -> Stdio {
    Stdio {
        direction: TlsDirection::Recv,
        fd: 0,
        message: StdioMessage::Request,
        method: Some("tools/call".to_owned()),
        id: Some(7.into()),
        offset: 120,
        body: Some(serde_json::json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call"})),
        body_bytes: 46,
        truncated: false,
    }
}

fn said() -> TlsData {
    TlsData {
        direction: TlsDirection::Send,
        library: "openssl".to_owned(),
        library_path: Some("/usr/lib/libssl.so.3".to_owned()),
        conn: 1,
        offset: 0,
        len: 66,
        call_bytes: 66,
        truncated: false,
        missing_bytes: 0,
        data: "GET / HTTP/1.1\r\nAuthorization: Bearer ghp_[36 bytes more]\r\n\r\n".to_owned(),
        secrets: 1,
        fd: Some(5),
        local: Some("192.0.2.7:40000".to_owned()),
        remote: Some("192.0.2.1:443".to_owned()),
        socket_guessed: false,
    }
}
