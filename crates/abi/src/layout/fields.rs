//! Where fields lie in the kernel's structs, and which structs it has.

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

        const _: () = assert!(size_of::<Layout>() == size_of::<u32>() * Layout::FIELDS.len());
        // SAFETY: `repr(C)`, and nothing but as many u32 as were just counted.
        unsafe impl crate::pod::Pod for Layout {}

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

        const _: () = assert!(size_of::<Types>() == size_of::<u32>() * Types::NAMES.len());
        // SAFETY: `repr(C)`, and nothing but as many u32 as were just counted.
        unsafe impl crate::pod::Pod for Types {}

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
