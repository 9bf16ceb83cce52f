//! XDP: a program sees each frame before the kernel has made anything of it.

use super::{AttachError, Interface};
use crate::load::Loaded;
use crate::sys::{self, LinkTarget};
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// `BPF_XDP`.
const ATTACH_XDP: u32 = 37;
/// `XDP_FLAGS_SKB_MODE` and `XDP_FLAGS_DRV_MODE` (`include/uapi/linux/if_link.h`).
const SKB_MODE: u32 = 1 << 1;
const DRV_MODE: u32 = 1 << 2;

/// Who runs the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XdpMode {
    /// The driver, on its receive ring.
    Driver,
    /// The kernel, after it has made a packet buffer: works on every interface, and saves less.
    Generic,
}

impl fmt::Display for XdpMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Driver => "driver",
            Self::Generic => "generic",
        })
    }
}

/// A program on an interface, by a link.
///
/// # Minimum kernel
/// 5.9.
///
/// # Privileges
/// `CAP_NET_ADMIN`.
#[derive(Debug)]
pub struct Xdp {
    link: OwnedFd,
    mode: XdpMode,
    why: String,
}

impl Xdp {
    /// Puts the program on the interface: by the driver if that can, else by the kernel.
    ///
    /// # Errors
    /// `EBUSY` when there is a program already; those of a link otherwise.
    pub fn attach(program: &Loaded, interface: &Interface) -> Result<Self, AttachError> {
        match Self::attach_in(program, interface, XdpMode::Driver) {
            Err(driver) if !is_final(&driver) => {
                let generic = Self::attach_in(program, interface, XdpMode::Generic)?;
                Ok(Self { why: format!("not by the driver: {}", driver.cause), ..generic })
            }
            outcome => outcome,
        }
    }

    /// Puts the program on the interface in this mode.
    ///
    /// # Errors
    /// As [`Xdp::attach`]; `EOPNOTSUPP` when the driver cannot.
    pub fn attach_in(program: &Loaded, interface: &Interface, mode: XdpMode) -> Result<Self, AttachError> {
        let flags = match mode {
            XdpMode::Driver => DRV_MODE,
            XdpMode::Generic => SKB_MODE,
        };
        let target = LinkTarget::Interface(interface.index());
        match sys::link_create(program.as_fd(), ATTACH_XDP, flags, target) {
            Ok(link) => Ok(Self { link, mode, why: String::new() }),
            Err(err) => Err(refused(interface, err)),
        }
    }

    /// Who runs it.
    pub fn mode(&self) -> XdpMode {
        self.mode
    }

    /// Why the driver does not; empty when it does, or was not asked.
    pub fn why(&self) -> &str {
        &self.why
    }
}

impl AsFd for Xdp {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.link.as_fd()
    }
}

/// Whether no other mode would help.
fn is_final(error: &AttachError) -> bool {
    matches!(error.code(), libc::EBUSY | libc::EEXIST | libc::EPERM | libc::ENODEV)
}

fn refused(interface: &Interface, err: io::Error) -> AttachError {
    let error = AttachError::new("attach XDP to", interface, err);
    match error.code() {
        // EEXIST: there is one in the other mode.
        libc::EBUSY | libc::EEXIST => {
            let fix = format!("another XDP program is there; find it with: ip -d link show dev {interface}");
            error.fix(fix)
        }
        _ => error,
    }
}
