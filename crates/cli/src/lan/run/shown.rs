//! A run and its screen: what is handed to it, and what its user asks for.

use super::super::tell::now_ns;
use super::super::tui::{Pulse, Tui, Wish};
use super::Run;
use kernscope_lan::live::Session;
use kernscope_lan::registry::Registry;
use kernscope_lan::store::Said;

/// What was seen so long before is handed to the screen again.
const SHOWN_AGAIN_NS: u64 = 2_000_000_000;

impl Run {
    /// Hands what is new to the screen.
    pub(super) fn show(&mut self, session: &mut Session, mut pulse: Pulse) {
        let Some(screen) = &mut self.screen else { return };
        let (came, lost) = session.counted();
        (pulse.frames, pulse.lost) = (came, lost.iter().map(|(_, count)| count).sum());
        pulse.now_ns = now_ns();
        let devices = session.registry.devices().into_iter().filter(|device| device.last_ns >= self.seen_ns);
        pulse.seen = devices.map(|device| (device.mac, (device.last_ns, device.frames))).collect();
        if let Some(sentry) = session.registry.sentry() {
            pulse.learning = sentry.is_learning();
            let source = self.interface.to_string();
            let seen = sentry.alerts().iter().filter(|alert| alert.last_ns >= self.seen_ns);
            pulse.alerts = seen.map(|alert| (alert.id(), alert.record(Vec::new(), &source))).collect();
        }
        // Frames come to this thread a moment after they were seen.
        self.seen_ns = pulse.now_ns.saturating_sub(SHOWN_AGAIN_NS);
        screen.pulse(pulse);
    }

    /// Does what the user of the screen asks for. Whether that is the end.
    pub(super) fn do_wishes(&mut self, registry: &mut Registry) -> bool {
        while let Some(wish) = self.screen.as_mut().and_then(Tui::wish) {
            match wish {
                Wish::Quit => return true,
                Wish::Say(id, said) => self.say(registry, &id, said),
            }
        }
        false
    }

    fn say(&mut self, registry: &mut Registry, id: &str, said: Said) {
        let Some(database) = &mut self.database else {
            let _changed = match said {
                Said::Muted => self.muted_here.insert(id.to_owned()),
                _ => self.muted_here.remove(id),
            };
            return;
        };
        let source = self.interface.to_string();
        // It may be too young to be kept already.
        let all = registry.sentry().map(|sentry| sentry.alerts()).unwrap_or_default();
        let own: Vec<_> = all
            .iter()
            .filter(|alert| alert.id() == id)
            .map(|alert| alert.record(Vec::new(), &source))
            .collect();
        if database.keep_alerts(&own) {
            database.say_of_alert(id, said);
        }
    }
}
