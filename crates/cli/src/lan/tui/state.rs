//! Where the user is: which view, which row, what is sought.

use super::model::Model;
use super::table::Table;
use super::{alerts, devices, flows};
use crate::screen::{Lines, View};
use kernscope_lan::Mac;
use kernscope_lan::store::Store;
use kernscope_report::Device;
use kernscope_report::pretty::clean;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How often it is asked what was said of alerts elsewhere.
const HEARD: Duration = Duration::from_secs(3);

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Devices,
    Flows,
    Alerts,
    Notes,
}

impl Tab {
    pub(super) const ALL: [Self; 4] = [Self::Devices, Self::Flows, Self::Alerts, Self::Notes];

    /// Its word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Devices => "Devices",
            Self::Flows => "Flows",
            Self::Alerts => "Alerts",
            Self::Notes => "Notes",
        }
    }
}

/// Everything.
pub(super) struct State {
    /// The interface.
    pub(super) title: String,
    pub(super) model: Model,
    pub(super) tab: Tab,
    pub(super) devices: Table,
    pub(super) flows: Table,
    pub(super) alerts: Table,
    pub(super) notes: View,
    /// What each view leaves out.
    filters: [u8; 4],
    queries: [String; 4],
    /// A query is being typed.
    pub(super) is_typing: bool,
    /// What is known of the chosen row is shown.
    pub(super) has_detail: bool,
    /// The first line of it that is shown.
    pub(super) detail_top: u16,
    pub(super) has_help: bool,
    /// The picture is held.
    pub(super) is_held: bool,
    /// The user wants to go.
    pub(super) is_left: bool,
    /// What to say below.
    pub(super) said: String,
    /// What was written behind the screen, and how much of it was looked at.
    pub(super) lines: Lines,
    pub(super) notes_read: usize,
    /// The screen is to be drawn from nothing.
    pub(super) is_stale: bool,
    /// Where tabs were drawn last: which, from where, how wide.
    pub(super) tabs: Vec<(Tab, u16, u16)>,
    /// When it was asked last what was said of alerts elsewhere, and as of which version of the database.
    heard: (Instant, i64),
    /// Runs that the database tells of, as asked last.
    history: Option<(String, Vec<Device>)>,
    store: Option<Store>,
}

impl State {
    pub(super) fn new(title: String, lines: Lines, store: Option<Store>) -> Self {
        Self {
            title,
            model: Model::default(),
            tab: Tab::Devices,
            devices: Table::new(&devices::COLUMNS, devices::ADDRESS),
            flows: Table::new(&flows::COLUMNS, flows::RATE),
            alerts: Table::new(&alerts::COLUMNS, alerts::SEEN),
            notes: View::new(true),
            filters: [0; 4],
            queries: Default::default(),
            is_typing: false,
            has_detail: false,
            detail_top: 0,
            has_help: false,
            is_held: false,
            is_left: false,
            said: String::new(),
            lines,
            notes_read: 0,
            is_stale: false,
            tabs: Vec::new(),
            heard: (Instant::now(), i64::MIN),
            history: None,
            store,
        }
    }

    /// Takes what the database remembers.
    pub(super) fn remember(&mut self, now_ns: u64) {
        let Some(store) = &self.store else { return };
        match store.devices(now_ns).and_then(|devices| Ok((devices, store.alerts()?))) {
            Ok((devices, alerts)) => self.model.remember(devices, alerts),
            Err(why) => self.said = clean::text(&why.to_string()).into_owned(),
        }
    }

    /// Now and then takes what was said of alerts elsewhere.
    pub(super) fn hear(&mut self) {
        let Some(store) = &self.store else { return };
        if self.heard.0.elapsed() < HEARD {
            return;
        }
        let version = store.version().unwrap_or(self.heard.1);
        let is_other = version != self.heard.1;
        self.heard = (Instant::now(), version);
        if is_other && let Ok(alerts) = store.alerts() {
            self.model.hear(&alerts);
        }
    }

    /// What is said here is not heard from elsewhere before it is written.
    pub(super) fn has_said(&mut self) {
        self.heard.0 = Instant::now();
    }

    /// The list in view, if it is one.
    pub(super) fn table(&mut self) -> Option<&mut Table> {
        match self.tab {
            Tab::Devices => Some(&mut self.devices),
            Tab::Flows => Some(&mut self.flows),
            Tab::Alerts => Some(&mut self.alerts),
            Tab::Notes => None,
        }
    }

    pub(super) fn query(&self) -> &str {
        &self.queries[self.tab as usize]
    }

    pub(super) fn query_mut(&mut self) -> &mut String {
        &mut self.queries[self.tab as usize]
    }

    /// What is left out of the list in view, in a word; nothing, if nothing is.
    pub(super) fn filter(&self) -> &'static str {
        let at = self.filters[self.tab as usize];
        let words: &[&'static str] = match self.tab {
            Tab::Devices => &devices::FILTERS,
            Tab::Flows => &flows::FILTERS,
            Tab::Alerts => &alerts::FILTERS,
            Tab::Notes => &[],
        };
        let shows_all = at == 0 && self.tab != Tab::Alerts;
        words.get(usize::from(at)).copied().filter(|_| !shows_all).unwrap_or_default()
    }

    pub(super) fn next_filter(&mut self) {
        let count = [devices::FILTERS.len(), flows::FILTERS.len(), alerts::FILTERS.len(), 1];
        let at = self.tab as usize;
        // Each has a handful.
        self.filters[at] = (self.filters[at] + 1) % count[at] as u8;
    }

    /// Brings the list in view up to date.
    pub(super) fn arrange(&mut self) {
        let (query, filter) = (self.query().to_lowercase(), self.filters[self.tab as usize]);
        let words: Vec<_> = query.split_whitespace().map(str::to_owned).collect();
        let Self { model, devices, flows, alerts, .. } = self;
        let what = (model.version, query.as_str(), filter);
        match self.tab {
            Tab::Devices => devices.arrange(
                what,
                model.devices.len(),
                |at| devices::is_wanted(&model.devices[at], filter, &words),
                |column, a, b| devices::compare(&model.devices[a], &model.devices[b], column),
            ),
            Tab::Flows => flows.arrange(
                what,
                model.flows.len(),
                |at| flows::is_wanted(model, &model.flows[at], filter, &words),
                |column, a, b| flows::compare(model, &model.flows[a], &model.flows[b], column),
            ),
            Tab::Alerts => alerts.arrange(
                what,
                model.alerts.len(),
                |at| alerts::is_wanted(model, &model.alerts[at], filter, &words),
                |column, a, b| alerts::compare(model, &model.alerts[a], &model.alerts[b], column),
            ),
            Tab::Notes => {}
        }
    }

    /// Shows a view.
    pub(super) fn show(&mut self, tab: Tab) {
        if self.tab != tab {
            self.tab = tab;
            self.has_detail = false;
            self.detail_top = 0;
        }
    }

    /// Shows all that is known of a device.
    pub(super) fn open_device(&mut self, mac: Mac) {
        let Some(at) = self.model.place(&mac.to_string()) else {
            self.said = format!("nothing is known of {mac} itself");
            return;
        };
        self.tab = Tab::Devices;
        self.queries[0].clear();
        self.filters[0] = 0;
        self.devices.choose(at);
        self.arrange();
        self.has_detail = true;
        self.detail_top = 0;
    }

    /// What earlier runs saw of a device, the newest first.
    pub(super) fn history(&mut self, mac: &str) -> &[Device] {
        if self.history.as_ref().is_none_or(|(of, _)| of != mac) {
            let asked = self.store.as_ref().zip(mac.parse::<Mac>().ok());
            let runs = asked.and_then(|(store, mac)| store.history(mac).ok()).unwrap_or_default();
            self.history = Some((mac.to_owned(), runs));
        }
        self.history.as_ref().map_or(&[], |(_, runs)| runs)
    }

    /// Lines that were written behind the screen.
    pub(super) fn note_lines(&self) -> Vec<String> {
        let lines = self.lines.lock();
        let clean =
            |line: &String| clean::text(line.strip_prefix("kernscope: ").unwrap_or(line)).into_owned();
        lines.map(|lines| lines.iter().map(clean).collect()).unwrap_or_default()
    }
}

/// What each device says most, for its details: places of flows.
pub(super) fn flows_of(model: &Model, mac: Mac, most: usize) -> Vec<usize> {
    let mut sums: HashMap<usize, u64> = HashMap::new();
    for (at, flow) in model.flows.iter().enumerate() {
        let is_peer = matches!(flow.peer, kernscope_lan::anomaly::Peer::Device(peer) if peer == mac);
        if flow.mac == mac || is_peer {
            sums.insert(at, flow.sent + flow.received);
        }
    }
    let mut ranked: Vec<_> = sums.into_iter().map(|(at, sum)| (sum, at)).collect();
    ranked.sort_unstable_by(|one, other| other.cmp(one));
    ranked.into_iter().take(most).map(|(_, at)| at).collect()
}
