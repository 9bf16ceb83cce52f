//! What a run sees, and what it does not and why.

use super::Run;
use crate::lan::replay::{cut, hook, limits};
use crate::lan::run_args::Mode;
use kernscope_lan::registry::Refused;
use kernscope_lan::replay::Account;
use kernscope_report::Coverage;

impl Run {
    pub(super) fn coverage(&self, account: &Account, refused: Refused, quiet: String) -> Coverage {
        let lost: Vec<_> = account.unusable.iter().map(|(cause, count)| format!("{cause} {count}")).collect();
        let lost = if lost.is_empty() { String::new() } else { format!("frames lost: {}", lost.join(", ")) };
        let privileges = self.privileges.as_ref().map(|cause| format!("not given up: {cause}"));
        let mut hooks: Vec<_> =
            self.parts.iter().map(|part| hook(&part.name, &part.tier, part.gap.clone())).collect();
        hooks.push(hook("account", "kernel", lost));
        hooks.push(hook("ends of frames", "kernel", cut(account.cut)));
        hooks.push(hook("registry", "memory", limits(refused)));
        hooks.push(hook("alerts", "memory", quiet));
        hooks.push(hook("privileges", "capabilities", privileges.unwrap_or_default()));
        let place = unseen(self.settings.mode);
        Coverage {
            backend: self.backend.to_owned(),
            why: format!("{}{place}; TCP streams and IP fragments are not put together", self.why),
            hooks,
            ..Coverage::default()
        }
    }
}

/// What cannot be seen from a place.
fn unseen(mode: Mode) -> &'static str {
    match mode {
        Mode::Host => {
            "seen are frames from and to this machine and those to all; what other devices say to each other is not"
        }
        Mode::Gateway => {
            "seen is what crosses this interface; what devices beyond it say to each other directly is not"
        }
        Mode::Span => {
            "seen are the copies that the switch sends; those that it leaves out are not, and a frame that it copies twice \
             counts twice"
        }
    }
}
