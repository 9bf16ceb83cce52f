//! Hosts that a policy denies: programs on the cgroup that all processes are in, and the list that they judge by.

use super::Ebpf;
use super::attach::{Attached, brief};
use crate::backend::BackendError;
use crate::policy::hosts::{Host, Hosts, Who};
use kernscope_abi::hosts::{
    COUNT_SHIFT, DEFAULT_DENIED, GENERATION, MAX_RULES, ON, RULE_WORDS, SECOND, rule, start,
};
use kernscope_abi::layout::HOOK_HOSTS;
use kernscope_abi::paths::{ALLOW, DENY, EXCEPT};
use kernscope_kit::load::{Object, Words};
use kernscope_kit::probe;
use std::net::IpAddr;

/// Programs, by their hooks.
const PROGRAMS: [&str; 4] = ["hosts_connect4", "hosts_connect6", "hosts_sendmsg4", "hosts_sendmsg6"];
/// What it is called in records.
pub(super) const NAME: &str = "cgroup";

/// The list in the kernel.
#[derive(Debug)]
pub(super) struct List {
    words: Words,
}

/// Attaches the programs; nothing is denied until there is a list.
pub(super) fn attach(object: &mut Object) -> (Result<List, String>, Attached) {
    let attached = programs(object);
    let why = attached.as_ref().err().cloned().unwrap_or_default();
    let tier = if attached.is_ok() { NAME } else { "none" };
    (attached, Attached { name: "hosts", tier, fired: &[HOOK_HOSTS], why })
}

fn programs(object: &mut Object) -> Result<List, String> {
    let root = probe::cgroup_root().map_err(|error| format!("open the root of cgroup v2: {error}"))?;
    for name in PROGRAMS {
        let done = object.attach_cgroup(name, &root);
        done.map_err(|error| format!("{} {}: {}", error.act, error.object, brief(&error.cause)))?;
    }
    let words = object.words("HOSTS").map_err(|error| error.to_string())?;
    Ok(List { words })
}

impl List {
    /// One store makes the new list hold in place of the old.
    fn set(&self, rules: &[[u64; RULE_WORDS as usize]], default_denied: bool) {
        let old = self.words.get(0).unwrap_or_default();
        let mut new = (old.wrapping_add(1) & GENERATION) | ON | (!old & SECOND);
        new |= (rules.len() as u64) << COUNT_SHIFT;
        if default_denied {
            new |= DEFAULT_DENIED;
        }
        self.words.write(start(new) as usize, rules.as_flattened());
        self.words.publish(0, new);
    }
}

impl Ebpf {
    /// Puts a list of hosts in place of what was there, at once. `answers` are addresses with the names that they were given for.
    ///
    /// # Errors
    /// When nothing here can enforce it, with the reason; or when there are too many.
    pub fn set_hosts(&mut self, hosts: &Hosts, answers: &[(IpAddr, &str)]) -> Result<(), BackendError> {
        let refused = |cause: String, fix: &str| BackendError {
            act: "set",
            object: "hosts".into(),
            cause,
            fix: fix.into(),
        };
        let rules = rules(hosts, answers);
        if rules.len() > MAX_RULES as usize {
            let cause = format!("{} entries and addresses, and there is room for {MAX_RULES}", rules.len());
            return Err(refused(cause, "give networks in place of hosts"));
        }
        match &self.hosts {
            Some(Ok(list)) => list.set(&rules, hosts.default_denied),
            Some(Err(why)) => return Err(refused(why.clone(), "")),
            None => return Err(refused("this run was set up without".into(), "start it with a policy")),
        }
        Ok(())
    }

    /// Whether hosts that a policy denies are out of reach; else why not.
    ///
    /// # Errors
    /// The reason.
    pub fn enforces_hosts(&self) -> Result<&'static str, String> {
        match &self.hosts {
            Some(Ok(_)) => Ok(NAME),
            Some(Err(why)) => Err(why.clone()),
            None => Err("this run was set up without".into()),
        }
    }
}

/// The rules that the kernel goes through: each entry, names by the addresses that they were answered with.
fn rules(hosts: &Hosts, answers: &[(IpAddr, &str)]) -> Vec<[u64; RULE_WORDS as usize]> {
    let lists = [(&hosts.deny, DENY), (&hosts.allow, ALLOW), (&hosts.except, EXCEPT)];
    let mut rules = Vec::new();
    for (list, bits) in lists {
        for host in list {
            rules.extend(addresses(host, answers).into_iter().map(|(address, prefix)| {
                let (first, last) = host.ports.clone().into_inner();
                let [high, low] = halves(address);
                let list = u8::try_from(bits).unwrap_or(0);
                [high, low, rule(prefix, list, first, last)]
            }));
        }
    }
    rules.sort_unstable();
    rules.dedup();
    rules
}

/// Networks that an entry means, as of IPv6.
fn addresses(host: &Host, answers: &[(IpAddr, &str)]) -> Vec<(IpAddr, u8)> {
    let mapped = |address: IpAddr, bits: u8| if address.is_ipv4() { bits + 96 } else { bits };
    match &host.who {
        Who::Any => vec![(IpAddr::from([0; 16]), 0)],
        Who::Network(address, bits) => vec![(*address, mapped(*address, *bits))],
        Who::Loopback => {
            let (four, six) = (IpAddr::from([127, 0, 0, 0]), IpAddr::from(1_u128.to_be_bytes()));
            vec![(four, mapped(four, 8)), (six, 128)]
        }
        Who::Name(_) | Who::Below(_) => {
            let named = answers.iter().filter(|(_, name)| host.who.is_called(name));
            named.map(|(address, _)| (*address, 128)).collect()
        }
    }
}

fn halves(address: IpAddr) -> [u64; 2] {
    let bits = match address {
        IpAddr::V4(four) => four.to_ipv6_mapped().to_bits(),
        IpAddr::V6(six) => six.to_bits(),
    };
    [(bits >> 64) as u64, bits as u64]
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernscope_abi::hosts::matches;

    /// What the kernel's rules say is what the lists say.
    #[test]
    fn rules_say_what_lists_say() {
        let host = |text: &&str| Host::parse(text).unwrap();
        let list = |texts: &[&str]| texts.iter().map(host).collect::<Vec<_>>();
        let hosts = Hosts {
            default_denied: true,
            deny: list(&["10.0.0.0/8", "*:25", "bad.example:1-9", "fd00::/8"]),
            allow: list(&["localhost", "*.example:443", "0.0.0.0/0:80", "[::/0]:81"]),
            except: list(&["10.1.2.3:7", "[fd00::1]:9"]),
            ..Hosts::default()
        };
        let answers: Vec<(IpAddr, &str)> =
            vec![("93.0.0.1".parse().unwrap(), "a.example"), ("93.0.0.2".parse().unwrap(), "bad.example")];
        let rules = rules(&hosts, &answers);
        let addresses = [
            "10.0.0.1",
            "10.1.2.3",
            "127.0.0.9",
            "::1",
            "93.0.0.1",
            "93.0.0.2",
            "fd00::1",
            "fd00::2",
            "8.8.8.8",
            "2001::1",
        ];
        for address in addresses.map(|text| text.parse::<IpAddr>().unwrap()) {
            for port in [1, 7, 9, 25, 80, 81, 443, 65535] {
                let name = answers.iter().find(|(known, _)| *known == address).map(|(_, name)| *name);
                let [high, low] = halves(address);
                let met = rules.iter().map(|[h, l, word]| matches(*word, *h, *l, (high, low), port));
                let bits = met.fold(0, |all, bits| all | bits);
                let kernel = kernscope_abi::paths::denied(bits, 0, true);
                assert_eq!(kernel, hosts.denied(address, port, name).is_some(), "{address} {port}");
            }
        }
    }
}
