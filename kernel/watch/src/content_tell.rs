//! What the judge found, on its way out: a piece that may match goes into the ring, in as many events as it takes.

use crate::content::is_read;
use crate::event::{begin, output, plain, scratch, section, send, tail};
use crate::file::{identity, is_socket};
use crate::io::counts;
use crate::maps::{Current, current, family, off};
use crate::sock;
use crate::walk::walk_path;
use crate::window::{Subject, subject, window};
use core::mem::size_of;
use kernscope_abi::{
    CONTENT_IN, CONTENT_OUT, Content, Endpoint, FileId, Header, KIND_CONTENT, KIND_PATH_HINT, MAX_EVENT, Net,
    OP_CONTENT, PathHint, SEC_DATA, SEC_PATH, SECF_LONG, Section,
    layout::window::{DATA, MAX_BYTES, MOST_OVERLAP, PIECE_BYTES, VERDICT, overlap},
};

/// Bytes in front of the data that the event takes: header, body, and the section's header.
const FRONT: usize = size_of::<Header>() + size_of::<Content>() + size_of::<Section>();
/// Most events of a piece.
const PARTS: u64 = MAX_BYTES as u64 / (PIECE_BYTES as u64 - MOST_OVERLAP) + 1;
/// What [`content_part`] gives where it could not tell.
const FAILED: u64 = u64::MAX;

/// Looks at the verdict on the piece in the window, and sends what may match; `None` when that cannot be.
#[inline(always)]
pub(crate) fn judged() -> Option<()> {
    // SAFETY: in the first bytes of a window.
    if unsafe { window()?.add(VERDICT as usize).cast::<u64>().read() } == 0 {
        return Some(());
    }
    let mut from = 0;
    for _ in 0..PARTS {
        from = content_part(from);
        if from == 0 || from == FAILED {
            break;
        }
    }
    (from == 0).then_some(())
}

/// Sends the piece from `from` bytes behind its beginning, as far as an event takes it: where the next event begins, 0 behind the
/// last. A function of its own so that the verifier pays for one.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn content_part(from: u64) -> u64 {
    part(from).unwrap_or(FAILED)
}

#[inline(always)]
fn part(from: u64) -> Option<u64> {
    let now = current(family::SYS_EXIT)?;
    let id = identity(subject()?.file);
    let mut remote = Endpoint { addr: [0; 16], port: 0, version: 0, scope: 0 };
    if is_socket(&id) {
        remote = peer(subject()?.file, !is_read(now))?;
    } else {
        hint(now, &id, subject()?.file);
    }
    let (subject, buffer, window) = (subject()?, scratch(family::SYS_EXIT)?, window()?);
    let left = subject.len.saturating_sub(from);
    let len = plain(if left < PIECE_BYTES as u64 { left } else { PIECE_BYTES as u64 } as u32);
    let place = plain(from as u32);
    if len == 0 || len > PIECE_BYTES as u64 || place > MAX_BYTES as u64 {
        return None;
    }
    // From here on nothing fails: the event is counted, and goes into the ring or is lost there.
    let body = begin::<Content>(family::SYS_EXIT, KIND_CONTENT, now.flags, now.start_ns, now.ppid)?;
    let again = again(subject, from, len);
    // SAFETY: `begin` gave room for the body. The window has room for MAX_BYTES and PIECE_BYTES behind DATA, and before DATA for what
    // stands in front; in front of a later part lies what the event before has told.
    unsafe {
        (*body).file = id;
        (*body).remote = remote;
        (*body).offset = subject.offset;
        (*body).call_bytes = subject.total;
        (*body).at = subject.at.wrapping_add(from);
        (*body).overlap = if from == 0 { subject.overlap } else { MOST_OVERLAP } as u32;
        (*body).source = if is_read(now) { CONTENT_IN } else { CONTENT_OUT };
        (*body).fd = now.args[0] as i32;
        (*body).again = again as u32;
        let long = (len >> 16) as u8 * SECF_LONG;
        section(buffer.add(FRONT - size_of::<Section>()), SEC_DATA as u32, long, len as u32);
        buffer.cast::<u32>().write(FRONT as u32 + len as u32);
        let event = window.add(DATA as usize - FRONT).add(place as usize);
        for word in 0..FRONT / 4 {
            event.cast::<u32>().add(word).write_unaligned(buffer.cast::<u32>().add(word).read());
        }
        output(family::SYS_EXIT, event, FRONT as u64 + len);
    }
    Some(if left > len { from + len - MOST_OVERLAP } else { 0 })
}

/// Bytes at the end of a part that the next event has as well, if there will be one.
#[inline(always)]
fn again(subject: &Subject, from: u64, len: u64) -> u64 {
    if from + len < subject.len {
        return MOST_OVERLAP;
    }
    let goes_on = subject.address != 0 && subject.at.wrapping_add(subject.len) < subject.total;
    if goes_on { overlap(subject.len) } else { 0 }
}

/// Tells the path of the file, in an event of its own: the window has no room for it.
#[inline(always)]
pub(crate) fn hint(now: &Current, id: &FileId, file: u64) -> Option<()> {
    let body = begin::<PathHint>(family::SYS_EXIT, KIND_PATH_HINT, now.flags, now.start_ns, now.ppid)?;
    // SAFETY: `begin` gave room for the body.
    unsafe {
        (*body).op = OP_CONTENT;
        (*body).ino = id.ino;
        (*body).dev = id.dev;
    }
    let path = file + off!(file_path) as u64;
    let pos = walk_path(family::SYS_EXIT, tail::<PathHint>(), SEC_PATH, path);
    send(family::SYS_EXIT, pos);
    Some(())
}

/// The other end of a socket. It is described in a body of its own, which is written over then.
#[inline(always)]
pub(crate) fn peer(file: u64, is_sent: bool) -> Option<Endpoint> {
    let (socket, sk) = sock::of_file(file);
    // SAFETY: the scratch buffer has room for it.
    let remote = unsafe {
        let net = scratch(family::SYS_EXIT)?.cast::<Net>();
        sock::describe(net, socket, sk);
        (*net).remote
    };
    // A datagram of a socket that is not connected goes where the call said.
    if remote.port == 0 && is_sent {
        if let Some(slot) = counts(family::SYS_EXIT, file) {
            // SAFETY: a map value.
            let last = unsafe { (*slot).last_remote };
            if last.version == 4 || last.version == 6 {
                return Some(last);
            }
        }
    }
    Some(remote)
}

const _: () = assert!(FRONT % 4 == 0 && DATA as usize >= FRONT && FRONT + PIECE_BYTES as usize <= MAX_EVENT);
const _: () = assert!(PIECE_BYTES >> 16 == 1);
