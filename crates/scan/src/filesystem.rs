//! File systems whose files are no data at rest.

use nix::sys::statfs::{
    BPF_FS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC, FsType, PROC_SUPER_MAGIC,
    SECURITYFS_MAGIC, SYSFS_MAGIC, TRACEFS_MAGIC, statfs,
};
use std::path::Path;

/// They make up what is read: some of their files never end, some wait for events, some change the machine.
const KERNEL: [FsType; 8] = [
    PROC_SUPER_MAGIC,
    SYSFS_MAGIC,
    DEBUGFS_MAGIC,
    TRACEFS_MAGIC,
    SECURITYFS_MAGIC,
    CGROUP_SUPER_MAGIC,
    CGROUP2_SUPER_MAGIC,
    BPF_FS_MAGIC,
];

/// Whether this is in one of them. One that cannot be asked is none.
pub(crate) fn is_the_kernels(path: &Path) -> bool {
    statfs(path).is_ok_and(|found| KERNEL.contains(&found.filesystem_type()))
}
