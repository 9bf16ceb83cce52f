//! Files and paths.

use super::is_default;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a file was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OpenMode {
    /// For reading only (also `O_PATH`).
    Read,
    /// For writing only.
    Write,
    /// For both.
    ReadWrite,
    /// With `O_CREAT` or `O_TMPFILE`: the file may have been made by this call.
    Create,
}

/// What `mknod` makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeType {
    /// An empty file.
    File,
    /// A named pipe.
    Fifo,
    /// A socket that nothing is bound to.
    Socket,
    /// A character device.
    CharacterDevice,
    /// A block device.
    BlockDevice,
    /// A type that the kernel does not make: such a call fails.
    Other,
}

impl NodeType {
    /// Its name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Fifo => "fifo",
            Self::Socket => "socket",
            Self::CharacterDevice => "character_device",
            Self::BlockDevice => "block_device",
            Self::Other => "other",
        }
    }
}

/// How a path was established.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PathSource {
    /// From the kernel's own objects: exact.
    #[default]
    Kernel,
    /// From strings joined by the monitor, symbolic links followed shortly after the call.
    Resolved,
    /// From strings joined by the monitor, symbolic links not followed.
    Joined,
}

/// A path, and what is known about how good it is. Flattened into the records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PathInfo {
    /// Absolute path, up to the root of the mount namespace; `null` when it could not be established.
    pub path: Option<String>,
    /// Where the path comes from; left out when it is the kernel's own.
    #[serde(default, skip_serializing_if = "is_default")]
    pub path_source: PathSource,
    /// The path was longer or deeper than the limits: its beginning is missing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub path_truncated: bool,
    /// The file had no name any more when this was seen.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deleted: bool,
}

/// What the records about path calls share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PathCall {
    /// Absolute path.
    #[serde(flatten)]
    pub path: PathInfo,
    /// The string that the program passed; `null` where it passed a descriptor.
    pub raw_path: Option<String>,
    /// Directory descriptor (or the descriptor itself), -100 for the working directory.
    pub dirfd: i32,
    /// Device as `st_dev`, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dev: Option<u64>,
    /// Inode, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inode: Option<u64>,
    /// 0 or negative errno.
    pub ret: i64,
    /// Name of the errno when it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errno: Option<String>,
    /// Done through `io_uring`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub io_uring: bool,
}
