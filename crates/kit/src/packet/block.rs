//! What lies in a block: a header, then frames that each say where the next one begins
//! (`include/uapi/linux/if_packet.h`: `tpacket_block_desc`, `tpacket3_hdr`, `sockaddr_ll`).

/// A frame; its bytes lie in memory that is given back after `each` returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// When it passed, nanoseconds since 1970.
    pub ts_ns: u64,
    /// The frame from its hardware header on, without a VLAN tag that the card took off.
    pub bytes: &'a [u8],
    /// Bytes that it had.
    pub wire_bytes: u32,
    /// This machine sent it.
    pub is_outgoing: bool,
}

/// Offset of `tpacket_hdr_v1` in a block: its status word is what is exchanged with the kernel.
pub(super) const STATUS_AT: usize = 8;
const COUNT_AT: usize = 12;
const FIRST_AT: usize = 16;
/// `tpacket3_hdr`, aligned to 16: behind it lies the address.
const ADDRESS_AT: usize = 48;
const PACKET_TYPE_AT: usize = ADDRESS_AT + 10;
const PACKET_OUTGOING: u8 = 4;

/// Hands the frames of a block to `each`. How many of them could be read, and how many the block says it has.
pub(super) fn frames(block: &[u8], each: &mut dyn FnMut(Frame<'_>)) -> (u64, u64) {
    let count = word(block, COUNT_AT).unwrap_or(0);
    let mut at = word(block, FIRST_AT).unwrap_or(0) as usize;
    for read in 0..count {
        let Some((frame, step)) = block.get(at..).and_then(frame) else { return (read.into(), count.into()) };
        each(frame);
        at += step;
    }
    (count.into(), count.into())
}

/// A frame, and how far away the next one is.
fn frame(bytes: &[u8]) -> Option<(Frame<'_>, usize)> {
    let [step, seconds, nanoseconds, kept, wire_bytes] = [0, 4, 8, 12, 16].map(|at| word(bytes, at));
    let start = usize::from(u16::from_ne_bytes(*bytes.get(24..)?.first_chunk()?));
    let frame = Frame {
        ts_ns: u64::from(seconds?) * 1_000_000_000 + u64::from(nanoseconds?),
        bytes: bytes.get(start..start.checked_add(kept? as usize)?)?,
        wire_bytes: wire_bytes?,
        is_outgoing: *bytes.get(PACKET_TYPE_AT)? == PACKET_OUTGOING,
    };
    Some((frame, step? as usize))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block of frames of one byte each, 80 bytes apart.
    fn block(count: u32, there: usize) -> Vec<u8> {
        let mut block = vec![0; 48 + there * 80];
        block[COUNT_AT..][..4].copy_from_slice(&count.to_ne_bytes());
        block[FIRST_AT..][..4].copy_from_slice(&48u32.to_ne_bytes());
        for n in 0..there {
            let at = &mut block[48 + n * 80..];
            for (offset, value) in [(0, 80u32), (4, 7), (8, 5), (12, 1), (16, 1500)] {
                at[offset..][..4].copy_from_slice(&value.to_ne_bytes());
            }
            at[24..26].copy_from_slice(&72u16.to_ne_bytes());
            at[PACKET_TYPE_AT] = 4 * (n as u8 % 2);
            at[72] = n as u8;
        }
        block
    }

    #[test]
    fn frames_are_read_in_order() {
        let mut seen = Vec::new();
        let block = block(3, 3);
        assert_eq!(
            frames(&block, &mut |frame| seen.push((frame.bytes[0], frame.is_outgoing, frame.ts_ns))),
            (3, 3)
        );
        assert_eq!(seen, [(0, false, 7_000_000_005), (1, true, 7_000_000_005), (2, false, 7_000_000_005)]);
    }

    #[test]
    fn a_block_that_says_more_than_it_has_gives_what_it_has() {
        let whole = block(9, 2);
        assert_eq!(frames(&whole, &mut |_| ()), (2, 9));
        for cut in 0..whole.len() {
            let (read, _) = frames(&whole[..cut], &mut |_| ());
            assert!(read <= 2, "{cut}");
        }
    }
}
