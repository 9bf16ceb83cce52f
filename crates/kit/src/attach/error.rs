//! What is told when a program does not get to its hook.

use std::fmt;
use std::io;

/// Why a program is not attached.
#[derive(Debug)]
pub struct AttachError {
    /// What was tried.
    pub act: &'static str,
    /// On what.
    pub object: String,
    /// What came back.
    pub cause: io::Error,
    /// What would help; may be empty.
    pub fix: String,
}

impl AttachError {
    pub(crate) fn new(act: &'static str, object: impl fmt::Display, cause: io::Error) -> Self {
        let fix = match cause.raw_os_error() {
            Some(libc::EPERM) => {
                "needs CAP_NET_ADMIN in the network namespace: run as root, or grant it".to_owned()
            }
            _ => String::new(),
        };
        Self { act, object: object.to_string(), cause, fix }
    }

    pub(crate) fn fix(self, fix: impl Into<String>) -> Self {
        Self { fix: fix.into(), ..self }
    }

    /// The errno, or zero.
    pub(crate) fn code(&self) -> i32 {
        self.cause.raw_os_error().unwrap_or(0)
    }
}

impl fmt::Display for AttachError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.act, self.object, self.cause)?;
        if self.fix.is_empty() { Ok(()) } else { write!(f, "; {}", self.fix) }
    }
}

impl std::error::Error for AttachError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}
