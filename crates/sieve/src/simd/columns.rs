//! Which four bytes in a row are worth a look: tables that every kind of CPU reads in its own way.

/// Bytes of a window.
pub(crate) const WINDOW: usize = 4;
/// Buckets that windows are put into; a window passes if one bucket takes each of its bytes at its place.
pub(crate) const BUCKETS: usize = 16;

/// How a kind of CPU asks what a place takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// By [`code`] of the byte, or by the byte.
    Codes,
    /// By each half of the byte.
    Halves,
}

/// What each place of a window takes, a bit a bucket. The three forms let through different bytes, and none fewer than
/// were asked for.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    /// By place and half of the buckets: by [`code`] of the byte.
    pub(super) codes: [[[u8; 64]; 2]; WINDOW],
    /// By place and half of the buckets: by lower and by upper half of the byte, to be joined by AND.
    pub(super) nibbles: [[[[u8; 16]; 2]; 2]; WINDOW],
    /// By place: by byte.
    pub(super) bytes: [[u16; 256]; WINDOW],
}

/// Six bits of a byte, the same for both cases of a letter.
pub(crate) const fn code(byte: u8) -> u8 {
    byte & 0x1f | byte >> 1 & 0x20
}

impl Columns {
    /// No bucket takes anything.
    pub(crate) fn none() -> Self {
        Self {
            codes: [[[0; 64]; 2]; WINDOW],
            nibbles: [[[[0; 16]; 2]; 2]; WINDOW],
            bytes: [[0; 256]; WINDOW],
        }
    }

    /// At this place, the bucket takes this lower-case byte too, in either case; or any byte where none is given.
    pub(crate) fn take_any_case(&mut self, place: usize, bucket: usize, byte: Option<u8>) {
        match byte {
            Some(byte) => {
                self.take(place, bucket, byte);
                self.take(place, bucket, byte.to_ascii_uppercase());
            }
            None => (0..=u8::MAX).for_each(|byte| self.take(place, bucket, byte)),
        }
    }

    fn take(&mut self, place: usize, bucket: usize, byte: u8) {
        let (half, bit) = (bucket / 8, 1 << (bucket % 8));
        self.codes[place][half][usize::from(code(byte))] |= bit;
        self.nibbles[place][half][0][usize::from(byte & 0xf)] |= bit;
        self.nibbles[place][half][1][usize::from(byte >> 4)] |= bit;
        self.bytes[place][usize::from(byte)] |= 1 << bucket;
    }
}
