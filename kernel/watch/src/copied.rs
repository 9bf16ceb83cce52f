//! Copies that the kernel makes from file to file (sendfile, splice, copy_file_range): no buffer of a program ever has the data. Of a
//! short one out of a regular file it is told where the data lies and where it went, and the host reads it there.

use crate::content_tell::{hint, peer};
use crate::event::{begin, send, tail};
use crate::file::{identity, is_socket};
use crate::io::counts;
use crate::maps::{Current, config_flag, current, family, member};
use crate::read::user;
use kernscope_abi::{
    CONTENT_IN, CONTENT_OUT, Content, Endpoint, FLAG_COMPAT, KIND_CONTENT,
    layout::{CONFIG_CONTENT, variant, window::PIECE_BYTES},
};

const S_IFMT: u32 = 0o170000;
const S_IFREG: u32 = 0o100000;

/// Tells of the copy that the call in progress made; `false` when it is none that the host can judge.
#[inline(always)]
pub(crate) fn told(now: &Current, from: u64, to: u64) -> bool {
    let is_wide = now.flags & FLAG_COMPAT as u32 == 0;
    if !config_flag(CONFIG_CONTENT) || !is_wide || now.ret as u64 > PIECE_BYTES as u64 || from == 0 || to == 0
    {
        return false;
    }
    // Where calls that name offsets have them: of the source, and of the target.
    let (at_from, at_to) = match now.call.variant {
        variant::SENDFILE => (now.args[2], 0),
        variant::SPLICE => (now.args[1], now.args[3]),
        _ => return false,
    };
    if identity(from).st_mode & S_IFMT != S_IFREG {
        return false;
    }
    content_copied(from, at_from, CONTENT_IN);
    content_copied(to, at_to, CONTENT_OUT);
    true
}

/// Tells of one end, whose offset behind the data is at a user address, if not in the file. A function of its own so that the verifier
/// pays for one end.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn content_copied(file: u64, offset_at: u64, source: u32) -> u32 {
    let _ = end(file, offset_at, source);
    0
}

#[inline(always)]
fn end(file: u64, offset_at: u64, source: u32) -> Option<()> {
    let now = current(family::SYS_EXIT)?;
    let id = identity(file);
    let bytes = now.ret as u64;
    let mut remote = Endpoint { addr: [0; 16], port: 0, version: 0, scope: 0 };
    if is_socket(&id) {
        remote = peer(file, true)?;
    } else {
        hint(now, &id, file);
    }
    let behind = if offset_at != 0 {
        user::<u64>(offset_at)
    } else if id.st_mode & S_IFMT == S_IFREG {
        member!(file, file, file_pos)
    } else {
        // SAFETY: a map value.
        unsafe { (*counts(family::SYS_EXIT, file)?).write_bytes }
    };
    let is_splice = now.call.variant == variant::SPLICE;
    let fd = match (source, is_splice) {
        (CONTENT_IN, false) => now.args[1],
        (CONTENT_OUT, true) => now.args[2],
        _ => now.args[0],
    };
    let body = begin::<Content>(family::SYS_EXIT, KIND_CONTENT, now.flags, now.start_ns, now.ppid)?;
    // SAFETY: `begin` gave room for the body.
    unsafe {
        (*body).file = id;
        (*body).remote = remote;
        (*body).offset = behind.wrapping_sub(bytes);
        (*body).call_bytes = bytes;
        (*body).at = 0;
        (*body).overlap = 0;
        (*body).source = source;
        (*body).fd = fd as i32;
        (*body).again = 0;
    }
    send(family::SYS_EXIT, tail::<Content>());
    Some(())
}
