//! Where a thread looks at data: one buffer after another through the matcher.

use crate::archive::{HEAD_BYTES, Limit, Limits};
use crate::name::Name;
use crate::utf16::{self, Text, Utf8Of};
use crate::{Found, Options, Outcome};
use kernscope_sieve::matcher::{Located, Matcher, Scratch, Stream};
use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes of a file that are in memory at a time.
pub const BUFFER_BYTES: usize = 4 << 20;

/// What one thread works with.
pub(crate) struct Desk<'a> {
    pub(crate) matcher: &'a Matcher,
    pub(crate) stop: &'a AtomicBool,
    /// Archives are opened.
    pub(crate) archives: bool,
    pub(crate) limits: &'a Limits,
    /// The history that was last looked at.
    pub(crate) repository: Option<(Arc<gix::ThreadSafeRepository>, gix::Repository)>,
    scratch: Scratch,
    buffer: Vec<u8>,
    pub(crate) outcome: Outcome,
}

/// A file whose first bytes are in the buffer.
pub(crate) struct Begun {
    /// So many.
    pub(crate) filled: usize,
    /// How it ended, if that was all of it.
    end: Option<End>,
    /// A copy of the very first.
    pub(crate) head: [u8; HEAD_BYTES],
}

/// How looking at data ended.
#[derive(Debug)]
pub(crate) enum End {
    /// With its end.
    Whole,
    /// What is in it has been looked at instead.
    Opened,
    /// It is an archive, but its bytes have been looked at as they are.
    Unopened,
    /// There was too much in it.
    Limited(Limit),
    /// The same, and it has been said of what is in it.
    LimitedWithin(Limit),
    /// It is not as an archive of its format is.
    Broken(io::Error),
    /// Someone wanted it to.
    Stopped,
    /// It could not be read on.
    Failed(io::Error),
}

impl End {
    /// The same of an archive that is looked at as the bytes it is.
    pub(crate) fn unopened(self) -> Self {
        match self {
            Self::Whole => Self::Unopened,
            end => end,
        }
    }
}

impl<'a> Desk<'a> {
    pub(crate) fn new(options: &'a Options, matcher: &'a Matcher, stop: &'a AtomicBool) -> Self {
        let (archives, scratch) = (options.archives, matcher.scratch());
        Self {
            matcher,
            stop,
            archives,
            limits: &options.limits,
            repository: None,
            scratch,
            buffer: vec![0; BUFFER_BYTES],
            outcome: Outcome::default(),
        }
    }

    /// Does some work, and gives what came of it. A fault in the handling of one file is that file's loss: without an outcome
    /// all others would wait for it.
    pub(crate) fn guarded(&mut self, options: &'a Options, work: impl FnOnce(&mut Self)) -> Outcome {
        let worked = catch_unwind(AssertUnwindSafe(|| work(self)));
        let mut outcome = std::mem::take(&mut self.outcome);
        if worked.is_err() {
            outcome.lose("internal", "scan a file: kernscope failed on it; please report this");
            *self = Self::new(options, self.matcher, self.stop);
        }
        outcome
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
            let at = Located::path_alone(rule);
            self.outcome.found.push(found(name, at));
        }
    }

    /// Fills the buffer.
    pub(crate) fn begin(&mut self, reader: &mut dyn Read) -> Begun {
        let (filled, end) = fill(reader, &mut self.buffer, 0);
        let (mut head, len) = ([0; HEAD_BYTES], filled.min(HEAD_BYTES));
        head[..len].copy_from_slice(&self.buffer[..len]);
        Begun { filled, end, head }
    }

    /// Looks at the bytes of a file that has been begun. One that does not fit into the buffer is read twice, if that is of use.
    pub(crate) fn go_on(&mut self, name: &Name, mut file: impl Read + Seek, begun: Begun) -> End {
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut stream = Stream::new(self.matcher, name.place(), &mut self.scratch);
        let Begun { filled, end, .. } = begun;
        let mut first = Some((filled, end));
        if matches!(first, Some((_, None))) && stream.gains_by_looking_ahead() {
            first = None;
            self.look_ahead(&mut stream, &mut file, &mut buffer, filled);
            if let Err(error) = file.seek(SeekFrom::Start(0)) {
                self.buffer = buffer;
                return End::Failed(error);
            }
        }
        let end = self.pieces(name, stream, &mut file, &mut buffer, first, &mut Offsets::Own);
        self.buffer = buffer;
        end
    }

    /// Tells the stream of all keywords of a file whose first bytes are in the buffer. What cannot be read is not looked ahead.
    fn look_ahead(
        &mut self,
        stream: &mut Stream<'_>,
        file: &mut dyn Read,
        buffer: &mut [u8],
        mut filled: usize,
    ) {
        while !self.stop.load(Ordering::Relaxed) {
            let kept = stream.look_ahead(&buffer[..filled], &mut self.scratch);
            buffer.copy_within(filled - kept..filled, 0);
            let (now, end) = fill(file, buffer, kept);
            filled = now;
            match end {
                None => {}
                Some(End::Whole) => {
                    stream.look_ahead(&buffer[..filled], &mut self.scratch);
                    return stream.end_look_ahead();
                }
                Some(_) => return,
            }
        }
    }

    /// Looks at all that comes out of `reader`.
    pub(crate) fn read(&mut self, name: &Name, reader: &mut dyn Read, text: Text) -> End {
        let mut buffer = std::mem::take(&mut self.buffer);
        let stream = Stream::new(self.matcher, name.place(), &mut self.scratch);
        let end = match text {
            Text::Bytes => self.pieces(name, stream, reader, &mut buffer, None, &mut Offsets::Own),
            Text::Utf16 { little, mark } => {
                let mut offsets = Offsets::Utf16 { base: 0, there: mark as u64 };
                match reader.read_exact(&mut [0; 2][..mark]) {
                    Ok(()) => {
                        let mut reader = Utf8Of::new(reader, little);
                        self.pieces(name, stream, &mut reader, &mut buffer, None, &mut offsets)
                    }
                    Err(error) => End::Failed(error),
                }
            }
        };
        self.buffer = buffer;
        end
    }

    /// `first`: how far the buffer is filled already, and how that ended.
    fn pieces(
        &mut self,
        name: &Name,
        mut stream: Stream<'_>,
        reader: &mut dyn Read,
        buffer: &mut [u8],
        mut first: Option<(usize, Option<End>)>,
        offsets: &mut Offsets,
    ) -> End {
        let mut kept = 0;
        let end = loop {
            if self.stop.load(Ordering::Relaxed) {
                break End::Stopped;
            }
            let (filled, end) = first.take().unwrap_or_else(|| fill(reader, buffer, kept));
            self.outcome.tally.bytes += (filled - kept) as u64;
            let used = stream.piece(&buffer[..filled], end.is_some(), &mut self.scratch);
            stream.fresh().for_each(|at| offsets.correct(at, &buffer[..filled]));
            offsets.advance(&buffer[..used]);
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

/// Offsets in what is searched, and in the file.
enum Offsets {
    /// They are the same.
    Own,
    /// The buffer begins at `base`, which in UTF-16 is `there`.
    Utf16 { base: u64, there: u64 },
}

impl Offsets {
    /// Makes the offsets of a finding in this buffer those of the file.
    fn correct(&self, at: &mut Located, buffer: &[u8]) {
        let Self::Utf16 { base, there } = self else { return };
        for offset in [&mut at.start, &mut at.end, &mut at.secret_start] {
            *offset = there + utf16::bytes_before(&buffer[..(*offset - base) as usize]);
        }
    }

    /// The buffer will begin behind these.
    fn advance(&mut self, used: &[u8]) {
        if let Self::Utf16 { base, there } = self {
            *base += used.len() as u64;
            *there += utf16::bytes_before(used);
        }
    }
}

fn found(name: &Name, at: Located) -> Found {
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
