//! `io_uring` requests in flight: what was asked for, kept until the result comes.
//!
//! Bound: [`MAX_REQUESTS`]; when that is reached the oldest is forgotten, and its result is told without a path.

use crate::raw::{Body, Event};
use kernscope_abi as abi;
use std::collections::{HashMap, VecDeque};

/// Requests in flight that are remembered.
pub(super) const MAX_REQUESTS: usize = 8192;

/// Submissions by request.
#[derive(Debug, Default)]
pub(super) struct Requests {
    events: HashMap<u64, (u64, Box<[u8]>)>,
    /// Requests in the order of their submission; a pair that is not in `events` any more is stale.
    order: VecDeque<(u64, u64)>,
    serial: u64,
}

impl Requests {
    pub(super) fn submit(&mut self, request: u64, event: &[u8]) {
        self.serial += 1;
        self.events.insert(request, (self.serial, event.into()));
        self.order.push_back((request, self.serial));
        while self.events.len() > MAX_REQUESTS {
            let Some((oldest, serial)) = self.order.pop_front() else { break };
            if self.is_live(oldest, serial) {
                self.events.remove(&oldest);
            }
        }
        if self.order.len() > 2 * MAX_REQUESTS {
            let events = &self.events;
            self.order
                .retain(|(request, serial)| events.get(request).is_some_and(|(live, _)| live == serial));
        }
    }

    /// The bytes of the submission that belongs to a result.
    pub(super) fn take(&mut self, request: u64) -> Option<Box<[u8]>> {
        self.events.remove(&request).map(|(_, event)| event)
    }

    fn is_live(&self, request: u64, serial: u64) -> bool {
        self.events.get(&request).is_some_and(|(live, _)| *live == serial)
    }
}

/// A submission, decoded.
#[derive(Clone, Copy)]
pub(super) struct Submitted<'a> {
    pub(super) event: Event<'a>,
    pub(super) what: abi::UringSubmit,
}

impl<'a> Submitted<'a> {
    pub(super) fn decode(bytes: &'a [u8]) -> Option<Self> {
        let event = Event::decode(bytes).ok()?;
        let Body::UringSubmit(what) = event.body else { return None };
        Some(Self { event, what })
    }

    /// The path call that it stands for; `None` when it is none.
    pub(super) fn path_op(&self) -> Option<abi::PathOp> {
        const AT_REMOVEDIR: u32 = 0x200;
        let flags = u64::from(self.what.flags);
        let (op, a0) = match self.what.opcode {
            RENAMEAT => (abi::OP_RENAME, flags),
            UNLINKAT => (abi::OP_UNLINK, u64::from(self.what.flags & AT_REMOVEDIR != 0)),
            MKDIRAT => (abi::OP_MKDIR, flags),
            SYMLINKAT => (abi::OP_SYMLINK, flags),
            LINKAT => (abi::OP_LINK, flags),
            FTRUNCATE => (abi::OP_TRUNCATE, flags),
            _ => return None,
        };
        Some(abi::PathOp { op, a0, dirfd: self.what.dirfd, dirfd2: self.what.dirfd2, ..Default::default() })
    }
}

// `enum io_uring_op`, include/uapi/linux/io_uring.h.
const RENAMEAT: u32 = 35;
const UNLINKAT: u32 = 36;
const MKDIRAT: u32 = 37;
const SYMLINKAT: u32 = 38;
const LINKAT: u32 = 39;
const FTRUNCATE: u32 = 55;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_bounded_and_the_oldest_goes_first() {
        let mut requests = Requests::default();
        for request in 0..3 * MAX_REQUESTS as u64 {
            requests.submit(request, b"x");
        }
        assert_eq!(requests.events.len(), MAX_REQUESTS);
        assert!(requests.take(0).is_none());
        assert!(requests.take(3 * MAX_REQUESTS as u64 - 1).is_some());
    }

    #[test]
    fn an_address_used_again_stays_in_order() {
        let mut requests = Requests::default();
        for _ in 0..5 * MAX_REQUESTS {
            requests.submit(7, b"x");
            assert!(requests.take(7).is_some());
        }
        assert!(requests.order.len() <= 2 * MAX_REQUESTS + 1);
    }
}
