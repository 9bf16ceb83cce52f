//! What is asked of the machine: that the programs mean the same processes as the caller, and a secret.

use crate::backend::BackendError;

/// Inode of the initial pid namespace (`PROC_PID_INIT_INO`, include/linux/proc_ns.h).
const INITIAL_PID_NAMESPACE: &str = "pid:[4026531836]";

/// # Errors
/// Where the programs cannot run, or would mean other processes than the caller.
pub(super) fn check() -> Result<(), BackendError> {
    if !cfg!(target_arch = "x86_64") {
        return Err(BackendError {
            act: "load",
            object: "eBPF programs".into(),
            cause: "they read the registers of x86-64, and this is another machine".into(),
            fix: "use --backend ptrace".into(),
        });
    }
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    if namespace != std::path::Path::new(INITIAL_PID_NAMESPACE) {
        return Err(BackendError {
            act: "watch",
            object: "processes by eBPF".into(),
            cause: "this is not the initial pid namespace, and the kernel's process ids mean nothing here"
                .into(),
            fix: "run kernscope on the host, or use --backend ptrace".into(),
        });
    }
    Ok(())
}

/// Random enough to hide addresses: the kernel's own, from the process's auxiliary data.
pub(super) fn secret() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}
