//! Numbers with their units, short.

const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/// `12 B`, `3.4 KiB`, ...
pub fn bytes(count: u64) -> String {
    if count < 1024 {
        return format!("{count} B");
    }
    let (mut value, mut unit) = (count as f64, 0);
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// `120 us`, `3.4 ms`, `5.67 s`, `2m03s`, `1h02m`.
pub fn duration(ns: u64) -> String {
    let seconds = ns / 1_000_000_000;
    match ns {
        0..1_000_000 => format!("{} us", ns / 1000),
        1_000_000..1_000_000_000 => format!("{:.1} ms", ns as f64 / 1e6),
        1_000_000_000..60_000_000_000 => format!("{:.2} s", ns as f64 / 1e9),
        60_000_000_000..3_600_000_000_000 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// Time since the start in a column: seconds with microseconds.
pub fn offset(ns: u64) -> String {
    format!("{:>4}.{:06}", ns / 1_000_000_000, ns / 1000 % 1_000_000)
}

/// `SIGSEGV`, or `signal 34` for those without a name.
pub fn signal(number: i32) -> String {
    match nix::sys::signal::Signal::try_from(number) {
        Ok(signal) => signal.as_str().to_owned(),
        Err(_) => format!("signal {number}"),
    }
}

/// `1 process`, `2 processes`.
pub fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_chosen_by_size() {
        assert_eq!([bytes(0), bytes(1023), bytes(1024)], ["0 B", "1023 B", "1.0 KiB"]);
        assert_eq!([bytes(1024 * 1024 - 1), bytes(u64::MAX)], ["1.0 MiB", "16384.0 PiB"]);
        assert_eq!(
            [duration(999), duration(1_500_000), duration(2_000_000_000)],
            ["0 us", "1.5 ms", "2.00 s"]
        );
        assert_eq!([duration(123_000_000_000), duration(3_720_000_000_000)], ["2m03s", "1h02m"]);
        assert_eq!([signal(9), signal(34)], ["SIGKILL", "signal 34"]);
    }
}
