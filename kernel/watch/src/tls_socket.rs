//! Which socket a TLS connection goes over.
//!
//! A socket that a thread uses inside a call of the library is the connection's. Programs that move the bytes by
//! themselves use it before or after: of those the last socket of the thread is told, and that it is a guess.

use crate::file::{identity, is_socket};
use crate::maps::config_flag;
use crate::sock;
use crate::tls::{Socket, TLS_CONNS, TLS_THREADS, current_thread};
use crate::tls_data::begins_anew;
use aya_ebpf::{macros::map, maps::HashMap};
use kernscope_abi::{
    FileId, TLS_SOCKET_USED,
    layout::{CONFIG_TLS, FileKey},
};

/// Files that the host has looked at. Code from others is news that cannot wait: it may speak TLS.
#[map]
static TLS_FILES: HashMap<FileKey, u32> = HashMap::with_max_entries(FILES_MAX, 0);

/// Files that are remembered; of more, the host is told each time.
const FILES_MAX: u32 = 16 * 1024;

/// Whether the host should look at a file from which code is mapped, before that runs.
#[inline(always)]
pub(crate) fn is_news(ino: u64, dev: u32) -> bool {
    // SAFETY: only whether it is there is asked.
    config_flag(CONFIG_TLS) && unsafe { TLS_FILES.get(&FileKey { ino, dev, pad: 0 }) }.is_none()
}

/// Notes that the current thread used a descriptor, if it ever was in a TLS library; not 0 when it did.
///
/// A connection that has sent through one socket and now sends through another is another one, which the library keeps in the
/// same place: where the function that lets go of connections is not known, nothing else tells.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn tls_used(file: u64, fd: u32, is_sent: u32) -> u32 {
    let Some(thread) = TLS_THREADS.get_ptr_mut(&current_thread()) else { return 0 };
    // SAFETY: the thread's own entry.
    let thread = unsafe { &mut *thread };
    let id = identity(file);
    if !is_socket(&id) {
        return 0;
    }
    let known = &thread.socket.file;
    if known.id != id.id || known.ino != id.ino || thread.socket.remote.version == 0 {
        thread.socket = described(file, id, fd);
    }
    thread.socket.fd = fd as i32;
    if thread.stack == 0 {
        return 1;
    }
    if let Some(conn) = TLS_CONNS.get_ptr_mut(&thread.conn) {
        // SAFETY: a map value; of one connection, one thread at a time calls the library.
        let conn = unsafe { &mut *conn };
        if is_sent != 0 {
            if conn.sent_by != 0 && conn.sent_by != id.ino && conn.moved[0] | conn.moved[1] != 0 {
                begins_anew(&thread.conn, conn);
            }
            conn.sent_by = id.ino;
        }
        conn.socket = thread.socket;
    }
    1
}

/// A socket that a connection uses.
#[inline(always)]
pub(crate) fn described(file: u64, id: FileId, fd: u32) -> Socket {
    let mut socket = Socket { file: id, fd: fd as i32, joined: TLS_SOCKET_USED, ..Socket::NONE };
    let (_, sk) = sock::of_file(file);
    sock::ends(&mut socket.local, &mut socket.remote, sk);
    socket
}
