//! `lan serve`: a page over the database, and over a live run that writes to it.
//!
//! The page is drawn from the database alone, so that one of a run and one of yesterday's captures are the same; a run writes more
//! often while somebody may look. What is large is added up here and not in the browser: the largest talks, spans of five
//! minutes. Answers are kept until the database changes.

mod answers;
mod assets;
mod cache;
mod map;
mod start;

pub(super) use start::{Faces, PAGE_AT, serve};

use crate::web::{Access, Ask, Events, Gate, Reply, Site};
use answers::Answers;
use cache::Cache;
use hyper::StatusCode;
use kernscope_lan::store::{Said, Store};
use std::sync::{Mutex, PoisonError};

/// Browsers that are told at once when something changed; more ask by themselves.
const LISTENERS_MAX: usize = 256;

/// The page.
pub(super) struct Page {
    inner: Mutex<Inner>,
}

struct Inner {
    store: Store,
    cache: Cache,
    listeners: Vec<Events>,
    live: bool,
    told_version: i64,
}

impl Page {
    /// A page over a database; `live`: a run writes to it.
    pub(super) fn new(store: Store, live: bool) -> Self {
        let inner =
            Inner { store, cache: Cache::default(), listeners: Vec::new(), live, told_version: i64::MIN };
        Self { inner: Mutex::new(inner) }
    }
}

impl Site for Page {
    fn access(&self, path: &str) -> Access {
        match path.strip_prefix("/api/") {
            None => Access::Page,
            Some(path) if path == "login" || path.starts_with("alert/") => Access::Write,
            Some(_) => Access::Read,
        }
    }

    fn answer(&self, ask: &Ask, gate: &Gate) -> Reply {
        let path = ask.parts.uri.path();
        let Some(path) = path.strip_prefix("/api/") else {
            return assets::get(path).unwrap_or_else(Reply::missing);
        };
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        match path.split_once('/') {
            None if path == "login" => Reply::json("{}").with_cookie(gate.cookie(&ask.parts.headers)),
            None if path == "events" => inner.listen(),
            None if path == "state" => inner.state(gate.may_write(&ask.parts.headers)),
            Some(("alert", id)) => inner.say(id, &ask.body),
            _ => inner.get(path, ask.parts.uri.query().unwrap_or_default()),
        }
    }

    fn tick(&self) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).tell_listeners();
    }
}

impl Inner {
    fn listen(&mut self) -> Reply {
        let (reply, events) = Reply::events();
        if self.listeners.len() >= LISTENERS_MAX {
            return Reply::refusal(StatusCode::SERVICE_UNAVAILABLE, "too many listen; ask again later\n");
        }
        events.send("hello", "");
        self.listeners.push(events);
        reply
    }

    fn tell_listeners(&mut self) {
        if self.listeners.is_empty() {
            return;
        }
        let version = self.store.version().unwrap_or_default();
        let name = if version == self.told_version { "alive" } else { "changed" };
        self.told_version = version;
        self.listeners.retain(|listener| listener.send(name, ""));
    }

    fn state(&mut self, may_write: bool) -> Reply {
        let Self { store, live, .. } = self;
        reply(Answers { store }.state(*live, may_write))
    }

    /// What is kept until the database changes.
    fn get(&mut self, path: &str, query: &str) -> Reply {
        let Self { store, cache, .. } = self;
        let version = store.version().unwrap_or_default();
        if let Some(bytes) = cache.get(version, path, query) {
            return Reply::json(bytes);
        }
        match (Answers { store }.get(path, query)) {
            Ok(Some(text)) => Reply::json(cache.put(path, query, text)),
            Ok(None) => Reply::missing(),
            Err(why) => reply(Err(why)),
        }
    }

    /// What a user says of an alert.
    fn say(&mut self, id: &str, body: &[u8]) -> Reply {
        let said = match body {
            b"acknowledge" => Said::Acknowledged,
            b"mute" => Said::Muted,
            b"open" => Said::Open,
            _ => return Reply::refusal(StatusCode::BAD_REQUEST, "say acknowledge, mute or open\n"),
        };
        // The version tells only what others write.
        self.cache.clear();
        match self.store.say_of_alert(id, said) {
            Ok(true) => Reply::json("{}"),
            Ok(false) => Reply::missing(),
            Err(why) => reply(Err(why)),
        }
    }
}

fn reply(answer: Result<String, kernscope_lan::store::StoreError>) -> Reply {
    answer
        .map_or_else(|why| Reply::refusal(StatusCode::INTERNAL_SERVER_ERROR, format!("{why}\n")), Reply::json)
}
