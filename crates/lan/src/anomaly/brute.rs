//! Guessing of passwords: one device begins to talk to one service that asks for them over and over, or is refused by a web
//! server over and over.
//!
//! Only a service that accepts connections counts (others are scans), and only those that ask for a password first. Twenty times a minute
//! is more than people and scripts log in, and less than any guesser that gets anywhere.

use super::alert::{Alert, Alerts};
use super::recent::Recent;
use super::scene::Scene;
use super::{Detector, Options, Seen, seconds};
use crate::Mac;
use crate::packet::Transport;
use kernscope_report::Severity;
use std::collections::VecDeque;
use std::net::IpAddr;

const WITHIN_NS: u64 = 60_000_000_000;
/// FTP, SSH, Telnet, POP3, IMAP, SMB, RDP, VNC.
const ASKING: [u16; 14] = [21, 22, 23, 110, 143, 445, 993, 995, 2222, 2323, 3389, 5900, 5901, 5902];
/// Services and guessers that are followed, by half.
const KNOWN: usize = 16_384;

/// Who tries, where, at which port.
type Key = (IpAddr, IpAddr, u16);

/// Follows connections to services that ask for passwords.
#[derive(Debug)]
pub(super) struct Guesses {
    accepting: Recent<(IpAddr, u16), ()>,
    tries: Recent<Key, VecDeque<u64>>,
    /// So many within a minute.
    least: usize,
}

impl Guesses {
    pub(super) fn new(options: Options) -> Self {
        Self { accepting: Recent::new(KNOWN), tries: Recent::new(KNOWN), least: options.guesses.max(2) }
    }

    fn tried(&mut self, mac: Mac, key: Key, how: &str, seen: &Seen<'_>, alerts: &mut Alerts) {
        let least = self.least;
        let times = self.tries.entry(key, VecDeque::new);
        times.push_back(seen.now_ns);
        if times.len() > least {
            times.pop_front();
        }
        let span_ns = seen.now_ns.saturating_sub(times[0]);
        if times.len() < least || span_ns > WITHIN_NS || !mac.is_device() {
            return;
        }
        let (source, target, port) = key;
        alerts.raise(Alert {
            rule: "brute_force",
            severity: Severity::High,
            mac,
            ip: Some(source),
            subject: format!("{target} {port}"),
            message: format!(
                "brute force: {source} {how} {target} tcp port {port} {least} times within {}",
                seconds(span_ns)
            ),
            because: vec!["the service is there and answers".to_owned()],
            count: least as u64,
            first_ns: times[0],
            last_ns: seen.now_ns,
        });
    }
}

impl Detector for Guesses {
    fn frame(&mut self, seen: &Seen<'_>, _scene: &Scene, alerts: &mut Alerts) {
        let Some(packet) = seen.packet else { return };
        let Transport::Tcp(tcp) = &packet.carried else { return };
        match (tcp.syn(), tcp.ack()) {
            (true, false) if ASKING.contains(&tcp.destination_port()) => {
                let port = tcp.destination_port();
                if self.accepting.contains(&(packet.target, port)) {
                    let key = (packet.source, packet.target, port);
                    self.tried(seen.link.source, key, "connected to", seen, alerts);
                }
            }
            (true, true) if ASKING.contains(&tcp.source_port()) => {
                self.accepting.put((packet.source, tcp.source_port()), ());
            }
            (false, _) if is_refusal(tcp.payload()) => {
                let key = (packet.target, packet.source, tcp.source_port());
                self.tried(seen.link.target, key, "was refused (401) by", seen, alerts);
            }
            _ => {}
        }
    }
}

/// An answer of HTTP that wants a password, or another one.
fn is_refusal(payload: &[u8]) -> bool {
    payload.starts_with(b"HTTP/1.") && payload.get(9..12) == Some(b"401")
}
