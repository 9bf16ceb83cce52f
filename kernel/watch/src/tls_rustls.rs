//! rustls, which takes and gives plain text without a socket: what is written waits for `write_tls`, what was read by `read_tls` is
//! decrypted behind it.
//!
//! The functions are methods of `CommonState`, the part of a connection that clients and servers have in common. Programs move it about in
//! memory, so a connection is known by its socket: what is received came through the socket that the thread used
//! last. What is sent belongs to the connection that was seen at this place, or to the one whose handshake has just ended
//! on this thread. Text that is sent before is a connection that gets its socket later. The layout of arguments is held against
//! what they can be, since no language promises it. Minimum kernel: 5.10; rustls 0.23.

use crate::calls::watched;
use crate::io::add;
use crate::maps::{family, fired, lost, produced};
use crate::read::user;
use crate::tls::{
    CALLS_MAX, COUNTED, Conn, ConnKey, Frame, FrameKey, Socket, TLS_CONNS, TLS_FRAMES, TLS_THREADS, Thread,
    conn, conn_key, current_thread, note, target,
};
use crate::tls_data::{ended_of, tell_first, tls_chunk};
use aya_ebpf::{
    helpers::generated::bpf_ktime_get_ns,
    macros::{map, uprobe},
    maps::LruHashMap,
    programs::ProbeContext,
};
use kernscope_abi::{
    KIND_TLS, MAX_TLS_CHUNK, TLS_IN, TLS_OUT, TLS_RUSTLS, TLS_SOCKET_LAST, TLS_SOCKET_NONE,
    layout::{HOOK_TLS, LOST_TLS_UNREAD, Watched},
};

/// Handles of connections, by where their object was seen and by inode of their socket: the key's library says which.
#[map]
static RUSTLS_KNOWN: LruHashMap<ConnKey, u64> = LruHashMap::with_max_entries(2 * CALLS_MAX, 0);
const BY_PLACE: u32 = 0;
const BY_SOCKET: u32 = 1;

/// First word of a `Payload` that is borrowed: no capacity is as large.
const BORROWED: u64 = 1 << 63;
/// Most bytes that a record's buffer has been allocated for.
const MAX_CAPACITY: u64 = 1 << 20;

/// A function of a connection that is called during its handshake: from now on the sockets of the thread are noted.
#[uprobe]
pub fn tls_rustls_begin(ctx: ProbeContext) -> u32 {
    let _ = begins(&ctx);
    0
}

/// `start_outgoing_traffic`: the handshake has ended, by what the thread has just received.
#[uprobe]
pub fn tls_rustls_traffic(ctx: ProbeContext) -> u32 {
    let _ = begins(&ctx).and_then(|object| {
        let key = receiving(&object)?;
        tell_first(&key, conn(&key)?, target(&ctx), object.process.ppid);
        Some(())
    });
    0
}

/// `buffer_plaintext(&mut self, OutboundChunks, ..) -> usize`.
#[uprobe]
pub fn tls_rustls_out(ctx: ProbeContext) -> u32 {
    let _ = begins(&ctx).and_then(|object| {
        let [first, second, third, _] = user::<[u64; 4]>(ctx.arg::<u64>(1)?);
        match (first, third) {
            // One slice: a tag, address and length.
            (0, _) => sends(&ctx, &object, second, 0),
            // Several: where they are, how many, and from which byte on.
            (slices, 0) => sends(&ctx, &object, 0, slices),
            _ => unread(conn(&sending(&object)?)?, TLS_OUT),
        }
    });
    0
}

/// `take_received_plaintext(&mut self, Payload)`.
#[uprobe]
pub fn tls_rustls_in(ctx: ProbeContext) -> u32 {
    let _ = begins(&ctx).and_then(|object| received(&ctx, &object));
    0
}

/// A connection is dropped.
#[uprobe]
pub fn tls_rustls_end(ctx: ProbeContext) -> u32 {
    let _ = ended(&ctx);
    0
}

/// A `CommonState` of a watched process, in a call of the current thread.
struct Object {
    address: u64,
    thread: u64,
    process: Watched,
}

impl Object {
    fn known(&self, kind: u32, what: u64) -> ConnKey {
        ConnKey { library: kind, ..conn_key(what, TLS_RUSTLS, &self.process) }
    }

    /// The connection of a handle that is known by this key, if it is remembered.
    #[inline(always)]
    fn handle(&self, by: &ConnKey) -> Option<(u64, &'static mut Conn)> {
        // SAFETY: copied out at once.
        let handle = *unsafe { RUSTLS_KNOWN.get(by) }?;
        let conn = TLS_CONNS.get_ptr_mut(&conn_key(handle, TLS_RUSTLS, &self.process))?;
        // SAFETY: a map value; of one connection, one thread at a time calls the library.
        Some((handle, unsafe { &mut *conn }))
    }

    /// The socket that the thread used last.
    #[inline(always)]
    fn socket(&self) -> Socket {
        // SAFETY: the thread's own entry.
        TLS_THREADS.get_ptr_mut(&self.thread).map_or(Socket::NONE, |slot| unsafe { (*slot).socket })
    }

    /// A handle that no connection had.
    #[inline(always)]
    fn new_handle(&self) -> u64 {
        // SAFETY: no arguments.
        self.address ^ unsafe { bpf_ktime_get_ns() } << 16
    }

    /// Notes that the connection is here.
    #[inline(always)]
    fn settles(&self, handle: u64) -> Option<ConnKey> {
        let key = conn_key(handle, TLS_RUSTLS, &self.process);
        conn(&key)?.home = self.address;
        let _ = RUSTLS_KNOWN.insert(&self.known(BY_PLACE, self.address), &handle, 0);
        Some(key)
    }
}

/// The object of the call; the thread's sockets are noted from now on.
#[inline(always)]
fn begins(ctx: &ProbeContext) -> Option<Object> {
    let thread = current_thread();
    let process = watched((thread >> 32) as u32)?;
    fired(family::TLS, HOOK_TLS);
    let object = Object { address: ctx.arg::<u64>(0)?, thread, process };
    if TLS_THREADS.get_ptr_mut(&thread).is_none() {
        let conn = object.known(BY_PLACE, object.address);
        let _ = TLS_THREADS.insert(&thread, &Thread { stack: 0, buffer: 0, conn, socket: Socket::NONE }, 0);
    }
    Some(object)
}

/// The connection that receives: the one of the thread's last socket.
#[inline(always)]
fn receiving(object: &Object) -> Option<ConnKey> {
    let socket = object.socket();
    let here = object.handle(&object.known(BY_PLACE, object.address));
    if socket.joined == TLS_SOCKET_NONE {
        return object.settles(here.map_or_else(|| object.new_handle(), |(handle, _)| handle));
    }
    let over = object.known(BY_SOCKET, socket.file.ino);
    let handle = match (object.handle(&over), here) {
        // It has said something on a thread that had no socket, before and after its handshake was seen.
        (Some((_, known)), Some((handle, conn))) if is_silent(known) && has_no_socket(conn) => handle,
        (Some((handle, _)), _) => handle,
        (None, Some((handle, conn))) if has_no_socket(conn) => handle,
        _ => object.new_handle(),
    };
    let _ = RUSTLS_KNOWN.insert(&over, &handle, 0);
    let key = object.settles(handle)?;
    conn(&key)?.socket = Socket { joined: TLS_SOCKET_LAST, ..socket };
    Some(key)
}

/// The connection that sends: the one that is here, else one that has just begun, else a new one.
#[inline(always)]
fn sending(object: &Object) -> Option<ConnKey> {
    let here = object.handle(&object.known(BY_PLACE, object.address));
    if let Some((handle, conn)) = here
        && conn.home == object.address
    {
        return Some(conn_key(handle, TLS_RUSTLS, &object.process));
    }
    let socket = object.socket();
    let just_begun = object.handle(&object.known(BY_SOCKET, socket.file.ino));
    object.settles(match just_begun {
        Some((handle, conn)) if socket.joined != TLS_SOCKET_NONE && is_silent(conn) => handle,
        _ => object.new_handle(),
    })
}

/// Whether nothing was said on a connection.
#[inline(always)]
fn is_silent(conn: &Conn) -> bool {
    conn.moved[0] | conn.moved[1] == 0
}

#[inline(always)]
fn has_no_socket(conn: &Conn) -> bool {
    conn.socket.joined == TLS_SOCKET_NONE
}

/// Notes a call that sends; how much of it is told when it returns.
#[inline(always)]
fn sends(ctx: &ProbeContext, object: &Object, buffer: u64, slices: u64) -> Option<()> {
    let key = sending(object)?;
    // SAFETY: the program's own context.
    let stack = unsafe { (*ctx.regs).rsp };
    if !note(object.thread, stack, buffer, &key) {
        return None;
    }
    let slice_end = if slices == 0 { u64::MAX } else { 0 };
    let frame = Frame { buffer, slices, slice_end, ..frame(ctx, object, key, TLS_OUT) };
    let _ = TLS_FRAMES.insert(&FrameKey { thread: object.thread, stack }, &frame, 0);
    Some(())
}

/// Tells what a record held.
#[inline(always)]
fn received(ctx: &ProbeContext, object: &Object) -> Option<()> {
    let key = receiving(object)?;
    let conn = conn(&key)?;
    tell_first(&key, conn, target(ctx), object.process.ppid);
    let [first, second, len] = user::<[u64; 3]>(ctx.arg::<u64>(1)?);
    let is_borrowed = first == BORROWED;
    let holds = |capacity: u64| len <= capacity && capacity <= MAX_CAPACITY;
    let buffer = match () {
        () if is_borrowed || holds(first) && second > MAX_CAPACITY => second,
        () if holds(second) && first > MAX_CAPACITY => first,
        () => 0,
    };
    if len == 0 {
        return None;
    }
    if buffer == 0 || len > MAX_TLS_CHUNK as u64 {
        return unread(conn, TLS_IN);
    }
    let moved = &mut conn.moved[TLS_IN as usize];
    let offset = *moved;
    add(moved, len);
    // SAFETY: the program's own context.
    let stack = unsafe { (*ctx.regs).rsp };
    let frame = Frame { buffer, total: len, offset, ..frame(ctx, object, key, TLS_IN) };
    let place = FrameKey { thread: object.thread, stack };
    let _ = TLS_FRAMES.insert(&place, &frame, 0);
    tls_chunk(object.thread, stack);
    let _ = TLS_FRAMES.remove(&place);
    Some(())
}

/// Counts what was not understood, of which a byte at least is missing.
#[inline(always)]
fn unread(conn: &mut Conn, direction: u32) -> Option<()> {
    add(&mut conn.moved[(direction & 1) as usize], 1);
    produced(family::TLS, KIND_TLS);
    lost(family::TLS, LOST_TLS_UNREAD);
    None
}

#[inline(always)]
fn frame(ctx: &ProbeContext, object: &Object, conn: ConnKey, direction: u32) -> Frame {
    Frame {
        conn,
        buffer: 0,
        stored_at: 0,
        slices: 0,
        slice_end: u64::MAX,
        total: 0,
        at: 0,
        offset: 0,
        start_ns: object.process.start_ns,
        ppid: object.process.ppid,
        direction,
        result: COUNTED,
        target: target(ctx),
    }
}

#[inline(always)]
fn ended(ctx: &ProbeContext) -> Option<()> {
    let thread = current_thread();
    let process = watched((thread >> 32) as u32)?;
    let object = Object { address: ctx.arg::<u64>(0)?, thread, process };
    let place = object.known(BY_PLACE, object.address);
    let (handle, conn) = object.handle(&place)?;
    let (home, socket) = (conn.home, conn.socket.file.ino);
    let _ = RUSTLS_KNOWN.remove(&place);
    if home == object.address {
        let _ = RUSTLS_KNOWN.remove(&object.known(BY_SOCKET, socket));
        ended_of(ctx, handle, TLS_RUSTLS)?;
    }
    Some(())
}
