//! Privileges: having them, and giving up those that are no longer needed.

use std::io;

/// Numbers of capabilities (`include/uapi/linux/capability.h`).
pub const CAP_NET_ADMIN: u32 = 12;
/// Reading and writing maps, where unprivileged users may not.
pub const CAP_BPF: u32 = 39;

/// Filters of system calls and Landlock rulesets without `no_new_privs`, among many others.
pub const CAP_SYS_ADMIN: u32 = 21;

/// Whether this thread has a capability in effect.
pub fn has(number: u32) -> bool {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let set = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    set.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).is_some_and(|set| set & 1 << number != 0)
}

/// `_LINUX_CAPABILITY_VERSION_3`.
const VERSION: u32 = 0x2008_0522;

/// Gives up all capabilities of this thread but those of `keep` that it has, for good: no program that it runs gets more.
/// Call it before there are other threads.
///
/// # Errors
/// The errno of `prctl`, `capget` or `capset`.
pub fn keep_only(keep: &[u32]) -> io::Result<()> {
    // SAFETY: integers only.
    if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let wanted = keep.iter().fold(0u64, |set, number| set | 1 << number);
    // Version, and 0 for this thread.
    let header = [VERSION, 0];
    // Effective, permitted, inheritable; the low words of all three, then the high ones.
    let mut sets = [0u32; 6];
    call(libc::SYS_capget, &header, &mut sets)?;
    let has = u64::from(sets[1]) | u64::from(sets[4]) << 32;
    let kept = wanted & has;
    sets = [kept as u32, kept as u32, 0, (kept >> 32) as u32, (kept >> 32) as u32, 0];
    call(libc::SYS_capset, &header, &mut sets)
}

fn call(number: libc::c_long, header: &[u32; 2], sets: &mut [u32; 6]) -> io::Result<()> {
    // SAFETY: both calls take a header and, in this version, two structs of three words each.
    match unsafe { libc::syscall(number, header.as_ptr(), sets.as_mut_ptr()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Capabilities belong to a thread: this one's are gone, the others keep theirs.
    #[test]
    fn what_is_given_up_does_not_come_back() {
        let left = std::thread::spawn(|| {
            keep_only(&[CAP_BPF])?;
            let status = std::fs::read_to_string("/proc/thread-self/status")?;
            let set = |name| {
                status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim).map(str::to_owned)
            };
            Ok::<_, io::Error>((set("CapEff:"), set("CapPrm:"), set("NoNewPrivs:")))
        });
        let (effective, permitted, no_new) = left.join().expect("no panic").expect("given up");
        assert_eq!(effective, permitted);
        let bits = u64::from_str_radix(&effective.expect("a line"), 16).expect("hex");
        assert_eq!((bits & !(1 << CAP_BPF), no_new.as_deref()), (0, Some("1")));
    }
}
