//! One blob of a history.

use crate::Options;
use crate::desk::Desk;
use crate::history::Blob;
use crate::name::Name;
use crate::tally::one_line;
use std::io::Cursor;
use std::sync::Arc;

/// Largest blob that is looked at: git's format has it in memory whole.
const BLOB_MOST_BYTES: u64 = 1 << 30;

impl Desk<'_> {
    pub(crate) fn blob(&mut self, blob: &Blob, options: &Options) {
        self.outcome.tally.seen("blob");
        let name = Name::of_commit(&blob.path, blob.commit.clone());
        if self.is_excused(&name) {
            return;
        }
        let is_open =
            |open: &(Arc<gix::ThreadSafeRepository>, gix::Repository)| Arc::ptr_eq(&open.0, &blob.repository);
        let (_, repository) = match self.repository.take().filter(is_open) {
            Some(open) => self.repository.insert(open),
            None => self.repository.insert((Arc::clone(&blob.repository), blob.repository.to_thread_local())),
        };
        let shown = name.shown();
        let size = match repository.find_header(blob.id) {
            Ok(header) => header.size(),
            Err(error) => return self.outcome.lose("unreadable", unread(&shown, blob, &error)),
        };
        if options.max_file_bytes.is_some_and(|most| size > most) {
            return self.outcome.tally.filtered("too_large");
        }
        if size > BLOB_MOST_BYTES {
            let line = format!(
                "read {shown}: a blob of {size} bytes is more than is held in memory; check it out, and scan that"
            );
            return self.outcome.lose("blob_memory", line);
        }
        let data = match repository.find_object(blob.id) {
            Ok(object) => object.detach().data,
            Err(error) => return self.outcome.lose("unreadable", unread(&shown, blob, &error)),
        };
        drop(shown);
        self.search(&name, Cursor::new(data));
    }
}

fn unread(shown: &str, blob: &Blob, error: &dyn std::fmt::Display) -> String {
    let why = one_line(error);
    format!("read {shown}, blob {}: {why}; see git fsck, or fetch what a partial clone leaves out", blob.id)
}
