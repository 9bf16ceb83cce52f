//! Bytes a second, smoothed.

/// What was said so long ago counts a third.
const MEMORY_S: f64 = 4.0;
/// Less is silence.
const LEAST: f64 = 1.0;

/// How fast bytes come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rate {
    bytes_a_second: f64,
    waiting: u64,
}

impl Rate {
    /// So many bytes came.
    pub(super) fn add(&mut self, bytes: u64) {
        self.waiting += bytes;
    }

    /// So much time has passed.
    pub(super) fn pass(&mut self, seconds: f64) {
        let keep = (-seconds / MEMORY_S).exp();
        let now = self.waiting as f64 / seconds.max(0.1);
        self.bytes_a_second = self.bytes_a_second * keep + now * (1.0 - keep);
        self.waiting = 0;
        if self.bytes_a_second < LEAST {
            self.bytes_a_second = 0.0;
        }
    }

    /// Bytes a second.
    pub(super) fn get(self) -> u64 {
        self.bytes_a_second as u64
    }
}

#[cfg(test)]
mod tests {
    use super::Rate;

    #[test]
    fn a_rate_comes_near_and_dies_away() {
        let mut rate = Rate::default();
        for _ in 0..30 {
            rate.add(1000);
            rate.pass(1.0);
        }
        assert!((990..=1000).contains(&rate.get()), "{}", rate.get());
        (0..60).for_each(|_| rate.pass(1.0));
        assert_eq!(rate.get(), 0);
    }
}
