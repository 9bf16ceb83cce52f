//! What program and reader share: maps, and the bytes in them.

use crate::Mac;
use kernscope_kit::program::{MapRef, MapSpec, MapType};
use kernscope_kit::ring::Ring;

pub(super) const COUNTERS: MapRef = MapRef(0);
pub(super) const ACTIVE: MapRef = MapRef(1);
pub(super) const FLOWS: [MapRef; 2] = [MapRef(2), MapRef(3)];
pub(super) const RING: MapRef = MapRef(4);

/// Offsets of the counters of a CPU.
pub(super) const CAME: i16 = 0;
pub(super) const COUNTED: i16 = 8;
pub(super) const SENT: i16 = 16;
pub(super) const RING_FULL: i16 = 24;
pub(super) const UNREADABLE: i16 = 32;
const COUNTERS_BYTES: u32 = 40;

/// A flow: who sends, from which address and port, to which.
pub(super) const KEY_BYTES: i16 = 48;
pub(super) const KEY_MAC: i16 = 0;
pub(super) const KEY_SOURCE_PORT: i16 = 6;
pub(super) const KEY_SOURCE: i16 = 8;
pub(super) const KEY_TARGET: i16 = 24;
pub(super) const KEY_TARGET_PORT: i16 = 40;
pub(super) const KEY_PROTOCOL: i16 = 42;
pub(super) const KEY_VERSION: i16 = 43;

/// What is counted of it, and which lengths of payload were sent to the reader.
pub(super) const VALUE_BYTES: i16 = 48;
pub(super) const VALUE_PACKETS: i16 = 0;
pub(super) const VALUE_BYTES_SUM: i16 = 8;
pub(super) const VALUE_LAST: i16 = 16;
pub(super) const VALUE_COUNTED: i16 = 24;
pub(super) const VALUE_LENGTHS: i16 = 32;

/// A frame in the ring: when, how long, how much of it is there; then its bytes.
pub(super) const RECORD_TIME: i16 = 0;
pub(super) const RECORD_WIRE: i16 = 8;
pub(super) const RECORD_KEPT: i16 = 12;
pub(super) const RECORD_HEAD: i16 = 16;
/// Bytes of short and of long frames that are kept. Longer ones are cut: an Ethernet frame of the usual size is not.
pub(super) const KEPT_BYTES: [i32; 2] = [496, 1536];

/// Flows of a map. When there are more, the ones that were quiet the longest give way, and that is counted.
const FLOWS_MAX: u32 = 32_768;
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
    let flows = |name| map(name, MapType::LruPercpuHash, KEY_BYTES as u32, VALUE_BYTES as u32, FLOWS_MAX);
    vec![
        map("lan_counters", MapType::PercpuArray, 4, COUNTERS_BYTES, 1),
        map("lan_active", MapType::Array, 4, 4, 1),
        flows("lan_flows_0"),
        flows("lan_flows_1"),
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

/// Frames of a flow on one CPU that were counted and not sent to the reader, and when its last one was.
pub(super) fn counted(value: &[u8]) -> Option<(u64, u64)> {
    let word = |at: i16| Some(u64::from_ne_bytes(*value.get(at as usize..)?.first_chunk()?));
    Some((word(VALUE_COUNTED)?, word(VALUE_LAST)?))
}
