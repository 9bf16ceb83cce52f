//! The helpers that the machine knows, and what they do here.
//!
//! | helper | here |
//! | --- | --- |
//! | `map_lookup_elem`, `_update_elem`, `_delete_elem`, `map_lookup_percpu_elem` | as in the kernel, on one CPU |
//! | `probe_read`, `_user`, `_kernel`, their `_str` forms | from the machine's own regions; elsewhere `-EFAULT` and zeros |
//! | `ktime_get_ns`, `_boot_ns`, `_coarse_ns`, `_tai_ns` | instructions run so far |
//! | `get_prandom_u32` | the same row of numbers for every machine |
//! | `get_smp_processor_id`, `get_numa_node_id` | 0 |
//! | `get_current_pid_tgid`, `get_current_uid_gid` | process and thread 1, user and group 0 |
//! | `skb_load_bytes_relative` | as on a packet socket: the link-layer header is where the packet begins, the network header nowhere |
//! | `skb_load_bytes`, `skb_pull_data`, `xdp_load_bytes`, `xdp_get_buff_len` | from the packet, all of which is linear |
//! | `ringbuf_output`, `_reserve`, `_submit`, `_discard`, `_query` | records end in [`Map::take_records`](super::Map::take_records) |
//! | `strncmp` | as in the kernel |
//! | `tail_call`, `loop` | as in the kernel, with its limits |
//!
//! Source of the semantics: the comments in `include/uapi/linux/bpf.h`, and `kernel/bpf/` and `net/core/filter.c`, v6.12.

use super::World;
use super::context::Context;
use super::error::Fault;
use super::memory::{RING, Space, base, map_address};
use crate::program::MapType;

const EFAULT: i64 = -14;
const EINVAL: i64 = -22;
const ENOMEM: i64 = -12;
const HDR_START_MAC: u64 = 0;

/// `tail_call`, which the interpreter does.
pub(super) const TAIL_CALL: i64 = 12;
/// `loop`, likewise.
pub(super) const LOOP: i64 = 181;

/// Calls a helper by number.
pub(super) fn call(
    helper: i64,
    space: &mut Space<'_>,
    world: &mut World,
    args: [u64; 5],
) -> Result<u64, Fault> {
    let [a, b, c, d, e] = args;
    match helper {
        1 | 195 => lookup(space, a, b, if helper == 195 { c } else { 0 }),
        2 => update(space, a, b, c, d),
        3 => delete(space, a, b),
        4 | 112 | 113 => Ok(probe_read(space, a, b, c)?),
        45 | 114 | 115 => Ok(probe_read_str(space, a, b, c)?),
        5 | 125 | 160 | 208 => Ok(world.clock_ns),
        7 => Ok(world.random()),
        8 | 42 => Ok(0),
        14 => Ok(1 << 32 | 1),
        15 => Ok(0),
        26 => load_bytes(space, a, b, c, d),
        39 => pull_data(space, a, b),
        68 => load_bytes(space, a, if e == HDR_START_MAC { b } else { u64::MAX }, c, d),
        130 => ring_output(space, a, b, c),
        131 => ring_reserve(space, a, b, c),
        132 | 133 => ring_close(space, a, helper == 132),
        134 => ring_query(space, a, b),
        182 => strncmp(space, a, b, c),
        188 => xdp(space, a).map(|()| space.packet.len() as u64),
        189 => xdp_load_bytes(space, a, b, c, d),
        _ => Err(Fault::Helper(helper)),
    }
}

fn answer(number: i64) -> Result<u64, Fault> {
    Ok(number.cast_unsigned())
}

fn key(space: &mut Space<'_>, map: u64, key: u64) -> Result<Vec<u8>, Fault> {
    let len = space.map(map)?.1.key_size();
    Ok(space.read(key, len)?.to_vec())
}

fn lookup(space: &mut Space<'_>, handle: u64, at: u64, cpu: u64) -> Result<u64, Fault> {
    let key = key(space, handle, at)?;
    let (number, map) = space.map(handle)?;
    if matches!(map.kind(), MapType::ProgArray | MapType::RingBuf | MapType::ArrayOfMaps) {
        return Err(Fault::Argument(handle, "map of values"));
    }
    let place = map.lookup(&key).filter(|_| cpu == 0);
    Ok(place.map_or(0, |offset| map_address(number, offset)))
}

fn update(space: &mut Space<'_>, handle: u64, at: u64, from: u64, flags: u64) -> Result<u64, Fault> {
    let key = key(space, handle, at)?;
    let len = space.map(handle)?.1.value_size();
    let value = space.read(from, len)?.to_vec();
    answer(space.map(handle)?.1.update(&key, &value, flags))
}

fn delete(space: &mut Space<'_>, handle: u64, at: u64) -> Result<u64, Fault> {
    let key = key(space, handle, at)?;
    answer(space.map(handle)?.1.delete(&key))
}

fn probe_read(space: &mut Space<'_>, to: u64, len: u64, from: u64) -> Result<u64, Fault> {
    let len = len as u32 as usize;
    let bytes = space.bytes(from, len).map(<[u8]>::to_vec);
    copy_or_clear(space, to, len, bytes)
}

/// Writes `bytes`, which are `len`; zeros and `EFAULT` when there are none.
fn copy_or_clear(space: &mut Space<'_>, to: u64, len: usize, bytes: Option<Vec<u8>>) -> Result<u64, Fault> {
    let target = space.write(to, len)?;
    match bytes {
        Some(bytes) => {
            target.copy_from_slice(&bytes);
            Ok(0)
        }
        None => {
            target.fill(0);
            answer(EFAULT)
        }
    }
}

/// Copies up to and with a zero byte, or as much as fits with a zero byte at its end.
fn probe_read_str(space: &mut Space<'_>, to: u64, len: u64, from: u64) -> Result<u64, Fault> {
    let len = len as u32 as usize;
    space.write(to, len)?.fill(0);
    for at in 0..len {
        let Some(&[byte]) = space.bytes(from.wrapping_add(at as u64), 1) else {
            space.write(to, len)?.fill(0);
            return answer(EFAULT);
        };
        let byte = if at + 1 == len { 0 } else { byte };
        space.write(to, len)?[at] = byte;
        if byte == 0 {
            return Ok(at as u64 + 1);
        }
    }
    Ok(0)
}

fn skb(space: &Space<'_>, context: u64) -> Result<(), Fault> {
    let is_skb = matches!(space.context, Context::Skb(..)) && context == base(super::memory::CONTEXT);
    if is_skb { Ok(()) } else { Err(Fault::Argument(context, "__sk_buff")) }
}

fn xdp(space: &Space<'_>, context: u64) -> Result<(), Fault> {
    let is_xdp = matches!(space.context, Context::Xdp) && context == base(super::memory::CONTEXT);
    if is_xdp { Ok(()) } else { Err(Fault::Argument(context, "xdp_md")) }
}

/// The packet's bytes at an offset.
fn packet<'a>(space: &'a Space<'_>, offset: u64, len: u64) -> Option<&'a [u8]> {
    let (offset, len) = (offset as u32 as usize, len as u32 as usize);
    space.packet.get(offset..offset.checked_add(len)?)
}

fn load_bytes(space: &mut Space<'_>, context: u64, offset: u64, to: u64, len: u64) -> Result<u64, Fault> {
    skb(space, context)?;
    // An offset is at most `INT_MAX`, and there is no such packet.
    let bytes = packet(space, offset, len).map(<[u8]>::to_vec);
    copy_or_clear(space, to, len as u32 as usize, bytes)
}

fn pull_data(space: &mut Space<'_>, context: u64, len: u64) -> Result<u64, Fault> {
    skb(space, context)?;
    answer(if len as u32 as usize > space.packet.len() { ENOMEM } else { 0 })
}

fn xdp_load_bytes(space: &mut Space<'_>, context: u64, offset: u64, to: u64, len: u64) -> Result<u64, Fault> {
    xdp(space, context)?;
    let bytes = packet(space, offset, len).map(<[u8]>::to_vec);
    let target = space.write(to, len as u32 as usize)?;
    if offset as u32 > 0xffff || len as u32 > 0xffff {
        return answer(EFAULT);
    }
    let Some(bytes) = bytes else { return answer(EINVAL) };
    target.copy_from_slice(&bytes);
    Ok(0)
}

fn ring<'m>(space: &'m mut Space<'_>, handle: u64) -> Result<(u32, &'m mut super::Map), Fault> {
    let (number, map) = space.map(handle)?;
    if map.kind() == MapType::RingBuf {
        Ok((number, map))
    } else {
        Err(Fault::Argument(handle, "ring buffer"))
    }
}

fn ring_output(space: &mut Space<'_>, handle: u64, from: u64, len: u64) -> Result<u64, Fault> {
    const EAGAIN: i64 = -11;
    let bytes = space.read(from, len as u32 as usize)?.to_vec();
    let (_, map) = ring(space, handle)?;
    if !map.reserve_record(bytes.len()) {
        return answer(EAGAIN);
    }
    map.push_record(bytes);
    Ok(0)
}

fn ring_reserve(space: &mut Space<'_>, handle: u64, len: u64, flags: u64) -> Result<u64, Fault> {
    let len = len as u32 as usize;
    let (number, map) = ring(space, handle)?;
    if flags != 0 || !map.reserve_record(len) {
        return Ok(0);
    }
    Ok(base(RING) + space.ring().reserve(number, len, 0) as u64)
}

fn ring_close(space: &mut Space<'_>, record: u64, submit: bool) -> Result<u64, Fault> {
    let start = record.wrapping_sub(base(RING)) as usize;
    let (map, bytes) = space.ring().close(start).ok_or(Fault::Argument(record, "reserved record"))?;
    if submit {
        ring(space, super::memory::map_handle(map))?.1.push_record(bytes);
    }
    Ok(0)
}

fn ring_query(space: &mut Space<'_>, handle: u64, what: u64) -> Result<u64, Fault> {
    let (size, used) = ring(space, handle)?.1.ring_size();
    Ok(match what {
        0 | 3 => used,
        1 => size,
        _ => 0,
    })
}

fn strncmp(space: &mut Space<'_>, a: u64, len: u64, b: u64) -> Result<u64, Fault> {
    let len = len as u32 as usize;
    for at in 0..len as u64 {
        let (a, b) = (a.wrapping_add(at), b.wrapping_add(at));
        let (a, b) = (space.load::<1>(a)?, space.load::<1>(b)?);
        if a != b || a == 0 {
            return answer(a.cast_signed() - b.cast_signed());
        }
    }
    Ok(0)
}

impl World {
    /// The next number of xorshift64*, the upper half.
    fn random(&mut self) -> u64 {
        self.random = if self.random == 0 { 0x9e37_79b9_7f4a_7c15 } else { self.random };
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32
    }
}
