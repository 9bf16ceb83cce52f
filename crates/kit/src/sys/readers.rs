//! Waiting until programs that run now have ended.

use std::time::Duration;

/// `MEMBARRIER_CMD_GLOBAL`: waits for a grace period of RCU, which every run of a program is part of.
const MEMBARRIER_CMD_GLOBAL: libc::c_int = 1;
/// Far longer than a run of a program on a packet takes.
const LONG_ENOUGH: Duration = Duration::from_millis(100);

/// Returns when every run of a program that had begun before has ended. Where the kernel has no such wait (without
/// `CONFIG_MEMBARRIER`, or with `nohz_full`), a tenth of a second passes instead.
pub fn wait_for_readers() {
    // SAFETY: the call takes three integers and touches no memory of ours.
    let ret = unsafe { libc::syscall(libc::SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) };
    if ret != 0 {
        std::thread::sleep(LONG_ENOUGH);
    }
}
