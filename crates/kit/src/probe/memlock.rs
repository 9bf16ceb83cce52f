//! Before 5.11 the kernel charges maps and programs to the memlock limit, and says `EPERM` when it is reached.
//! The limit is raised while a probe runs and put back, so that no child inherits it.

use super::host;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, rlim_t, setrlimit};

/// The limit to go back to.
#[derive(Debug)]
pub(super) struct Raised(Option<(rlim_t, rlim_t)>);

impl Raised {
    /// Raises the limit where that matters, as far as this process may.
    pub(super) fn for_bpf() -> Self {
        if host::release() >= (5, 11) {
            return Self(None);
        }
        let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_MEMLOCK) else {
            return Self(None);
        };
        let unlimited = setrlimit(Resource::RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY);
        let raised = unlimited.or_else(|_| setrlimit(Resource::RLIMIT_MEMLOCK, hard, hard));
        Self(raised.ok().map(|()| (soft, hard)))
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        if let Some((soft, hard)) = self.0 {
            // Lowering is always allowed; should it fail all the same, a larger limit harms nobody.
            let _lowered = setrlimit(Resource::RLIMIT_MEMLOCK, soft, hard);
        }
    }
}
