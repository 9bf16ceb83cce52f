//! What was learnt, in words.

use super::super::{habit, seconds, volume};
use super::{Known, Learnt, What};
use kernscope_report::clock::Clock;

/// What rows tell of a network, in words; `learn_ns` is how long it is to be learnt.
pub fn summary(rows: &[Learnt], learn_ns: u64) -> String {
    let known: Option<Known> = rows.iter().find(|row| row.what == What::Network).and_then(Learnt::read);
    let left = |seen_s: u64| learn_ns.saturating_sub(seen_s.saturating_mul(1_000_000_000));
    let Some(Known { since_ns, seen_s }) = known else {
        return format!("nothing is known of it yet; {}", ends(learn_ns));
    };
    let counts: Vec<_> = [
        (What::Device, "devices"),
        (What::Contact, "contacts"),
        (What::Gateway, "gateways"),
        (What::DhcpServer, "DHCP servers"),
        (What::Router, "IPv6 routers"),
        (What::Resolver, "name servers"),
    ]
    .into_iter()
    .map(|(what, words)| (rows.iter().filter(|row| row.what == what).count(), words))
    .filter(|(count, _)| *count > 0)
    .map(|(count, words)| format!("{count} {}", if count == 1 { words.trim_end_matches('s') } else { words }))
    .collect();
    let known = if counts.is_empty() { String::new() } else { format!(" ({})", counts.join(", ")) };
    let since = Clock::new(0).rfc3339(since_ns).to_owned();
    format!("known since {since}{known}; {}", ends(left(seen_s)))
}

/// A fact about a device in words, where there are better ones than its key.
pub fn words(row: &Learnt) -> Option<String> {
    match row.what {
        What::Device => {
            let since_ns: u64 = row.read()?;
            Some(format!("here since {}", Clock::new(0).rfc3339(since_ns)))
        }
        What::Volume => volume::words(row),
        What::Habit => habit::words(row),
        _ => None,
    }
}

fn ends(left_ns: u64) -> String {
    match left_ns {
        0 => "learning is over".to_owned(),
        left_ns => format!("learning ends after {} in which frames come", seconds(left_ns)),
    }
}
