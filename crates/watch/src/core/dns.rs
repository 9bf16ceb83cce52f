//! DNS: what the tree asks name servers, what they answer, and by which name an address was last answered.
//!
//! A datagram is a message. Through a stream (RFC 1035, 4.2.2) messages come behind their lengths, in as many calls as a
//! program likes; they are put together here.
//!
//! Bounded: [`MAX_STREAMS`] streams of at most one message, [`MAX_NAMES`] addresses; the oldest go first.

use super::{Core, Unknown, net};
use crate::raw::Event;
use crate::talk::dns::Message;
use kernscope_abi as abi;
use kernscope_report::text::Escapes;
use kernscope_report::{self as report, Body};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Streams in which a message has begun.
const MAX_STREAMS: usize = 1024;
/// Addresses of which a name is known.
const MAX_NAMES: usize = 65_536;
/// `SOCK_STREAM`.
const STREAM: u32 = 1;

/// What name servers have told.
#[derive(Debug, Default)]
pub(super) struct Names {
    by_address: HashMap<IpAddr, String>,
    /// Addresses, the one that was told first in front.
    order: VecDeque<IpAddr>,
    streams: BTreeMap<StreamKey, Vec<u8>>,
}

/// A process's use of a socket, and the direction.
type StreamKey = (u32, u64, u32);

impl Core {
    pub(super) fn dns(
        &mut self,
        event: &Event<'_>,
        dns: &abi::Dns,
        out: &mut Vec<report::Entry>,
    ) -> Result<(), Unknown> {
        if dns.direction > abi::CONTENT_OUT {
            return Err(Unknown);
        }
        let parts = event.sections.iter().filter(|section| section.tag == abi::SEC_DATA);
        let data: Vec<u8> = parts.flat_map(|section| section.bytes).copied().collect();
        let messages = match dns.sock_type {
            STREAM => self.answered.stream((event.header.pid, dns.file.id, dns.direction), &data, dns.bytes),
            _ => vec![data],
        };
        let known: Vec<Message> = messages.iter().filter_map(|bytes| Message::read(bytes)).collect();
        if known.is_empty() {
            self.tally.filter(if messages.is_empty() { "dns_part" } else { "dns_unread" });
        }
        for (number, message) in known.into_iter().enumerate() {
            self.answered.learn(&message);
            let entry = self.who(&event.header).entry(self.dns_body(dns, message), Escapes::default());
            match number {
                0 => self.emit(out, entry),
                _ => self.derive(entry, out),
            }
        }
        Ok(())
    }

    fn dns_body(&mut self, dns: &abi::Dns, message: Message) -> Body {
        let shown = |text: String, core: &mut Self| match core.config.redact {
            true => core.judges.redacted(text),
            false => text,
        };
        Body::Dns(report::Dns {
            query: shown(message.query, self),
            qtype: message.qtype,
            answers: message.answers.iter().map(|answer| shown(answer.to_string(), self)).collect(),
            rcode: message.rcode,
            id: message.id,
            server: net::endpoint(&dns.remote),
            proto: if dns.sock_type == STREAM { "tcp" } else { "udp" }.to_owned(),
            fd: dns.fd,
            truncated: message.is_truncated || message.is_cut,
        })
    }

    /// The name by which an address was last answered.
    pub(super) fn answered_name(&self, end: &abi::Endpoint) -> Option<String> {
        self.answered.by_address.get(&address(end)?).cloned()
    }
}

impl Names {
    /// The messages that are whole with these bytes. A stream of which bytes are missing is given up.
    fn stream(&mut self, key: StreamKey, data: &[u8], bytes: u64) -> Vec<Vec<u8>> {
        if data.len() as u64 != bytes
            || (self.streams.len() >= MAX_STREAMS && !self.streams.contains_key(&key))
        {
            self.streams.remove(&key);
            return Vec::new();
        }
        let mut waiting = self.streams.remove(&key).unwrap_or_default();
        waiting.extend_from_slice(data);
        let mut messages = Vec::new();
        let mut rest = &waiting[..];
        while let Some((len, behind)) = rest.split_first_chunk::<2>() {
            let Some(message) = behind.get(..usize::from(u16::from_be_bytes(*len))) else { break };
            messages.push(message.to_vec());
            rest = &behind[message.len()..];
        }
        if !rest.is_empty() {
            self.streams.insert(key, rest.to_vec());
        }
        messages
    }

    /// Notes for which name the addresses stand.
    fn learn(&mut self, message: &Message) {
        for address in message.addresses() {
            if self.by_address.insert(address.to_canonical(), message.query.clone()).is_none() {
                self.order.push_back(address.to_canonical());
            }
        }
        while self.order.len() > MAX_NAMES {
            if let Some(oldest) = self.order.pop_front() {
                self.by_address.remove(&oldest);
            }
        }
    }
}

fn address(end: &abi::Endpoint) -> Option<IpAddr> {
    let [a, b, c, d, ..] = end.addr;
    match end.version {
        4 => Some(Ipv4Addr::new(a, b, c, d).into()),
        6 => Some(IpAddr::from(Ipv6Addr::from(end.addr)).to_canonical()),
        _ => None,
    }
}
