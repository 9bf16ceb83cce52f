//! Functions of TLS libraries: a call is noted when it begins; what it moved is known when it returns (`tls_data.rs`).
//!
//! One program for each way in which a function takes its arguments and gives its result, so that no kernel has to say
//! which attachment a program runs for. A call is known by its thread and its stack pointer: calls may lie within calls,
//! as when TLS is spoken through TLS. Minimum kernel: 5.10; from 5.15 events say in which file the function is.

use crate::calls::watched;
use crate::maps::{config_flag, family, fired, opaque};
use crate::read::user;
use aya_ebpf::{
    EbpfContext,
    helpers::generated::{bpf_get_attach_cookie, bpf_get_current_pid_tgid, bpf_ktime_get_ns},
    macros::{map, uprobe},
    maps::LruHashMap,
    programs::ProbeContext,
};
use kernscope_abi::{
    Endpoint, FileId, TLS_GNUTLS, TLS_IN, TLS_NSS, TLS_OPENSSL, TLS_OUT, TLS_SOCKET_NONE,
    layout::{CONFIG_COOKIE, HOOK_TLS, Watched},
};

/// Calls in progress, threads and connections that are remembered; of more, those used least recently are forgotten.
pub(crate) const CALLS_MAX: u32 = 16 * 1024;

/// The result is the number of bytes, or none of them if it is not above zero.
pub(crate) const COUNTED: u32 = 0;
/// The result is 1, and the fourth argument says where the number of bytes is.
pub(crate) const STORED_4: u32 = 1;
/// The result is 1, and the fifth argument says where the number of bytes is.
pub(crate) const STORED_5: u32 = 2;
/// Nothing is moved: a handshake.
pub(crate) const NOTHING: u32 = 3;

/// `PRDescType` of a file that has layers (NSPR, prio.h): TLS is one.
const PR_DESC_LAYERED: u32 = 4;
/// `PR_MSG_PEEK` (NSPR, prio.h).
const PR_MSG_PEEK: u64 = 2;

/// What a program is for.
#[derive(Clone, Copy)]
struct Shape {
    library: u32,
    direction: u32,
    result: u32,
}

/// A call in progress: the thread, and where its return address is.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct FrameKey {
    pub(crate) thread: u64,
    pub(crate) stack: u64,
}

/// What is known of it.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) conn: ConnKey,
    /// User address of the data.
    pub(crate) buffer: u64,
    /// User address of the number of bytes, if it is stored.
    pub(crate) stored_at: u64,
    /// User address of the next slice (address and length), where the data lies in several; and how many bytes of the call are
    /// before that one.
    pub(crate) slices: u64,
    pub(crate) slice_end: u64,
    /// Bytes of the call, and how many of them are told.
    pub(crate) total: u64,
    pub(crate) at: u64,
    /// Where in the stream the call begins.
    pub(crate) offset: u64,
    pub(crate) start_ns: u64,
    pub(crate) ppid: u32,
    pub(crate) direction: u32,
    pub(crate) result: u32,
    pub(crate) target: u32,
}

/// A connection: the library's object in one process.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct ConnKey {
    pub(crate) handle: u64,
    pub(crate) start_ns: u64,
    pub(crate) pid: u32,
    pub(crate) library: u32,
}

/// A socket, as a record shows it.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Socket {
    pub(crate) file: FileId,
    pub(crate) local: Endpoint,
    pub(crate) remote: Endpoint,
    pub(crate) fd: i32,
    pub(crate) joined: u32,
}

const NO_ENDPOINT: Endpoint = Endpoint { addr: [0; 16], port: 0, version: 0, scope: 0 };

impl Socket {
    pub(crate) const NONE: Self = Self {
        file: FileId { id: 0, ino: 0, dev: 0, st_mode: 0 },
        local: NO_ENDPOINT,
        remote: NO_ENDPOINT,
        fd: -1,
        joined: TLS_SOCKET_NONE,
    };
}

/// What has happened on a connection.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Conn {
    pub(crate) born_ns: u64,
    /// Bytes received and sent.
    pub(crate) moved: [u64; 2],
    /// Inode of the socket that it sent through last; 0 before.
    pub(crate) sent_by: u64,
    /// Where the library's object was seen last, if it may move; else 0.
    pub(crate) home: u64,
    pub(crate) socket: Socket,
}

/// What a thread does.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Thread {
    /// The innermost call in progress: 0 for none.
    pub(crate) stack: u64,
    pub(crate) buffer: u64,
    pub(crate) conn: ConnKey,
    /// The socket that it used last.
    pub(crate) socket: Socket,
}

#[map]
pub(crate) static TLS_FRAMES: LruHashMap<FrameKey, Frame> = LruHashMap::with_max_entries(CALLS_MAX, 0);
#[map]
pub(crate) static TLS_THREADS: LruHashMap<u64, Thread> = LruHashMap::with_max_entries(CALLS_MAX, 0);
#[map]
pub(crate) static TLS_CONNS: LruHashMap<ConnKey, Conn> = LruHashMap::with_max_entries(CALLS_MAX, 0);

/// A program at the beginning of functions.
macro_rules! enter {
    ($($name:ident = $library:ident $direction:ident $result:ident;)*) => {
        $(
            #[uprobe]
            pub fn $name(ctx: ProbeContext) -> u32 {
                let shape = Shape { library: $library, direction: $direction, result: $result };
                let _ = entered(&ctx, shape);
                0
            }
        )*
    };
}

enter! {
    tls_openssl_in = TLS_OPENSSL TLS_IN COUNTED;
    tls_openssl_in_4 = TLS_OPENSSL TLS_IN STORED_4;
    tls_openssl_out = TLS_OPENSSL TLS_OUT COUNTED;
    tls_openssl_out_4 = TLS_OPENSSL TLS_OUT STORED_4;
    tls_openssl_out_5 = TLS_OPENSSL TLS_OUT STORED_5;
    tls_openssl_begin = TLS_OPENSSL TLS_OUT NOTHING;
    tls_gnutls_in = TLS_GNUTLS TLS_IN COUNTED;
    tls_gnutls_out = TLS_GNUTLS TLS_OUT COUNTED;
    tls_gnutls_begin = TLS_GNUTLS TLS_OUT NOTHING;
    tls_nss_in = TLS_NSS TLS_IN COUNTED;
    tls_nss_out = TLS_NSS TLS_OUT COUNTED;
}

/// PR_Recv, which has flags.
#[uprobe]
pub fn tls_nss_recv(ctx: ProbeContext) -> u32 {
    if ctx.arg::<u64>(3).unwrap_or(0) & PR_MSG_PEEK == 0 {
        let _ = entered(&ctx, Shape { library: TLS_NSS, direction: TLS_IN, result: COUNTED });
    }
    0
}

/// The current thread, as process and thread id.
#[inline(always)]
pub(crate) fn current_thread() -> u64 {
    // SAFETY: no arguments.
    unsafe { bpf_get_current_pid_tgid() }
}

/// The number of the file that the function is in.
#[inline(always)]
pub(crate) fn target<C: EbpfContext>(ctx: &C) -> u32 {
    if !config_flag(CONFIG_COOKIE) {
        return 0;
    }
    // SAFETY: the program's own context.
    unsafe { bpf_get_attach_cookie(ctx.as_ptr()) as u32 }
}

/// The connection behind the library's pointer, in the current process.
#[inline(always)]
pub(crate) fn conn_key(handle: u64, library: u32, process: &Watched) -> ConnKey {
    ConnKey {
        handle: opaque(handle),
        start_ns: process.start_ns,
        pid: (current_thread() >> 32) as u32,
        library,
    }
}

/// What is kept for a connection, made when there is nothing yet.
#[inline(always)]
pub(crate) fn conn(key: &ConnKey) -> Option<&'static mut Conn> {
    if TLS_CONNS.get_ptr_mut(key).is_none() {
        // SAFETY: no arguments.
        let born_ns = unsafe { bpf_ktime_get_ns() };
        let _ = TLS_CONNS.insert(
            key,
            &Conn { born_ns, moved: [0; 2], sent_by: 0, home: 0, socket: Socket::NONE },
            0,
        );
    }
    // SAFETY: a map value; of one connection, one thread at a time calls the library.
    TLS_CONNS.get_ptr_mut(key).map(|conn| unsafe { &mut *conn })
}

#[inline(always)]
fn entered(ctx: &ProbeContext, shape: Shape) -> Option<()> {
    let thread = current_thread();
    let process = watched((thread >> 32) as u32)?;
    fired(family::TLS, HOOK_TLS);
    let handle = ctx.arg::<u64>(0)?;
    if shape.library == TLS_NSS && !is_layered(handle) {
        return None;
    }
    let buffer = ctx.arg::<u64>(1)?;
    // SAFETY: the program's own context.
    let stack = unsafe { (*ctx.regs).rsp };
    let key = conn_key(handle, shape.library, &process);
    conn(&key)?;
    if !note(thread, stack, buffer, &key) {
        return None;
    }
    let stored_at = match shape.result {
        STORED_4 => ctx.arg::<u64>(3)?,
        STORED_5 => ctx.arg::<u64>(4)?,
        _ => 0,
    };
    let frame = Frame {
        conn: key,
        buffer,
        stored_at,
        slices: 0,
        slice_end: u64::MAX,
        total: 0,
        at: 0,
        offset: 0,
        start_ns: process.start_ns,
        ppid: process.ppid,
        direction: shape.direction,
        result: shape.result,
        target: target(ctx),
    };
    let _ = TLS_FRAMES.insert(&FrameKey { thread, stack }, &frame, 0);
    Some(())
}

/// Notes that the thread is in a call; `false` for a call that the same library made to do another one's work.
#[inline(always)]
pub(crate) fn note(thread: u64, stack: u64, buffer: u64, conn: &ConnKey) -> bool {
    let Some(slot) = TLS_THREADS.get_ptr_mut(&thread) else {
        let _ = TLS_THREADS.insert(&thread, &Thread { stack, buffer, conn: *conn, socket: Socket::NONE }, 0);
        return true;
    };
    // SAFETY: the thread's own entry.
    let slot = unsafe { &mut *slot };
    if slot.stack > stack && slot.buffer == buffer && slot.conn.handle == conn.handle {
        return false;
    }
    slot.stack = stack;
    slot.buffer = buffer;
    slot.conn = *conn;
    true
}

/// Whether a `PRFileDesc` has layers; its first field points to its methods, whose first field is the type.
#[inline(always)]
fn is_layered(file: u64) -> bool {
    user::<u32>(user::<u64>(file)) == PR_DESC_LAYERED
}
