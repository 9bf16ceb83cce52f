//! What the host tells the eBPF programs, and what they share with it in maps.

/// A field that this kernel does not have.
pub const ABSENT: u32 = u32::MAX;

macro_rules! offsets {
    ($($(#[$doc:meta])* $field:ident: $path:literal,)*) => {
        /// Byte offsets of kernel struct fields, resolved from BTF at load and written into `.rodata`.
        ///
        /// The verifier knows `.rodata`, so an offset costs a program no more than a constant.
        #[repr(C)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Layout {
            $($(#[$doc])* #[doc = concat!("`", $path, "`.")] pub $field: u32,)*
        }

        impl Layout {
            /// All fields absent.
            pub const ABSENT: Self = Self { $($field: ABSENT,)* };
            /// For each field, in order: its name here, and `struct.member.member` in the kernel.
            pub const FIELDS: &[(&str, &str)] = &[$((stringify!($field), $path),)*];

            /// The fields in order.
            pub fn as_mut_slots(&mut self) -> [&mut u32; Self::FIELDS.len()] {
                [$(&mut self.$field,)*]
            }
        }
    };
}

offsets! {
    task_tgid: "task_struct.tgid",
    task_pid: "task_struct.pid",
    task_group_leader: "task_struct.group_leader",
    task_real_parent: "task_struct.real_parent",
    task_start_boottime: "task_struct.start_boottime",
    task_mm: "task_struct.mm",
    task_files: "task_struct.files",
    task_fs: "task_struct.fs",
    task_signal: "task_struct.signal",
    task_exit_code: "task_struct.exit_code",
    task_status: "task_struct.thread_info.status",
    task_comm: "task_struct.comm",
    task_cred: "task_struct.cred",
    cred_uid: "cred.uid",
    signal_live: "signal_struct.live",
    signal_flags: "signal_struct.flags",
    signal_group_exit_code: "signal_struct.group_exit_code",
    mm_arg_start: "mm_struct.arg_start",
    mm_arg_end: "mm_struct.arg_end",
    mm_env_start: "mm_struct.env_start",
    mm_env_end: "mm_struct.env_end",
    mm_exe_file: "mm_struct.exe_file",
    files_fdt: "files_struct.fdt",
    files_count: "files_struct.count",
    fdt_max_fds: "fdtable.max_fds",
    fdt_fd: "fdtable.fd",
    fdt_open_fds: "fdtable.open_fds",
    fdt_close_on_exec: "fdtable.close_on_exec",
    file_path: "file.f_path",
    file_inode: "file.f_inode",
    file_private_data: "file.private_data",
    file_pos: "file.f_pos",
    file_mode: "file.f_mode",
    file_flags: "file.f_flags",
    path_mnt: "path.mnt",
    path_dentry: "path.dentry",
    mount_mnt: "mount.mnt",
    mount_parent: "mount.mnt_parent",
    mount_mountpoint: "mount.mnt_mountpoint",
    vfsmount_root: "vfsmount.mnt_root",
    dentry_parent: "dentry.d_parent",
    dentry_name: "dentry.d_name.name",
    dentry_inode: "dentry.d_inode",
    dentry_sb: "dentry.d_sb",
    iattr_valid: "iattr.ia_valid",
    dentry_hash_pprev: "dentry.d_hash.pprev",
    inode_ino: "inode.i_ino",
    inode_mode: "inode.i_mode",
    inode_sb: "inode.i_sb",
    sb_dev: "super_block.s_dev",
    fs_root: "fs_struct.root",
    fs_pwd: "fs_struct.pwd",
    bprm_filename: "linux_binprm.filename",
    bprm_interp: "linux_binprm.interp",
    bprm_argc: "linux_binprm.argc",
    bprm_file: "linux_binprm.file",
    vma_file: "vm_area_struct.vm_file",
    vma_flags: "vm_area_struct.vm_flags",
    mnt_flags: "vfsmount.mnt_flags",
    mnt_sb: "vfsmount.mnt_sb",
    sb_mounts: "super_block.s_mounts",
    mount_ns: "mount.mnt_ns",
    mount_instance: "mount.mnt_instance",
    mount_next_for_sb: "mount.mnt_next_for_sb",
    task_nsproxy: "task_struct.nsproxy",
    nsproxy_mnt: "nsproxy.mnt_ns",
    socket_type: "socket.type",
    socket_sk: "socket.sk",
    sk_family: "sock_common.skc_family",
    sk_daddr: "sock_common.skc_daddr",
    sk_rcv_saddr: "sock_common.skc_rcv_saddr",
    sk_dport: "sock_common.skc_dport",
    sk_num: "sock_common.skc_num",
    sk_v6_daddr: "sock_common.skc_v6_daddr",
    sk_v6_rcv_saddr: "sock_common.skc_v6_rcv_saddr",
    sk_bound_dev_if: "sock_common.skc_bound_dev_if",
    sk_protocol: "sock.sk_protocol",
    unix_addr: "unix_sock.addr",
    unix_peer: "unix_sock.peer",
    unix_address_len: "unix_address.len",
    unix_address_name: "unix_address.name",
    req_opcode: "io_kiocb.opcode",
    req_file: "io_kiocb.file",
    req_cmd: "io_kiocb.cmd",
    cqe_res: "io_uring_cqe.res",
    io_open_dfd: "io_open.dfd",
    io_open_file_slot: "io_open.file_slot",
    io_open_filename: "io_open.filename",
    io_open_flags: "io_open.how.flags",
    io_unlink_dfd: "io_unlink.dfd",
    io_unlink_flags: "io_unlink.flags",
    io_unlink_filename: "io_unlink.filename",
    io_rename_old_dfd: "io_rename.old_dfd",
    io_rename_new_dfd: "io_rename.new_dfd",
    io_rename_oldpath: "io_rename.oldpath",
    io_rename_newpath: "io_rename.newpath",
    io_rename_flags: "io_rename.flags",
    io_mkdir_dfd: "io_mkdir.dfd",
    io_mkdir_mode: "io_mkdir.mode",
    io_mkdir_filename: "io_mkdir.filename",
    io_link_old_dfd: "io_link.old_dfd",
    io_link_new_dfd: "io_link.new_dfd",
    io_link_oldpath: "io_link.oldpath",
    io_link_newpath: "io_link.newpath",
    io_link_flags: "io_link.flags",
    io_close_fd: "io_close.fd",
    io_close_file_slot: "io_close.file_slot",
    filename_name: "filename.name",
}

macro_rules! types {
    ($($field:ident),* $(,)?) => {
        /// Ids of kernel structs in the kernel's BTF, for [`CALL_RDONLY_CAST`]; in `.rodata` like [`Layout`].
        #[repr(C)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Types {
            $(#[doc = concat!("`struct ", stringify!($field), "`.")] pub $field: u32,)*
        }

        impl Types {
            /// All unknown.
            pub const ABSENT: Self = Self { $($field: ABSENT,)* };
            /// The names of the structs, in order.
            pub const NAMES: &[&str] = &[$(stringify!($field),)*];

            /// The ids in order.
            pub fn as_mut_slots(&mut self) -> [&mut u32; Self::NAMES.len()] {
                [$(&mut self.$field,)*]
            }
        }
    };
}

types!(path, inode, super_block, dentry, mount, vfsmount, file);

/// Number of a helper that no kernel has. Calls of it stand for the kernel function `bpf_rdonly_cast` (from 6.2): the
/// loader puts its id there, since the compiler makes no calls of kernel functions.
pub const CALL_RDONLY_CAST: i32 = 0x6b73_0001;

/// [`Config::flags`]: watch every process but [`Config::self_pid`].
pub const CONFIG_ALL: u32 = 1;
/// [`Config::flags`]: send environments.
pub const CONFIG_ENV: u32 = 2;
/// [`Config::flags`]: `sched_process_exit` passes whether the group is dead as its second argument (from 6.16).
pub const CONFIG_EXIT_GROUP_DEAD: u32 = 4;
/// [`Config::flags`]: `io_uring_complete` passes a pointer to the completion, not its fields (from 6.16).
pub const CONFIG_URING_CQE: u32 = 8;

/// [`Config::flags`]: the kernel gives the current task as a typed pointer (from 5.11).
pub const CONFIG_TASK_BTF: u32 = 16;
/// [`Config::flags`]: the kernel makes a typed pointer of any address; see [`CALL_RDONLY_CAST`].
pub const CONFIG_CAST: u32 = 32;
/// [`Config::flags`]: a program may be preempted by another one (at tracepoints, from 7.0 on).
pub const CONFIG_PREEMPTIBLE: u32 = 64;

/// [`Config::flags`]: a program judges what calls read, write, send and receive; see [`window`].
pub const CONFIG_CONTENT: u32 = 128;

/// [`Config::flags`]: the kernel tells a program which attachment it runs for (from 5.15).
pub const CONFIG_COOKIE: u32 = 256;
/// [`Config::flags`]: TLS libraries are followed.
pub const CONFIG_TLS: u32 = 512;
/// Send what goes to name servers and comes from them.
pub const CONFIG_DNS: u32 = 1024;
/// [`Config::flags`]: there may be a policy; map `POLICY` says.
pub const CONFIG_POLICY: u32 = 2048;
/// Send what goes through standard input, output and error where those are pipes or local sockets.
pub const CONFIG_STDIO: u32 = 4096;

/// [`Config::flags`]: whoever executes a program is watched until the host has said in map `VERDICTS` that it need not be.
pub const CONFIG_CANDIDATES: u32 = 8192;

/// Settings, in `.rodata`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// `CONFIG_*`.
    pub flags: u32,
    /// The monitor's own process id, never watched in [`CONFIG_ALL`].
    pub self_pid: u32,
    /// Ring bytes in use above which the reader is woken at once.
    pub wake_bytes: u32,
    /// Bytes that are judged at once, with [`CONFIG_CONTENT`].
    pub piece_bytes: u32,
    /// Hides kernel addresses in [`crate::FileId::id`] and request numbers: random, chosen at load.
    pub secret: u64,
    /// Bits that tell CPUs apart in the numbers of candidates, with [`CONFIG_CANDIDATES`].
    pub cpu_bits: u32,
    /// Unused, zero.
    pub pad: u32,
}

/// [`Watched::flags`]: nothing is told until the process executes a program.
pub const WATCHED_FROM_EXEC: u32 = 1;
/// [`Watched::flags`]: watched until the host has decided; where its verdict is stands from [`WATCHED_SLOT`] on.
pub const WATCHED_CANDIDATE: u32 = 2;
/// Shift of the index into map `VERDICTS` in [`Watched::flags`].
pub const WATCHED_SLOT: u32 = 8;

/// Entries of map `VERDICTS` with [`CONFIG_CANDIDATES`]; a power of two.
pub const VERDICTS: u32 = 1 << 18;
/// What an entry of map `VERDICTS` holds once the host has decided against a candidate. Until then it is 0; a candidate that
/// is taken loses its [`WATCHED_CANDIDATE`].
pub const VERDICT_REFUSED: u64 = 1;

/// A process in the watched set; map `WATCHED`, keyed by process id (u32).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// Start, `CLOCK_BOOTTIME` nanoseconds.
    pub start_ns: u64,
    /// Parent's process id.
    pub ppid: u32,
    /// `WATCHED_*`.
    pub flags: u32,
}

/// Key of map `IO`: one process's use of one open file.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IoKey {
    /// [`crate::FileId::id`].
    pub id: u64,
    /// Process id.
    pub pid: u32,
    /// Unused, zero.
    pub pad: u32,
}

/// Value of map `IO`: moved since the last close event.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IoCount {
    /// Bytes read or received.
    pub read_bytes: u64,
    /// Bytes written or sent.
    pub write_bytes: u64,
    /// Calls that read or received.
    pub reads: u64,
    /// Calls that wrote or sent.
    pub writes: u64,
    /// Where the last datagram of an unconnected socket went.
    pub last_remote: crate::Endpoint,
}

/// A file that the host has looked at for TLS libraries; key of map `TLS_FILES`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileKey {
    /// Inode.
    pub ino: u64,
    /// Kernel device number.
    pub dev: u32,
    /// Unused, zero.
    pub pad: u32,
}

/// Entries of map `TOLD`.
pub const TOLD_MAX: u32 = 4096;

/// An open file whose path an open event has told; map `TOLD`, indexed by a hash of `id`.
///
/// While no name has changed since, the close event leaves the path out and the host takes the one it was told.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// [`crate::FileId::id`]; 0 when the entry is free or being written.
    pub id: u64,
    /// Inode.
    pub ino: u64,
    /// Map `NAMES` when the path was told: how often a name had changed.
    pub names: u64,
    /// Kernel device number.
    pub dev: u32,
    /// `st_mode`.
    pub st_mode: u32,
}

/// `LOST_*`: the ring was full.
pub const LOST_RING_FULL: usize = 0;
/// The table of watched processes was full: a child is not watched.
pub const LOST_WATCHED_FULL: usize = 1;
/// The table of byte counters was full: bytes of one call were told in an event of their own, or not at all.
pub const LOST_IO_FULL: usize = 2;
/// An event outgrew its buffer.
pub const LOST_TOO_LONG: usize = 3;
/// Data of a call could not be read, came in a shape that is not followed, or was too much: it was not judged.
pub const LOST_CONTENT: usize = 4;
/// Plain text that could not be read in the process's memory.
pub const LOST_TLS_UNREAD: usize = 5;
/// The rest of a call that moved more plain text than is told.
pub const LOST_TLS_LONG: usize = 6;
/// One past the last cause.
pub const LOST_MAX: usize = 7;
/// Names of the causes, as the ledger has them.
pub const LOST_NAMES: [&str; LOST_MAX] =
    ["ring_full", "watched_full", "io_full", "too_long", "content_unread", "tls_unread", "tls_long"];

/// Kernel-side account, one a CPU; map `ACCOUNT`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Events that hooks set out to deliver, by kind.
    pub produced: [u64; crate::KIND_MAX],
    /// Events that did not get into the ring, by cause.
    pub lost: [u64; LOST_MAX],
    /// Times each hook ran for a watched process, by `HOOK_*`.
    pub fired: [u64; HOOK_MAX],
    /// Events put into the ring, or tried to.
    pub sent: u64,
    /// Pieces of data that were judged.
    pub judged: u64,
    /// Bytes of them.
    pub judged_bytes: u64,
    /// Calls whose data no program was asked about, by `UNJUDGED_*`.
    pub unjudged: [u64; UNJUDGED_MAX],
}

/// `UNJUDGED_*`: data went from file to file inside the kernel (sendfile, splice, tee, copy_file_range).
pub const UNJUDGED_COPIED: usize = 0;
/// A file was mapped, other than as code or by the dynamic linker.
pub const UNJUDGED_MAPPED: usize = 1;
/// Data was moved by a request of `io_uring`.
pub const UNJUDGED_URING: usize = 2;
/// One past the last.
pub const UNJUDGED_MAX: usize = 3;
/// What these calls are, for the coverage statement.
pub const UNJUDGED_NAMES: [&str; UNJUDGED_MAX] = [
    "copies inside the kernel (sendfile, splice, tee, copy_file_range)",
    "mapped files",
    "io_uring requests",
];

/// Buffers of each CPU for programs on LSM hooks, of which several may be on one CPU at once.
pub const LSM_BUFFERS: u32 = 4;
/// Buffers of each CPU for all other programs: the first values of maps `SCRATCH`, `WALKS` and `JUDGES`.
pub const BUFFERS: u32 = 8;

/// `sched_process_fork`.
pub const HOOK_FORK: usize = 0;
/// `sched_process_exec`.
pub const HOOK_EXEC: usize = 1;
/// `sched_process_exit`.
pub const HOOK_EXIT: usize = 2;
/// `sys_enter`.
pub const HOOK_SYS_ENTER: usize = 3;
/// `sys_exit`.
pub const HOOK_SYS_EXIT: usize = 4;
/// `io_uring_submit_req`.
pub const HOOK_URING_SUBMIT: usize = 5;
/// `io_uring_complete`.
pub const HOOK_URING_COMPLETE: usize = 6;
/// `security_path_*`.
pub const HOOK_SECURITY_PATH: usize = 7;
/// Functions of TLS libraries.
pub const HOOK_TLS: usize = 8;
/// LSM hooks.
pub const HOOK_LSM: usize = 9;
/// Connections and datagrams of a cgroup.
pub const HOOK_HOSTS: usize = 10;
/// One past the last hook.
pub const HOOK_MAX: usize = 11;

/// Handlers behind `sys_exit`: indices of map `EXIT_CALLS` and values in [`Call::exit`].
pub mod exit_call {
    /// open, openat, openat2, creat, open_by_handle_at.
    pub const OPEN: u32 = 1;
    /// read, write and their vector and offset forms.
    pub const IO: u32 = 2;
    /// sendfile, splice, tee, copy_file_range.
    pub const IO2: u32 = 3;
    /// Calls that name one path.
    pub const PATH: u32 = 4;
    /// rename, link, symlink.
    pub const PATH2: u32 = 5;
    /// chmod, chown, truncate by descriptor.
    pub const FD: u32 = 6;
    /// mmap.
    pub const MMAP: u32 = 7;
    /// connect, bind, listen, accept.
    pub const NET: u32 = 8;
    /// send and receive.
    pub const MSG: u32 = 9;
    /// execve, execveat that failed.
    pub const EXEC: u32 = 10;
    /// mount, umount, pivot_root, ...: nothing is told, but names change.
    pub const NAMES: u32 = 11;
    /// Data that a call moved: into the window, to be judged.
    pub const CONTENT: u32 = 12;
    /// The generated program that judges it.
    pub const JUDGE: u32 = 13;
    /// What becomes of the verdict.
    pub const JUDGED: u32 = 14;
    /// What goes to or comes from a name server.
    pub const DNS: u32 = 15;
    /// What goes through standard input, output and error.
    pub const STDIO: u32 = 16;
    /// One past the last.
    pub const MAX: u32 = 17;
}

/// Handlers behind `sys_enter`: indices of map `ENTER_CALLS` and values in [`Call::enter`].
pub mod enter_call {
    /// close.
    pub const CLOSE: u32 = 1;
    /// close_range.
    pub const CLOSE_RANGE: u32 = 2;
    /// dup2, dup3.
    pub const DUP: u32 = 3;
    /// execve, execveat.
    pub const EXEC: u32 = 4;
    /// One past the last.
    pub const MAX: u32 = 5;
}

/// What to do with a system call; an entry of map `CALLS`, indexed by number (32-bit calls from
/// [`CALLS_32`] on).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// One of [`exit_call`], or 0.
    pub exit: u8,
    /// One of [`enter_call`], or 0.
    pub enter: u8,
    /// Which of the handler's calls this is; see `call_table` in the host's eBPF back end.
    pub variant: u8,
    /// Operation for the handler (`OP_*`, `NET_*`, ...).
    pub op: u8,
}

/// Entries for 64-bit calls.
pub const CALLS_64: u32 = 512;
/// Where the entries for 32-bit calls start.
pub const CALLS_32: u32 = 512;
/// Size of map `CALLS`.
pub const CALLS_MAX: u32 = 1024;

/// Operations of the path handlers that differ from `OP_*` only in how their arguments lie.
pub mod path_op {
    /// rmdir: an unlink of a directory.
    pub const RMDIR: u32 = 32;
    /// fchmodat2: a chmod with flags.
    pub const CHMOD2: u32 = 33;
}

/// Where a call has its data: operations of the handlers of reads, writes and messages.
pub mod data {
    /// Nowhere that is followed.
    pub const NONE: u32 = 0;
    /// f(fd, buffer, ...), where the file stands.
    pub const BUFFER: u32 = 1;
    /// f(fd, buffer, length, offset).
    pub const BUFFER_AT: u32 = 2;
    /// f(fd, vector, count, ...), where the file stands.
    pub const VECTOR: u32 = 3;
    /// f(fd, vector, count, offset).
    pub const VECTOR_AT: u32 = 4;
    /// f(fd, message header, ...).
    pub const MESSAGE: u32 = 5;
    /// f(fd, message headers with lengths, count, ...).
    pub const MESSAGES: u32 = 6;
}

/// Where data lies while a generated program judges it: one value of map `WINDOW` for each CPU. The first bytes are the
/// program's own.
pub mod window {
    /// Offset of the length of the data, 8 bytes.
    pub const LENGTH: i16 = 8;
    /// Offset of the verdict, 8 bytes: 0 for data that matches nothing.
    pub const VERDICT: i16 = 56;
    /// Offset of the data.
    pub const DATA: i16 = 192;
    /// Of a piece, so much is looked at again with the next one, so that what lies across is seen whole: one in so many.
    pub const OVERLAP_SHARE: u64 = 16;
    /// Most bytes of the end of a call that are looked at again with the next one of the same stream.
    pub const CARRY_BYTES: u32 = 1024;
    /// Most bytes that are judged at once: a call of 64 KiB, as many programs make them, behind the end of the one before.
    pub const MAX_BYTES: u32 = 65_536 + CARRY_BYTES;
    /// Streams of which an end is kept.
    pub const CARRY_STREAMS: u32 = 4096;
    /// Bytes of a value: of several buffers, each may be put behind the others before the sum is looked at.
    pub const VALUE_BYTES: u32 = DATA as u32 + 2 * MAX_BYTES;
}

/// Variants of the handlers, each with the positions of its arguments.
pub mod variant {
    /// open(path, flags, mode).
    pub const OPEN: u8 = 0;
    /// openat(dirfd, path, flags, mode).
    pub const OPENAT: u8 = 1;
    /// openat2(dirfd, path, how, size).
    pub const OPENAT2: u8 = 2;
    /// creat(path, mode).
    pub const CREAT: u8 = 3;
    /// open_by_handle_at(dirfd, handle, flags).
    pub const OPEN_HANDLE: u8 = 4;

    /// First argument is the descriptor; reads.
    pub const READ: u8 = 0;
    /// First argument is the descriptor; writes.
    pub const WRITE: u8 = 1;

    /// sendfile(out, in, ...).
    pub const SENDFILE: u8 = 0;
    /// splice(in, off, out, ...) and copy_file_range: third argument is the target.
    pub const SPLICE: u8 = 1;
    /// tee(in, out, ...).
    pub const TEE: u8 = 2;

    /// f(path, a0, a1).
    pub const PATH: u8 = 0;
    /// f(dirfd, path, a0, a1, flags).
    pub const PATH_AT: u8 = 1;
    /// f(path, a0, a1), the last component not followed (lchown).
    pub const PATH_NOFOLLOW: u8 = 2;

    /// f(old, new).
    pub const TWO: u8 = 0;
    /// f(olddirfd, old, newdirfd, new, flags).
    pub const TWO_AT: u8 = 1;
    /// symlinkat(target, dirfd, new).
    pub const SYMLINK_AT: u8 = 2;

    /// sendto(fd, buf, len, flags, addr, addrlen).
    pub const SENDTO: u8 = 0;
    /// sendmsg(fd, msg, flags).
    pub const SENDMSG: u8 = 1;
    /// sendmmsg(fd, msgs, n, flags).
    pub const SENDMMSG: u8 = 2;
    /// recvfrom(fd, ...), recvmsg.
    pub const RECV: u8 = 3;
    /// recvmmsg(fd, msgs, n, ...).
    pub const RECVMMSG: u8 = 4;
}
