//! DNS (RFC 1035), multicast DNS (RFC 6762) with service discovery (RFC 6763), and LLMNR (RFC 4795).
//!
//! Who asks for a service does not offer it: questions and answers make different signals. The answers that a question
//! carries along (those its sender knows already) are others', and are not used.

use super::message::{self, Message, PTR, Record, SRV, Section, TXT, dotted};
use crate::cursor::Read;
use crate::signal::{Claim, Role, Said, Signal, Via, text};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

/// Questions to a name server. `serves`: an answer shows that the sender is one, and passes none on.
pub(super) fn unicast(bytes: &[u8], serves: bool, said: &mut Said) -> Read<()> {
    let (message, whole) = message::read(bytes)?;
    if message.is_response {
        if serves && !message.questions.is_empty() {
            said.say(Signal::Role(Role::DnsServer));
        }
    } else if message.opcode == 0 {
        for question in &message.questions {
            let name = dotted(&question.name);
            if !name.is_empty() && !name.ends_with(".arpa") {
                said.say(Signal::DnsQuery(name));
            }
        }
    }
    whole
}

/// The name that an answer is about, and the addresses that it gives for it; `None` for what is no answer with addresses.
pub(crate) fn resolved(bytes: &[u8]) -> Option<(String, Vec<IpAddr>)> {
    let (message, _) = message::read(bytes).ok()?;
    let addresses: Vec<_> = message.records.iter().filter_map(Record::address).collect();
    let name = message.questions.first().filter(|_| message.is_response && !addresses.is_empty())?;
    Some((dotted(&name.name), addresses))
}

/// Multicast DNS. `source` sent the packet: an address record for it names the sender.
pub(super) fn multicast(bytes: &[u8], source: IpAddr, said: &mut Said) -> Read<()> {
    let (message, whole) = message::read(bytes)?;
    if message.is_response {
        let records: Vec<_> = message.records.iter().collect();
        offered(&records, source, said);
    } else {
        for question in &message.questions {
            if let Some(service) =
                service(&question.name).filter(|_| question.kind == PTR || question.kind == 255)
            {
                said.say(Signal::ServiceSought(service));
            }
        }
        // A host that starts asks whether its names are free; the names are in the authority section.
        let claimed: Vec<_> = message.records.iter().filter(|r| r.section == Section::Authority).collect();
        offered(&claimed, source, said);
    }
    whole
}

/// What a message says of hosts and services, as far as they are the sender's.
fn offered(records: &[&Record<'_>], source: IpAddr, said: &mut Said) {
    let others = Others::of(records, source);
    if others.any {
        said.say(Signal::SpeaksForOthers);
    }
    let hosts = || records.iter().filter(|record| record.address().is_some());
    if let Some(record) = hosts().find(|record| record.address() == Some(source)) {
        said.say(Signal::Name(dotted(&record.name), Via::Mdns));
    } else if let Some(first) = hosts().next() {
        // Without its address in sight one name is the sender's; several may be those of hosts it speaks for.
        if !others.any && hosts().all(|record| record.name == first.name) {
            said.say(Signal::Name(dotted(&first.name), Via::Mdns));
        }
    }
    for record in records {
        match record.kind {
            PTR => pointer(record, &others, said),
            SRV if !others.have(&record.name) => {
                if let Some(service) = service(&record.name) {
                    said.say(Signal::ServiceOffered(service));
                }
            }
            TXT if !others.have(&record.name) => texts(record, said),
            _ => {}
        }
    }
}

fn pointer(record: &Record<'_>, others: &Others, said: &mut Said) {
    let Some(target) = record.target() else { return };
    if dotted(&record.name) == "_services._dns-sd._udp.local" {
        if let Some(service) = service(&target).filter(|_| !others.only) {
            said.say(Signal::ServiceOffered(service));
        }
    } else if let Some(service) = service(&record.name).filter(|_| !others.have(&target)) {
        said.say(Signal::ServiceOffered(service));
        if let Some(instance) = target.first() {
            said.say(Signal::Instance(text(instance)));
        }
    }
}

/// What a message says of hosts that are not its sender: Apple's players answer for computers that sleep (and border routers
/// for what is behind them), and routers repeat what was said in another network.
#[derive(Debug, Default)]
struct Others {
    /// First labels of the services that they have.
    instances: HashSet<String>,
    /// Nobody else is spoken of.
    only: bool,
    any: bool,
}

impl Others {
    fn of(records: &[&Record<'_>], source: IpAddr) -> Self {
        let mut hosts: HashMap<String, bool> = HashMap::new();
        // Whether a host has the sender's address, where it has one that can be compared with it.
        for record in records {
            if let Some(address) = record.address().filter(|address| is_alike(*address, source)) {
                *hosts.entry(dotted(&record.name)).or_default() |= address == source;
            }
        }
        let is_other = |name: &str| hosts.get(name) == Some(&false);
        let first = |record: &Record<'_>| record.name.first().map(|label| dotted(&[label]));
        let of_others = |record: &&&Record<'_>| {
            record.kind == SRV && record.target().is_some_and(|host| is_other(&dotted(&host)))
        };
        Self {
            instances: records.iter().filter(of_others).filter_map(|record| first(record)).collect(),
            only: !hosts.is_empty() && hosts.values().all(|own| !own),
            any: hosts.values().any(|own| !own),
        }
    }

    /// Whether a service with this name is theirs.
    fn have(&self, name: &[&[u8]]) -> bool {
        self.only || name.first().is_some_and(|label| self.instances.contains(&dotted(&[label])))
    }
}

/// Whether two addresses would be the same if both were of one host: of one version and scope.
fn is_alike(a: IpAddr, b: IpAddr) -> bool {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => a.is_link_local() == b.is_link_local(),
        // A host has several addresses of wider scope, and sends from one of them.
        (IpAddr::V6(a), IpAddr::V6(b)) => a.is_unicast_link_local() && b.is_unicast_link_local(),
        _ => false,
    }
}

fn texts(record: &Record<'_>, said: &mut Said) {
    // `_device-info._tcp` is a TXT record alone.
    let Some(service) = service(&record.name) else { return };
    for pair in record.strings().take(64) {
        let mut parts = pair.splitn(2, |byte| *byte == b'=');
        if let (Some(key), Some(value)) = (parts.next(), parts.next()) {
            let key = text(key).to_ascii_lowercase();
            said.say(Signal::ServiceText(service.clone(), key, text(value)));
        }
    }
}

/// `_hue._tcp` of `Philips hue._hue._tcp.local`; `None` for a name that holds no service.
fn service(name: &[&[u8]]) -> Option<String> {
    let at = name
        .iter()
        .position(|label| label.eq_ignore_ascii_case(b"_tcp") || label.eq_ignore_ascii_case(b"_udp"))?;
    let from = at.checked_sub(1)?;
    let label = name.get(from).filter(|label| label.starts_with(b"_") && label.len() > 1)?;
    (*label != b"_dns-sd").then(|| dotted(&[label, name[at]]))
}

/// Link-local multicast name resolution: a host that answers for a name has it.
pub(super) fn llmnr(bytes: &[u8], source: IpAddr, said: &mut Said) -> Read<()> {
    let (message, whole) = message::read(bytes)?;
    let answer = |message: &Message<'_>| {
        message
            .records
            .iter()
            .find(|record| record.address() == Some(source))
            .map(|record| dotted(&record.name))
    };
    if let (true, Some(name)) = (message.is_response, answer(&message)) {
        said.say(Signal::Address(source, Claim::Announced));
        said.say(Signal::Name(name, Via::Llmnr));
    }
    whole
}
