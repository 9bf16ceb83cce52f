//! TLS that goes over a socket, whoever speaks it: handshakes, told by how their records begin.
//!
//! What a followed library does is told by its functions; this is for the others, so that silence is not taken for safety. The first
//! calls on a socket are looked at, which is where handshakes are, also behind a line or two of another protocol.

use crate::event::{begin, send, tail};
use crate::file::{file_of, identity, is_socket};
use crate::maps::{current, family};
use crate::read::user;
use crate::tls::{TLS_THREADS, current_thread};
use crate::tls_socket::described;
use kernscope_abi::{FLAG_COMPAT, KIND_TLS, TLS_SEEN, Tls, layout::data};

/// Calls on an open file that are looked at.
const CALLS: u64 = 16;
/// Bytes of a record's header: type, version, length (RFC 8446, 5.1).
const HEADER_BYTES: i64 = 5;
/// A handshake; versions from SSL 3.0 to TLS 1.3; most bytes of a record's contents.
const HANDSHAKE: u8 = 0x16;
const MAJOR: u8 = 3;
const MAX_MINOR: u8 = 4;
const MAX_RECORD_BYTES: u16 = 16 * 1024 + 256;
/// Offset of the vector in `struct user_msghdr` of 64-bit programs (include/linux/socket.h).
const MSG_IOV: u64 = 16;

/// Looks at the data of the read or write in progress, the process's `calls`th on the file.
#[inline(always)]
pub(crate) fn look(calls: u64) {
    if calls <= CALLS {
        tls_seen();
    }
}

/// Tells of a handshake in the call in progress; not 0 when there was one.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn tls_seen() -> u32 {
    let Some(now) = current(family::SYS_EXIT) else { return 0 };
    let is_narrow = now.flags & FLAG_COMPAT as u32 != 0;
    // Calls with several messages return how many.
    let is_short = now.ret < HEADER_BYTES && now.call.op as u32 != data::MESSAGES;
    // A thread that was in a followed library has been told of.
    if is_short || is_narrow || TLS_THREADS.get_ptr_mut(&current_thread()).is_some() {
        return 0;
    }
    let file = file_of(now.args[0] as u32);
    let id = identity(file);
    if !is_socket(&id) || !is_handshake(address(now.call.op as u32, now.args[1])) {
        return 0;
    }
    let Some(body) = begin::<Tls>(family::SYS_EXIT, KIND_TLS, now.flags, now.start_ns, now.ppid) else {
        return 0;
    };
    let socket = described(file, id, now.args[0] as u32);
    // SAFETY: `begin` gave room for the body.
    unsafe {
        (*body).handle = 0;
        (*body).born_ns = 0;
        (*body).offset = 0;
        (*body).call_bytes = 0;
        (*body).at = 0;
        (*body).file = socket.file;
        (*body).local = socket.local;
        (*body).remote = socket.remote;
        (*body).fd = socket.fd;
        (*body).joined = socket.joined;
        (*body).direction = TLS_SEEN;
        (*body).library = 0;
        (*body).target = 0;
        (*body).pad = 0;
    }
    send(family::SYS_EXIT, tail::<Tls>());
    1
}

/// Where the first bytes of the call are; of a vector, those of its first buffer.
#[inline(always)]
fn address(shape: u32, argument: u64) -> u64 {
    match shape {
        data::BUFFER | data::BUFFER_AT => argument,
        data::VECTOR | data::VECTOR_AT => user::<u64>(argument),
        data::MESSAGE | data::MESSAGES => user::<u64>(user::<u64>(argument + MSG_IOV)),
        _ => 0,
    }
}

#[inline(always)]
fn is_handshake(address: u64) -> bool {
    let [kind, major, minor, high, low] = user::<[u8; HEADER_BYTES as usize]>(address);
    let len = u16::from_be_bytes([high, low]);
    kind == HANDSHAKE && major == MAJOR && minor <= MAX_MINOR && len > 0 && len <= MAX_RECORD_BYTES
}
