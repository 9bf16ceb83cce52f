//! The map of who talks to whom: bounded, whatever the database holds.
//!
//! Every device is a point; of those elsewhere the ones with the most traffic, all others are one point. Lines are those with the
//! most bytes.

use super::answers::title;
use kernscope_lan::store::KeptTalk;
use kernscope_report::Device;
use serde_json::{Value, json};
use std::collections::HashMap;

const DEVICES_MAX: usize = 2_000;
const REMOTES_MAX: usize = 60;
const LINES_MAX: usize = 4_000;
const ELSEWHERE: &str = "elsewhere";

/// The map, as the page draws it: points, and lines between their places in the list.
pub(super) fn draw(devices: &[Device], talks: &[KeptTalk]) -> Value {
    let mut points: Vec<Value> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for device in devices.iter().take(DEVICES_MAX) {
        places.insert(&device.mac, points.len());
        points.push(json!({ "id": device.mac, "name": title(device), "kind": device.category,
            "router": device.roles.iter().any(|role| role == "router"), "online": device.online }));
    }
    let own = places.len();
    let mut remotes: HashMap<&str, u64> = HashMap::new();
    for talk in talks.iter().filter(|talk| !places.contains_key(talk.peer.as_str()) && !is_group(&talk.peer))
    {
        *remotes.entry(&talk.peer).or_default() += talk.sent + talk.received;
    }
    let mut ranked: Vec<_> = remotes.into_iter().map(|(name, bytes)| (bytes, name)).collect();
    ranked.sort_unstable_by(|one, other| other.cmp(one));
    for (_, name) in ranked.iter().take(REMOTES_MAX) {
        places.insert(name, points.len());
        points.push(json!({ "id": name, "name": name, "kind": "remote", "router": false, "online": true }));
    }
    let elsewhere = points.len();
    let rest = ranked.len().saturating_sub(REMOTES_MAX);
    points.push(json!({ "id": ELSEWHERE, "name": format!("{rest} others elsewhere"), "kind": "remote",
        "router": false, "online": true }));
    let mut lines: HashMap<(usize, usize), u64> = HashMap::new();
    for talk in talks.iter().filter(|talk| !is_group(&talk.peer)) {
        let Some(&from) = places.get(talk.mac.as_str()).filter(|from| **from < own) else { continue };
        let to = places.get(talk.peer.as_str()).copied().unwrap_or(elsewhere);
        if from != to {
            *lines.entry((from.min(to), from.max(to))).or_default() += talk.sent + talk.received;
        }
    }
    let mut lines: Vec<_> = lines.into_iter().map(|((from, to), bytes)| (bytes, from, to)).collect();
    lines.sort_unstable_by(|one, other| other.cmp(one));
    let all = lines.len();
    let lines: Vec<_> =
        lines.into_iter().take(LINES_MAX).map(|(bytes, from, to)| json!([from, to, bytes])).collect();
    json!({ "points": points, "lines": lines, "left_out": all - lines.len() })
}

/// What goes to all draws no line.
fn is_group(peer: &str) -> bool {
    matches!(peer, "everyone" | "others")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_have_points_and_the_small_ones_elsewhere_share_one() {
        let mac = |n: usize| format!("02:00:00:00:00:{n:02x}");
        let device = |n| Device { mac: mac(n), ..Device::default() };
        let talk = |n: usize, peer: String, sent| KeptTalk { mac: mac(n), peer, sent, ..KeptTalk::default() };
        let mut talks: Vec<_> = (0..200).map(|n| talk(0, format!("{n}.example"), 1000 - n)).collect();
        talks.extend([talk(0, mac(1), 5), talk(1, mac(0), 7), talk(1, "everyone".into(), 9_999)]);
        let map = draw(&[device(0), device(1)], &talks);
        let points = map["points"].as_array().expect("points");
        assert_eq!(points.len(), 2 + REMOTES_MAX + 1);
        assert_eq!(points.last().expect("one")["name"], "140 others elsewhere");
        let lines = map["lines"].as_array().expect("lines");
        assert!(lines.contains(&json!([0, 1, 12])), "{map}");
        let rest: u64 = (REMOTES_MAX as u64..200).map(|n| 1000 - n).sum();
        assert!(lines.contains(&json!([0, points.len() - 1, rest])), "{map}");
        assert_eq!(lines.len(), REMOTES_MAX + 2);
    }
}
