//! A tc filter by netlink, as kernels before 6.6 have it: the kernel keeps it until somebody takes it away.
//!
//! Numbers: `include/uapi/linux/pkt_sched.h`, `pkt_cls.h`, `rtnetlink.h`.

use super::guardian::{Cleanup, Guardian};
use super::stale::Owner;
use super::{AttachError, Direction, Interface};
use crate::netlink::{Attributes, Netlink, Reply, Request};
use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, PoisonError};

const RTM_NEWQDISC: u16 = 36;
const RTM_DELQDISC: u16 = 37;
/// A filter that was made or is told of.
pub(super) const RTM_NEWTFILTER: u16 = 44;
const RTM_DELTFILTER: u16 = 45;
const RTM_GETTFILTER: u16 = 46;
const TCA_KIND: u16 = 1;
const TCA_OPTIONS: u16 = 2;
const TCA_BPF_FD: u16 = 6;
const TCA_BPF_NAME: u16 = 7;
const TCA_BPF_FLAGS: u16 = 8;
/// `TCA_BPF_FLAG_ACT_DIRECT`: what the program returns is what is done.
const ACT_DIRECT: u32 = 1;
/// `TC_H_CLSACT`, and the parents of its two lists of filters.
const CLSACT: u32 = 0xffff_fff1;
const PARENTS: [u32; 2] = [0xffff_fff2, 0xffff_fff3];
/// The handle of every `clsact`.
const QDISC: u32 = 0xffff_0000;
/// `ETH_P_ALL`.
const ALL_PROTOCOLS: u16 = 3;

/// `struct tcmsg`.
#[derive(Clone, Copy, Debug, Default)]
struct TcMsg {
    index: u32,
    handle: u32,
    parent: u32,
    /// Priority in the upper, protocol in the lower half.
    info: u32,
}

impl TcMsg {
    const BYTES: usize = 20;

    fn bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        for (to, word) in bytes[4..].chunks_mut(4).zip([self.index, self.handle, self.parent, self.info]) {
            to.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| bytes.get(at..)?.first_chunk().map(|word| u32::from_ne_bytes(*word));
        Some(Self { index: word(4)?, handle: word(8)?, parent: word(12)?, info: word(16)? })
    }
}

/// The queueing disciplines that this process has made and not yet removed: network namespace and interface. Whichever
/// of its filters goes last takes it along.
static MADE: Mutex<BTreeSet<(u64, u32)>> = Mutex::new(BTreeSet::new());

/// A filter that is taken away on drop, and by the guardian should this process be killed.
#[derive(Debug)]
pub(crate) struct Filter {
    place: (u64, u32),
    cleanup: Cleanup,
    /// Ends first.
    guardian: Option<Guardian>,
}

impl Filter {
    /// Puts a program on the interface, under a name that `tc filter show` tells.
    pub(crate) fn attach(
        program: BorrowedFd<'_>,
        name: &str,
        interface: &Interface,
        direction: Direction,
    ) -> Result<Self, AttachError> {
        let failed = |act, err| AttachError::new(act, format!("{interface} {direction}"), err);
        let mut netlink = Netlink::open().map_err(|err| failed("open netlink for", err))?;
        let qdisc = TcMsg { index: interface.index(), handle: QDISC, parent: CLSACT, info: 0 };
        let namespace = std::fs::metadata("/proc/thread-self/ns/net").map_or(0, |meta| meta.ino());
        let place = (namespace, interface.index());
        remove_stale(&mut netlink, place);
        let is_ours = make_qdisc(&mut netlink, qdisc, place).map_err(|err| {
            let error = failed("make clsact on", err);
            if error.code() == libc::ENOENT {
                error.fix("needs a kernel with CONFIG_NET_SCH_INGRESS")
            } else {
                error
            }
        })?;
        let filter = TcMsg {
            index: interface.index(),
            handle: 0,
            parent: PARENTS[direction as usize],
            info: ALL_PROTOCOLS.to_be().into(),
        };
        let name = Owner::here(is_ours).filter_name(name);
        let made = make_filter(&mut netlink, filter, program, &name);
        // Without a filter to remove, it still removes the queueing discipline that was made for it.
        let known = made.as_ref().copied().unwrap_or(filter);
        let cleanup = Cleanup::new(netlink, steps(known, is_ours));
        let mut attached = Self { place, cleanup, guardian: None };
        made.map_err(|err| failed("attach tc to", err))?;
        let guardian =
            Guardian::start(&mut attached.cleanup).map_err(|err| failed("start a guardian for", err))?;
        attached.guardian = Some(guardian);
        Ok(attached)
    }
}

impl Drop for Filter {
    fn drop(&mut self) {
        self.guardian = None;
        // Held while the kernel is asked: whoever makes the queueing discipline again meanwhile would be forgotten.
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        if self.cleanup.run() {
            made.remove(&self.place);
        }
    }
}

/// Takes away the filters on the interface whose owner has ended without doing so. A queueing discipline that it had made
/// is ours from then on. What cannot be listed or removed stays: attaching says what is wrong.
fn remove_stale(netlink: &mut Netlink, place: (u64, u32)) {
    for parent in PARENTS {
        let all = TcMsg { index: place.1, parent, ..TcMsg::default() };
        let told = netlink.ask(&Request::new(RTM_GETTFILTER, Request::DUMP, &all.bytes()));
        for reply in told.unwrap_or_default().iter().filter(|reply| reply.kind == RTM_NEWTFILTER) {
            let options = reply.attributes(TcMsg::BYTES).find(TCA_OPTIONS).map(Attributes::nested);
            let owner = options.and_then(|options| options.find(TCA_BPF_NAME)).and_then(Owner::of_filter);
            let (Some(filter), Some(owner)) = (TcMsg::parse(&reply.bytes), owner) else { continue };
            if !owner.is_gone() {
                continue;
            }
            let removal = Request::new(RTM_DELTFILTER, 0, &filter.bytes()).attr(TCA_KIND, b"bpf\0");
            if netlink.ask(&removal).is_ok() && owner.made_qdisc {
                MADE.lock().unwrap_or_else(PoisonError::into_inner).insert(place);
            }
        }
    }
}

/// Makes the queueing discipline if it is not there; whether this process has made it, now or before.
fn make_qdisc(netlink: &mut Netlink, qdisc: TcMsg, place: (u64, u32)) -> io::Result<bool> {
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let request = Request::new(RTM_NEWQDISC, Request::CREATE, &qdisc.bytes()).attr(TCA_KIND, b"clsact\0");
    match netlink.ask(&request) {
        Ok(_) => {
            made.insert(place);
            Ok(true)
        }
        Err(err) if err.raw_os_error() == Some(libc::EEXIST) => Ok(made.contains(&place)),
        Err(err) => Err(err),
    }
}

/// Makes the filter; the kernel chooses handle and priority and tells them.
fn make_filter(
    netlink: &mut Netlink,
    filter: TcMsg,
    program: BorrowedFd<'_>,
    name: &[u8],
) -> io::Result<TcMsg> {
    let fd = program.as_raw_fd().to_ne_bytes();
    let request = Request::new(RTM_NEWTFILTER, Request::CREATE | Request::ECHO, &filter.bytes())
        .attr(TCA_KIND, b"bpf\0")
        .nest(TCA_OPTIONS, |options| {
            let options = options.attr(TCA_BPF_FD, &fd).attr(TCA_BPF_NAME, name);
            options.attr(TCA_BPF_FLAGS, &ACT_DIRECT.to_ne_bytes())
        });
    let told = netlink.ask(&request)?;
    let made = told
        .iter()
        .find(|reply| reply.kind == RTM_NEWTFILTER)
        .and_then(|reply: &Reply| TcMsg::parse(&reply.bytes));
    made.ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidData, "the kernel did not tell which filter it made")
    })
}

/// What takes the filter away; then, if the queueing discipline is ours and both its lists are empty, that too.
fn steps(filter: TcMsg, is_ours: bool) -> Vec<Request> {
    let mut steps = Vec::new();
    if filter.handle != 0 {
        steps.push(Request::new(RTM_DELTFILTER, 0, &filter.bytes()).attr(TCA_KIND, b"bpf\0"));
    }
    if is_ours {
        for parent in PARENTS {
            let all = TcMsg { index: filter.index, parent, ..TcMsg::default() };
            steps.push(Request::new(RTM_GETTFILTER, Request::DUMP, &all.bytes()));
        }
        let qdisc = TcMsg { index: filter.index, handle: QDISC, parent: CLSACT, info: 0 };
        steps.push(Request::new(RTM_DELQDISC, 0, &qdisc.bytes()));
    }
    steps
}
