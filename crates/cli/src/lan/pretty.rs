//! Devices for people: a line each, or all that is known of one.

use kernscope_lan::anomaly::{Learnt, What, words};
use kernscope_report::pretty::equation;
use kernscope_report::{Alert, Body, Device, Sought};

/// A record in a line; what has nothing to say in none.
pub(super) fn lines(body: &Body) -> Vec<String> {
    match body {
        Body::Device(device) => vec![line(device)],
        Body::Alert(alert) => vec![warning(alert)],
        Body::Coverage(coverage) => {
            let gaps = coverage.hooks.iter().map(|hook| hook.why.as_str());
            let told: Vec<_> =
                [coverage.why.as_str()].into_iter().chain(gaps).filter(|gap| !gap.is_empty()).collect();
            if told.is_empty() { Vec::new() } else { vec![format!("coverage {}", told.join("; "))] }
        }
        Body::Ledger(ledger) => vec![format!("ledger {}", equation(ledger))],
        _ => Vec::new(),
    }
}

/// An alert in one line: how bad, which rule, what happened, who, its name.
fn warning(alert: &Alert) -> String {
    let Alert { severity, rule, message, mac, id, .. } = alert;
    format!("ALERT {} {rule}  {message}  {mac}  ({id})", severity.word())
}

/// A device in one line: address, what it is and how sure, name, maker, addresses.
fn line(device: &Device) -> String {
    let mut parts = vec![format!("{} {}", device.mac, what(device))];
    parts.extend(device.label.as_ref().filter(|label| **label != device.device_type).cloned());
    parts.extend((!device.one_of.is_empty()).then(|| format!("one of {}", device.one_of.join(", "))));
    parts.extend(device.hostname.as_ref().map(|name| format!("\"{name}\"")));
    parts.push(maker(device));
    parts.extend((!device.roles.is_empty()).then(|| device.roles.join(" ")));
    parts.extend((!device.ips.is_empty()).then(|| device.ips.join(" ")));
    parts.extend(device.same_as.iter().map(|other| format!("(may be {})", other.mac)));
    parts.join("  ")
}

/// All that is known of a device, a line a fact.
pub(super) fn whole(device: &Device, note: Option<&str>, learnt: &[(String, Learnt)]) -> Vec<String> {
    let mut facts = vec![
        ("type", what(device)),
        ("category", device.category.clone()),
        ("label", device.label.clone().unwrap_or_default()),
        ("one of", device.one_of.join(", ")),
        ("vendor", maker(device)),
        ("os", device.os.clone().unwrap_or_default()),
        ("model", device.model.clone().unwrap_or_default()),
        ("addresses", device.ips.join(" ")),
        ("roles", device.roles.join(" ")),
    ];
    facts.extend(device.names.iter().map(|name| ("name", format!("\"{}\" by {}", name.name, name.via))));
    facts.extend(device.evidence.iter().map(|evidence| {
        ("because", format!("{} (for {}, {:.2})", evidence.fact, evidence.speaks_for, evidence.weight))
    }));
    facts.extend(
        device
            .same_as
            .iter()
            .map(|other| ("may be", format!("{}: both have {}", other.mac, other.because.join("; ")))),
    );
    facts.extend(device.sought.map(|sought| ("sought", sentence(sought))));
    facts.extend(usual(learnt));
    facts.push(("note", note.unwrap_or_default().to_owned()));
    facts.push(("seen", format!("{} to {}, {} frames", device.first_seen, device.last_seen, device.frames)));
    facts.push(("now", if device.online { "online" } else { "offline" }.to_owned()));
    let told = facts.into_iter().filter(|(_, text)| !text.is_empty());
    [device.mac.clone()].into_iter().chain(told.map(|(head, text)| format!("  {head:<9}  {text}"))).collect()
}

/// What is usual for a device, by network. Of contacts the first dozen are named.
fn usual(learnt: &[(String, Learnt)]) -> Vec<(&'static str, String)> {
    const NAMED: usize = 12;
    let mut facts = Vec::new();
    for rows in learnt.chunk_by(|a, b| a.0 == b.0) {
        let network = &rows[0].0;
        let contacts: Vec<_> = rows.iter().filter(|(_, row)| row.what == What::Contact).collect();
        if !contacts.is_empty() {
            let named: Vec<_> = contacts.iter().take(NAMED).map(|(_, row)| row.key.as_str()).collect();
            let more = contacts.len() - named.len();
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            facts.push(("talks to", format!("{}{more}  (on {network})", named.join(", "))));
        }
        let others = rows.iter().filter(|(_, row)| row.what != What::Contact);
        let told = others.filter_map(|(_, row)| words(row));
        facts.extend(told.map(|told| ("usual", format!("{told}  (on {network})"))));
    }
    facts
}

fn sentence(sought: Sought) -> String {
    format!(
        "{} addresses, {} ports; in the busiest minute {} and {}",
        sought.addresses, sought.ports, sought.addresses_a_minute, sought.ports_a_minute
    )
}

fn what(device: &Device) -> String {
    match device.confidence {
        0.0 => device.device_type.clone(),
        sure => format!("{} ({:.0} %)", device.device_type, sure * 100.0),
    }
}

fn maker(device: &Device) -> String {
    match &device.vendor {
        Some(vendor) => vendor.clone(),
        None if device.mac_random => "random address".to_owned(),
        None => "unknown vendor".to_owned(),
    }
}
