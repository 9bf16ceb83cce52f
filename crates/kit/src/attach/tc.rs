//! tc: a program sees each packet after the kernel has made a buffer of it, coming in or going out.

use super::clsact::Filter;
use super::{AttachError, Interface};
use crate::load::Loaded;
use crate::sys::{self, LinkTarget};
use std::fmt;
use std::os::fd::{AsFd, OwnedFd};

/// `BPF_TCX_INGRESS` and `BPF_TCX_EGRESS`.
const ATTACH_TCX: [u32; 2] = [46, 47];

/// Which way packets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Into this machine.
    Ingress,
    /// Out of it.
    Egress,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        })
    }
}

/// How a program is attached to tc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcTier {
    /// By a link; from 6.6. The kernel detaches with the last holder of the link.
    Tcx,
    /// As a filter of the interface's `clsact` queueing discipline, which is made if it is not there. Should this
    /// process be killed, a child of it takes the filter away.
    Clsact,
}

impl fmt::Display for TcTier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcx => "tcx",
            Self::Clsact => "clsact",
        })
    }
}

/// A program on one direction of an interface. What it returns is `TC_ACT_*`: -1 go on to the next program, 0 pass,
/// 2 drop. By links, programs are asked in the order in which they came; on `clsact` the last one first.
///
/// # Minimum kernel
/// 4.5.
///
/// # Privileges
/// `CAP_NET_ADMIN`.
#[derive(Debug)]
pub struct Tc {
    held: Held,
    why: String,
}

#[derive(Debug)]
#[expect(dead_code, reason = "a guard is held for its drop")]
enum Held {
    Link(OwnedFd),
    Filter(Filter),
}

impl Tc {
    /// Puts the program on the interface: by a link where the kernel has them for tc, else as a filter.
    ///
    /// # Errors
    /// Those of a link or of the netlink requests; `ENOENT` when the kernel has neither.
    pub fn attach(
        program: &Loaded,
        interface: &Interface,
        direction: Direction,
    ) -> Result<Self, AttachError> {
        match Self::attach_by(TcTier::Tcx, program, interface, direction) {
            Err(tcx) if !matches!(tcx.code(), libc::EPERM | libc::ENODEV | libc::EBUSY) => {
                let tc = Self::attach_by(TcTier::Clsact, program, interface, direction)?;
                Ok(Self { why: format!("not by a link: {}", tcx.cause), ..tc })
            }
            outcome => outcome,
        }
    }

    /// Puts the program on the interface in this way.
    ///
    /// # Errors
    /// As [`Tc::attach`]; `EINVAL` when the kernel has no links for tc.
    pub fn attach_by(
        tier: TcTier,
        program: &Loaded,
        interface: &Interface,
        direction: Direction,
    ) -> Result<Self, AttachError> {
        let held = match tier {
            TcTier::Tcx => {
                let target = LinkTarget::Interface(interface.index());
                sys::link_create(program.as_fd(), ATTACH_TCX[direction as usize], 0, target)
                    .map(Held::Link)
                    .map_err(|err| AttachError::new("attach tcx to", interface, err))?
            }
            TcTier::Clsact => {
                Held::Filter(Filter::attach(program.as_fd(), program.name(), interface, direction)?)
            }
        };
        Ok(Self { held, why: String::new() })
    }

    /// How it is attached.
    pub fn tier(&self) -> TcTier {
        match self.held {
            Held::Link(_) => TcTier::Tcx,
            Held::Filter(_) => TcTier::Clsact,
        }
    }

    /// Why not by a link; empty when it is, or was not tried.
    pub fn why(&self) -> &str {
        &self.why
    }
}
