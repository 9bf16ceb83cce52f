//! Where a thread looks at data: one buffer after another through the matcher.

use crate::{Found, Outcome};
use kernscope_sieve::matcher::{Matcher, Place, Scratch, Stream};
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes of a file that are in memory at a time.
pub const BUFFER_BYTES: usize = 4 << 20;

/// What data is called.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    /// As it was reached.
    pub(crate) path: Arc<[u8]>,
    /// Below its root.
    pub(crate) below: Arc<[u8]>,
    pub(crate) commit: Option<Arc<str>>,
}

impl Name {
    pub(crate) fn place(&self) -> Place<'_> {
        Place { path: &self.path, commit: self.commit.as_deref() }
    }
}

/// What one thread works with.
pub(crate) struct Desk<'a> {
    pub(crate) matcher: &'a Matcher,
    pub(crate) stop: &'a AtomicBool,
    scratch: Scratch,
    buffer: Vec<u8>,
    pub(crate) outcome: Outcome,
}

/// How looking at data ended.
#[derive(Debug)]
pub(crate) enum End {
    /// With its end.
    Whole,
    /// Someone wanted it to.
    Stopped,
    /// It could not be read on.
    Failed(io::Error),
}

impl<'a> Desk<'a> {
    pub(crate) fn new(matcher: &'a Matcher, stop: &'a AtomicBool) -> Self {
        let scratch = matcher.scratch();
        Self { matcher, stop, scratch, buffer: vec![0; BUFFER_BYTES], outcome: Outcome::default() }
    }

    /// Whether all of it is excused by its name; it is counted, then.
    pub(crate) fn is_excused(&mut self, name: &Name) -> bool {
        let excused = self.matcher.is_excused(&name.place());
        if excused {
            self.outcome.tally.filtered("excused");
        }
        excused
    }

    /// Notes what the name alone says.
    pub(crate) fn judge_name(&mut self, name: &Name) {
        let place = name.place();
        for rule in self.matcher.find_path(&place) {
            let at = kernscope_sieve::matcher::Located::path_alone(rule);
            self.outcome.found.push(found(name, at));
        }
    }

    /// Looks at all that comes out of `reader`.
    pub(crate) fn read(&mut self, name: &Name, reader: &mut dyn Read) -> End {
        let mut buffer = std::mem::take(&mut self.buffer);
        let end = self.pieces(name, reader, &mut buffer);
        self.buffer = buffer;
        end
    }

    fn pieces(&mut self, name: &Name, reader: &mut dyn Read, buffer: &mut [u8]) -> End {
        let mut stream = Stream::new(self.matcher, name.place(), &mut self.scratch);
        let mut kept = 0;
        let end = loop {
            if self.stop.load(Ordering::Relaxed) {
                break End::Stopped;
            }
            let (filled, end) = fill(reader, buffer, kept);
            self.outcome.tally.bytes += (filled - kept) as u64;
            let used = stream.piece(&buffer[..filled], end.is_some(), &mut self.scratch);
            let settled = stream.settled(&self.scratch);
            self.outcome.found.extend(settled.into_iter().map(|at| found(name, at)));
            if let Some(end) = end {
                break end;
            }
            buffer.copy_within(used..filled, 0);
            kept = filled - used;
        };
        let rest = stream.finish(&self.scratch);
        self.outcome.found.extend(rest.into_iter().map(|at| found(name, at)));
        end
    }
}

fn found(name: &Name, at: kernscope_sieve::matcher::Located) -> Found {
    Found { path: Arc::clone(&name.path), below: Arc::clone(&name.below), commit: name.commit.clone(), at }
}

/// Fills `buffer` from `kept` on: how far it is filled then, and whether that was the end.
fn fill(reader: &mut dyn Read, buffer: &mut [u8], kept: usize) -> (usize, Option<End>) {
    let mut filled = kept;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => return (filled, Some(End::Whole)),
            Ok(bytes) => filled += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (filled, Some(End::Failed(error))),
        }
    }
    (filled, None)
}
