//! What a run covers, and what became of its events.

use super::agents::Agents;
use super::{Ebpf, judge};
use crate::backend::Account;
use kernscope_abi::layout::LOST_NAMES;
use kernscope_report::{Coverage, Hook, State};

impl Ebpf {
    pub(super) fn covered(&self) -> Coverage {
        let counters = self.account.get();
        let fired = |hook: usize| counters.iter().map(|cpu| cpu.fired[hook]).sum::<u64>();
        let hooks = self.hooks.iter().map(|hook| {
            let (tier, is_whole, why) = match (hook.name, &self.libraries) {
                ("content", _) if hook.tier != "none" => {
                    let (is_whole, why) = judge::told(&counters);
                    (hook.tier, is_whole, why)
                }
                ("tls", Some(libraries)) => {
                    let why = libraries.refused();
                    (libraries.tier(), why.is_empty(), why)
                }
                _ => (hook.tier, hook.why.is_empty(), hook.why.clone()),
            };
            let state = if tier == "none" {
                State::Blind
            } else if !is_whole {
                State::Partial
            } else if hook.fired.iter().any(|&index| fired(index) > 0) {
                State::Attached
            } else {
                State::Idle
            };
            Hook { name: hook.name.into(), tier: tier.into(), state, why }
        });
        Coverage { backend: "ebpf".into(), hooks: hooks.collect(), ..Coverage::default() }
    }

    pub(super) fn accounted(&mut self) -> Account {
        let mut account = Account { produced: self.made, ..Account::default() };
        for cpu in self.account.get() {
            for (sum, n) in account.produced.iter_mut().zip(cpu.produced) {
                *sum += n;
            }
            for (name, n) in LOST_NAMES.into_iter().zip(cpu.lost) {
                *account.lost.entry(name).or_default() += n;
            }
        }
        // A skipped program counted nothing; its events are both produced and lost.
        let misses = self.recursion_misses.max(self.object.recursion_misses());
        if misses > 0 {
            account.produced[0] += misses;
            account.lost.insert("recursion", misses);
        }
        account.lost.retain(|_, n| *n > 0);
        if let Some(count) = self.agents.as_ref().map(Agents::passed_over).filter(|count| *count > 0) {
            account.filtered.insert("no_agent", count);
        }
        account
    }
}
