use super::*;
use crate::core::Config;
use crate::raw::{Body, Builder};
use crate::stream::{self, Replay};
use std::cell::Cell;
use std::io::Cursor;

/// A back end that delivers what it is told to, and claims what it is told to.
#[derive(Default)]
struct Scripted {
    /// What each poll delivers; an error for an empty event.
    polls: Vec<Vec<Vec<u8>>>,
    account: Account,
    detached: bool,
    /// Delivered only once detached.
    late: Vec<Vec<u8>>,
    endless: bool,
}

impl Backend for Scripted {
    fn poll(&mut self, _: Duration, deliver: &mut dyn FnMut(&[u8])) -> Result<Progress, BackendError> {
        if self.detached {
            self.late.drain(..).for_each(|event| deliver(&event));
            return Ok(Progress::Running);
        }
        if self.polls.is_empty() {
            return Ok(if self.endless { Progress::Running } else { Progress::Ended });
        }
        for event in self.polls.remove(0) {
            if event.is_empty() {
                let (object, cause) = ("ring".to_owned(), "EIO".to_owned());
                return Err(BackendError { act: "poll", object, cause, fix: String::new() });
            }
            deliver(&event);
        }
        Ok(Progress::Running)
    }

    fn coverage(&self) -> Coverage {
        Coverage { backend: "scripted".into(), ..Coverage::default() }
    }

    fn account(&mut self) -> Account {
        assert!(self.detached, "exact only once nothing is attached");
        self.account.clone()
    }

    fn detach(&mut self) {
        self.detached = true;
    }
}

fn exit(pid: u32) -> Vec<u8> {
    let header = abi::Header { pid, tid: pid, ..Default::default() };
    Builder::new(header, Body::Exit(abi::Exit::default())).finish()
}

fn inherited(pid: u32) -> Vec<u8> {
    let close = abi::Close { cause: abi::CLOSE_EXIT, ..Default::default() };
    Builder::new(abi::Header { pid, tid: pid, ..Default::default() }, Body::Close(close)).finish()
}

fn produced(exits: u64, closes: u64) -> Account {
    let mut account = Account::default();
    account.produced[usize::from(abi::KIND_EXIT)] = exits;
    account.produced[usize::from(abi::KIND_CLOSE)] = closes;
    account
}

fn run_all(backend: &mut dyn Backend) -> (Outcome<&'static str>, Vec<Entry>) {
    let mut entries = Vec::new();
    let mut sink = |_: &Core, entry: Entry| {
        entries.push(entry);
        Ok(())
    };
    let outcome = run(backend, &mut Core::new(Config::default()), None, &mut sink, &|| false);
    (outcome, entries)
}

#[test]
fn a_run_that_adds_up_closes() {
    let polls = vec![vec![exit(1), inherited(2)], vec![], vec![exit(3)]];
    let mut account = produced(3, 1);
    account.lost.insert("ring_full", 1);
    let mut backend = Scripted { polls, account, ..Default::default() };
    let (outcome, entries) = run_all(&mut backend);
    let ledger = outcome.ledger;
    assert_eq!((ledger.seen, ledger.emitted, ledger.filtered, ledger.closes), (4, 2, 1, true));
    assert_eq!(ledger.lost, BTreeMap::from([("ring_full".to_owned(), 1)]));
    assert_eq!(ledger.filtered_by, BTreeMap::from([("inherited_close".to_owned(), 1)]));
    assert_eq!(ledger.seen_by, BTreeMap::from([("exit".to_owned(), 3), ("close".to_owned(), 1)]));
    assert!(outcome.ended && backend.detached);
    assert_eq!(entries.len(), 2);
}

#[test]
fn an_event_that_vanished_leaves_the_ledger_open() {
    let mut backend = Scripted { polls: vec![vec![exit(1)]], account: produced(2, 0), ..Default::default() };
    assert!(!run_all(&mut backend).0.ledger.closes);
}

#[test]
fn an_event_that_was_never_counted_leaves_the_ledger_open() {
    let mut backend =
        Scripted { polls: vec![vec![exit(1), exit(2)]], account: produced(1, 0), ..Default::default() };
    assert!(!run_all(&mut backend).0.ledger.closes);
}

#[test]
fn bytes_that_are_no_event_are_lost() {
    let mut backend =
        Scripted { polls: vec![vec![b"x".to_vec()]], account: produced(1, 0), ..Default::default() };
    let ledger = run_all(&mut backend).0.ledger;
    assert_eq!((ledger.lost["undecodable"], ledger.closes), (1, true));
}

#[test]
fn a_sink_that_fails_costs_records_and_not_the_run() {
    let polls = vec![vec![exit(1), exit(2)], vec![exit(3)]];
    let mut backend = Scripted { polls, account: produced(3, 0), ..Default::default() };
    let mut written = 0;
    let mut sink = |_: &Core, _: Entry| {
        written += 1;
        if written > 1 { Err(format!("disk full at {written}")) } else { Ok(()) }
    };
    let outcome = run(&mut backend, &mut Core::new(Config::default()), None, &mut sink, &|| false);
    assert_eq!(outcome.sink_error.as_deref(), Some("disk full at 2"));
    assert_eq!((outcome.ledger.emitted, outcome.ledger.lost["output"], outcome.ledger.closes), (1, 2, true));
    assert!(outcome.ended);
}

#[test]
fn stopping_detaches_and_takes_what_is_left() {
    let polls = vec![vec![exit(1)], vec![exit(2)]];
    let late = vec![exit(3)];
    let mut backend = Scripted { polls, late, account: produced(2, 0), endless: true, ..Default::default() };
    let asked = Cell::new(0);
    let stop = || asked.replace(asked.get() + 1) == 1;
    let mut sink = |_: &Core, _: Entry| Ok::<(), ()>(());
    let outcome = run(&mut backend, &mut Core::new(Config::default()), None, &mut sink, &stop);
    assert!(!outcome.ended);
    assert_eq!((outcome.ledger.emitted, outcome.ledger.closes), (2, true));
}

#[test]
fn a_back_end_that_breaks_ends_the_run_with_what_is_there() {
    let polls = vec![vec![exit(1), Vec::new()]];
    let mut backend = Scripted { polls, late: vec![exit(2)], account: produced(2, 0), ..Default::default() };
    let (outcome, _) = run_all(&mut backend);
    assert_eq!(outcome.backend_error.unwrap().to_string(), "poll ring: EIO");
    assert_eq!((outcome.ledger.emitted, outcome.ledger.closes, outcome.ended), (2, true, false));
}

#[test]
fn what_the_core_held_back_is_told_at_the_end() {
    let close = abi::Close { cause: abi::CLOSE_FLUSH, read_bytes: 5, ..Default::default() };
    let event = Builder::new(abi::Header::default(), Body::Close(close)).finish();
    let mut backend = Scripted { polls: vec![vec![event]], account: produced(0, 1), ..Default::default() };
    let ledger = run_all(&mut backend).0.ledger;
    assert_eq!((ledger.seen, ledger.emitted, ledger.filtered, ledger.closes), (2, 1, 1, true));
    assert_eq!(ledger.seen_by["derived"], 1);
}

#[test]
fn descriptors_that_nobody_looked_at_stand_in_the_coverage() {
    let body = Body::Exit(abi::Exit { status: 0, fds_unseen: 1 });
    let event = Builder::new(abi::Header::default(), body).finish();
    let mut backend = Scripted { polls: vec![vec![event]], account: produced(1, 0), ..Default::default() };
    let hooks = run_all(&mut backend).0.coverage.hooks;
    assert_eq!((hooks.len(), hooks[0].name.as_str(), hooks[0].state), (1, "close_at_exit", State::Partial));
    assert!(hooks[0].why.starts_with("1 processes"));
}

#[test]
fn a_replay_of_a_recording_tells_the_same() {
    let path = std::env::temp_dir().join(format!("kernscope-session-{}", std::process::id()));
    let polls = vec![vec![exit(1), inherited(2)], vec![exit(3)]];
    let mut account = produced(3, 1);
    account.lost.insert("ring_full", 1);
    let mut backend = Scripted { polls, account, ..Default::default() };
    let header = stream::Header { backend: "scripted".into(), counts: true, ..Default::default() };
    let writer = Writer::new(std::fs::File::create(&path).unwrap(), &header).unwrap();
    let mut live = Vec::new();
    let mut sink = |_: &Core, entry: Entry| {
        live.push(entry);
        Ok::<(), ()>(())
    };
    let first = run(&mut backend, &mut Core::new(Config::default()), Some(writer), &mut sink, &|| false);
    assert!(first.record_error.is_none());
    let bytes = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let (second, replayed) = run_all(&mut Replay::new(Cursor::new(bytes)).unwrap());
    assert_eq!(live, replayed);
    assert_eq!(first.ledger, second.ledger);
}

#[test]
fn a_recording_that_breaks_off_does_not_end_the_run() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut backend =
        Scripted { polls: vec![vec![exit(1)], vec![exit(2)]], account: produced(2, 0), ..Default::default() };
    let buffered = std::io::BufWriter::with_capacity(200, full);
    let writer = Writer::new(buffered, &stream::Header::default()).unwrap();
    let mut sink = |_: &Core, _: Entry| Ok::<(), ()>(());
    let outcome = run(&mut backend, &mut Core::new(Config::default()), Some(writer), &mut sink, &|| false);
    assert!(outcome.record_error.unwrap().to_string().contains("write recording"));
    assert_eq!((outcome.ledger.emitted, outcome.ledger.closes), (2, true));
}
