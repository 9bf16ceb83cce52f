//! How a thread shares the processors with others.

use nix::errno::Errno;

/// Lets the calling thread, and threads and processes that it makes from now on, run before others: `nice` from 19, the last, to -20, the
/// first.
///
/// # Privileges
/// `CAP_SYS_NICE`, or `RLIMIT_NICE`, to come before what it was before.
///
/// # Errors
/// `EACCES` without them.
pub fn set_nice(nice: i32) -> Result<(), Errno> {
    // SAFETY: no pointers; 0 is the calling thread, as the kernel counts processes.
    let result = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) };
    Errno::result(result).map(drop)
}

#[cfg(test)]
mod tests {
    use super::set_nice;

    #[test]
    fn a_thread_may_always_be_nicer() {
        let own = || {
            let stat = std::fs::read_to_string("/proc/thread-self/stat").expect("there");
            let behind_name = stat.rsplit(')').next().expect("a name");
            behind_name.split_whitespace().nth(16).expect("its nice value").parse::<i32>().expect("a number")
        };
        let nicest = std::thread::spawn(move || set_nice(19).map(|()| own()));
        assert_eq!(nicest.join().expect("no panic"), Ok(19));
        assert_ne!(own(), 19, "this thread alone");
    }
}
