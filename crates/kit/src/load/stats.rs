//! The numbers that the verifier writes at the end of its log.

/// What verifying a program took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stats {
    /// Instructions processed, over all paths.
    pub(super) insns: u32,
    /// Microseconds.
    pub(super) time_us: u64,
    /// Bytes of stack, of all functions together.
    pub(super) stack_bytes: u32,
}

impl Stats {
    /// Reads them; what is not there is zero.
    ///
    /// The lines are written by `print_verification_stats` in `kernel/bpf/verifier.c`.
    pub(super) fn parse(log: &str) -> Self {
        let mut stats = Self::default();
        for line in log.lines() {
            if let Some(rest) = line.strip_prefix("processed ") {
                stats.insns = number(rest);
            } else if let Some(rest) = line.strip_prefix("verification time ") {
                stats.time_us = number(rest).into();
            } else if let Some(rest) = line.strip_prefix("stack depth ") {
                stats.stack_bytes = rest.split('+').map(number).sum();
            }
        }
        stats
    }
}

/// The digits that a text starts with, as a number.
fn number(text: &str) -> u32 {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Stats;

    #[test]
    fn the_lines_of_old_and_new_kernels_are_read() {
        let log = "verification time 52 usec\nstack depth 16+8\nprocessed 9 insns (limit 1000000) \
                   max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n";
        assert_eq!(Stats::parse(log), Stats { insns: 9, time_us: 52, stack_bytes: 24 });
        assert_eq!(Stats::parse("stack depth 8+0 max 8\n").stack_bytes, 8);
        assert_eq!(Stats::parse("garbage\nprocessed x"), Stats::default());
    }
}
