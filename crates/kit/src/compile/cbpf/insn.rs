//! One classic instruction, and the ancillary data that Linux added.

use super::op;

/// One classic BPF instruction: `struct sock_filter`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Insn {
    /// Operation code.
    pub code: u16,
    /// Instructions to skip when the condition holds.
    pub jt: u8,
    /// Instructions to skip when it does not.
    pub jf: u8,
    /// The constant.
    pub k: u32,
}

const _: () = assert!(size_of::<Insn>() == 8);

impl Insn {
    /// An instruction that does not branch.
    pub const fn stmt(code: u16, k: u32) -> Insn {
        Insn { code, jt: 0, jf: 0, k }
    }

    /// A conditional jump.
    pub const fn jump(code: u16, k: u32, jt: u8, jf: u8) -> Insn {
        Insn { code, jt, jf, k }
    }

    /// The class of the code.
    pub const fn class(self) -> u16 {
        self.code & op::CLASS_MASK
    }

    /// The operation of an arithmetic, jump or move.
    pub const fn operation(self) -> u16 {
        self.code & op::OP_MASK
    }

    /// The access mode of a load.
    pub const fn mode(self) -> u16 {
        self.code & op::MODE_MASK
    }

    /// Whether the second operand is X.
    pub const fn takes_x(self) -> bool {
        self.code & op::X != 0
    }

    /// Bytes that a load from the packet takes.
    pub const fn bytes(self) -> u32 {
        match self.code & op::SIZE_MASK {
            op::W => 4,
            op::H => 2,
            _ => 1,
        }
    }

    /// What the kernel puts in A instead of bytes of the packet, for a load at a fixed offset from `SKF_AD_OFF` up.
    pub fn ancillary(self) -> Option<Ancillary> {
        let at_offset = self.class() == op::LD && self.mode() == op::ABS;
        let offset = self.k.checked_sub(op::AD_OFF).filter(|_| at_offset)?;
        Ancillary::ALL.into_iter().find(|ancillary| *ancillary as u32 == offset)
    }
}

/// What is known of a packet besides its bytes: `SKF_AD_*` in `include/uapi/linux/filter.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Ancillary {
    /// The protocol, as in the Ethernet header.
    Protocol = 0,
    /// `PACKET_HOST`, `PACKET_OUTGOING` and so on.
    PacketType = 4,
    /// Index of the interface.
    Interface = 8,
    /// A Netlink attribute.
    Netlink = 12,
    /// A nested Netlink attribute.
    NetlinkNested = 16,
    /// The mark.
    Mark = 20,
    /// The queue.
    Queue = 24,
    /// `ARPHRD_*` of the interface.
    HardwareType = 28,
    /// The flow's hash.
    Hash = 32,
    /// The processor that runs the program.
    Cpu = 36,
    /// `A ^= X`: not data, but added in the same way.
    XorX = 40,
    /// The VLAN tag that was taken out of the packet.
    VlanTag = 44,
    /// Whether there is one.
    VlanPresent = 48,
    /// Offset of the payload.
    PayloadOffset = 52,
    /// A random number.
    Random = 56,
    /// Protocol of the VLAN tag.
    VlanProtocol = 60,
}

impl Ancillary {
    /// All of them.
    pub const ALL: [Ancillary; 16] = [
        Ancillary::Protocol,
        Ancillary::PacketType,
        Ancillary::Interface,
        Ancillary::Netlink,
        Ancillary::NetlinkNested,
        Ancillary::Mark,
        Ancillary::Queue,
        Ancillary::HardwareType,
        Ancillary::Hash,
        Ancillary::Cpu,
        Ancillary::XorX,
        Ancillary::VlanTag,
        Ancillary::VlanPresent,
        Ancillary::PayloadOffset,
        Ancillary::Random,
        Ancillary::VlanProtocol,
    ];
}
