//! What is shown: the records that were kept, and where the user is among them.

use super::processes::Processes;
use crate::screen::{Lines, View};
use kernscope_report::pretty::{clean, units, words};
use kernscope_report::{Body, Entry};
use std::collections::VecDeque;

/// Records that are kept; the oldest go.
const KEPT: usize = 20_000;

/// A record, and its line.
pub(super) struct Row {
    pub(super) entry: Entry,
    /// Since the first record, seconds.
    pub(super) time: String,
    pub(super) text: String,
}

/// What a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Records,
    Alerts,
    Output,
}

/// Which kinds of records are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    All,
    Processes,
    Files,
    Network,
    Finds,
}

impl Family {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Processes => "processes",
            Self::Files => "files",
            Self::Network => "network",
            Self::Finds => "finds",
        }
    }

    pub(super) fn next(self) -> Self {
        match self {
            Self::All => Self::Processes,
            Self::Processes => Self::Files,
            Self::Files => Self::Network,
            Self::Network => Self::Finds,
            Self::Finds => Self::All,
        }
    }

    fn has(self, body: &Body) -> bool {
        let kind = body.kind();
        match self {
            Self::All => true,
            Self::Processes => kind.starts_with("process_"),
            Self::Files => kind.starts_with("file_"),
            Self::Network => {
                kind.starts_with("net_") || matches!(kind, "dns" | "http" | "tls_data" | "stdio")
            }
            Self::Finds => is_alert(body),
        }
    }
}

pub(super) fn is_alert(body: &Body) -> bool {
    matches!(body, Body::Alert(_) | Body::ContentMatch(_) | Body::PolicyDeny(_))
}

/// Everything.
pub(super) struct State {
    pub(super) title: String,
    pub(super) rows: VecDeque<Row>,
    pub(super) processes: Processes,
    pub(super) output: Lines,
    pub(super) seen: u64,
    pub(super) alerts: u64,
    first_ns: Option<u64>,
    pub(super) tab: Tab,
    pub(super) family: Family,
    /// Only records of this process.
    pub(super) pid: Option<u32>,
    pub(super) query: String,
    /// The query is being typed.
    pub(super) is_typing: bool,
    /// The tree has the keys.
    pub(super) in_tree: bool,
    pub(super) list: View,
    pub(super) tree: View,
    pub(super) has_detail: bool,
    pub(super) has_help: bool,
    /// What comes waits here.
    pub(super) paused: Option<Vec<Entry>>,
    pub(super) ended: Option<String>,
    left: bool,
    /// Rows of the list that fit, as drawn last.
    pub(super) page: usize,
    /// What to say below.
    pub(super) said: String,
    /// The screen is to be drawn from nothing.
    pub(super) is_stale: bool,
}

impl State {
    pub(super) fn new(title: String, output: Lines) -> Self {
        Self {
            title,
            rows: VecDeque::new(),
            processes: Processes::default(),
            output,
            seen: 0,
            alerts: 0,
            first_ns: None,
            tab: Tab::Records,
            family: Family::All,
            pid: None,
            query: String::new(),
            is_typing: false,
            in_tree: false,
            list: View::new(true),
            tree: View::new(false),
            has_detail: false,
            has_help: false,
            paused: None,
            ended: None,
            left: false,
            page: 1,
            said: String::new(),
            is_stale: false,
        }
    }

    /// Takes an entry, or lets it wait.
    pub(super) fn take(&mut self, entry: Entry) {
        match &mut self.paused {
            Some(waiting) if waiting.len() < KEPT => waiting.push(entry),
            // Longer than that nobody looks at one picture: what is older would be gone anyway.
            Some(_) => {
                self.pause(false);
                self.show(entry);
            }
            None => self.show(entry),
        }
    }

    fn show(&mut self, entry: Entry) {
        self.seen += 1;
        self.alerts += u64::from(is_alert(&entry.body));
        self.processes.take(&entry);
        let first_ns = *self.first_ns.get_or_insert(entry.ts_ns);
        if matches!(&entry.body, Body::ProcessSnapshot { watched: false, .. }) {
            return;
        }
        if self.rows.len() == KEPT {
            self.rows.pop_front();
            self.list.at = self.list.at.saturating_sub(1);
        }
        let time = units::offset(entry.ts_ns.saturating_sub(first_ns));
        let text = words(&entry.body);
        self.rows.push_back(Row { entry, time, text });
    }

    /// Holds the picture, or lets it go on.
    pub(super) fn pause(&mut self, on: bool) {
        if on {
            self.paused.get_or_insert_default();
        } else {
            self.paused.take().into_iter().flatten().for_each(|entry| self.show(entry));
        }
    }

    /// The run has ended.
    pub(super) fn end(&mut self, last: String) {
        self.pause(false);
        self.ended = Some(last);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// The user wants to go.
    pub(super) fn leave(&mut self) {
        self.left = true;
    }

    pub(super) fn is_left(&self) -> bool {
        self.left && self.has_ended()
    }

    /// The rows that the list shows now.
    pub(super) fn shown(&self) -> Vec<&Row> {
        let query = self.query.to_lowercase();
        let is_wanted = |row: &&Row| {
            (self.tab != Tab::Alerts || is_alert(&row.entry.body))
                && self.family.has(&row.entry.body)
                && self.pid.is_none_or(|pid| row.entry.proc.as_ref().is_some_and(|proc| proc.pid == pid))
                && (query.is_empty()
                    || row.text.to_lowercase().contains(&query)
                    || row.entry.proc.as_ref().is_some_and(|proc| proc.comm.to_lowercase().contains(&query)))
        };
        self.rows.iter().filter(is_wanted).collect()
    }

    /// The lines that the command wrote.
    pub(super) fn output(&self) -> Vec<String> {
        let lines = self.output.lock();
        lines
            .map(|lines| lines.iter().map(|line| clean::text(line).into_owned()).collect())
            .unwrap_or_default()
    }
}
