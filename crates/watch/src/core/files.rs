//! Files are opened, closed and mapped.

use super::carry::Counters;
use super::closes::{self, Gone};
use super::paths::{self, Clues};
use super::uring::Submitted;
use super::{Core, Unknown, names};
use crate::raw::{Event, Sec};
use kernscope_abi as abi;
use kernscope_report::text::Escapes;
use kernscope_report::{Body, Entry, PathInfo};

impl Core {
    pub(super) fn open(&mut self, event: &Event<'_>, open: &abi::Open, out: &mut Vec<Entry>) {
        let io_uring = event.header.flags & abi::FLAG_URING != 0;
        let submission = self.submission(event, open.request);
        let submitted = submission.as_deref().and_then(Submitted::decode);
        let mut open = *open;
        if let Some(submitted) = submitted.as_ref().filter(|_| event.sections.get(abi::SEC_RAW).is_none()) {
            open.flags = submitted.what.flags;
            open.dirfd = submitted.what.dirfd;
        }
        let mut escapes = Escapes::default();
        let clues = Clues::first(&event.sections, submitted.as_ref());
        let succeeded = open.ret >= 0;
        // One that io_uring put into a fixed slot has no descriptor, and its file is not known.
        let is_known = succeeded && open.file.id != 0;
        let path = match clues.walk.filter(|_| succeeded) {
            Some(walk) => paths::walked(walk, Some(&open.file), "path", &mut escapes),
            None => Clues { walk: None, ..clues }.path("path", &mut escapes),
        };
        let body = Body::FileOpen {
            path,
            raw_path: clues.raw_text("raw_path", &mut escapes),
            dirfd: open.dirfd,
            flags: names::open_flags(open.flags),
            mode: names::open_mode(open.flags),
            dev: is_known.then(|| names::st_dev(open.file.dev)),
            inode: is_known.then_some(open.file.ino),
            ret: i64::from(open.ret),
            errno: names::errno_of(i64::from(open.ret)),
            io_uring,
        };
        let who = self.who(&event.header);
        if is_known {
            self.note_opened(&event.header, open.file.id, open.ret);
            if let Some(walk) = event.sections.get(abi::SEC_PATH) {
                self.told.note(open.file.id, walk.bytes, walk.flags);
            }
        }
        let verdict = self.verdict(event);
        self.emit_as(out, who.entry(body, escapes), None, verdict);
    }

    pub(super) fn close(
        &mut self,
        event: &Event<'_>,
        close: &abi::Close,
        out: &mut Vec<Entry>,
    ) -> Result<(), Unknown> {
        let cause = closes::cause_name(close.cause).ok_or(Unknown)?;
        let mut escapes = Escapes::default();
        let body = Body::FileClose {
            path: self.path_at_close(event, &close.file, &mut escapes),
            fd: close.fd,
            cause: cause.to_owned(),
            dev: names::st_dev(close.file.dev),
            inode: close.file.ino,
            read_bytes: None,
            write_bytes: None,
            reads: None,
            writes: None,
        };
        let entry = self.who(&event.header).entry(body, escapes);
        let counters = Counters {
            in_bytes: close.read_bytes,
            out_bytes: close.write_bytes,
            ins: close.reads,
            outs: close.writes,
        };
        let gone = Gone { file: close.file.id, fd: close.fd, cause: close.cause, counters };
        self.gone(&event.header, &gone, entry, out)
    }

    pub(super) fn mmap(&mut self, event: &Event<'_>, mmap: &abi::Mmap, out: &mut Vec<Entry>) {
        let mut escapes = Escapes::default();
        let ret = if names::is_errno(mmap.ret) { mmap.ret } else { 0 };
        let body = Body::FileMmap {
            path: walked(event, &mmap.file, &mut escapes),
            prot: names::protections(mmap.prot),
            shared: names::is_shared(mmap.flags),
            len: mmap.len,
            offset: mmap.offset,
            dev: names::st_dev(mmap.file.dev),
            inode: mmap.file.ino,
            ret,
            errno: names::errno_of(ret),
        };
        let who = self.who(&event.header);
        self.emit(out, who.entry(body, escapes));
    }

    /// The path of a file that is closed: as the event has it, or as its open told it.
    fn path_at_close(&mut self, event: &Event<'_>, file: &abi::FileId, escapes: &mut Escapes) -> PathInfo {
        let told = self.told.take(file.id);
        match told.filter(|_| event.sections.get(abi::SEC_PATH).is_none()) {
            Some(told) => {
                let walk = Sec { tag: abi::SEC_PATH, flags: told.flags, bytes: &told.walk };
                paths::walked(walk, Some(file), "path", escapes)
            }
            None => walked(event, file, escapes),
        }
    }

    /// The submission that a result of `io_uring` belongs to.
    pub(super) fn submission(&mut self, event: &Event<'_>, request: u64) -> Option<Box<[u8]>> {
        if event.header.flags & abi::FLAG_URING == 0 || request == 0 {
            return None;
        }
        self.requests.take(request)
    }
}

fn walked(event: &Event<'_>, file: &abi::FileId, escapes: &mut Escapes) -> PathInfo {
    match event.sections.get(abi::SEC_PATH) {
        Some(walk) => paths::walked(walk, Some(file), "path", escapes),
        None => PathInfo::default(),
    }
}
