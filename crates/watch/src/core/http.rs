//! HTTP in the plain text of TLS connections, as records.
//!
//! A message is told when it has ended, so it is whole when secrets are sought in it: of what its record shows each field is
//! redacted by itself. Headers other than those of the record are not shown.
//!
//! Bounded: [`MAX_CONNS`] connections are read at once; of more, those that began first are left alone.

use super::Core;
use crate::talk::http::{Conversation, Kind, Message};
use crate::talk::judges::Judges;
use kernscope_report::{self as report, Body, Entry, HttpMessage, Proc, TlsData, TlsDirection};
use serde_json::Value;
use std::collections::BTreeMap;

/// Connections that are read at once.
const MAX_CONNS: usize = 1024;

/// What is said on connections, by their number.
#[derive(Debug, Default)]
pub(super) struct Talks(BTreeMap<u64, Talk>);

#[derive(Debug)]
struct Talk {
    conversation: Conversation,
    /// The record before: who, where and when.
    last: (u64, Option<Proc>, Vec<&'static str>),
    remote: Option<String>,
    /// Nothing more of it is HTTP.
    is_over: bool,
}

fn side(direction: TlsDirection) -> usize {
    usize::from(direction == TlsDirection::Send)
}

impl Core {
    /// Reads what was said; `entry` is its record.
    pub(super) fn http(&mut self, entry: &Entry, data: &[u8], out: &mut Vec<Entry>) {
        let Body::TlsData(said) = &entry.body else { return };
        if said.offset == 0 && !self.talks.0.contains_key(&said.conn) {
            if self.talks.0.len() >= MAX_CONNS {
                self.talks.0.pop_first();
            }
            self.talks.0.insert(said.conn, Talk::new(entry, said));
        }
        let Some(talk) = self.talks.0.get_mut(&said.conn).filter(|talk| !talk.is_over) else { return };
        talk.last = (entry.ts_ns, entry.proc.clone(), entry.escaped.clone());
        talk.remote.clone_from(&said.remote);
        let side = side(said.direction);
        let mut told = Vec::new();
        if said.missing_bytes > 0 {
            talk.conversation.cut(side, &mut told);
        }
        talk.conversation.push(side, said.offset, data, &mut told);
        talk.is_over = talk.conversation.is_over();
        self.tell_http(said.conn, told, out);
    }

    /// The connection has ended.
    pub(super) fn http_ends(&mut self, conn: u64, out: &mut Vec<Entry>) {
        let Some(talk) = self.talks.0.get_mut(&conn) else { return };
        let mut told = Vec::new();
        talk.conversation.end(&mut told);
        self.tell_http(conn, told, out);
        self.talks.0.remove(&conn);
    }

    fn tell_http(&mut self, conn: u64, told: Vec<Message>, out: &mut Vec<Entry>) {
        let Some(talk) = self.talks.0.get(&conn) else { return };
        let ((ts_ns, proc, escaped), remote) = (talk.last.clone(), talk.remote.clone());
        for message in told {
            let mut judges = self.config.redact.then_some(&mut self.judges);
            let body = Body::Http(record(message, conn, remote.clone(), &mut judges));
            self.derive(Entry { ts_ns, proc: proc.clone(), body, escaped: escaped.clone() }, out);
        }
    }
}

impl Talk {
    fn new(entry: &Entry, said: &TlsData) -> Self {
        let last = (entry.ts_ns, entry.proc.clone(), Vec::new());
        Self { conversation: Conversation::default(), last, remote: said.remote.clone(), is_over: false }
    }
}

fn record(
    message: Message,
    conn: u64,
    remote: Option<String>,
    judges: &mut Option<&mut Judges>,
) -> report::Http {
    let mut shown = |text: Option<String>| match judges {
        Some(judges) => text.map(|text| judges.redacted(text)),
        None => text,
    };
    let body = shown(message.body.map(|body| String::from_utf8_lossy(&body).into_owned()));
    report::Http {
        message: match message.kind {
            Kind::Request => HttpMessage::Request,
            Kind::Response => HttpMessage::Response,
            Kind::Event => HttpMessage::Event,
            Kind::Frame => HttpMessage::Frame,
        },
        version: message.version.to_owned(),
        conn,
        direction: if message.side == side(TlsDirection::Send) {
            TlsDirection::Send
        } else {
            TlsDirection::Recv
        },
        stream: message.stream,
        offset: message.offset,
        method: message.method,
        host: message.host,
        path: shown(message.path),
        status: message.status,
        content_type: message.content_type,
        content_encoding: message.content_encoding,
        upgrade: message.upgrade,
        event: message.event,
        body: body.map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text))),
        body_bytes: message.body_bytes,
        truncated: message.is_cut,
        remote,
    }
}
