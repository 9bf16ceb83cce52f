//! The things that are done so that a hook fires: a child that exits, a program run, a file opened.
//!
//! Everything happens inside this process, its own children and its own temporary file.

use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::hint::black_box;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};

/// Programs to run for the sake of running one; the first that exists is taken.
const PROGRAMS: &[(&str, &[&str])] =
    &[("/bin/true", &[]), ("/usr/bin/true", &[]), ("/bin/busybox", &["true"]), ("/bin/sh", &["-c", ":"])];

/// Creates a child that ends at once, and waits for it.
pub(super) fn fork_and_wait() -> io::Result<()> {
    // SAFETY: the child calls nothing but `_exit`, which is safe after fork in a program with threads.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: ends the child.
        0 => unsafe { libc::_exit(0) },
        child => reap(child),
    }
}

/// Waits for a child. That somebody else has waited for it already is no error.
pub(super) fn reap(child: libc::pid_t) -> io::Result<()> {
    match nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(child), None) {
        Ok(_) | Err(nix::errno::Errno::ECHILD) => Ok(()),
        Err(nix::errno::Errno::EINTR) => reap(child),
        Err(errno) => Err(errno.into()),
    }
}

/// Runs a program that does nothing.
pub(super) fn run_a_program() -> io::Result<()> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for (path, args) in PROGRAMS {
        let mut command = Command::new(path);
        match command.args(*args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status() {
            Ok(_) => return Ok(()),
            Err(err) => last = err,
        }
    }
    Err(last)
}

/// Opens a file that every process may read.
pub(super) fn open_a_file() -> io::Result<()> {
    File::open("/proc/self/stat").map(drop)
}

/// Makes a file of its own in the directory for temporary files, and unlinks it.
pub(super) fn unlink_a_file() -> io::Result<()> {
    let path = std::env::temp_dir().join(format!(".kernscope-probe.{}", std::process::id()));
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    fs::remove_file(path)
}

/// A system call that nothing else in this program makes.
pub(super) fn system_call() -> io::Result<()> {
    black_box(nix::unistd::getppid());
    Ok(())
}

/// The function that uprobes are put on.
#[inline(never)]
extern "C" fn uprobe_target(value: u64) -> u64 {
    black_box(value.wrapping_mul(31))
}

/// Calls it.
pub(super) fn call_uprobe_target() -> io::Result<()> {
    let call: extern "C" fn(u64) -> u64 = black_box(uprobe_target);
    black_box(call(black_box(7)));
    Ok(())
}

/// The file and the offset in it at which [`call_uprobe_target`] lands.
pub(super) fn uprobe_place() -> io::Result<(CString, u64)> {
    let target: extern "C" fn(u64) -> u64 = uprobe_target;
    let address = target as usize as u64;
    let maps = fs::read_to_string("/proc/self/maps")?;
    let offset = maps.lines().find_map(|line| file_offset(line, address));
    let offset = offset.ok_or_else(|| io::Error::other("own code not found in /proc/self/maps"))?;
    Ok((c"/proc/self/exe".to_owned(), offset))
}

/// The file offset of an address, if this line of `maps` covers it.
fn file_offset(line: &str, address: u64) -> Option<u64> {
    let mut fields = line.split_ascii_whitespace();
    let (from, to) = fields.next()?.split_once('-')?;
    let offset = u64::from_str_radix(fields.nth(1)?, 16).ok()?;
    let (from, to) = (u64::from_str_radix(from, 16).ok()?, u64::from_str_radix(to, 16).ok()?);
    (from..to).contains(&address).then(|| address - from + offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_lines_give_file_offsets() {
        let line = "55d0-66e0 r-xp 00001000 fe:00 12 /bin/x";
        assert_eq!(file_offset(line, 0x55d8), Some(0x1008));
        assert_eq!(file_offset(line, 0x66e0), None);
        assert_eq!(file_offset("garbage", 1), None);
    }

    #[test]
    fn the_uprobe_lands_on_the_functions_own_bytes() {
        let (path, offset) = uprobe_place().expect("own code");
        let file = fs::read(path.to_str().expect("ascii")).expect("own binary");
        let target: extern "C" fn(u64) -> u64 = uprobe_target;
        // SAFETY: eight bytes of code of this very function are mapped and readable.
        let code = unsafe { std::slice::from_raw_parts(target as usize as *const u8, 8) };
        assert_eq!(&file[offset as usize..][..8], code);
    }
}
