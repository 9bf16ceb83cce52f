//! TCP: the shape of a SYN, which differs from system to system, and what a segment begins with.

use super::{http, tls};
use crate::cursor::Read;
use crate::packet::Packet;
use crate::signal::{Said, Signal};
use etherparse::{TcpOptionElement, TcpSlice};
use std::fmt::Write;

pub(super) fn decode(packet: &Packet<'_>, tcp: &TcpSlice<'_>, said: &mut Said) -> Read<()> {
    match (tcp.syn(), tcp.ack()) {
        (true, false) => {
            said.say(Signal::TcpSyn(syn(packet, tcp)));
            said.say(Signal::TcpSeeks(tcp.destination_port()));
        }
        (true, true) => said.say(Signal::TcpServes(tcp.source_port())),
        _ => {}
    }
    let payload = tcp.payload();
    if tls::begins(payload) {
        return tls::decode(payload, said);
    }
    http::decode(payload, said);
    Ok(())
}

/// Initial hops, whole or not, window, maximal segment, scale, and the options in their order (as p0f does).
fn syn(packet: &Packet<'_>, tcp: &TcpSlice<'_>) -> String {
    let initial_hops = match packet.hops {
        0..=32 => 32,
        33..=64 => 64,
        65..=128 => 128,
        _ => 255,
    };
    let (mut segment, mut scale, mut layout) = (0, None, String::new());
    for option in tcp.options_iterator() {
        layout.push(match option {
            Ok(TcpOptionElement::Noop) => 'N',
            Ok(TcpOptionElement::MaximumSegmentSize(bytes)) => {
                segment = bytes;
                'M'
            }
            Ok(TcpOptionElement::WindowScale(shift)) => {
                scale = Some(shift);
                'W'
            }
            Ok(TcpOptionElement::SelectiveAcknowledgementPermitted) => 'S',
            Ok(TcpOptionElement::SelectiveAcknowledgement(..)) => 'K',
            Ok(TcpOptionElement::Timestamp(..)) => 'T',
            Err(_) => {
                layout.push('?');
                break;
            }
        });
    }
    let mut text = format!("{initial_hops}:{}:{}:{segment}:", u8::from(packet.whole), tcp.window_size());
    match scale {
        Some(scale) => _ = write!(text, "{scale}"),
        None => text.push('-'),
    }
    text.push(':');
    text.push_str(&layout);
    text
}
