//! What the kernel side cannot tell and the host adds to an event: paths of calls that the programs saw only as
//! strings, what the kernel copied, and digests.

use super::copied::Copies;
use crate::raw::{Body, Builder, Event, path_from_walk};
use crate::resolve::{Call, View, resolve};
use kernscope_abi as abi;
use std::borrow::Cow;

/// `io_uring` requests whose first name is followed when it is a link: none. Their opcodes are not looked at.
const NO_FOLLOW: bool = false;
/// Inode of a mount namespace, as `/proc/PID/ns/mnt` has it.
const OWN_NAMESPACE: &str = "/proc/self/ns/mnt";

/// Adds sections to events.
#[derive(Debug)]
pub(super) struct Enricher {
    /// Successful path calls bring hints of their own.
    has_hints: bool,
    own_namespace: Option<std::path::PathBuf>,
    copies: Copies,
}

impl Enricher {
    pub(super) fn new(has_hints: bool) -> Self {
        Self { has_hints, own_namespace: std::fs::read_link(OWN_NAMESPACE).ok(), copies: Copies::default() }
    }

    /// The event as it came, or with what it lacked.
    pub(super) fn enrich<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let Ok(event) = Event::decode(bytes) else { return Cow::Borrowed(bytes) };
        // What is in the ring may be longer than the event: its room was of a fixed size.
        let bytes = &bytes[..event.header.size as usize];
        if let Some(added) = self.copies.add(bytes, &event) {
            return Cow::Owned(added);
        }
        let (needs, follow) = match event.body {
            Body::Open(body) => (body.ret < 0, body.flags & OPEN_NO_FOLLOW == 0),
            Body::ExecFail(_) => (true, true),
            Body::PathOp(body) => (
                body.op_flags & abi::OPF_FD == 0 && body.request == 0 && (body.ret < 0 || !self.has_hints),
                body.op_flags & abi::OPF_FOLLOW != 0,
            ),
            Body::UringSubmit(_) => (true, NO_FOLLOW),
            _ => (false, false),
        };
        if !needs {
            return Cow::Borrowed(bytes);
        }
        let view = self.view(&event);
        let first = path(&view, &event, abi::SEC_BASE, abi::SEC_RAW, follow);
        let is_symlink = matches!(event.body, Body::PathOp(body) if body.op == abi::OP_SYMLINK)
            || matches!(event.body, Body::UringSubmit(body) if body.opcode == IORING_OP_SYMLINKAT);
        let second =
            if is_symlink { None } else { path(&view, &event, abi::SEC_BASE2, abi::SEC_RAW2, false) };
        let mut builder = Builder::extend(bytes);
        if let Some((path, flags)) = first {
            builder = builder.section(abi::SEC_RESOLVED, flags, &path);
        }
        if let Some((path, flags)) = second {
            builder = builder.section(abi::SEC_RESOLVED2, flags, &path);
        }
        Cow::Owned(builder.finish())
    }

    /// How the process sees names: from our own root, from a changed one, or from another mount namespace.
    fn view(&self, event: &Event<'_>) -> View {
        let root = event.sections.get(abi::SEC_ROOT).map(|section| path_from_walk(section.bytes));
        let namespace = std::fs::read_link(format!("/proc/{}/ns/mnt", event.header.pid)).ok();
        let foreign = namespace.is_some() && namespace != self.own_namespace;
        match (foreign, root) {
            (true, root) => View::of_process(event.header.pid, root.as_deref().unwrap_or(b"/")),
            (false, Some(root)) if root != b"/" => View::chroot(&root),
            (false, _) => View::host(),
        }
    }
}

/// `O_NOFOLLOW`, and `O_CREAT | O_EXCL` which does not follow either: only the first is looked at.
const OPEN_NO_FOLLOW: u32 = 0o400_000;
/// `IORING_OP_SYMLINKAT`.
const IORING_OP_SYMLINKAT: u32 = 38;

/// The path of one of the two names of a call; `None` when it has no such name.
fn path(view: &View, event: &Event<'_>, base: u8, raw: u8, follow: bool) -> Option<(Vec<u8>, u8)> {
    let raw = event.sections.get(raw).filter(|section| !section.has(abi::SECF_UNRESOLVED))?;
    let base = event.sections.get(base).map(|section| path_from_walk(section.bytes));
    if base.is_none() && !raw.bytes.starts_with(b"/") {
        // A directory descriptor that is not open: the call failed, and there is no path to tell.
        return None;
    }
    let call = Call {
        base: base.as_deref().unwrap_or(b"/"),
        raw: raw.bytes,
        follow_last: follow,
        pid: event.header.pid,
        tid: event.header.tid,
    };
    let resolved = resolve(view, &call);
    Some((resolved.path, resolved.flags | raw.flags & abi::SECF_TRUNCATED))
}
