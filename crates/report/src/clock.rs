//! Kernel time to wall time: the one place where it happens.
//!
//! Everything before a sink counts `CLOCK_MONOTONIC` nanoseconds. A [`Clock`] holds how far the wall clock was
//! ahead of that clock when the run began, and writes RFC 3339 with nine digits, in UTC. The text of the last
//! second is kept, so that a busy stream formats nine digits and no calendar.

use nix::time::{ClockId, clock_gettime};

/// Length of `2026-11-20T19:29:47.123456789Z`.
const LEN: usize = 30;
const NS_PER_S: i128 = 1_000_000_000;

/// `CLOCK_MONOTONIC` now, nanoseconds.
pub fn monotonic_ns() -> u64 {
    u64::try_from(read_ns(ClockId::CLOCK_MONOTONIC)).unwrap_or(0)
}

/// How far the wall clock is ahead of `CLOCK_MONOTONIC` now, nanoseconds.
pub fn realtime_offset_ns() -> i64 {
    i64::try_from(read_ns(ClockId::CLOCK_REALTIME) - read_ns(ClockId::CLOCK_MONOTONIC)).unwrap_or(0)
}

/// `CLOCK_BOOTTIME` minus `CLOCK_MONOTONIC` now, nanoseconds: time spent suspended.
pub fn boot_offset_ns() -> u64 {
    u64::try_from(read_ns(ClockId::CLOCK_BOOTTIME) - read_ns(ClockId::CLOCK_MONOTONIC)).unwrap_or(0)
}

/// Nanoseconds since 1970 of a time that [`Clock::rfc3339`] wrote; `None` for other texts and times before.
pub fn parse_ns(text: &str) -> Option<u64> {
    let time: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(time.as_nanosecond()).ok()
}

fn read_ns(clock: ClockId) -> i128 {
    // Both clocks exist on every Linux; there is nothing to report to and no better answer than zero.
    clock_gettime(clock)
        .map(|now| i128::from(now.tv_sec()) * NS_PER_S + i128::from(now.tv_nsec()))
        .unwrap_or(0)
}

/// Writes wall time.
///
/// ```
/// use kernscope_report::clock::Clock;
/// let mut clock = Clock::new(1_700_000_000_000_000_000);
/// assert_eq!(clock.rfc3339(5), "2023-11-14T22:13:20.000000005Z");
/// ```
#[derive(Debug)]
pub struct Clock {
    offset_ns: i64,
    second: Option<i64>,
    text: [u8; LEN],
}

impl Clock {
    /// `offset_ns`: wall clock minus `CLOCK_MONOTONIC` ([`realtime_offset_ns`]).
    pub fn new(offset_ns: i64) -> Self {
        Self { offset_ns, second: None, text: *b"0000-00-00T00:00:00.000000000Z" }
    }

    /// The wall time of `ts_ns`. Any pair of numbers gives a valid time (years 1677 to 2846).
    pub fn rfc3339(&mut self, ts_ns: u64) -> &str {
        let wall_ns = i128::from(ts_ns) + i128::from(self.offset_ns);
        // |wall_ns| < 2^65, so that seconds fit and the remainder is below 10^9.
        let second = wall_ns.div_euclid(NS_PER_S) as i64;
        let mut nanos = wall_ns.rem_euclid(NS_PER_S) as u32;
        if self.second != Some(second) {
            self.start_second(second);
        }
        for digit in self.text[20..29].iter_mut().rev() {
            *digit = b'0' + (nanos % 10) as u8;
            nanos /= 10;
        }
        std::str::from_utf8(&self.text).unwrap_or_default()
    }

    fn start_second(&mut self, second: i64) {
        let stamp = jiff::Timestamp::from_second(second).unwrap_or_default().to_string();
        if let Some(head) = stamp.as_bytes().get(..19) {
            self.text[..19].copy_from_slice(head);
        }
        self.second = Some(second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_calendar_at_every_extreme() {
        for offset_ns in [i64::MIN, -1, 0, 1, 1_763_666_987_123_456_789, i64::MAX] {
            for ts_ns in [0, 1, 999_999_999, 1_000_000_000, 86_400_000_000_000, u64::MAX] {
                let mut clock = Clock::new(offset_ns);
                let text = clock.rfc3339(ts_ns).to_owned();
                assert_eq!(text.len(), LEN, "{text}");
                let parsed: jiff::Timestamp = text.parse().expect("a valid time");
                assert_eq!(parsed.as_nanosecond(), i128::from(ts_ns) + i128::from(offset_ns), "{text}");
            }
        }
    }

    #[test]
    fn a_time_is_read_back() {
        let text = Clock::new(1_763_666_987_123_456_789).rfc3339(11).to_owned();
        assert_eq!(parse_ns(&text), Some(1_763_666_987_123_456_800));
        assert_eq!((parse_ns("yesterday"), parse_ns("1969-12-31T23:59:59Z")), (None, None));
    }

    #[test]
    fn the_kept_second_follows_time_in_both_directions() {
        let mut clock = Clock::new(0);
        assert_eq!(clock.rfc3339(1_999_999_999), "1970-01-01T00:00:01.999999999Z");
        assert_eq!(clock.rfc3339(1_000_000_000), "1970-01-01T00:00:01.000000000Z");
        assert_eq!(clock.rfc3339(2_000_000_000), "1970-01-01T00:00:02.000000000Z");
        assert_eq!(clock.rfc3339(1_500_000_000), "1970-01-01T00:00:01.500000000Z");
    }
}
