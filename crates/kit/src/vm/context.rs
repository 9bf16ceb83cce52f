//! The first argument of a program: fields that the verifier would translate, or bytes.
//!
//! `xdp_md` and `__sk_buff` are not memory: the verifier rewrites each access to a field. Here as there, `data` and
//! `data_end` are read as 32 bits and give an address of 64.
//!
//! Source of the offsets: `struct xdp_md` and `struct __sk_buff` in `include/uapi/linux/bpf.h`; of what may be written:
//! `tc_cls_act_is_valid_access` and `sk_filter_is_valid_access` in `net/core/filter.c`, v6.12.

use super::error::Fault;
use super::memory::{PACKET, base};
use crate::program::ProgramType;
use std::ops::Range;

/// Fields of `__sk_buff` beside the packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the kernel's")]
pub struct SkbFields {
    pub pkt_type: u32,
    pub mark: u32,
    pub queue_mapping: u32,
    /// The type of the Ethernet frame, such as `0x0800`; the field has it in network order.
    pub protocol: u16,
    pub vlan_present: bool,
    pub vlan_tci: u16,
    /// As `protocol`.
    pub vlan_proto: u16,
    pub priority: u32,
    pub ingress_ifindex: u32,
    pub ifindex: u32,
    pub tc_index: u32,
    pub cb: [u32; 5],
    pub hash: u32,
    pub tc_classid: u32,
}

/// Bytes of `__sk_buff` that are modelled: up to `data_end`.
const SKB_BYTES: usize = 84;
const SKB_DATA: usize = 76;
const SKB_DATA_END: usize = 80;
/// The five words that a program may use as it likes, in any size.
const SKB_CB: Range<usize> = 48..68;
/// Words that tc programs may write: mark, queue_mapping, priority, tc_index, tc_classid.
const SKB_TC_WRITES: [usize; 5] = [8, 12, 32, 44, 72];

/// What `r1` points to.
#[derive(Debug)]
pub(super) enum Context<'a> {
    /// Plain memory at `r1`, which is the packet here.
    Memory,
    /// Bytes.
    Bytes(&'a mut [u8]),
    /// `xdp_md`.
    Xdp,
    /// `__sk_buff`, as the bytes of the struct.
    Skb([u8; SKB_BYTES], ProgramType),
}

impl<'a> Context<'a> {
    pub(super) fn skb(fields: &SkbFields, len: usize, program_type: ProgramType) -> Context<'a> {
        let [cb0, cb1, cb2, cb3, cb4] = fields.cb;
        let words: [u32; SKB_BYTES / 4] = [
            len as u32,
            fields.pkt_type,
            fields.mark,
            fields.queue_mapping,
            fields.protocol.to_be().into(),
            fields.vlan_present.into(),
            fields.vlan_tci.into(),
            fields.vlan_proto.to_be().into(),
            fields.priority,
            fields.ingress_ifindex,
            fields.ifindex,
            fields.tc_index,
            cb0,
            cb1,
            cb2,
            cb3,
            cb4,
            fields.hash,
            fields.tc_classid,
            0,
            0,
        ];
        let mut bytes = [0; SKB_BYTES];
        bytes.as_chunks_mut::<4>().0.copy_from_slice(&words.map(u32::to_ne_bytes));
        Context::Skb(bytes, program_type)
    }

    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Context::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(super) fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        match self {
            Context::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(super) fn packet_name(&self) -> &'static str {
        if matches!(self, Context::Memory) { "the memory" } else { "the packet" }
    }

    /// Reads `len` bytes of a field; addresses come back whole.
    pub(super) fn field(&self, offset: u32, len: usize, packet_len: usize) -> Result<u64, Fault> {
        let (data, at) = (base(PACKET), offset as usize);
        let data_end = data + packet_len as u64;
        match self {
            Context::Xdp if len == 4 => match at {
                0 | 8 => return Ok(data),
                4 => return Ok(data_end),
                // Interface 1 is the loopback device, which is where test runs are.
                12 => return Ok(1),
                16 | 20 => return Ok(0),
                _ => {}
            },
            Context::Skb(_, ProgramType::SchedCls) if len == 4 && at == SKB_DATA => return Ok(data),
            Context::Skb(_, ProgramType::SchedCls) if len == 4 && at == SKB_DATA_END => return Ok(data_end),
            Context::Skb(bytes, _) if at + len <= SKB_DATA && (in_word(at, len) || in_cb(at, len)) => {
                return Ok(number(&bytes[at..at + len]));
            }
            _ => {}
        }
        Err(self.no_field("read", offset, len))
    }

    /// Writes a field.
    pub(super) fn set_field(&mut self, offset: u32, value: &[u8]) -> Result<(), Fault> {
        let (at, len) = (offset as usize, value.len());
        match self {
            Context::Skb(bytes, kind)
                if in_cb(at, len)
                    || *kind == ProgramType::SchedCls && len == 4 && SKB_TC_WRITES.contains(&at) =>
            {
                bytes[at..at + len].copy_from_slice(value);
                Ok(())
            }
            _ => Err(self.no_field("written", offset, len)),
        }
    }

    fn no_field(&self, verb: &'static str, offset: u32, len: usize) -> Fault {
        let region = match self {
            Context::Xdp => "xdp_md",
            Context::Skb(_, ProgramType::SocketFilter) => "__sk_buff of a socket filter",
            _ => "__sk_buff",
        };
        Fault::Field { region, verb, offset, len }
    }
}

/// Whether these bytes are of one field of four.
const fn in_word(at: usize, len: usize) -> bool {
    at % 4 + len <= 4
}

const fn in_cb(at: usize, len: usize) -> bool {
    at >= SKB_CB.start && at + len <= SKB_CB.end
}

/// Up to eight bytes as a number of the machine's order.
pub(super) fn number(bytes: &[u8]) -> u64 {
    match *bytes {
        [a] => a.into(),
        [a, b] => u16::from_ne_bytes([a, b]).into(),
        [a, b, c, d] => u32::from_ne_bytes([a, b, c, d]).into(),
        [a, b, c, d, e, f, g, h] => u64::from_ne_bytes([a, b, c, d, e, f, g, h]),
        _ => 0,
    }
}
