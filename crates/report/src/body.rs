//! What kinds of records have in common.

use crate::record::{Body, NetCall, PathCall};

impl Body {
    /// The value of `kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ProcessSnapshot { .. } => "process_snapshot",
            Self::ProcessFork { .. } => "process_fork",
            Self::ProcessExec { .. } => "process_exec",
            Self::ProcessExecFailed { .. } => "process_exec_failed",
            Self::ProcessExit { .. } => "process_exit",
            Self::FileOpen { .. } => "file_open",
            Self::FileClose { .. } => "file_close",
            Self::FileMmap { .. } => "file_mmap",
            Self::FileUnlink(_) => "file_unlink",
            Self::FileRename { .. } => "file_rename",
            Self::FileLink { .. } => "file_link",
            Self::FileSymlink { .. } => "file_symlink",
            Self::FileMkdir { .. } => "file_mkdir",
            Self::FileMknod { .. } => "file_mknod",
            Self::FileChmod { .. } => "file_chmod",
            Self::FileChown { .. } => "file_chown",
            Self::FileTruncate { .. } => "file_truncate",
            Self::NetConnect(_) => "net_connect",
            Self::NetBind(_) => "net_bind",
            Self::NetListen(_) => "net_listen",
            Self::NetAccept(_) => "net_accept",
            Self::NetSend(_) => "net_send",
            Self::NetClose { .. } => "net_close",
            Self::ContentMatch(_) => "content_match",
            Self::TlsData(_) => "tls_data",
            Self::Dns(_) => "dns",
            Self::Http(_) => "http",
            Self::Stdio(_) => "stdio",
            Self::Match(_) => "match",
            Self::Device(_) => "device",
            Self::Alert(_) => "alert",
            Self::PolicyDeny(_) => "policy_deny",
            Self::FilterCounts(_) => "filter_counts",
            Self::Probe(_) => "probe",
            Self::Verdict(_) => "verdict",
            Self::Coverage(_) => "coverage",
            Self::Ledger(_) => "ledger",
        }
    }

    /// What the calls share that are about a path.
    pub fn path_call(&self) -> Option<&PathCall> {
        match self {
            Self::FileUnlink(call)
            | Self::FileRename { call, .. }
            | Self::FileLink { call, .. }
            | Self::FileSymlink { call, .. }
            | Self::FileMkdir { call, .. }
            | Self::FileMknod { call, .. }
            | Self::FileChmod { call, .. }
            | Self::FileChown { call, .. }
            | Self::FileTruncate { call, .. } => Some(call),
            _ => None,
        }
    }

    /// The path of the file that was opened or executed; `None` for what is neither.
    pub fn judged_path(&self) -> Option<&str> {
        match self {
            Self::FileOpen { path, .. } => path.path.as_deref(),
            Self::ProcessExec { exe, .. } => exe.as_deref(),
            _ => None,
        }
    }

    /// What the calls share that are about a socket.
    pub fn net_call(&self) -> Option<&NetCall> {
        match self {
            Self::NetConnect(call)
            | Self::NetBind(call)
            | Self::NetListen(call)
            | Self::NetAccept(call)
            | Self::NetSend(call)
            | Self::NetClose { call, .. } => Some(call),
            _ => None,
        }
    }

    /// What the call returned and the name of its errno; `None` for what is no call.
    pub fn outcome(&self) -> Option<(i64, Option<&str>)> {
        if let Self::ProcessExecFailed { ret, errno, .. }
        | Self::FileOpen { ret, errno, .. }
        | Self::FileMmap { ret, errno, .. } = self
        {
            return Some((*ret, errno.as_deref()));
        }
        let path = self.path_call().map(|call| (call.ret, call.errno.as_deref()));
        path.or_else(|| self.net_call().map(|call| (call.ret, call.errno.as_deref())))
    }
}
