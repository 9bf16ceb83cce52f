//! The list of flows: who talks to whom, by what, how much.

use super::devices::{amount, rate};
use super::model::{Flow, Model};
use super::table::{Cell, Column};
use super::text::ago;
use crate::screen::look::{bold, dim};
use kernscope_lan::anomaly::Peer;
use ratatui::style::Style;
use std::cmp::Ordering;

const fn number(title: &'static str, width: u16, rank: u8) -> Column {
    Column { title, width, grows: 0, right: true, rank, down: true }
}

/// Its columns.
pub(super) const COLUMNS: [Column; 8] = [
    Column { title: "device", width: 14, grows: 1, right: false, rank: 0, down: false },
    Column { title: "talks to", width: 14, grows: 2, right: false, rank: 1, down: false },
    Column { title: "by", width: 9, grows: 0, right: false, rank: 2, down: false },
    number("rate", 11, 3),
    number("sent", 10, 4),
    number("received", 10, 5),
    number("conns", 6, 7),
    number("seen", 6, 6),
];

/// Which column shows the rate.
pub(super) const RATE: usize = 3;

/// What the list leaves out.
pub(super) const FILTERS: [&str; 4] = ["all", "within this network", "to elsewhere", "now"];

/// Whether a filter lets a flow through.
pub(super) fn is_wanted(model: &Model, flow: &Flow, filter: u8, words: &[String]) -> bool {
    let passes = match filter {
        1 => matches!(flow.peer, Peer::Device(_)),
        2 => matches!(flow.peer, Peer::Remote(_)),
        3 => flow.rate.get() > 0,
        _ => true,
    };
    passes && (words.is_empty() || has_words(model, flow, words))
}

fn has_words(model: &Model, flow: &Flow, words: &[String]) -> bool {
    let (name, peer) = (model.name(flow.mac), model.peer(flow));
    let text = format!("{name} {} {peer} {} {}", flow.mac, flow.peer, flow.channel).to_lowercase();
    words.iter().all(|word| text.contains(word.as_str()))
}

/// The order by a column.
pub(super) fn compare(model: &Model, a: &Flow, b: &Flow, column: usize) -> Ordering {
    match column {
        0 => model.name(a.mac).cmp(&model.name(b.mac)),
        1 => model.peer(a).cmp(&model.peer(b)),
        2 => a.channel.cmp(&b.channel),
        RATE => (a.rate.get(), a.last_ns).cmp(&(b.rate.get(), b.last_ns)),
        4 => a.sent.cmp(&b.sent),
        5 => a.received.cmp(&b.received),
        6 => a.connections.cmp(&b.connections),
        _ => a.last_ns.cmp(&b.last_ns),
    }
}

/// A field.
pub(super) fn cell(model: &Model, flow: &Flow, column: usize) -> Cell {
    match column {
        0 => Cell::styled(model.name(flow.mac), bold()),
        1 => Cell::styled(model.peer(flow), peer_style(&flow.peer)),
        2 => Cell::new(flow.channel.to_string()),
        RATE => rate(flow.rate.get()),
        4 => amount(flow.sent),
        5 => amount(flow.received),
        6 if flow.connections == 0 => Cell::new(""),
        6 => Cell::new(flow.connections.to_string()),
        _ => Cell::styled(ago(model.now_ns, flow.last_ns), dim()),
    }
}

fn peer_style(peer: &Peer) -> Style {
    match peer {
        Peer::Device(_) => bold(),
        Peer::Remote(_) => Style::new(),
        Peer::Everyone | Peer::Others => dim(),
    }
}
