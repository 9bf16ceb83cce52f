//! What program and reader share: maps, and the bytes in them.

use crate::Mac;
use crate::anomaly::{Channel, Flow};
use crate::sought::{Reach, Sketch, WORDS};
use kernscope_kit::program::{MapRef, MapSpec, MapType};
use kernscope_kit::ring::Ring;
use std::net::IpAddr;

pub(super) const COUNTERS: MapRef = MapRef(0);
pub(super) const ACTIVE: MapRef = MapRef(1);
pub(super) const FLOWS: [MapRef; 2] = [MapRef(2), MapRef(3)];
pub(super) const OTHERS: [MapRef; 2] = [MapRef(4), MapRef(5)];
pub(super) const SOUGHT: [MapRef; 2] = [MapRef(6), MapRef(7)];
pub(super) const RING: MapRef = MapRef(8);

/// Offsets of the counters of a CPU.
pub(super) const CAME: i16 = 0;
pub(super) const COUNTED: i16 = 8;
pub(super) const SENT: i16 = 16;
pub(super) const RING_FULL: i16 = 24;
pub(super) const UNREADABLE: i16 = 32;
const COUNTERS_BYTES: u32 = 40;

/// A flow: who sends, from which address and port, to which. Of protocols without ports, the type of ICMP in their place.
pub(super) const KEY_BYTES: i16 = 48;
pub(super) const KEY_MAC: i16 = 0;
pub(super) const KEY_SOURCE_PORT: i16 = 6;
pub(super) const KEY_SOURCE: i16 = 8;
pub(super) const KEY_TARGET: i16 = 24;
pub(super) const KEY_TARGET_PORT: i16 = 40;
pub(super) const KEY_PROTOCOL: i16 = 42;
pub(super) const KEY_VERSION: i16 = 43;

/// What is counted of it, frames and bytes, and which lengths of payload were sent to the reader.
pub(super) const VALUE_BYTES: i16 = 32;
pub(super) const VALUE_COUNTED: i16 = 0;
pub(super) const VALUE_LENGTHS: i16 = 8;
pub(super) const VALUE_WIRE: i16 = 24;

/// The key of frames that carry no IP is the beginning of that of a flow: who sends, and their EtherType. A map of their own,
/// for a short key is found faster.
pub(super) const OTHER_KEY_BYTES: i16 = 8;
pub(super) const KEY_KIND: i16 = KEY_SOURCE_PORT;

/// What a device sought, by its address; two sketches, see `crate::sought`.
pub(super) const REACH_BYTES: i16 = 2 * SKETCH_BYTES;
pub(super) const REACH_ADDRESSES: i16 = 0;
pub(super) const REACH_PORTS: i16 = SKETCH_BYTES;
const SKETCH_BYTES: i16 = 8 * WORDS as i16;

/// A frame in the ring: when, how long, how much of it is there; then its bytes.
pub(super) const RECORD_TIME: i16 = 0;
pub(super) const RECORD_WIRE: i16 = 8;
pub(super) const RECORD_KEPT: i16 = 12;
pub(super) const RECORD_HEAD: i16 = 16;
/// Bytes of short, usual and large frames that are kept. Longer ones are cut.
pub(super) const KEPT_BYTES: [i32; 3] = [496, 1536, 9216];

/// Flows of a map. When there are more, the ones that were quiet the longest give way, and that is counted.
const FLOWS_MAX: u32 = 32_768;
const OTHERS_MAX: u32 = 8_192;
const SOUGHT_MAX: u32 = 8_192;
const RING_BYTES: u32 = 8 << 20;

/// The maps, in the order of their numbers.
pub(super) fn maps() -> Vec<MapSpec> {
    let map = |name: &str, map_type, key_size, value_size, max_entries| MapSpec {
        name: name.to_owned(),
        map_type,
        key_size,
        value_size,
        max_entries,
        flags: 0,
        entries: Vec::new(),
    };
    let lru = |name, key, most| map(name, MapType::LruPercpuHash, key as u32, VALUE_BYTES as u32, most);
    let sought = |name| map(name, MapType::LruHash, 8, REACH_BYTES as u32, SOUGHT_MAX);
    vec![
        map("lan_counters", MapType::PercpuArray, 4, COUNTERS_BYTES, 1),
        map("lan_active", MapType::Array, 4, 4, 1),
        lru("lan_flows_0", KEY_BYTES, FLOWS_MAX),
        lru("lan_flows_1", KEY_BYTES, FLOWS_MAX),
        lru("lan_others_0", OTHER_KEY_BYTES, OTHERS_MAX),
        lru("lan_others_1", OTHER_KEY_BYTES, OTHERS_MAX),
        sought("lan_sought_0"),
        sought("lan_sought_1"),
        Ring::spec("lan_frames", RING_BYTES),
    ]
}

/// A frame as it lies in the ring.
pub(super) struct Record<'a> {
    pub(super) ts_ns: u64,
    pub(super) wire_bytes: u32,
    pub(super) bytes: &'a [u8],
}

impl<'a> Record<'a> {
    /// `None` for what no program of ours wrote.
    pub(super) fn read(record: &'a [u8]) -> Option<Self> {
        let kept = u32::from_ne_bytes(*record.get(RECORD_KEPT as usize..)?.first_chunk()?);
        Some(Self {
            ts_ns: u64::from_ne_bytes(*record.first_chunk()?),
            wire_bytes: u32::from_ne_bytes(*record.get(RECORD_WIRE as usize..)?.first_chunk()?),
            bytes: record.get(RECORD_HEAD as usize..)?.get(..kept as usize)?,
        })
    }
}

/// Who sent the frames of a flow.
pub(super) fn sender(key: &[u8]) -> Option<Mac> {
    Mac::read(key)
}

/// The flow of a key: one of IP has all of it, one of others begins like it.
pub(super) fn flow(key: &[u8]) -> Option<Flow> {
    let bytes = |at: i16| key.get(at as usize..);
    let kind = |at: i16| bytes(at)?.first_chunk().copied();
    let source = sender(key)?;
    if key.len() < KEY_BYTES as usize {
        let channel = Channel::Ether(u16::from_ne_bytes(kind(KEY_KIND)?));
        return Some(Flow { source, target: None, ips: None, channel, is_client: true });
    }
    let ip = |at: i16, version: u8| -> Option<IpAddr> {
        match version {
            6 => Some(<[u8; 16]>::into(*bytes(at)?.first_chunk::<16>()?)),
            _ => Some(<[u8; 4]>::into(*bytes(at)?.first_chunk::<4>()?)),
        }
    };
    let (protocol, version) = (*key.get(KEY_PROTOCOL as usize)?, *key.get(KEY_VERSION as usize)?);
    let port = |at: i16| kind(at).map(u16::from_be_bytes);
    let (here, there) = (port(KEY_SOURCE_PORT)?, port(KEY_TARGET_PORT)?);
    let channel = match protocol {
        6 => Channel::Tcp(here.min(there)),
        17 => Channel::Udp(here.min(there)),
        // A piece of a packet.
        0 => Channel::Ip(44),
        other => Channel::Ip(other),
    };
    let ips = Some((ip(KEY_SOURCE, version)?, ip(KEY_TARGET, version)?));
    Some(Flow { source, target: None, ips, channel, is_client: here >= there })
}

/// Bytes on the wire of frames of one CPU that were counted.
pub(super) fn wire(value: &[u8]) -> Option<u64> {
    value.get(VALUE_WIRE as usize..)?.first_chunk().copied().map(u64::from_ne_bytes)
}

/// Frames of one CPU that were counted and not sent to the reader, by the value of a flow or of others.
pub(super) fn counted(value: &[u8]) -> Option<u64> {
    value.get(VALUE_COUNTED as usize..)?.first_chunk().copied().map(u64::from_ne_bytes)
}

/// What a device sought. The kernel sets bits by bytes.
pub(super) fn reach(value: &[u8]) -> Option<Reach> {
    let sketch = |at: i16| {
        let (words, _) = value.get(at as usize..)?.get(..SKETCH_BYTES as usize)?.as_chunks();
        let mut sketch = Sketch::default();
        sketch.0.iter_mut().zip(words).for_each(|(word, bytes)| *word = u64::from_le_bytes(*bytes));
        Some(sketch)
    };
    Some(Reach { addresses: sketch(REACH_ADDRESSES)?, ports: sketch(REACH_PORTS)? })
}
