//! Packets of capture files, as far as the tests need them.

use std::path::PathBuf;

/// Packets that are taken of one file, so that none is all there is.
const MOST_OF_A_FILE: usize = 100;

/// Where the shared captures are; `None`, said out loud, where they are not.
fn folder() -> Option<PathBuf> {
    let default = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::var_os("KERNSCOPE_DATA").map_or(default, PathBuf::from).join("pcap");
    if !data.is_dir() {
        eprintln!("SKIPPED: captures: {} is not there; set KERNSCOPE_DATA", data.display());
        return None;
    }
    Some(data)
}

/// Up to `most` packets of Ethernet captures, spread over all files.
pub(crate) fn ethernet_packets(most: usize) -> Vec<Vec<u8>> {
    let Some(folder) = folder() else { return Vec::new() };
    let mut files = Vec::new();
    for dir in std::fs::read_dir(folder).expect("the folder of captures").flatten() {
        let Ok(entries) = std::fs::read_dir(dir.path()) else { continue };
        files.extend(entries.flatten().map(|entry| entry.path()));
    }
    files.sort();
    let mut packets: Vec<_> = files
        .iter()
        .flat_map(|file| read(&std::fs::read(file).expect("a capture")).into_iter().take(MOST_OF_A_FILE))
        .filter(|packet| !packet.is_empty() && packet.len() <= 2048)
        .collect();
    packets.truncate(most);
    eprintln!("{} packets of {} files", packets.len(), files.len());
    packets
}

/// The packets of one file in the classic format with Ethernet headers; none of any other. A damaged file ends early.
fn read(file: &[u8]) -> Vec<Vec<u8>> {
    let word = |at: usize, swapped: bool| -> Option<u32> {
        let bytes = file.get(at..at + 4)?.try_into().ok()?;
        Some(if swapped { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    };
    let swapped = match word(0, false) {
        Some(0xa1b2_c3d4 | 0xa1b2_3c4d) => false,
        Some(0xd4c3_b2a1 | 0x4d3c_b2a1) => true,
        _ => return Vec::new(),
    };
    if word(20, swapped) != Some(1) {
        return Vec::new();
    }
    let mut packets = Vec::new();
    let mut at = 24;
    while let Some(len) = word(at + 8, swapped) {
        let Some(bytes) = file.get(at + 16..at + 16 + len as usize) else { break };
        packets.push(bytes.to_vec());
        at += 16 + len as usize;
    }
    packets
}
