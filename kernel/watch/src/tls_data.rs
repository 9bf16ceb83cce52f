//! The return of a TLS library's function: what it moved, in chunks of bounded size.
//!
//! Each chunk is written where the ring has room for it and nowhere else: other threads may come to run on the same CPU
//! in between. What is too much for one run of a program is told by the next, by a tail call.

use crate::calls::watched;
use crate::event::{head, plain, section, wake};
use crate::io::add;
use crate::maps::{EVENTS, family, lost, produced};
use crate::read::user;
use crate::tls::{
    CALLS_MAX, COUNTED, Conn, ConnKey, Frame, FrameKey, NOTHING, TLS_CONNS, TLS_FRAMES, TLS_THREADS, conn,
    conn_key, current_thread, target,
};
use aya_ebpf::{
    EbpfContext,
    helpers::generated::{bpf_ktime_get_ns, bpf_probe_read_user},
    macros::{map, uprobe, uretprobe},
    maps::{LruHashMap, ProgramArray},
    programs::{ProbeContext, RetProbeContext},
};
use core::mem::size_of;
use kernscope_abi::{
    Header, KIND_TLS, MAX_TLS_CHUNK, SEC_DATA, Section, TLS_END, TLS_GNUTLS, TLS_IN, TLS_NSS, TLS_OPENSSL,
    TLS_OUT, TLS_SOCKET_LAST, TLS_SOCKET_NONE, TLS_USED, Tls,
    layout::{LOST_RING_FULL, LOST_TLS_LONG, LOST_TLS_UNREAD},
};

/// Chunks that one run of a program tells: with the kernel's limit of tail calls, 16 MiB a call.
const CHUNKS: u32 = 32;
/// Bytes in front of a chunk's data.
const FRONT: usize = size_of::<Header>() + size_of::<Tls>() + size_of::<Section>();
/// Sizes of room in the ring, in words of 8 bytes: a reservation's size must be a constant.
const SMALL: usize = 64;
const LINE: usize = 192;
const PAGE: usize = 576;
const HALF: usize = 1088;
const LARGE: usize = (FRONT + MAX_TLS_CHUNK).div_ceil(8);
/// Bytes of an address and a length.
const SLICE_BYTES: u64 = 16;
/// Bytes of the return address that the return has taken off the stack.
const RETURN_ADDRESS: u64 = 8;

/// The programs that go on with a long call: behind a return, and at a return instruction.
#[map]
static TLS_MORE: ProgramArray = ProgramArray::with_max_entries(2, 0);
const MORE_RETURNED: u32 = 0;
/// When the processes began that were told to use a library: by process and file.
#[map]
static TLS_USERS: LruHashMap<u64, u64> = LruHashMap::with_max_entries(CALLS_MAX, 0);
pub(crate) const MORE_GO: u32 = 1;

#[uretprobe]
pub fn tls_return(ctx: RetProbeContext) -> u32 {
    let key = frame_key(&ctx);
    // The functions give an int.
    if returned(ctx.ret::<u64>() as i32 as u64, &key).is_some() {
        go_on(&ctx, &key, MORE_RETURNED);
    }
    0
}

/// Goes on with a call that is longer than what one run tells.
#[uretprobe]
pub fn tls_more(ctx: RetProbeContext) -> u32 {
    go_on(&ctx, &frame_key(&ctx), MORE_RETURNED);
    0
}

/// A connection is let go of: its number may be another's from now on.
macro_rules! leave {
    ($($name:ident = $library:ident;)*) => {
        $(
            #[uprobe]
            pub fn $name(ctx: ProbeContext) -> u32 {
                let _ = ctx.arg::<u64>(0).and_then(|handle| ended_of(&ctx, handle, $library));
                0
            }
        )*
    };
}

leave! {
    tls_openssl_end = TLS_OPENSSL;
    tls_gnutls_end = TLS_GNUTLS;
    tls_nss_end = TLS_NSS;
}

#[inline(always)]
fn frame_key(ctx: &RetProbeContext) -> FrameKey {
    // SAFETY: the program's own context.
    FrameKey { thread: current_thread(), stack: unsafe { (*ctx.regs).rsp } - RETURN_ADDRESS }
}

/// Takes the result of the call; `None` when there is nothing to tell.
#[inline(always)]
pub(crate) fn returned(result: u64, key: &FrameKey) -> Option<()> {
    // SAFETY: a map value of this thread.
    let frame = unsafe { &mut *TLS_FRAMES.get_ptr_mut(key)? };
    if let Some(thread) = TLS_THREADS.get_ptr_mut(&key.thread) {
        // SAFETY: the thread's own entry.
        unsafe { (*thread).stack = 0 };
    }
    let bytes = match frame.result {
        _ if result as i64 <= 0 => 0,
        COUNTED => result,
        NOTHING => 0,
        _ => user::<u64>(frame.stored_at),
    };
    let conn = conn(&frame.conn);
    if let Some(conn) = &conn {
        tell_first(&frame.conn, conn, frame.target, frame.ppid);
    }
    if bytes == 0 || conn.is_none() {
        let _ = TLS_FRAMES.remove(key);
        return None;
    }
    let moved = &mut conn?.moved[(frame.direction & 1) as usize];
    frame.offset = *moved;
    frame.total = bytes;
    frame.at = 0;
    add(moved, bytes);
    Some(())
}

/// Tells that the process uses the library, once.
#[inline(always)]
pub(crate) fn tell_first(key: &ConnKey, conn: &Conn, target: u32, ppid: u32) {
    let user = (key.pid as u64) << 32 | target as u64;
    // SAFETY: copied out at once.
    if unsafe { TLS_USERS.get(&user) }.copied() != Some(key.start_ns) {
        let _ = TLS_USERS.insert(&user, &key.start_ns, 0);
        tell(TLS_USED, conn, key, target, ppid);
    }
}

/// Tells the next chunks of a call, and leaves the rest to the program after this one.
#[inline(always)]
pub(crate) fn go_on<C: EbpfContext>(ctx: &C, key: &FrameKey, more: u32) {
    let mut is_left = false;
    for _ in 0..CHUNKS {
        is_left = tls_chunk(key.thread, key.stack) != 0;
        if !is_left {
            break;
        }
    }
    if is_left {
        // SAFETY: the host fills the entry before anything is attached. Beyond the kernel's limit it returns.
        unsafe { TLS_MORE.tail_call(ctx, more) };
        produced(family::TLS, KIND_TLS);
        lost(family::TLS, LOST_TLS_LONG);
    }
    let _ = TLS_FRAMES.remove(key);
}

/// Tells one chunk; not 0 when more are left. A function of its own so that the verifier pays for one.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn tls_chunk(thread: u64, stack: u64) -> u32 {
    let Some(frame) = TLS_FRAMES.get_ptr_mut(&FrameKey { thread, stack }) else { return 0 };
    // SAFETY: a map value of this thread.
    let frame = unsafe { &mut *frame };
    let Some(conn) = TLS_CONNS.get_ptr_mut(&frame.conn) else { return 0 };
    // SAFETY: a map value; see `conn`.
    chunk(frame, unsafe { &*conn }, thread);
    (frame.at < frame.total) as u32
}

#[inline(always)]
fn chunk(frame: &mut Frame, conn: &Conn, thread: u64) {
    if frame.at >= frame.slice_end {
        return next_slice(frame);
    }
    let left = if frame.slice_end < frame.total { frame.slice_end } else { frame.total } - frame.at;
    let len = plain(if left < MAX_TLS_CHUNK as u64 { left } else { MAX_TLS_CHUNK as u64 } as u32);
    produced(family::TLS, KIND_TLS);
    if len <= (SMALL * 8 - FRONT) as u64 {
        put::<SMALL>(frame, conn, thread, len);
    } else if len <= (LINE * 8 - FRONT) as u64 {
        put::<LINE>(frame, conn, thread, len);
    } else if len <= (PAGE * 8 - FRONT) as u64 {
        put::<PAGE>(frame, conn, thread, len);
    } else if len <= (HALF * 8 - FRONT) as u64 {
        put::<HALF>(frame, conn, thread, len);
    } else {
        put::<LARGE>(frame, conn, thread, len);
    }
    frame.at += len;
}

/// Goes on with the next of the slices in which the data lies; one may be empty.
#[inline(always)]
fn next_slice(frame: &mut Frame) {
    let [address, len] = user::<[u64; 2]>(frame.slices);
    frame.buffer = address.wrapping_sub(frame.at);
    frame.slice_end = frame.at.saturating_add(len);
    frame.slices = frame.slices.wrapping_add(SLICE_BYTES);
}

/// Puts a chunk of `len` bytes into room of `WORDS` words, or counts it lost.
#[inline(always)]
fn put<const WORDS: usize>(frame: &Frame, conn: &Conn, thread: u64, len: u64) {
    let flags = wake(family::TLS);
    let Some(mut room) = EVENTS.reserve::<[u64; WORDS]>(0) else { return lost(family::TLS, LOST_RING_FULL) };
    let event = room.as_mut_ptr().cast::<u8>();
    let fits = len != 0 && len <= (WORDS * 8 - FRONT) as u64;
    let from = frame.buffer.wrapping_add(frame.at);
    // SAFETY: the room has FRONT and `len` bytes; the helper checks the source.
    if !fits || unsafe { bpf_probe_read_user(event.add(FRONT).cast(), len as u32, from as *const _) != 0 } {
        lost(family::TLS, LOST_TLS_UNREAD);
        return room.discard(flags);
    }
    // SAFETY: the room begins with FRONT bytes for these.
    unsafe {
        front(event, FRONT as u32 + len as u32, frame.start_ns, frame.ppid);
        let body = event.add(size_of::<Header>()).cast::<Tls>();
        describe(body, conn, frame.direction, thread);
        (*body).handle = frame.conn.handle;
        (*body).offset = frame.offset;
        (*body).call_bytes = frame.total;
        (*body).at = frame.at;
        (*body).library = frame.conn.library;
        (*body).target = frame.target;
        section(event.add(FRONT - size_of::<Section>()), SEC_DATA as u32, 0, len as u32);
    }
    room.submit(flags);
}

/// Writes the header of an event.
///
/// # Safety
/// There is room for it.
#[inline(always)]
unsafe fn front(event: *mut u8, bytes: u32, start_ns: u64, ppid: u32) {
    // SAFETY: the caller's promise; the size is a header's first field.
    unsafe {
        event.cast::<u32>().write(bytes);
        head(event.cast(), KIND_TLS, 0, start_ns, ppid);
    }
}

/// Writes what is known of the connection.
///
/// # Safety
/// There is room for the body.
#[inline(always)]
unsafe fn describe(body: *mut Tls, conn: &Conn, direction: u32, thread: u64) {
    let mut socket = &conn.socket;
    let mut joined = socket.joined;
    if joined == TLS_SOCKET_NONE
        && let Some(thread) = TLS_THREADS.get_ptr_mut(&thread)
    {
        // SAFETY: a map value.
        socket = unsafe { &(*thread).socket };
        if socket.joined != TLS_SOCKET_NONE {
            joined = TLS_SOCKET_LAST;
        }
    }
    // SAFETY: the caller's promise.
    unsafe {
        (*body).born_ns = conn.born_ns;
        (*body).file = socket.file;
        (*body).local = socket.local;
        (*body).remote = socket.remote;
        (*body).fd = socket.fd;
        (*body).joined = joined;
        (*body).direction = direction;
        (*body).pad = 0;
    }
}

/// Tells that the library lets go of a connection that something was told of.
#[inline(always)]
pub(crate) fn ended_of(ctx: &ProbeContext, handle: u64, library: u32) -> Option<()> {
    let process = watched((current_thread() >> 32) as u32)?;
    let key = conn_key(handle, library, &process);
    // SAFETY: a map value; nobody else removes it while its owner lets go of it.
    let conn = unsafe { &*TLS_CONNS.get_ptr_mut(&key)? };
    if conn.moved[0] | conn.moved[1] != 0 {
        tell(TLS_END, conn, &key, target(ctx), process.ppid);
    }
    let _ = TLS_CONNS.remove(&key);
    Some(())
}

/// Tells that a connection has ended, and makes it a new one.
#[inline(always)]
pub(crate) fn begins_anew(key: &ConnKey, conn: &mut Conn) {
    if let Some(process) = watched(key.pid) {
        tell(TLS_END, conn, key, 0, process.ppid);
    }
    conn.moved = [0; 2];
    // SAFETY: no arguments.
    conn.born_ns = unsafe { bpf_ktime_get_ns() };
}

/// Tells of a connection without data.
#[inline(always)]
fn tell(direction: u32, conn: &Conn, key: &ConnKey, target: u32, ppid: u32) {
    produced(family::TLS, KIND_TLS);
    let flags = wake(family::TLS);
    let Some(mut room) = EVENTS.reserve::<[u64; SMALL]>(0) else { return lost(family::TLS, LOST_RING_FULL) };
    let event = room.as_mut_ptr().cast::<u8>();
    // SAFETY: the room is larger than header and body.
    unsafe {
        front(event, (FRONT - size_of::<Section>()) as u32, key.start_ns, ppid);
        let body = event.add(size_of::<Header>()).cast::<Tls>();
        describe(body, conn, direction, 0);
        (*body).handle = key.handle;
        (*body).offset = conn.moved[TLS_IN as usize];
        (*body).call_bytes = conn.moved[TLS_OUT as usize];
        (*body).at = 0;
        (*body).library = key.library;
        (*body).target = target;
    }
    room.submit(flags);
}
