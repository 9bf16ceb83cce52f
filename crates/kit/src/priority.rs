//! How this process shares the processors with others.

use nix::errno::Errno;
use std::io;

/// Lets all threads of this process, and threads and processes that they make from now on, run before others: `nice` from 19, the last, to
/// -20, the first.
///
/// # Privileges
/// `CAP_SYS_NICE`, or `RLIMIT_NICE`, to come before what they were before.
///
/// # Errors
/// `EACCES` without them, or why the threads cannot be listed; those that were reached are changed.
pub fn set_nice(nice: i32) -> io::Result<()> {
    for thread in std::fs::read_dir("/proc/self/task")? {
        let Some(thread) = thread?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // SAFETY: no pointers. The kernel takes a thread's number for a process's here.
        let result = unsafe { libc::setpriority(libc::PRIO_PROCESS, thread, nice) };
        match Errno::result(result) {
            // It has ended since.
            Ok(_) | Err(Errno::ESRCH) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::set_nice;
    use std::sync::mpsc::channel;

    fn own() -> i32 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").expect("there");
        let behind_name = stat.rsplit(')').next().expect("a name");
        behind_name.split_whitespace().nth(16).expect("its nice value").parse().expect("a number")
    }

    #[test]
    fn threads_that_are_there_already_may_always_be_nicer() {
        let (go, wait) = channel();
        let older = std::thread::spawn(move || wait.recv().map(|()| own()));
        set_nice(19).expect("who may be first may be last");
        go.send(()).expect("it waits");
        assert_eq!((older.join().expect("no panic"), own()), (Ok(19), 19));
    }
}
