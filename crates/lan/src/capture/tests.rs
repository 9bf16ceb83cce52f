use super::*;

fn pcap(order: fn(u32) -> [u8; 4], magic: u32, link: u32, frames: &[(u32, u32, &[u8])]) -> Vec<u8> {
    let mut file = order(magic).to_vec();
    file.extend([0; 16]);
    file.extend(order(link));
    for (seconds, fraction, bytes) in frames {
        for word in [*seconds, *fraction, bytes.len() as u32, bytes.len() as u32 + 1] {
            file.extend(order(word));
        }
        file.extend(*bytes);
    }
    file
}

type Kept = (u64, LinkType, Vec<u8>, u32);

fn frames(file: &[u8]) -> (Vec<Kept>, Option<Fault>) {
    let mut frames = Vec::new();
    let mut capture = match Capture::open(file) {
        Ok(capture) => capture,
        Err(fault) => return (frames, Some(fault)),
    };
    loop {
        match capture.next_frame() {
            Ok(Some(frame)) => frames.push((frame.ts_ns, frame.link, frame.bytes.to_vec(), frame.wire_bytes)),
            Ok(None) => return (frames, None),
            Err(fault) => return (frames, Some(fault)),
        }
    }
}

#[test]
fn both_orders_and_both_clocks_are_read() {
    let sent: [(u32, u32, &[u8]); 2] = [(1, 2, &[7; 60]), (3, 4, &[])];
    for (magic, tick_ns) in [(0xa1b2_c3d4, 1_000), (0xa1b2_3c4d, 1)] {
        for order in [u32::to_le_bytes, u32::to_be_bytes] {
            let (read, fault) = frames(&pcap(order, magic, 1, &sent));
            assert!(fault.is_none(), "{fault:?}");
            let first = (1_000_000_000 + 2 * tick_ns, LinkType::Ethernet, vec![7; 60], 61);
            assert_eq!(read, [first, (3_000_000_000 + 4 * tick_ns, LinkType::Ethernet, vec![], 1)]);
        }
    }
}

#[test]
fn a_cut_file_gives_what_came_before() {
    let file = pcap(u32::to_le_bytes, 0xa1b2_c3d4, 113, &[(1, 0, &[1; 20]), (2, 0, &[2; 20])]);
    for cut in 0..file.len() {
        let (read, fault) = frames(&file[..cut]);
        assert_eq!(read.len(), usize::from(cut >= 60), "{cut}");
        let whole = matches!(cut, 24 | 60);
        match fault {
            None => assert!(whole, "{cut}"),
            Some(Fault::Empty) => assert_eq!(cut, 0),
            Some(fault) => assert!(!whole && matches!(fault, Fault::Cut(_)), "{cut}: {fault}"),
        }
    }
}

#[test]
fn a_length_that_cannot_be_makes_no_memory() {
    let mut file = pcap(u32::to_le_bytes, 0xa1b2_c3d4, 1, &[(1, 0, &[])]);
    file[32..36].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(frames(&file), (read, Some(Fault::Broken { at: 24, .. })) if read.is_empty()));
    assert!(matches!(frames(b"#!/bin/sh\n").1, Some(Fault::NotCapture(_))));
}

/// A block with its two lengths.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = (body.len().next_multiple_of(4) as u32 + 12).to_be_bytes();
    let mut block = [&kind.to_be_bytes()[..], &length, body].concat();
    block.resize(length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)) - 4, 0);
    block.extend(length);
    block
}

fn pcapng() -> Vec<u8> {
    let section =
        block(0x0a0d_0d0a, &[0x1a, 0x2b, 0x3c, 0x4d, 0, 1, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
    // Cooked v2, nothing said of a snapshot length; ticks of 2^-10 seconds that count from second 5 on.
    let interface = block(
        1,
        &[
            1, 20, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0x8a, 0, 0, 0, 0, 14, 0, 8, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0,
            0,
        ],
    );
    let enhanced = block(6, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 3, 0, 0, 0, 9, 7, 8, 9]);
    let unknown = block(0x0bad, &[1, 2, 3, 4]);
    let simple = block(3, &[0, 0, 0, 2, 5, 6]);
    [section, interface, enhanced, unknown, simple].concat()
}

#[test]
fn blocks_of_pcapng_are_read_and_others_skipped() {
    let (read, fault) = frames(&pcapng());
    assert!(fault.is_none(), "{fault:?}");
    let link = LinkType::LinuxSll2;
    assert_eq!(read, [(6_000_000_000, link, vec![7, 8, 9], 9), (0, link, vec![5, 6], 2)]);
}

#[test]
fn pcapng_that_breaks_never_panics_and_says_where() {
    let file = pcapng();
    for cut in 1..file.len() {
        let (read, fault) = frames(&file[..cut]);
        let before = frames(&file).0;
        assert!(before.starts_with(&read) && (fault.is_some() || cut.is_multiple_of(4)), "{cut}");
    }
    for at in 0..file.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut broken = file.clone();
            broken[at] = value;
            assert!(frames(&broken).0.len() <= 2, "{at}");
        }
    }
}
