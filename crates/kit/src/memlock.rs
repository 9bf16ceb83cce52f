//! Before 5.11 the kernel charges maps and programs to the memlock limit, and says `EPERM` when it is reached.
//! The limit is raised while a map or program is made and put back, so that no child inherits it.

use crate::probe::release;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, rlim_t, setrlimit};
use std::sync::{Mutex, PoisonError};

/// Those who hold the limit up, and what it goes back to with the last of them. The limit is the process's, not the
/// thread's.
static HELD: Mutex<(usize, Option<(rlim_t, rlim_t)>)> = Mutex::new((0, None));

/// Holds the limit up; what was counts again when the last is dropped.
#[derive(Debug)]
pub(crate) struct Raised(());

impl Raised {
    /// Raises the limit where that matters, as far as this process may.
    pub(crate) fn for_bpf() -> Option<Self> {
        if release() >= (5, 11) {
            return None;
        }
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        if held.0 == 0 {
            held.1 = raise();
        }
        held.0 += 1;
        Some(Self(()))
    }
}

/// Raises the limit; gives what it was.
fn raise() -> Option<(rlim_t, rlim_t)> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_MEMLOCK).ok()?;
    let unlimited = setrlimit(Resource::RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY);
    let raised = unlimited.or_else(|_| setrlimit(Resource::RLIMIT_MEMLOCK, hard, hard));
    raised.ok().map(|()| (soft, hard))
}

impl Drop for Raised {
    fn drop(&mut self) {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        held.0 -= 1;
        if let (0, Some((soft, hard))) = (held.0, held.1) {
            // Lowering is always allowed; should it fail all the same, a larger limit harms nobody.
            let _lowered = setrlimit(Resource::RLIMIT_MEMLOCK, soft, hard);
        }
    }
}
