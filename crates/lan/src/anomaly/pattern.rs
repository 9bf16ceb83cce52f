//! Payloads in which known-bad content is, by rules of the sieve.
//!
//! Each segment and datagram is looked at by itself: what lies across two is not seen. What was found is never told, only which rule
//! found it and where: it may be a secret of somebody.

use super::alert::{Alert, Alerts};
use super::contact::Service;
use super::recent::Recent;
use crate::Mac;
use crate::link::{Carried, Link};
use crate::packet::{self, Packet, Transport};
use kernscope_kit::compile::Content;
use kernscope_report::Severity;
use kernscope_sieve::matcher::{Matcher, Place, Scratch};
use kernscope_sieve::rules::{RuleSet, RulesError, Severity as Weight};
use std::fmt;
use std::sync::Arc;

/// Matters that are counted apart, by half.
const TOLD: usize = 8_192;

/// What is looked for in payloads.
pub struct Patterns {
    matcher: Arc<Matcher>,
    scratch: Scratch,
    content: Content,
    told: Recent<(Mac, usize), u64>,
}

impl fmt::Debug for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Patterns").field("rules", &self.matcher.rules().len()).finish_non_exhaustive()
    }
}

/// The same patterns, for another network.
impl Clone for Patterns {
    fn clone(&self) -> Self {
        let (matcher, content) = (Arc::clone(&self.matcher), self.content.clone());
        Self { scratch: matcher.scratch(), matcher, content, told: Recent::new(TOLD) }
    }
}

impl Patterns {
    /// With these rules. Those that ask for a path are never met.
    ///
    /// # Errors
    /// At a rule that no matcher can try.
    pub fn new(rules: RuleSet) -> Result<Self, RulesError> {
        let content = rules.conditions().content();
        let matcher = Arc::new(Matcher::new(rules.for_matching()?));
        let scratch = matcher.scratch();
        Ok(Self { matcher, scratch, content, told: Recent::new(TOLD) })
    }

    /// What a frame must hold for any rule to match: the condition for the kernel.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// A frame that nothing else looks at.
    pub(super) fn raw(&mut self, now_ns: u64, link: &Link<'_>, alerts: &mut Alerts) {
        if let Carried::Ether(kind @ (0x0800 | 0x86dd)) = link.carried
            && let Ok(packet) = packet::read(kind, link.payload)
        {
            self.packet(now_ns, link, &packet, alerts);
        }
    }

    pub(super) fn packet(&mut self, now_ns: u64, link: &Link<'_>, packet: &Packet<'_>, alerts: &mut Alerts) {
        let (payload, service) = match &packet.carried {
            Transport::Tcp(tcp) => {
                (tcp.payload(), Service::Tcp(tcp.source_port().min(tcp.destination_port())))
            }
            Transport::Udp(udp) => (udp.payload, Service::Udp(udp.source.min(udp.target))),
            _ => return,
        };
        if payload.is_empty() || self.matcher.rejects(payload, &mut self.scratch) {
            return;
        }
        for found in self.matcher.find(payload, &Place::default(), &mut self.scratch) {
            let times = self.told.entry((link.source, found.rule), || 0);
            *times += 1;
            let rule = &self.matcher.rules()[found.rule];
            let what = if rule.description.is_empty() { rule.id.as_str() } else { rule.description.as_str() };
            alerts.raise(Alert {
                rule: "pattern",
                severity: weight(rule.severity),
                mac: link.source,
                ip: Some(packet.source),
                subject: rule.id.clone(),
                message: format!(
                    "known-bad content: {} sends {} what {:?} finds, at {service}",
                    packet.source, packet.target, rule.id
                ),
                because: vec![
                    what.to_owned(),
                    format!("{} bytes from byte {} of a payload on", found.end - found.start, found.start),
                ],
                count: *times,
                first_ns: now_ns,
                last_ns: now_ns,
            });
        }
    }
}

fn weight(weight: Weight) -> Severity {
    match weight {
        Weight::Critical | Weight::High => Severity::High,
        Weight::Medium => Severity::Medium,
        Weight::Low | Weight::Info => Severity::Low,
    }
}

#[cfg(test)]
mod tests {
    use super::Patterns;
    use crate::anomaly::tests::{Net, rules, tcp, udp};
    use crate::anomaly::{Options, Sentry};
    use kernscope_sieve::rules::RuleSet;

    const A: [u8; 4] = [10, 0, 0, 1];
    const B: [u8; 4] = [10, 0, 0, 2];

    #[test]
    fn content_is_found_in_segments_and_datagrams_and_not_told() {
        let rules_of = "[[rule]]\nid = 'bad'\nregex = 'secret=[0-9]{4}'\nseverity = 'high'\n";
        let mut sentry = Sentry::new(Options::default());
        sentry.patterns(Patterns::new(RuleSet::parse(rules_of).expect("rules")).expect("fit"));
        let mut net = Net::of(sentry, 0);
        net.send(&tcp((A, 40_000), (B, 80), 24, b"GET /?secret=12 HTTP/1.1"));
        net.send(&tcp((A, 40_000), (B, 80), 24, b"GET /?secret=1234 HTTP/1.1"));
        net.send(&udp((B, 40_000), (A, 9), b"secret=9876"));
        let told = net.end();
        assert_eq!(rules(&told), ["pattern", "pattern"]);
        assert!(told[0].1.contains("10.0.0.1 sends 10.0.0.2 what \"bad\" finds, at tcp port 80"), "{told:?}");
        assert!(
            told.iter().all(|(_, message)| !message.contains("1234") && !message.contains("9876")),
            "{told:?}"
        );
    }
}
