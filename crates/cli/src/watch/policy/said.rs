//! What is said of a policy: what is enforced, by what, and what is only observed.

use super::Enforcement;
use crate::failure::Failure;
use crate::stream::note;
use kernscope_report::{Hook, State};
use kernscope_watch::policy::paths::Class;
use kernscope_watch::policy::{Action, Mode};

/// What is said of agents that begin while the run goes on.
const FROM_THE_ANSWER: &str = "an agent is held to the policy from the moment it is known, a moment after its exec; what it was denied \
                               before is told (it went past ...), and did not fail";

impl Enforcement {
    /// Refuses a policy that cannot be enforced, unless its user wants what is possible.
    pub(crate) fn check(&self, best_effort: bool) -> Result<(), Failure> {
        let policy = self.current.get();
        let missing = self.means.missing(&policy);
        let missing: Vec<String> = missing.map(|(action, why)| format!("{action}: {why}")).collect();
        if missing.is_empty() || best_effort {
            return Ok(());
        }
        Err(Failure::usage(format_args!(
            "enforce policy {}: {}; add --best-effort to observe what cannot be enforced, or have the policy say mode = \"observe\"",
            self.current.get().name,
            missing.join("; ")
        )))
    }

    /// Says what becomes of each kind of access.
    pub(crate) fn tell(&self) {
        let told: Vec<String> = self.actions().into_iter().map(|action| self.one(action)).collect();
        match told.is_empty() {
            true => note(format_args!("policy {}: it denies nothing", self.current.get().name)),
            false => note(format_args!("policy {}: {}", self.current.get().name, told.join("; "))),
        }
        let is_enforced = |action: &Action| {
            self.current.get().mode(*action) == Mode::Deny && self.means.of(*action).is_ok()
        };
        if self.has_agents && self.actions().iter().any(is_enforced) {
            note(FROM_THE_ANSWER);
        }
        for class in Class::ALL {
            let here = self.narrow.iter().filter(|(of, _)| *of == class);
            let names: Vec<_> = here.map(|(_, path)| path.display().to_string()).collect();
            if !names.is_empty() {
                note(format_args!(
                    "landlock: {}: new files directly in {} are denied as well, as something there is",
                    class.name(),
                    names.join(", ")
                ));
            }
        }
    }

    /// The same for the coverage statement.
    pub(crate) fn hooks(&self) -> Vec<Hook> {
        let hook = |action: Action| {
            let (tier, state, why) = match (self.current.get().mode(action), self.means.of(action)) {
                (Mode::Deny, Ok(means)) => (means, State::Attached, String::new()),
                (Mode::Deny, Err(why)) => ("observe", State::Partial, format!("not enforced: {why}")),
                (Mode::Observe, _) => ("observe", State::Attached, String::new()),
            };
            Hook { name: format!("policy_{}", action.name()), tier: tier.to_owned(), state, why }
        };
        self.actions().into_iter().map(hook).collect()
    }

    /// The kinds of access of which something is denied.
    pub(super) fn actions(&self) -> Vec<Action> {
        self.current.get().restricted().collect()
    }

    pub(super) fn one(&self, action: Action) -> String {
        let name = action.name();
        match (self.current.get().mode(action), self.means.of(action)) {
            (Mode::Observe, _) => format!("{name} observed"),
            (Mode::Deny, Ok(means)) => format!("{name} enforced by {means}"),
            (Mode::Deny, Err(why)) => format!("{name} ONLY OBSERVED ({why})"),
        }
    }
}
