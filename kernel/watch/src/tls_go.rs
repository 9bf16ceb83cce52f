//! Go's crypto/tls: arguments in registers, stacks that move, calls that change threads.
//!
//! A call is known by its goroutine and by how deep in that one's stack it began, which stays when Go moves the stack or
//! takes the goroutine to another thread. Its end is seen at each return instruction: a return probe would replace an address on
//! the stack that Go itself reads. Sources: Go's src/cmd/compile/abi-internal.md (registers), src/runtime/runtime2.go (the
//! stack's ends are the first fields of `g`), src/internal/poll/fd_unix.go. Minimum kernel: 5.10; Go 1.17.

use crate::calls::watched;
use crate::file::{file_by_reads, is_socket};
use crate::maps::{family, fired, opaque};
use crate::read::user;
use crate::tls::{COUNTED, Conn, Frame, FrameKey, TLS_FRAMES, conn, conn_key, current_thread, target};
use crate::tls_data::{MORE_GO, ended_of, go_on, returned};
use crate::tls_socket::described;
use aya_ebpf::{macros::uprobe, programs::ProbeContext};
use kernscope_abi::{TLS_GO, TLS_IN, TLS_OUT, TLS_SOCKET_NONE, layout::HOOK_TLS};

/// What the thread of a frame's key begins with for a goroutine: no thread id reaches it.
const GOROUTINE: u64 = 1 << 63;
/// `g.stack.hi`, behind `g.stack.lo`.
const STACK_HI: u64 = 8;
/// The pointer of `Conn.conn`, an interface: behind its type.
const CONN_DATA: u64 = 8;
/// `netFD.pfd.Sysfd`, behind an `fdMutex`.
const SYSFD: u64 = 16;

/// The registers of Go's calling convention that are used here.
struct Registers {
    /// The receiver; on return, the first result.
    first: u64,
    /// The address of the slice.
    second: u64,
    goroutine: u64,
    stack: u64,
}

#[inline(always)]
fn registers(ctx: &ProbeContext) -> Registers {
    // SAFETY: the program's own context.
    unsafe {
        Registers {
            first: (*ctx.regs).rax,
            second: (*ctx.regs).rbx,
            goroutine: (*ctx.regs).r14,
            stack: (*ctx.regs).rsp,
        }
    }
}

/// `Conn.Read(b []byte) (int, error)`.
#[uprobe]
pub fn tls_go_in(ctx: ProbeContext) -> u32 {
    let _ = entered(&ctx, TLS_IN);
    0
}

/// `Conn.Write(b []byte) (int, error)`.
#[uprobe]
pub fn tls_go_out(ctx: ProbeContext) -> u32 {
    let _ = entered(&ctx, TLS_OUT);
    0
}

/// A return instruction of these.
#[uprobe]
pub fn tls_go_return(ctx: ProbeContext) -> u32 {
    let regs = registers(&ctx);
    let key = frame_key(&regs);
    if let Some(frame) = TLS_FRAMES.get_ptr_mut(&key) {
        // SAFETY: a map value of this goroutine.
        let frame = unsafe { &mut *frame };
        if frame.stored_at != 0 {
            frame.buffer = user::<u64>(regs.goroutine + STACK_HI) - frame.stored_at;
        }
        // A handshake within the call began the connection anew.
        if let Some(conn) = conn(&frame.conn) {
            join(conn, opaque(frame.conn.handle));
        }
        if returned(regs.first, &key).is_some() {
            go_on(&ctx, &key, MORE_GO);
        }
    }
    0
}

/// Goes on with a call that is longer than what one run tells.
#[uprobe]
pub fn tls_go_more(ctx: ProbeContext) -> u32 {
    go_on(&ctx, &frame_key(&registers(&ctx)), MORE_GO);
    0
}

/// A connection is closed, or begins: its memory may have been another's before.
#[uprobe]
pub fn tls_go_end(ctx: ProbeContext) -> u32 {
    let _ = ended_of(&ctx, registers(&ctx).first, TLS_GO);
    0
}

/// The goroutine, and where from the upper end of its stack the call's return address is.
#[inline(always)]
fn frame_key(regs: &Registers) -> FrameKey {
    let depth = user::<u64>(regs.goroutine + STACK_HI) - regs.stack;
    let process = current_thread() >> 32;
    FrameKey { thread: GOROUTINE | regs.goroutine, stack: process << 32 | depth & 0xffff_ffff }
}

#[inline(always)]
fn entered(ctx: &ProbeContext, direction: u32) -> Option<()> {
    let process = watched((current_thread() >> 32) as u32)?;
    fired(family::TLS, HOOK_TLS);
    let regs = registers(ctx);
    let key = conn_key(regs.first, TLS_GO, &process);
    join(conn(&key)?, regs.first);
    let (low, high) = (user::<u64>(regs.goroutine), user::<u64>(regs.goroutine + STACK_HI));
    // A buffer on the stack goes where the stack goes.
    let is_on_stack = low <= regs.second && regs.second < high;
    let frame = Frame {
        conn: key,
        buffer: regs.second,
        stored_at: if is_on_stack { high - regs.second } else { 0 },
        slices: 0,
        slice_end: u64::MAX,
        total: 0,
        at: 0,
        offset: 0,
        start_ns: process.start_ns,
        ppid: process.ppid,
        direction,
        result: COUNTED,
        target: target(ctx),
    };
    let _ = TLS_FRAMES.insert(&frame_key(&regs), &frame, 0);
    Some(())
}

/// Finds the connection's socket: `*tls.Conn` holds a `net.Conn`, mostly a `*net.TCPConn`, whose first word leads to its
/// descriptor. Where something else lies behind, the number there is no socket's.
#[inline(always)]
fn join(conn: &mut Conn, handle: u64) {
    if conn.socket.joined != TLS_SOCKET_NONE {
        return;
    }
    let descriptor = user::<u64>(user::<u64>(handle + CONN_DATA));
    let fd = user::<u64>(descriptor + SYSFD);
    if fd > u32::MAX as u64 {
        return;
    }
    if let Some((file, id)) = file_by_reads(fd as u32)
        && is_socket(&id)
    {
        conn.socket = described(file, id, fd as u32);
    }
}
