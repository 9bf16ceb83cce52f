//! The list of devices.

use super::model::{Known, Model};
use super::table::{Cell, Column};
use super::text::{ago, short};
use crate::screen::look::{bold, dim};
use kernscope_report::pretty::units::bytes;
use ratatui::style::{Color, Style};
use std::cmp::Ordering;
use std::net::IpAddr;

const fn column(title: &'static str, width: u16, grows: u16, rank: u8) -> Column {
    Column { title, width, grows, right: false, rank, down: false }
}

const fn number(title: &'static str, width: u16, rank: u8) -> Column {
    Column { title, width, grows: 0, right: true, rank, down: true }
}

/// Its columns.
pub(super) const COLUMNS: [Column; 10] = [
    column("name", 16, 3, 0),
    column("type", 12, 2, 1),
    number("sure", 5, 6),
    column("vendor", 12, 2, 7),
    column("address", 15, 0, 3),
    number("rate", 11, 4),
    number("sent", 10, 8),
    number("received", 10, 9),
    number("seen", 6, 2),
    column("hardware", 17, 0, 10),
];

/// Which column shows the address: sorted by it rows stay where they are.
pub(super) const ADDRESS: usize = 4;

/// What the list leaves out.
pub(super) const FILTERS: [&str; 4] = ["all", "online", "with alerts", "unknown"];

/// Whether a filter lets a device through.
pub(super) fn is_wanted(known: &Known, filter: u8, words: &[String]) -> bool {
    let passes = match filter {
        1 => known.device.online,
        2 => known.alerts > 0,
        3 => known.device.category == "unknown",
        _ => true,
    };
    passes && words.iter().all(|word| known.text.contains(word.as_str()))
}

/// The order by a column.
pub(super) fn compare(a: &Known, b: &Known, column: usize) -> Ordering {
    match column {
        0 => a.title.to_lowercase().cmp(&b.title.to_lowercase()),
        1 => a.device.device_type.cmp(&b.device.device_type),
        2 => a.device.confidence.total_cmp(&b.device.confidence),
        3 => a.device.vendor.cmp(&b.device.vendor),
        ADDRESS => address(a).cmp(&address(b)),
        5 => a.rate.get().cmp(&b.rate.get()),
        6 => a.sent.cmp(&b.sent),
        7 => a.received.cmp(&b.received),
        8 => a.last_ns.cmp(&b.last_ns),
        _ => a.device.mac.cmp(&b.device.mac),
    }
}

/// Addresses in the order of their numbers, those without last.
fn address(known: &Known) -> (bool, Option<IpAddr>) {
    let address = known.device.ips.first().and_then(|ip| ip.parse().ok());
    (address.is_none(), address)
}

/// A field.
pub(super) fn cell(model: &Model, known: &Known, column: usize) -> Cell {
    let device = &known.device;
    let faint = if device.online { Style::new() } else { dim() };
    match column {
        0 => name(known),
        1 if device.device_type == "unknown" => Cell::styled("unknown", dim()),
        1 => Cell::styled(short(&device.device_type), faint),
        2 if device.confidence == 0.0 => Cell::new(""),
        2 => Cell::styled(format!("{:.0} %", device.confidence * 100.0), faint),
        3 => vendor(known),
        ADDRESS => Cell::styled(device.ips.first().map_or_else(String::new, |ip| short(ip)), faint),
        5 => rate(known.rate.get()),
        6 => amount(known.sent),
        7 => amount(known.received),
        8 => Cell::styled(ago(model.now_ns, known.last_ns), dim()),
        _ => Cell::styled(device.mac.clone(), dim()),
    }
}

fn name(known: &Known) -> Cell {
    let dot = if known.device.online { "\u{25cf}" } else { "\u{25cb}" };
    let style = match (known.alerts, known.device.online) {
        (1.., _) => bold().fg(Color::Red),
        (0, true) => bold(),
        (0, false) => dim(),
    };
    let warning = if known.alerts > 0 { "! " } else { "" };
    Cell::styled(format!("{dot} {warning}{}", known.title), style)
}

fn vendor(known: &Known) -> Cell {
    match &known.device.vendor {
        _ if known.device.mac_random => Cell::styled("random address", dim()),
        Some(vendor) => Cell::styled(short(vendor), dim()),
        None => Cell::styled("unknown", dim()),
    }
}

/// Bytes a second.
pub(super) fn rate(rate: u64) -> Cell {
    if rate == 0 {
        return Cell::styled("", dim());
    }
    Cell::styled(format!("{}/s", bytes(rate)), Style::new().fg(Color::Green))
}

/// Bytes.
pub(super) fn amount(count: u64) -> Cell {
    if count == 0 { Cell::new("") } else { Cell::new(bytes(count)) }
}
