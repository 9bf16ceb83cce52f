//! Data that rules were held against in the kernel, and what they really find in it.
//!
//! The kernel sends on what may match; the matcher of `kernscope scan` decides. An event is a piece of a call, which may
//! begin with the end of the call before it: what lies in bytes that were looked at before was told then.

use super::chain::Find;
use super::path_calls::Hint;
use super::{Core, Unknown, paths};
use crate::raw::Event;
use kernscope_abi as abi;
use kernscope_report::text::Escapes;
use kernscope_report::{Body, ContentMatch, ContentSource, Entry, PathInfo};
use kernscope_sieve::matcher::{Located, Matcher, Place, Scratch};
use kernscope_sieve::redact::redact;

/// Rules, and memory for trying them.
struct Rules<'a> {
    matcher: &'a Matcher,
    scratch: &'a mut Scratch,
}

impl Rules<'_> {
    /// What is found in a piece, was not found in the one before and is not for the next one.
    fn find(&mut self, data: &[u8], path: &[u8], content: &abi::Content) -> Vec<Located> {
        let place = Place { path, commit: None };
        if self.matcher.is_excused(&place) {
            return Vec::new();
        }
        let mut found = self.matcher.find(data, &place, self.scratch);
        let piece = Piece::new(content, data.len() as u64);
        found.retain(|found| piece.tells(found.start, found.end));
        found
    }

    fn told(
        &self,
        found: &Located,
        content: &abi::Content,
        source: ContentSource,
        path: &PathInfo,
        redacted: bool,
    ) -> ContentMatch {
        let rule = &self.matcher.rules()[found.rule];
        ContentMatch {
            rule: rule.id.clone(),
            description: rule.description.clone(),
            severity: rule.severity.as_str().to_owned(),
            source,
            path: path.clone(),
            remote: super::net::endpoint(&content.remote),
            fd: content.fd,
            offset: place(content, found.start),
            conn: None,
            direction: None,
            redacted: match redacted {
                true => redact(&found.secret),
                false => String::from_utf8_lossy(&found.secret).into_owned(),
            },
            secret_bytes: found.secret.len() as u64,
        }
    }
}

impl Core {
    pub(super) fn content(
        &mut self,
        event: &Event<'_>,
        content: &abi::Content,
        hint: Option<&[u8]>,
        out: &mut Vec<Entry>,
    ) -> Result<(), Unknown> {
        let source = source(content)?;
        let Some(data) = event.sections.get(abi::SEC_DATA).map(|section| section.bytes) else {
            // A copy that the kernel made, of a file that was not to be read any more.
            self.tally.filter("copy_unread");
            return Ok(());
        };
        let mut escapes = Escapes::default();
        let path = path(content, hint, &mut escapes);
        let Some((matcher, scratch)) = self.judges.users() else {
            self.tally.filter("no_rules");
            return Ok(());
        };
        let mut rules = Rules { matcher, scratch };
        let found = rules.find(data, path.path.as_deref().unwrap_or_default().as_bytes(), content);
        if found.is_empty() {
            self.tally.filter("no_match");
        }
        let redact = self.config.redact;
        let bodies: Vec<_> =
            found.iter().map(|found| rules.told(found, content, source, &path, redact)).collect();
        for (number, (body, found)) in bodies.into_iter().zip(&found).enumerate() {
            let entry = self.who(&event.header).entry(Body::ContentMatch(body), escapes.clone());
            let find = Find { secret: &found.secret, file: regular(&content.file), is_event: number == 0 };
            self.tell_match(entry, &find, out);
        }
        Ok(())
    }
}

/// Device and inode of a regular file.
fn regular(file: &abi::FileId) -> Option<(u32, u64)> {
    paths::is_regular(file.st_mode).then_some((file.dev, file.ino))
}

/// Which matches are a piece's own. One that ends where the piece does may go on, or not be one at all for what follows:
/// if the next piece has it whole, it is for that to tell.
struct Piece {
    /// Where matches end, at the earliest, that were not told before.
    before: u64,
    /// Where what the next piece has begins, and where this one ends; nowhere for the last.
    after: Option<(u64, u64)>,
}

impl Piece {
    fn new(content: &abi::Content, len: u64) -> Self {
        let again = u64::from(content.again);
        let after = (again > 0).then(|| (len.saturating_sub(again), len));
        // What ended where the call before did was told then; where a piece did, it was left for this one.
        let is_other_call = content.at.cast_signed() < 0;
        Self { before: u64::from(content.overlap) + u64::from(is_other_call), after }
    }

    fn tells(&self, start: u64, end: u64) -> bool {
        let is_new = self.before == 0 || end >= self.before;
        let is_left = self.after.is_some_and(|(next, len)| end == len && start >= next);
        is_new && !is_left
    }
}

/// The path, from the event of the same thread just before.
fn path(content: &abi::Content, hint: Option<&[u8]>, escapes: &mut Escapes) -> PathInfo {
    let hint = hint.and_then(|bytes| Hint::decode(bytes, abi::OP_CONTENT));
    let walk = hint.as_ref().and_then(|hint| hint.event.sections.get(abi::SEC_PATH));
    walk.map_or_else(PathInfo::default, |walk| paths::walked(walk, Some(&content.file), "path", escapes))
}

/// Where it lies in the file, or in what was moved so far.
fn place(content: &abi::Content, start: u64) -> Option<u64> {
    let known = content.offset != abi::NO_OFFSET;
    known.then(|| content.offset.wrapping_add(content.at).wrapping_add(start))
}

fn source(content: &abi::Content) -> Result<ContentSource, Unknown> {
    let is_socket = paths::is_socket(content.file.st_mode);
    Ok(match (content.source, is_socket) {
        (abi::CONTENT_IN, false) => ContentSource::FileRead,
        (abi::CONTENT_OUT, false) => ContentSource::FileWrite,
        (abi::CONTENT_IN, true) => ContentSource::NetRecv,
        (abi::CONTENT_OUT, true) => ContentSource::NetSend,
        _ => return Err(Unknown),
    })
}
