//! Data that rules were held against in the kernel, and what they really find in it.
//!
//! The kernel sends on what may match; the matcher of `kernscope scan` decides. An event is a piece of a call: what
//! lies in bytes that the piece before had as well was told with that one.

use super::path_calls::Hint;
use super::{Core, Unknown, paths};
use crate::raw::Event;
use kernscope_abi as abi;
use kernscope_report::Entry;
use kernscope_report::text::Escapes;
use kernscope_report::{Body, ContentMatch, ContentSource, PathInfo};
use kernscope_sieve::matcher::{Located, Matcher, Place, Scratch};
use kernscope_sieve::redact::redact;

/// Rules, and memory for trying them.
#[derive(Debug)]
pub(super) struct Rules {
    matcher: Matcher,
    scratch: Scratch,
}

impl Rules {
    pub(super) fn new(matcher: Matcher) -> Self {
        let scratch = matcher.scratch();
        Self { matcher, scratch }
    }

    /// What is found in a piece and was not found in the one before.
    fn find(&mut self, data: &[u8], path: &[u8], overlap: u32) -> Vec<Located> {
        let place = Place { path, commit: None };
        if self.matcher.is_excused(&place) {
            return Vec::new();
        }
        let mut found = self.matcher.find(data, &place, &mut self.scratch);
        found.retain(|found| overlap == 0 || found.end > u64::from(overlap));
        found
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
        let data = event.sections.get(abi::SEC_DATA).ok_or(Unknown)?.bytes;
        let remote = super::net::endpoint(&content.remote);
        let source = source(content)?;
        let mut escapes = Escapes::default();
        let hint = hint.and_then(|bytes| Hint::decode(bytes, abi::OP_CONTENT));
        let walk = hint.as_ref().and_then(|hint| hint.event.sections.get(abi::SEC_PATH));
        let path = walk.map_or_else(PathInfo::default, |walk| {
            paths::walked(walk, Some(&content.file), "path", &mut escapes)
        });
        let Some(rules) = &mut self.rules else {
            self.tally.filter("no_rules");
            return Ok(());
        };
        let plain = path.path.clone().unwrap_or_default();
        let found = rules.find(data, plain.as_bytes(), content.overlap);
        if found.is_empty() {
            self.tally.filter("no_match");
            return Ok(());
        }
        let bodies: Vec<Body> = found
            .iter()
            .map(|found| {
                let rule = &rules.matcher.rules()[found.rule];
                Body::ContentMatch(ContentMatch {
                    rule: rule.id.clone(),
                    description: rule.description.clone(),
                    severity: rule.severity.as_str().to_owned(),
                    source,
                    path: path.clone(),
                    remote: remote.clone(),
                    fd: content.fd,
                    offset: place(content, found.start),
                    redacted: match self.config.redact {
                        true => redact(&found.secret),
                        false => String::from_utf8_lossy(&found.secret).into_owned(),
                    },
                    secret_bytes: found.secret.len() as u64,
                })
            })
            .collect();
        for (number, body) in bodies.into_iter().enumerate() {
            let entry = self.who(&event.header).entry(body, escapes.clone());
            match number {
                0 => self.emit(out, entry),
                _ => self.derive(entry, out),
            }
        }
        Ok(())
    }
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
