//! System calls that name a path: unlink, rename, link, symlink, mkdir, mknod, chmod, chown, truncate.

use super::paths::{self, Clues};
use super::uring::Submitted;
use super::{Core, Unknown, names};
use crate::raw::{self, Event};
use kernscope_abi as abi;
use kernscope_report::text::Escapes;
use kernscope_report::{Body, Entry, PathCall};

/// `renameat2(2)` (include/uapi/linux/fs.h).
const RENAME_EXCHANGE: u64 = 1 << 1;

impl Core {
    pub(super) fn path_op(
        &mut self,
        event: &Event<'_>,
        op: &abi::PathOp,
        hint: Option<&[u8]>,
        out: &mut Vec<Entry>,
    ) -> Result<(), Unknown> {
        let submission = self.submission(event, op.request);
        let submitted = submission.as_deref().and_then(Submitted::decode);
        let mut op = *op;
        let io_uring = event.header.flags & abi::FLAG_URING != 0;
        if let Some(asked) = submitted.as_ref().and_then(Submitted::path_op) {
            op = abi::PathOp { ret: op.ret, op_flags: op.op_flags, ino: op.ino, dev: op.dev, ..asked };
        }
        if op.op > abi::OP_TRUNCATE && op.op != abi::OP_MKNOD {
            return Err(Unknown);
        }
        // Several requests of one thread can be under way at once, so that its last hint may be another's.
        let hint = hint.filter(|_| !io_uring).and_then(|bytes| Hint::decode(bytes, op.op));
        let mut escapes = Escapes::default();
        let body = told(event, &op, submitted.as_ref(), hint.as_ref(), &mut escapes);
        let who = self.who(&event.header);
        self.emit(out, who.entry(body, escapes));
        Ok(())
    }
}

/// The kernel's word on the paths of a call.
pub(super) struct Hint<'a> {
    pub(super) event: Event<'a>,
    what: abi::PathHint,
}

impl<'a> Hint<'a> {
    /// The hint, if it is for this operation.
    pub(super) fn decode(bytes: &'a [u8], op: u32) -> Option<Self> {
        let event = Event::decode(bytes).ok()?;
        let raw::Body::PathHint(what) = event.body else { return None };
        (what.op == op).then_some(Self { event, what })
    }
}

fn told(
    event: &Event<'_>,
    op: &abi::PathOp,
    submitted: Option<&Submitted<'_>>,
    hint: Option<&Hint<'_>>,
    escapes: &mut Escapes,
) -> Body {
    let mut first = Clues::first(&event.sections, submitted);
    if op.op_flags & abi::OPF_FD == 0 {
        // Without a descriptor the walk is not the object's.
        first.walk = None;
    }
    let mut second = Clues::second(&event.sections, submitted);
    if let Some(hint) = hint {
        first.walk = hint.event.sections.get(abi::SEC_PATH).or(first.walk);
        second.walk = hint.event.sections.get(abi::SEC_PATH2);
    }
    let (ino, dev) = match hint {
        Some(hint) if op.ino == 0 => (hint.what.ino, hint.what.dev),
        _ => (op.ino, op.dev),
    };
    let ret = i64::from(op.ret);
    let mut call = PathCall {
        path: first.path("path", escapes),
        raw_path: first.raw_text("raw_path", escapes),
        dirfd: op.dirfd,
        dev: (ino != 0).then(|| names::st_dev(dev)),
        inode: (ino != 0).then_some(ino),
        ret,
        errno: names::errno_of(ret),
        io_uring: event.header.flags & abi::FLAG_URING != 0,
    };
    let low = |value: u64| u32::try_from(value & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    let id = |value: u64| Some(low(value)).filter(|&id| id != u32::MAX);
    match op.op {
        abi::OP_RENAME | abi::OP_LINK => {
            let new = second.path("new_path", escapes);
            call.path.path_truncated |= new.path_truncated;
            call.path.path_source = paths::weaker(call.path.path_source, new.path_source);
            let (new_path, raw_new_path) = (new.path, second.raw_text("raw_new_path", escapes));
            match op.op {
                abi::OP_RENAME => {
                    let exchange = op.a0 & RENAME_EXCHANGE != 0;
                    Body::FileRename { call, new_path, raw_new_path, exchange }
                }
                _ => Body::FileLink { call, new_path, raw_new_path },
            }
        }
        abi::OP_SYMLINK => Body::FileSymlink { call, target: second.raw_text("target", escapes) },
        abi::OP_MKDIR => Body::FileMkdir { call, mode: low(op.a0) },
        abi::OP_MKNOD => {
            let (node, is_device) = names::node_type(low(op.a0));
            let rdev = is_device.then(|| low(op.a1));
            Body::FileMknod { call, node, mode: low(op.a0) & names::PERMISSIONS, rdev }
        }
        abi::OP_CHMOD => Body::FileChmod { call, mode: low(op.a0) },
        abi::OP_CHOWN => Body::FileChown { call, owner: id(op.a0), group: id(op.a1) },
        abi::OP_TRUNCATE => Body::FileTruncate { call, length: op.a0 },
        _ => Body::FileUnlink(call),
    }
}
