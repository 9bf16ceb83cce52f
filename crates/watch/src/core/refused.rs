//! What programs on LSM hooks did not let happen: they say it themselves, before the call that fails has its own record.

use super::{Core, paths};
use crate::policy::paths::Class;
use crate::policy::supervise::action_of;
use crate::policy::{Action, Mode, OTHER_PATH, system};
use crate::raw::Event;
use kernscope_abi as abi;
use kernscope_report::text::Escapes;
use kernscope_report::{Body, Entry, PolicyDeny};
use std::collections::HashSet;

/// What is denied where no host at all is allowed: a socket.
const NO_HOST: &str = "(no host is allowed)";

/// Threads whose failing call is waited for; each has one at a time.
const MAX: usize = 65_536;

/// Threads that were refused something, and whose call has not been told yet.
#[derive(Debug, Default)]
pub(super) struct Refused(HashSet<u32>);

impl Refused {
    fn note(&mut self, tid: u32) {
        if self.0.len() >= MAX {
            self.0.clear();
        }
        self.0.insert(tid);
    }

    /// Whether the record of a call that failed is about what a program refused, and so told already.
    pub(super) fn tells(&mut self, entry: &Entry) -> bool {
        let failed = entry.body.outcome().is_some_and(|(_, errno)| errno == Some("EPERM"));
        failed && entry.proc.as_ref().is_some_and(|proc| self.0.remove(&proc.tid))
    }
}

/// Whether the call that is refused has a record of its own.
const fn has_record(what: u32) -> bool {
    !matches!(what, abi::DENY_MAP | abi::DENY_RECEIVE | abi::DENY_MOUNT | abi::DENY_TRACE | abi::DENY_CALL)
}

/// In words, what was refused, where it is no matter of a path.
fn rule_of(what: u32) -> Option<(&'static str, &'static str)> {
    match what {
        abi::DENY_MOUNT => Some(("mount", "mounts: deny")),
        abi::DENY_TRACE => Some(("trace", "processes that are not watched")),
        _ => None,
    }
}

impl Core {
    /// An event of something refused.
    pub(super) fn refused(&mut self, event: &Event<'_>, deny: &abi::Deny, out: &mut Vec<Entry>) {
        if deny.what == abi::DENY_CALL {
            return self.refused_call(event, deny, out);
        }
        if has_record(deny.what) {
            self.refused.note(event.header.tid);
        }
        let mut escapes = Escapes::default();
        let walk = event.sections.get(abi::SEC_PATH);
        let old = walk.and_then(|walk| paths::walked(walk, None, "path", &mut escapes).path);
        let new = event.sections.get(abi::SEC_PATH2);
        let new = new.and_then(|walk| paths::walked(walk, None, "path", &mut escapes).path);
        let class = Class::ALL.into_iter().find(|class| deny.classes >> class.number() & 1 != 0);
        let (action, rule) = rule_of(deny.what).unwrap_or_else(|| (class.unwrap_or(Class::Write).name(), ""));
        let (path, entry) = self.denied_of([old, new], class);
        let rule = match (rule, deny.classes & abi::DENY_GUARDED != 0 && class.is_none()) {
            ("", true) => format!("{action}: above something denied"),
            ("", false) => format!("{action}: {entry}"),
            (rule, _) => rule.to_owned(),
        };
        let name = self.policy.as_ref().map(|(policy, _)| policy.get().name.clone());
        let body = PolicyDeny {
            rule,
            policy: name.unwrap_or_default(),
            action: action.to_owned(),
            enforced: true,
            by: Some("lsm".to_owned()),
            path,
            ..PolicyDeny::default()
        };
        let who = self.who(&event.header);
        self.emit(out, who.entry(Body::PolicyDeny(body), escapes));
    }

    /// A system call that a filter handed over.
    fn refused_call(&mut self, event: &Event<'_>, deny: &abi::Deny, out: &mut Vec<Entry>) {
        let call = system::name(deny.a0);
        let action = action_of(i32::try_from(deny.a0).unwrap_or(i32::MAX));
        let what = if action == Action::Connect { NO_HOST } else { call };
        let policy = self.policy.as_ref().map(|(policy, _)| policy.get());
        let enforced = policy.as_ref().is_some_and(|policy| policy.mode(action) == Mode::Deny);
        let body = PolicyDeny {
            rule: format!("{}: {what}", action.name()),
            policy: policy.map(|policy| policy.name.clone()).unwrap_or_default(),
            action: action.name().to_owned(),
            enforced,
            by: enforced.then(|| system::NAME.to_owned()),
            why: (!enforced).then(|| "the policy observes".to_owned()),
            ..PolicyDeny::default()
        };
        let who = self.who(&event.header);
        self.emit(out, who.entry(Body::PolicyDeny(body), Escapes::default()));
    }

    /// Which of the names of a call is denied, and by which pattern.
    fn denied_of(&self, names: [Option<String>; 2], class: Option<Class>) -> (Option<String>, String) {
        let by = |path: &String| {
            let policy = self.policy.as_ref()?.0.get();
            let class = class?;
            policy.paths.denied(path.as_bytes(), class, policy.rule(class).default_denied).map(str::to_owned)
        };
        let found = names.iter().flatten().find_map(|path| by(path).map(|entry| (path.clone(), entry)));
        let of = |entry: String| if entry.is_empty() { "(on no list)".to_owned() } else { entry };
        match found {
            Some((path, entry)) => (Some(path), of(entry)),
            // Another mount's path, or one that is not known to its beginning.
            None => (names.into_iter().flatten().next(), OTHER_PATH.to_owned()),
        }
    }
}
