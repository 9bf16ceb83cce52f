//! What calls read, write, send and receive, held against rules.
//!
//! Three programs follow one another by tail calls behind the one that counts the bytes: `exit_content` brings data into
//! the window of this CPU, a generated program judges it there, and `exit_judged` sends on what may match and brings the
//! next piece. The data is judged after the call, when it is where the call put it or still where it came from;
//! another thread may have changed it since. The messages of one call are judged one after the other. The kernel allows so many tail
//! calls, which is enough for 15 pieces or ten messages; the rest counts as lost.

use crate::carry::Stream;
use crate::event::{begin, output, plain, scratch, section, send, tail};
use crate::file::{file_of, identity, is_socket};
use crate::io::counts;
use crate::maps::{ACCOUNT, Current, EXIT_CALLS, current, family, lost, member, off, piece_bytes, produced};
use crate::onward::hand_on;
use crate::read::user;
use crate::sock;
use crate::walk::walk_path;
use aya_ebpf::{
    helpers::generated::{bpf_get_smp_processor_id, bpf_probe_read_user},
    macros::{btf_tracepoint, map},
    maps::{Array, PerCpuArray},
    programs::BtfTracePointContext,
};
use core::mem::size_of;
use kernscope_abi::{
    CONTENT_IN, CONTENT_OUT, Content, Endpoint, FLAG_COMPAT, FileId, Header, KIND_CONTENT, KIND_PATH_HINT,
    MAX_EVENT, NO_OFFSET, Net, OP_CONTENT, PathHint, SEC_DATA, SEC_PATH, SECF_LONG, Section,
    layout::{
        LOST_CONTENT, data, exit_call, variant,
        window::{CARRY_BYTES, DATA, LENGTH, MAX_BYTES, OVERLAP_SHARE, VALUE_BYTES, VERDICT},
    },
};

const S_IFMT: u32 = 0o170000;
const S_IFREG: u32 = 0o100000;
/// Bytes in front of the data in the window that the event takes: header, body, and the section's header.
const FRONT: usize = size_of::<Header>() + size_of::<Content>() + size_of::<Section>();
/// Where the event begins in the window.
const EVENT: usize = DATA as usize - FRONT;
/// A verdict that no program has given.
const UNDECIDED: u64 = 2;
/// Buffers of a vector that are followed.
const BUFFERS: u64 = 16;

/// Tail calls that the kernel allows behind one another (`MAX_TAIL_CALL_CNT`, include/linux/bpf.h).
const JUMPS: u64 = 33;
/// Those to the first data: to the handler of the call, to what tells it as it is (stdio, DNS), if any, and to `exit_content`.
const JUMPS_BEFORE: u64 = 3;
/// Those for a piece: to the generated program, and to `exit_judged`.
const JUMPS_PIECE: u64 = 2;

/// Offsets in `struct user_msghdr` and `struct mmsghdr` of 64-bit programs (include/linux/socket.h).
const MSG_IOV: u64 = 16;
const MSG_IOVLEN: u64 = 24;
const MSG_LEN: u64 = 56;
const MMSGHDR_BYTES: u64 = 64;

/// A value of [`WINDOW`].
#[repr(C)]
pub(crate) struct Window([u64; VALUE_BYTES as usize / 8]);
const _: () = assert!(VALUE_BYTES % 8 == 0);

/// One for each CPU; the host makes as many as there are.
#[map]
static WINDOW: Array<Window> = Array::with_max_entries(1, 0);

/// The data of a call, between its programs.
#[repr(C)]
pub(crate) struct Subject {
    file: u64,
    /// User address of the next piece; 0 when the data is in the window as far as it goes.
    address: u64,
    /// Bytes of the call.
    total: u64,
    /// Where in the call the piece in the window begins; before it, with the end of the call before.
    at: u64,
    /// Bytes of it.
    len: u64,
    /// Those of them that the piece before had, or the call before.
    overlap: u64,
    offset: u64,
    /// Tail calls that are left.
    jumps: u64,
}

#[map]
static SUBJECT: PerCpuArray<Subject> = PerCpuArray::with_max_entries(1, 0);

#[inline(always)]
fn subject() -> Option<&'static mut Subject> {
    // SAFETY: a per-CPU slot that only programs at `sys_exit` use.
    SUBJECT.get_ptr_mut(0).map(|slot| unsafe { &mut *slot })
}

#[inline(always)]
fn window() -> Option<*mut u8> {
    // SAFETY: no arguments.
    let cpu = unsafe { bpf_get_smp_processor_id() };
    WINDOW.get_ptr_mut(cpu).map(|window| window.cast::<u8>())
}

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
    let shape = now.call.op as u32;
    let is_wide = now.flags & FLAG_COMPAT as u32 == 0;
    let total = if is_many(now) { message_bytes(now) } else { now.ret as u64 };
    if now.ret <= 0 || total == 0 {
        return None;
    }
    let subject = subject()?;
    subject.file = file_of(now.args[0] as u32);
    subject.total = total;
    subject.offset = offset(now, subject.file, total);
    let stream = Stream::of(subject.file, is_read(now));
    // SAFETY: in a window, which has room for it behind DATA.
    let to = unsafe { window()?.add(DATA as usize) };
    subject.overlap = stream.before(subject.offset, piece_bytes() / 2, to);
    subject.at = 0u64.wrapping_sub(subject.overlap);
    let got = if shape == data::BUFFER || shape == data::BUFFER_AT {
        subject.address = now.args[1];
        piece(subject, subject.overlap)
    } else if is_wide && (shape == data::VECTOR || shape == data::VECTOR_AT) {
        gather(subject, now.args[1], now.args[2])
    } else if is_wide && (shape == data::MESSAGE || shape == data::MESSAGES) {
        let header = if shape == data::MESSAGE { now.args[1] } else { message(now) };
        gather(subject, user::<u64>(header + MSG_IOV), user::<u64>(header + MSG_IOVLEN))
    } else {
        None
    };
    match got {
        Some(()) => keep(now, subject),
        None => unread(),
    }
    got
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
    subject.overlap = subject.len / OVERLAP_SHARE;
    subject.at = done - subject.overlap;
    let got = piece(subject, 0);
    match got {
        Some(()) => keep(current(family::SYS_EXIT)?, subject),
        None => unread(),
    }
    got
}

/// Bytes of the call's buffer from [`Subject::at`] on into the window, the first `carried` of which are there already.
#[inline(always)]
fn piece(subject: &mut Subject, carried: u64) -> Option<()> {
    let window = window()?;
    let at = subject.at.wrapping_add(carried);
    let (left, room) = (subject.total - at, piece_bytes() - carried);
    let len = plain(if left < room { left } else { room } as u32);
    let carried = plain(carried as u32);
    if len == 0 || len > MAX_BYTES as u64 || carried > CARRY_BYTES as u64 {
        return None;
    }
    subject.len = carried + len;
    // SAFETY: both are at most MAX_BYTES, and the window has twice as many behind DATA; the helper checks the source.
    let failed = unsafe {
        let to = window.add(DATA as usize).add(carried as usize);
        bpf_probe_read_user(to.cast(), len as u32, (subject.address + at) as *const _) != 0
    };
    if failed {
        return None;
    }
    ready(window, carried + len);
    Some(())
}

/// The buffers of a vector, one behind the other, into the window; as much as is judged at once.
#[inline(always)]
fn gather(subject: &mut Subject, vector: u64, count: u64) -> Option<()> {
    let window = window()?;
    let most = piece_bytes();
    let all = subject.total + subject.overlap;
    let wanted = if all < most { all } else { most };
    let mut len = subject.overlap;
    for index in 0..BUFFERS {
        if index >= count || len >= wanted {
            break;
        }
        let [base, bytes] = user::<[u64; 2]>(vector + 16 * index);
        let left = wanted - len;
        let bytes = plain(if bytes < left { bytes } else { left } as u32);
        let place = plain(len as u32);
        if bytes == 0 {
            continue;
        }
        if bytes > MAX_BYTES as u64 || place > MAX_BYTES as u64 {
            return None;
        }
        // SAFETY: both are at most MAX_BYTES, and the window has twice as many behind DATA.
        let failed = unsafe {
            let to = window.add(DATA as usize).add(place as usize);
            bpf_probe_read_user(to.cast(), bytes as u32, base as *const _) != 0
        };
        if failed {
            return None;
        }
        len += bytes;
    }
    if len == subject.overlap {
        return None;
    }
    subject.address = 0;
    subject.len = len;
    ready(window, len);
    Some(())
}

/// Tells the generated program how much there is.
#[inline(always)]
fn ready(window: *mut u8, len: u64) {
    // SAFETY: in the first bytes of a window.
    unsafe {
        window.add(LENGTH as usize).cast::<u64>().write(len);
        window.add(VERDICT as usize).cast::<u64>().write(UNDECIDED);
    }
    if let Some(account) = ACCOUNT.get_ptr_mut(0) {
        // SAFETY: this CPU's slot, which for these two only this program writes.
        unsafe {
            (*account).judged += 1;
            (*account).judged_bytes += len;
        }
    }
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
fn is_read(now: &Current) -> bool {
    let variant = now.call.variant;
    match now.call.exit as u32 {
        exit_call::IO => variant == variant::READ,
        _ => variant == variant::RECV || variant == variant::RECVMMSG,
    }
}

/// Looks at the verdict, and sends what may match; `None` when that cannot be.
#[inline(always)]
fn judged() -> Option<()> {
    let window = window()?;
    // SAFETY: in the first bytes of a window.
    if unsafe { window.add(VERDICT as usize).cast::<u64>().read() } == 0 {
        return Some(());
    }
    let now = current(family::SYS_EXIT)?;
    let id = identity(subject()?.file);
    if !is_socket(&id) {
        hint(now, &id);
    }
    tell(now, &id, window)
}

/// The path of the file, in an event of its own: the window has no room for it.
#[inline(always)]
fn hint(now: &Current, id: &FileId) -> Option<()> {
    let body = begin::<PathHint>(family::SYS_EXIT, KIND_PATH_HINT, now.flags, now.start_ns, now.ppid)?;
    // SAFETY: `begin` gave room for the body.
    unsafe {
        (*body).op = OP_CONTENT;
        (*body).ino = id.ino;
        (*body).dev = id.dev;
    }
    let path = subject()?.file + off!(file_path) as u64;
    let pos = walk_path(family::SYS_EXIT, tail::<PathHint>(), SEC_PATH, path);
    send(family::SYS_EXIT, pos);
    Some(())
}

/// The data itself: written in front of it is what all events begin with.
#[inline(always)]
fn tell(now: &Current, id: &FileId, window: *mut u8) -> Option<()> {
    // The ends of a socket are described in a body of their own, which is written over then.
    let mut remote = Endpoint { addr: [0; 16], port: 0, version: 0, scope: 0 };
    if is_socket(id) {
        let (socket, sk) = sock::of_file(subject()?.file);
        // SAFETY: the scratch buffer has room for it.
        unsafe {
            let net = scratch(family::SYS_EXIT)?.cast::<Net>();
            sock::describe(net, socket, sk);
            remote = (*net).remote;
        }
        // A datagram of a socket that is not connected goes where the call said.
        if remote.port == 0 && !is_read(now) {
            if let Some(slot) = counts(family::SYS_EXIT, subject()?.file) {
                // SAFETY: a map value.
                let last = unsafe { (*slot).last_remote };
                if last.version == 4 || last.version == 6 {
                    remote = last;
                }
            }
        }
    }
    let (subject, buffer) = (subject()?, scratch(family::SYS_EXIT)?);
    let len = plain(subject.len as u32);
    if len > MAX_BYTES as u64 {
        return None;
    }
    // From here on nothing fails: the event is counted, and goes into the ring or is lost there.
    let body = begin::<Content>(family::SYS_EXIT, KIND_CONTENT, now.flags, now.start_ns, now.ppid)?;
    // SAFETY: `begin` gave room for the body; the window has room for the event in front of DATA.
    unsafe {
        (*body).file = *id;
        (*body).remote = remote;
        (*body).offset = subject.offset;
        (*body).call_bytes = subject.total;
        (*body).at = subject.at;
        (*body).overlap = subject.overlap as u32;
        (*body).source = if is_read(now) { CONTENT_IN } else { CONTENT_OUT };
        (*body).fd = now.args[0] as i32;
        (*body).pad = 0;
        let long = (len >> 16) as u8 * SECF_LONG;
        section(buffer.add(FRONT - size_of::<Section>()), SEC_DATA as u32, long, len as u32);
        buffer.cast::<u32>().write(FRONT as u32 + len as u32);
        let event = window.add(EVENT);
        for word in 0..FRONT / 4 {
            event.cast::<u32>().add(word).write(buffer.cast::<u32>().add(word).read());
        }
        output(family::SYS_EXIT, event, FRONT as u64 + len);
    }
    Some(())
}

const _: () = assert!(FRONT % 4 == 0 && DATA as usize >= FRONT && FRONT + MAX_BYTES as usize <= MAX_EVENT);
const _: () = assert!(MAX_BYTES >> 16 == 1);
