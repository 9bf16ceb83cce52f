//! Memory of a stopped task.
//!
//! What cannot be read is no reason to lose an event: the section says [`abi::SECF_UNRESOLVED`].

use kernscope_abi as abi;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use std::io::IoSliceMut;

/// The smallest page there is; a read that crosses no such boundary does not fail half-way.
const PAGE: u64 = 4096;

/// A string that a program passed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text {
    /// The bytes without NUL.
    pub bytes: Vec<u8>,
    /// `SECF_*`.
    pub flags: u8,
}

/// Reads the string at `addr`, up to [`abi::MAX_PATH`] bytes.
pub(super) fn string(tid: i32, addr: u64) -> Text {
    let mut text = Text::default();
    let mut at = addr;
    while text.bytes.len() < abi::MAX_PATH {
        let in_page = PAGE - at % PAGE;
        // Most strings are short: the first look is a small one.
        let most = if text.bytes.is_empty() { in_page.min(256) } else { in_page };
        let Some(chunk) = bytes(tid, at, usize::try_from(most).unwrap_or(0)) else {
            text.flags = abi::SECF_UNRESOLVED;
            return text;
        };
        if let Some(end) = chunk.iter().position(|&b| b == 0) {
            text.bytes.extend_from_slice(&chunk[..end]);
            return text;
        }
        text.bytes.extend_from_slice(&chunk);
        at = at.wrapping_add(most);
    }
    text.bytes.truncate(abi::MAX_PATH);
    text.flags = abi::SECF_TRUNCATED;
    text
}

/// Reads exactly `len` bytes at `addr`; `None` when they are not all there.
pub(super) fn bytes(tid: i32, addr: u64, len: usize) -> Option<Vec<u8>> {
    let mut buffer = vec![0; len];
    let remote = RemoteIoVec { base: usize::try_from(addr).ok()?, len };
    match process_vm_readv(Pid::from_raw(tid), &mut [IoSliceMut::new(&mut buffer)], &[remote]) {
        Ok(read) if read == len => Some(buffer),
        Ok(_) => None,
        // A process that has made itself undumpable: its tracer may still peek.
        Err(nix::errno::Errno::EPERM | nix::errno::Errno::ENOSYS) => peek(tid, addr, len),
        Err(_) => None,
    }
}

/// Reads `N` numbers of `word` bytes each.
pub(super) fn words<const N: usize>(tid: i32, addr: u64, word: usize) -> Option<[u64; N]> {
    let raw = bytes(tid, addr, N * word)?;
    let mut out = [0; N];
    for (number, chunk) in out.iter_mut().zip(raw.chunks_exact(word)) {
        *number = match *chunk {
            [a, b, c, d] => u64::from(u32::from_ne_bytes([a, b, c, d])),
            _ => u64::from_ne_bytes(chunk.try_into().ok()?),
        };
    }
    Some(out)
}

fn peek(tid: i32, addr: u64, len: usize) -> Option<Vec<u8>> {
    let mut buffer = Vec::with_capacity(len + 8);
    let skip = usize::try_from(addr % 8).ok()?;
    let mut at = addr - addr % 8;
    while buffer.len() < len + skip {
        let word = nix::sys::ptrace::read(Pid::from_raw(tid), usize::try_from(at).ok()? as *mut _).ok()?;
        buffer.extend_from_slice(&word.to_ne_bytes());
        at = at.wrapping_add(8);
    }
    buffer.drain(..skip);
    buffer.truncate(len);
    Some(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me() -> i32 {
        nix::unistd::getpid().as_raw()
    }

    #[test]
    fn strings_end_at_nul_or_at_the_limit() {
        let mut long = vec![b'x'; 2 * abi::MAX_PATH];
        long.push(0);
        let text = string(me(), long.as_ptr() as u64);
        assert_eq!((text.bytes.len(), text.flags), (abi::MAX_PATH, abi::SECF_TRUNCATED));
        let text = string(me(), long[long.len() - 300..].as_ptr() as u64);
        assert_eq!((text.bytes.len(), text.flags), (299, 0));
        assert_eq!(string(me(), 8), Text { bytes: Vec::new(), flags: abi::SECF_UNRESOLVED });
    }

    #[test]
    fn numbers_of_both_sizes() {
        let raw = [1_u32.to_ne_bytes(), 2_u32.to_ne_bytes()].concat();
        assert_eq!(words::<2>(me(), raw.as_ptr() as u64, 4), Some([1, 2]));
        let raw = [7_u64.to_ne_bytes()].concat();
        assert_eq!(words::<1>(me(), raw.as_ptr() as u64, 8), Some([7]));
        assert_eq!(words::<1>(me(), 16, 8), None);
    }
}
