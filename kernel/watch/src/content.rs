//! What calls read, write, send and receive, held against rules.
//!
//! Three programs follow one another by tail calls behind the one that counts the bytes: `exit_content` brings data into
//! the window of this CPU (`window.rs`), a generated program judges it there, and `exit_judged` sends on what may match
//! (`content_tell.rs`) and brings the next piece. The data is judged after the call, when it is where the call put it or still where
//! it came from; another thread may have changed it since. The messages of one call are judged one after the other. The kernel allows
//! so many tail calls, which is enough for 15 pieces or ten messages, and pieces grow with the call up to 704 KiB; the rest counts as
//! lost.

use crate::carry::Stream;
use crate::content_tell::judged;
use crate::file::{file_of, identity};
use crate::io::counts;
use crate::maps::{Current, EXIT_CALLS, current, family, lost, member, piece_bytes, produced};
use crate::onward::hand_on;
use crate::read::user;
use crate::window::{Subject, gather, room, subject, window};
use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use kernscope_abi::{
    FLAG_COMPAT, KIND_CONTENT, NO_OFFSET,
    layout::{
        LOST_CONTENT, data, exit_call, variant,
        window::{DATA, overlap},
    },
};

const S_IFMT: u32 = 0o170000;
const S_IFREG: u32 = 0o100000;

/// Tail calls that the kernel allows behind one another (`MAX_TAIL_CALL_CNT`, include/linux/bpf.h).
const JUMPS: u64 = 33;
/// Those to the first data: to the handler of the call, to what tells it as it is (stdio, DNS), if any, and to `exit_content`.
const JUMPS_BEFORE: u64 = 3;
/// Those for a piece: to the generated program, and to `exit_judged`.
const JUMPS_PIECE: u64 = 2;
/// Pieces that a call may have.
const PIECES: u64 = (JUMPS - JUMPS_BEFORE) / JUMPS_PIECE;

/// Offsets in `struct user_msghdr` and `struct mmsghdr` of 64-bit programs (include/linux/socket.h).
const MSG_IOV: u64 = 16;
const MSG_IOVLEN: u64 = 24;
const MSG_LEN: u64 = 56;
const MMSGHDR_BYTES: u64 = 64;

#[btf_tracepoint(function = "____sys_exit")]
pub fn exit_content(ctx: BtfTracePointContext) -> i32 {
    if let (Some(now), Some(subject)) = (current(family::SYS_EXIT), subject()) {
        if !is_many(now) || now.args[5] == 0 {
            subject.jumps = JUMPS - JUMPS_BEFORE;
        }
        if first().is_some() {
            judge(&ctx);
        }
    }
    another(&ctx);
    0
}

#[btf_tracepoint(function = "____sys_exit")]
pub fn exit_judged(ctx: BtfTracePointContext) -> i32 {
    // `None` only where a map has no slot, which cannot be, but is not known to the verifier: no test brings it about.
    if judged().is_none() {
        unread();
    } else if next().is_some() {
        judge(&ctx);
    }
    another(&ctx);
    0
}

/// Has what is in the window judged, if then `exit_judged` can be reached as well; returns if not. The generated program would end
/// there, and nobody would say so.
#[inline(always)]
fn judge(ctx: &BtfTracePointContext) {
    if jump(JUMPS_PIECE, 0) {
        // SAFETY: the host fills the entry before anything is attached.
        unsafe { EXIT_CALLS.tail_call(ctx, exit_call::JUDGE) };
    }
    unread();
}

/// Takes so many tail calls of those that are left; `false` if there are not that many, and `behind` more.
#[inline(always)]
fn jump(jumps: u64, behind: u64) -> bool {
    let Some(subject) = subject() else { return false };
    let enough = subject.jumps >= jumps + behind;
    if enough {
        subject.jumps -= jumps;
    }
    enough
}

/// Whether the call in progress moves several messages, whose headers are read here.
#[inline(always)]
fn is_many(now: &Current) -> bool {
    now.call.op as u32 == data::MESSAGES && now.flags & FLAG_COMPAT as u32 == 0
}

/// Goes on with the next message of the call in progress, if it has one.
#[inline(always)]
fn another(ctx: &BtfTracePointContext) {
    let Some(now) = current(family::SYS_EXIT) else { return };
    if !is_many(now) {
        return;
    }
    let bytes = message_bytes(now);
    now.args[4] = now.args[4].wrapping_sub(bytes);
    now.args[5] += 1;
    if now.args[5] < now.ret as u64 {
        if jump(1, JUMPS_PIECE) {
            hand_on(ctx);
        }
        unread();
    }
}

/// Where the header of the message is that is judged now; `exit_msg` begins with the first, and leaves how many bytes there are.
#[inline(always)]
fn message(now: &Current) -> u64 {
    now.args[1] + now.args[5] * MMSGHDR_BYTES
}

#[inline(always)]
fn message_bytes(now: &Current) -> u64 {
    user::<u32>(message(now) + MSG_LEN) as u64
}

/// Data that is not judged.
#[inline(always)]
fn unread() {
    produced(family::SYS_EXIT, KIND_CONTENT);
    lost(family::SYS_EXIT, LOST_CONTENT);
}

/// The first piece of the call in progress.
#[inline(always)]
fn first() -> Option<()> {
    let now = current(family::SYS_EXIT)?;
    let total = if is_many(now) { message_bytes(now) } else { now.ret as u64 };
    if now.ret <= 0 || total == 0 {
        return None;
    }
    let got = bring(now, total);
    match got {
        Some(()) => keep(now, subject()?),
        None => unread(),
    }
    got
}

/// Brings it into the window, behind the end of the call before; `None` when that cannot be.
#[inline(always)]
fn bring(now: &Current, total: u64) -> Option<()> {
    let shape = now.call.op as u32;
    let is_wide = now.flags & FLAG_COMPAT as u32 == 0;
    begin(now, total)?;
    if shape == data::BUFFER || shape == data::BUFFER_AT {
        let subject = subject()?;
        subject.address = now.args[1];
        subject.piece(subject.overlap)
    } else if is_wide && (shape == data::VECTOR || shape == data::VECTOR_AT) {
        gather(now.args[1], now.args[2])
    } else if is_wide && (shape == data::MESSAGE || shape == data::MESSAGES) {
        let header = if shape == data::MESSAGE { now.args[1] } else { message(now) };
        gather(user::<u64>(header + MSG_IOV), user::<u64>(header + MSG_IOVLEN))
    } else {
        None
    }
}

/// What is known of it before it is read; and the end of the call before, into the window.
#[inline(always)]
fn begin(now: &Current, total: u64) -> Option<()> {
    let subject = subject()?;
    subject.file = file_of(now.args[0] as u32);
    subject.total = total;
    subject.room = room(total, PIECES);
    subject.offset = offset(now, subject.file, total);
    let stream = Stream::of(subject.file, is_read(now));
    // SAFETY: in a window, which has room for it behind DATA.
    let to = unsafe { window()?.add(DATA as usize) };
    subject.overlap = stream.before(subject.offset, piece_bytes() / 2, to);
    subject.at = 0u64.wrapping_sub(subject.overlap);
    Some(())
}

/// Keeps the end of the call, if it is in the window.
#[inline(always)]
fn keep(now: &Current, subject: &Subject) {
    if subject.at.wrapping_add(subject.len) < subject.total || subject.offset == NO_OFFSET {
        return;
    }
    let Some(window) = window() else { return };
    // SAFETY: in a window.
    let data = unsafe { window.add(DATA as usize) };
    let stream = Stream::of(subject.file, is_read(now));
    stream.keep(subject.offset.wrapping_add(subject.total), data, subject.len);
}

/// The next piece of a call that had more data than is judged at once.
#[inline(always)]
fn next() -> Option<()> {
    let subject = subject()?;
    let done = subject.at.wrapping_add(subject.len);
    if done >= subject.total {
        return None;
    }
    if subject.address == 0 {
        unread();
        return None;
    }
    subject.overlap = overlap(subject.len);
    subject.at = done - subject.overlap;
    let got = subject.piece(0);
    match got {
        Some(()) => keep(current(family::SYS_EXIT)?, subject),
        None => unread(),
    }
    got
}

/// Where the call's first byte lies: in a regular file, or among all that was moved through anything else.
#[inline(always)]
fn offset(now: &Current, file: u64, total: u64) -> u64 {
    let shape = now.call.op as u32;
    let reads = is_read(now);
    if identity(file).st_mode & S_IFMT == S_IFREG {
        if (shape == data::BUFFER_AT || shape == data::VECTOR_AT) && now.args[3] != u64::MAX {
            return if now.flags & FLAG_COMPAT as u32 == 0 { now.args[3] } else { NO_OFFSET };
        }
        let position: u64 = member!(file, file, file_pos);
        return position.wrapping_sub(total);
    }
    let Some(moved) = counts(family::SYS_EXIT, file) else { return NO_OFFSET };
    // SAFETY: a map value.
    let moved = unsafe { if reads { (*moved).read_bytes } else { (*moved).write_bytes } };
    moved.wrapping_sub(if shape == data::MESSAGES { now.args[4] } else { total })
}

/// Whether the call in progress brought data in.
#[inline(always)]
pub(crate) fn is_read(now: &Current) -> bool {
    let variant = now.call.variant;
    match now.call.exit as u32 {
        exit_call::IO => variant == variant::READ,
        _ => variant == variant::RECV || variant == variant::RECVMMSG,
    }
}
