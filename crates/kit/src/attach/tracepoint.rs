//! Raw tracepoints.

use super::AttachError;
use crate::load::Loaded;
use crate::sys;
use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// A program on a tracepoint, by its name in the kernel, such as `sys_enter`.
///
/// # Minimum kernel
/// 4.17.
///
/// # Privileges
/// None beyond those for loading.
#[derive(Debug)]
pub struct RawTracepoint {
    link: OwnedFd,
}

impl RawTracepoint {
    /// Puts the program on the tracepoint.
    ///
    /// # Errors
    /// `ENOENT` when there is no such tracepoint.
    pub fn attach(program: &Loaded, tracepoint: &str) -> Result<Self, AttachError> {
        const ACT: &str = "attach to tracepoint";
        let name = CString::new(tracepoint).map_err(|err| AttachError::new(ACT, tracepoint, err.into()))?;
        let link = sys::raw_tracepoint_open(Some(&name), program.as_fd())
            .map_err(|err| AttachError::new(ACT, tracepoint, err))?;
        Ok(Self { link })
    }
}

impl AsFd for RawTracepoint {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.link.as_fd()
    }
}
