//! What is kept of a body.

use super::sse::Events;
use super::unpack::Unpack;
use super::{BODY_BYTES, Kind, Message};

/// Takes a body as it comes.
#[derive(Debug)]
pub(super) enum Body {
    /// Counted, no more.
    Counted,
    /// Kept as far as there is room.
    Kept,
    /// Taken apart into events.
    Events(Box<Events>),
    /// Unpacked, and then one of these.
    Packed(Box<(Unpack, Body)>),
}

impl Body {
    /// What is to be done with the body of a message, by its head.
    pub(super) fn of(message: &Message) -> Self {
        let Some(kind) = &message.content_type else { return Self::Counted };
        let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let plain = match essence.as_str() {
            "text/event-stream" => Self::Events(Box::default()),
            "application/json" | "application/x-ndjson" | "application/jsonl" => Self::Kept,
            other if other.ends_with("+json") => Self::Kept,
            _ => return Self::Counted,
        };
        match &message.content_encoding {
            None => plain,
            Some(encoding) => match Unpack::of(encoding) {
                Some(unpack) => Self::Packed(Box::new((unpack, plain))),
                None => Self::Counted,
            },
        }
    }

    /// Whether each event is told by itself, and not the body with its message.
    pub(super) fn is_events(&self) -> bool {
        match self {
            Self::Events(_) => true,
            Self::Packed(packed) => packed.1.is_events(),
            Self::Counted | Self::Kept => false,
        }
    }

    /// Takes bytes of the body; events that are whole are given out.
    pub(super) fn take(&mut self, message: &mut Message, data: &[u8], out: &mut Vec<Message>) {
        message.body_bytes += data.len() as u64;
        self.keep(message, data, out);
    }

    fn keep(&mut self, message: &mut Message, data: &[u8], out: &mut Vec<Message>) {
        match self {
            Self::Counted => {}
            Self::Kept => {
                let body = message.body.get_or_insert_default();
                let room = BODY_BYTES - body.len().min(BODY_BYTES);
                body.extend_from_slice(&data[..data.len().min(room)]);
                message.is_cut |= data.len() > room;
            }
            Self::Events(events) => {
                for event in events.push(data) {
                    let mut told = Message::new(Kind::Event, message.version, message.offset);
                    told.stream = message.stream;
                    told.status = message.status;
                    (told.method, told.host) = (message.method.clone(), message.host.clone());
                    told.path.clone_from(&message.path);
                    told.content_type.clone_from(&message.content_type);
                    told.event = event.name;
                    told.body_bytes = event.bytes;
                    told.is_cut = event.bytes > event.data.len() as u64;
                    told.body = Some(event.data);
                    out.push(told);
                }
            }
            Self::Packed(packed) => {
                let (unpack, body) = packed.as_mut();
                let is_whole = unpack.push(data, &mut |plain| {
                    body.keep(message, plain, out);
                    // Of a body that is kept, what is beyond need not be unpacked.
                    !matches!(body, Self::Kept) || !message.is_cut
                });
                message.is_cut |= !is_whole;
            }
        }
    }
}
