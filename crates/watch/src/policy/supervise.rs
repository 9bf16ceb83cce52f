//! Answers calls that a seccomp filter hands over ([`super::system`]), and tells them as events.
//!
//! A thread of its own: whoever makes such a call waits for the answer. The event is there before the answer is given, so
//! that nobody ends before what he was denied is told.

use super::{Action, Current, Mode};
use crate::proc_snapshot;
use crate::raw::{Body, Builder};
use kernscope_abi as abi;
use kernscope_kit::spawn::{Listener, Next, Waiting};
use kernscope_report::clock::monotonic_ns;
use nix::errno::Errno;
use nix::libc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// Events that may wait to be taken; beyond, they are counted as lost.
const QUEUE: usize = 4096;
/// How long it may take until the thread sees that it is not wanted any more.
const WAIT: Duration = Duration::from_millis(200);

/// The events, and the thread that makes them.
#[derive(Debug)]
pub struct Supervisor {
    events: Receiver<Vec<u8>>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    made: AtomicU64,
    lost: AtomicU64,
    ended: AtomicBool,
}

impl Supervisor {
    /// Begins to answer.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn start(listener: Listener, policy: Current) -> std::io::Result<Self> {
        let (sender, events) = sync_channel(QUEUE);
        let shared = Arc::<Shared>::default();
        let own = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("kernscope-calls".into())
            .spawn(move || answer_all(&listener, &policy, &sender, &own))?;
        Ok(Self { events, shared })
    }

    /// The raw events that are there.
    pub fn events(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        self.events.try_iter()
    }

    /// How many were made, and how many of them found no room.
    pub fn counts(&self) -> (u64, u64) {
        (self.shared.made.load(Ordering::Acquire), self.shared.lost.load(Ordering::Acquire))
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Release);
    }
}

fn answer_all(listener: &Listener, policy: &Current, sender: &SyncSender<Vec<u8>>, shared: &Shared) {
    // Signals are the main thread's business.
    let _ = nix::sys::signal::SigSet::all().thread_block();
    while !shared.ended.load(Ordering::Acquire) {
        match listener.next(WAIT) {
            Ok(Next::Call(call)) => {
                shared.made.fetch_add(1, Ordering::AcqRel);
                if sender.try_send(event(&call)).is_err() {
                    shared.lost.fetch_add(1, Ordering::AcqRel);
                }
                let action = action_of(call.nr);
                let refuses = policy.get().mode(action) == Mode::Deny;
                listener.answer(&call, refuses.then_some(Errno::EPERM));
            }
            Ok(Next::Nothing) => {}
            Ok(Next::End) | Err(_) => break,
        }
    }
}

/// What a call that was handed over is about.
pub(crate) fn action_of(nr: i32) -> Action {
    if libc::c_long::from(nr) == libc::SYS_socket { Action::Connect } else { Action::System }
}

/// The event of a call; its thread waits meanwhile, so that `/proc` says who it is.
fn event(call: &Waiting) -> Vec<u8> {
    let pid = proc_snapshot::process_of(call.tid).unwrap_or(call.tid);
    let stat = proc_snapshot::stat(pid);
    let header = abi::Header {
        flags: abi::FLAG_SYNTHETIC,
        ts_ns: monotonic_ns(),
        start_ns: stat.as_ref().map_or(0, |stat| stat.start_ns),
        pid,
        tid: call.tid,
        ppid: stat.as_ref().map_or(0, |stat| stat.ppid),
        uid: proc_snapshot::uid(pid).unwrap_or(0),
        comm: stat.map(|stat| stat.comm).unwrap_or_default(),
        ..abi::Header::default()
    };
    let deny = abi::Deny {
        what: abi::DENY_CALL,
        a0: u64::from(call.nr.unsigned_abs()),
        ino: call.args[0],
        ..Default::default()
    };
    Builder::new(header, Body::Deny(deny)).finish()
}
