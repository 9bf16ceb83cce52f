//! Where a filter runs, and how it says what it found there.

use crate::program::ProgramType;

/// What of a datagram the socket's filter sees and its reader does not.
const UDP_HEADER_BYTES: u32 = 8;

/// What a program is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// Packets as the driver has them, from the Ethernet header on, all pieces of them.
    Xdp,
    /// Packets on their way in or out of an interface (tc, tcx), from the Ethernet header on.
    Tc,
    /// What a socket receives: a UDP socket's bytes begin with the UDP header, a packet socket's with the link's.
    Socket,
    /// What the reader of a UDP socket gets: as [`Target::Socket`], without the UDP header.
    Datagram,
    /// Bytes that another program, or this process, put into the [window](super::window) of the CPU: a raw
    /// tracepoint program, to be called by a tail call or a test run.
    Buffer,
    /// Memory at `r1`, of `r2` bytes: for the virtual machine.
    Vm,
}

/// What happens to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// It goes on, whole.
    Pass,
    /// It goes no further.
    Drop,
}

impl Action {
    /// The other one.
    #[must_use]
    pub fn opposite(self) -> Action {
        match self {
            Action::Pass => Action::Drop,
            Action::Drop => Action::Pass,
        }
    }
}

/// What a filter says of some data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Verdict {
    /// The condition is not met.
    Clear = 0,
    /// It is met, or for an inexact filter may be.
    Match = 1,
    /// The data is longer than the filter looks, or could not be read: to be taken for a match.
    Beyond = 2,
}

impl Target {
    /// All of them.
    pub const ALL: [Target; 6] =
        [Target::Xdp, Target::Tc, Target::Socket, Target::Datagram, Target::Buffer, Target::Vm];

    /// The type of its programs. Those for the virtual machine have the type that the kernel gives no packet to.
    pub fn program_type(self) -> ProgramType {
        match self {
            Target::Xdp => ProgramType::Xdp,
            Target::Tc => ProgramType::SchedCls,
            Target::Socket | Target::Datagram => ProgramType::SocketFilter,
            Target::Buffer => ProgramType::RawTracepoint,
            Target::Vm => ProgramType::Syscall,
        }
    }

    /// Whether its programs are given a packet as the kernel's `sk_buff`, which a helper copies from.
    pub fn is_skb(self) -> bool {
        matches!(self, Target::Tc | Target::Socket | Target::Datagram)
    }

    /// Bytes of a packet, before what its program looks at.
    pub fn skipped_bytes(self) -> u32 {
        if self == Target::Datagram { UDP_HEADER_BYTES } else { 0 }
    }

    /// Windows of each CPU: the most runs of a program that are under way there, see [`window`](super::window).
    pub(super) const fn windows(self) -> u32 {
        match self {
            Target::Socket | Target::Datagram => 4,
            _ => 1,
        }
    }

    /// What the program returns. A socket filter returns how many bytes to keep, so passing is the largest number. A tc
    /// program that lets a packet pass leaves it to the next program, which TC_ACT_OK would not.
    /// Buffers and memory have no packet to drop: they return the [`Verdict`], as 1 or 0.
    pub fn returns(self, verdict: Verdict, on_match: Action) -> u32 {
        let action = if verdict == Verdict::Clear { on_match.opposite() } else { on_match };
        match (self, action) {
            (Target::Xdp, Action::Pass) => 2,
            (Target::Xdp, Action::Drop) => 1,
            // TC_ACT_UNSPEC.
            (Target::Tc, Action::Pass) => u32::MAX,
            (Target::Tc, Action::Drop) => 2,
            (Target::Socket | Target::Datagram, Action::Pass) => u32::MAX,
            (Target::Socket | Target::Datagram, Action::Drop) => 0,
            (Target::Buffer | Target::Vm, _) => u32::from(verdict != Verdict::Clear),
        }
    }

    /// Whether a program that returned this says that the condition is (or may be) met.
    pub fn is_match(self, returned: u32, on_match: Action) -> bool {
        returned == self.returns(Verdict::Match, on_match)
    }
}
