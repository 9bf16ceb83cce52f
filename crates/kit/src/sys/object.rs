//! What maps and programs have in common: names, and pins in bpffs.

use super::{bpf, bpf_fd, raw};
use std::ffi::CStr;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

const OBJ_PIN: libc::c_int = 6;
const OBJ_GET: libc::c_int = 7;

#[repr(C)]
struct Attr {
    path: u64,
    fd: u32,
    file_flags: u32,
}

/// A name as the kernel takes it: at most 15 bytes, every other character an underscore.
pub fn name(text: &str) -> [u8; 16] {
    let mut out = [0; 16];
    for (to, from) in out[..15].iter_mut().zip(text.bytes()) {
        *to = if from.is_ascii_alphanumeric() || from == b'.' { from } else { b'_' };
    }
    out
}

/// The text of a name, up to its first NUL.
pub fn name_text(name: &[u8; 16]) -> String {
    let len = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
    String::from_utf8_lossy(&name[..len]).into_owned()
}

/// Gives a map, program or link a path in bpffs.
///
/// # Errors
/// The errno of `BPF_OBJ_PIN`; `EPERM` or `EINVAL` for a path outside bpffs.
pub fn object_pin(object: BorrowedFd<'_>, path: &CStr) -> io::Result<()> {
    let mut attr = Attr { path: path.as_ptr() as u64, fd: raw(object), file_flags: 0 };
    // SAFETY: the path ends with NUL and outlives the call.
    unsafe { bpf(OBJ_PIN, &mut attr).map(drop) }
}

/// Opens what was pinned.
///
/// # Errors
/// The errno of `BPF_OBJ_GET`.
pub fn object_get(path: &CStr) -> io::Result<OwnedFd> {
    let mut attr = Attr { path: path.as_ptr() as u64, fd: 0, file_flags: 0 };
    // SAFETY: as above; the command returns a new descriptor.
    unsafe { bpf_fd(OBJ_GET, &mut attr) }
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn names_fit_and_hold_only_what_the_kernel_takes() {
        assert_eq!(&name("a-b.c"), b"a_b.c\0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(&name("a_very_long_name_indeed"), b"a_very_long_nam\0");
    }
}
