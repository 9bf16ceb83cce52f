//! Numbers that look random and are the same every time (xorshift, Marsaglia 2003).

/// The series that begins behind a number, which is not zero.
pub(super) struct Noise(pub(super) u64);

impl Noise {
    /// The next number, less than this.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        (self.step() >> 11) % end
    }

    fn step(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

impl Iterator for Noise {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        Some(self.step())
    }
}
