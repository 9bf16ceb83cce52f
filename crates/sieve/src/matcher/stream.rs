//! Data that comes in pieces: memory is bounded, and what is found is what is found in the whole.
//!
//! A piece is searched with what is left of the one before it in front. Its last [`OVERLAP_BYTES`] are left to the next:
//! a match may begin there and end beyond. As many bytes in front of those are kept too, so that look-around and
//! literals in the middle of a match are there when it is tried. **So a match is found whole if it has at most
//! [`OVERLAP_BYTES`]**; of a longer one, where an expression allows any length, the part within one piece is.

use super::prefer::{Held, Waiting};
use super::{Finding, Lines, Matcher, Piece, Place, Scratch, judge, lines};

/// Longest match that is found wherever pieces end.
pub const OVERLAP_BYTES: usize = 256 << 10;

/// A finding, with where it is and what it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Located {
    /// The rule, by its place in the set.
    pub rule: usize,
    /// First byte of the whole match.
    pub start: u64,
    /// The byte behind its last.
    pub end: u64,
    /// First byte of the secret.
    pub secret_start: u64,
    /// The secret.
    pub secret: Vec<u8>,
    /// Line of the match's first byte, counted from 1.
    pub line: u64,
    /// Its column in bytes, counted from 1.
    pub column: u64,
    /// The secret's entropy, bits a character.
    pub entropy: f64,
}

impl Located {
    /// A rule that asks for the path alone: there is no place in the data, and no secret.
    pub fn path_alone(rule: usize) -> Self {
        let secret = Vec::new();
        Self { rule, start: 0, end: 0, secret_start: 0, secret, line: 1, column: 1, entropy: 0.0 }
    }
}

/// One stretch of data, piece by piece.
#[derive(Debug)]
pub struct Stream<'a> {
    matcher: &'a Matcher,
    place: Place<'a>,
    /// Some rule that asks for a path may be for this one.
    is_placed: bool,
    /// The keywords of all the data are known, as far as rules are tried everywhere.
    is_looked_ahead: bool,
    /// Offset of the first byte of the piece.
    base: u64,
    /// Where the lines of what is behind end: how many, and where the last one begins.
    line: u64,
    line_start: u64,
    /// Up to here it is decided what begins; an offset in the data.
    decided: u64,
    waiting: Waiting,
}

impl<'a> Stream<'a> {
    /// Begins. [`Matcher::is_excused`] is for the caller to ask.
    pub fn new(matcher: &'a Matcher, place: Place<'a>, scratch: &mut Scratch) -> Self {
        scratch.restart();
        let is_placed = matcher.paths.is_match(place.path);
        let waiting = Waiting::default();
        let is_looked_ahead = false;
        Self {
            matcher,
            place,
            is_placed,
            is_looked_ahead,
            base: 0,
            line: 1,
            line_start: 0,
            decided: 0,
            waiting,
        }
    }

    /// Whether it is worth it to read data that does not fit into one piece twice, first by [`Stream::look_ahead`]: some rules
    /// must else be tried everywhere, since their keywords might still come.
    pub fn gains_by_looking_ahead(&self) -> bool {
        self.matcher.ahead().1 > 0
    }

    /// Notes the keywords in a part of the data, before the first [`Stream::piece`]. How many of its last bytes have to be
    /// in front of the next part: a keyword may be there in halves.
    pub fn look_ahead(&mut self, data: &[u8], scratch: &mut Scratch) -> usize {
        let (finder, longest) = self.matcher.ahead();
        finder.find(data, &mut |used, _| scratch.note(used));
        longest.saturating_sub(1).min(data.len())
    }

    /// All parts have been looked at.
    pub fn end_look_ahead(&mut self) {
        self.is_looked_ahead = true;
    }

    /// Searches a piece: what [`Stream::piece`] left of the one before, and new bytes behind it; `last`: nothing comes
    /// behind it. How many of its first bytes are not needed any more.
    pub fn piece(&mut self, data: &[u8], last: bool, scratch: &mut Scratch) -> usize {
        self.waiting.next_piece();
        let cut = if last { data.len() } else { data.len().saturating_sub(OVERLAP_BYTES) };
        let from = (self.decided - self.base) as usize;
        if cut <= from && !last {
            return 0;
        }
        let set = &self.matcher.set;
        let mut findings: Vec<Finding> = Vec::new();
        let concerns = &mut |rule| self.matcher.concerns(rule, &self.place);
        let is_whole = last && self.base == 0;
        let Self { base, is_looked_ahead, is_placed, .. } = *self;
        let piece = Piece { data, base, among: from..cut, is_whole, is_looked_ahead, is_placed };
        self.matcher.matches(&piece, scratch, concerns, &mut |rule, matched| {
            findings.extend(judge::finding(rule, &set.rules[rule], &set.allow, data, &self.place, &matched));
        });
        findings.sort_by_key(|finding| (finding.span.start, finding.span.end, finding.rule));
        let keep = cut.saturating_sub(OVERLAP_BYTES);
        self.locate(data, &findings, keep);
        self.decided = self.base + cut as u64;
        self.base += keep as u64;
        keep
    }

    /// Notes findings with their places, and moves the count of lines on to `keep`.
    fn locate(&mut self, data: &[u8], findings: &[Finding], keep: usize) {
        if findings.is_empty() && keep == 0 {
            return;
        }
        let mut lines = Lines::behind(data, self.base, self.line, self.line_start);
        for finding in findings {
            let (line, column) = lines.place(finding.span.start);
            let own = lines::around(data, &finding.span, judge::LINE_BYTES);
            let found = Located {
                rule: finding.rule,
                start: self.base + finding.span.start as u64,
                end: self.base + finding.span.end as u64,
                secret_start: self.base + finding.secret.start as u64,
                secret: data[finding.secret.clone()].to_vec(),
                line,
                column,
                entropy: finding.entropy,
            };
            let id = &self.matcher.rules()[finding.rule].id;
            self.waiting.add(Held {
                start: found.start,
                found,
                lines: self.base + own.start as u64..self.base + own.end as u64,
                is_generic: id.to_lowercase().contains("generic"),
            });
        }
        let mut lines = Lines::behind(data, self.base, self.line, self.line_start);
        (self.line, self.line_start) = lines.last(keep);
    }

    /// The findings of the last piece: whoever gave it in another form than the file's can say where they are there.
    pub fn fresh(&mut self) -> impl Iterator<Item = &mut Located> {
        self.waiting.fresh()
    }

    /// The findings so far that no later piece can change, each once.
    pub fn settled(&mut self, scratch: &Scratch) -> Vec<Located> {
        self.waiting.settle(self.decided, false, &mut |rule| self.matcher.is_shut(rule, scratch))
    }

    /// Ends: the findings that were not told, those without a keyword of their rule left out.
    pub fn finish(mut self, scratch: &Scratch) -> Vec<Located> {
        self.waiting.settle(self.decided, true, &mut |rule| self.matcher.is_shut(rule, scratch))
    }
}
