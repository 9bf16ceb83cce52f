//! A recording as a back end.

use super::{Header, Item, Reader, StreamError, Trailer};
use crate::backend::{Account, Backend, BackendError, Progress};
use kernscope_abi as abi;
use kernscope_report::{Coverage, Hook, State};
use std::io::Read;
use std::time::Duration;

/// Events delivered by one poll, so that whoever polls can look at its signals in between.
const BATCH: usize = 4096;

/// Delivers a recording's events as fast as they are taken.
#[derive(Debug)]
pub struct Replay<R> {
    reader: Reader<R>,
    /// What was delivered, by kind; kinds that this version does not know are counted at 0.
    delivered: [u64; abi::KIND_MAX],
    end: End,
}

#[derive(Debug)]
enum End {
    /// Not reached; when the run is stopped before, the rest is not accounted for.
    NotYet,
    Regular(Box<Trailer>),
    /// Missing, and why.
    Missing(String),
}

impl<R: Read> Replay<R> {
    /// Opens a recording. Its [`Header`] says with which [`crate::core::Config`] to replay it.
    ///
    /// # Errors
    /// When it is none, or one of another machine or version.
    pub fn new(input: R) -> Result<Self, StreamError> {
        Ok(Self { reader: Reader::new(input)?, delivered: [0; abi::KIND_MAX], end: End::NotYet })
    }

    /// What the recording says about its run.
    pub fn header(&self) -> &Header {
        self.reader.header()
    }

    fn count(delivered: &mut [u64; abi::KIND_MAX], event: &[u8]) {
        let kind = event.get(4..6).and_then(|kind| kind.try_into().ok()).map_or(0, u16::from_ne_bytes);
        let place = usize::from(kind);
        delivered[if place < abi::KIND_MAX { place } else { 0 }] += 1;
    }
}

impl<R: Read> Backend for Replay<R> {
    fn poll(&mut self, _timeout: Duration, deliver: &mut dyn FnMut(&[u8])) -> Result<Progress, BackendError> {
        if !matches!(self.end, End::NotYet) {
            return Ok(Progress::Ended);
        }
        for _ in 0..BATCH {
            match self.reader.next_item() {
                Ok(Item::Event(event)) => {
                    Self::count(&mut self.delivered, event);
                    deliver(event);
                }
                Ok(Item::End(trailer)) => {
                    self.end = End::Regular(trailer);
                    return Ok(Progress::Ended);
                }
                Ok(Item::Cut) => {
                    self.end = End::Missing("cut short: the end of the run is missing".to_owned());
                    return Ok(Progress::Ended);
                }
                // As good as cut: what was read so far is told.
                Err(error) => {
                    self.end = End::Missing(error.to_string());
                    return Ok(Progress::Ended);
                }
            }
        }
        Ok(Progress::Running)
    }

    fn coverage(&self) -> Coverage {
        let header = self.reader.header();
        let origin = format!("recorded by the {} back end on Linux {}", header.backend, header.kernel);
        let (mut coverage, why) = match &self.end {
            End::Regular(trailer) => (trailer.coverage.clone(), None),
            End::NotYet => (Coverage::default(), Some("stopped before the end of the recording".to_owned())),
            End::Missing(why) => (Coverage::default(), Some(why.clone())),
        };
        coverage.backend = "replay".to_owned();
        coverage.why = origin;
        if let Some(why) = why {
            let hook = Hook {
                name: "recording".to_owned(),
                tier: "replay".to_owned(),
                state: State::Partial,
                why: format!("{why}; what was covered and lost is not known"),
            };
            coverage.hooks.push(hook);
        }
        coverage
    }

    fn account(&mut self) -> Account {
        match &self.end {
            End::Regular(trailer) => trailer.account.clone(),
            End::NotYet | End::Missing(_) => Account { produced: self.delivered, ..Account::default() },
        }
    }

    fn detach(&mut self) {
        if matches!(self.end, End::NotYet) {
            self.end = End::Missing("stopped before the end of the recording".to_owned());
        }
    }
}
