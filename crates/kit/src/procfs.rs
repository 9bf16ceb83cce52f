//! What the kernel writes below `/proc`, read as it is meant: the line of a process, and paths in tables of mounts.

use std::fs;

/// A process as `/proc/PID/stat` tells it (`proc_pid_stat(5)`), as far as anything here asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The name of its first thread.
    pub name: Vec<u8>,
    /// A letter: `R` runs, `Z` has ended and is not waited for, ...
    pub state: u8,
    /// Its parent's process id now.
    pub ppid: u32,
    /// When it started, clock ticks since boot.
    pub start_ticks: u64,
}

impl Stat {
    /// Reads it; `None` when the process has gone.
    pub fn of(pid: u32) -> Option<Self> {
        Self::parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Takes the line apart; `None` when it is none.
    pub fn parse(line: &[u8]) -> Option<Self> {
        // The name may hold anything, parentheses and blanks too: it ends at the last ')'.
        let open = line.iter().position(|&byte| byte == b'(')?;
        let close = line.iter().rposition(|&byte| byte == b')')?;
        let name = line.get(open + 1..close)?.to_vec();
        // Fields from the third (state) on.
        let behind = std::str::from_utf8(line.get(close + 1..)?).ok()?;
        let mut fields = behind.split_ascii_whitespace();
        let state = *fields.next()?.as_bytes().first()?;
        let ppid = fields.next()?.parse().ok()?;
        let start_ticks = fields.nth(17)?.parse().ok()?;
        Some(Self { name, state, ppid, start_ticks })
    }

    /// Whether only what is left of it is there.
    pub fn has_ended(&self) -> bool {
        matches!(self.state, b'Z' | b'X')
    }
}

/// A path of a table of mounts: space, tab, newline and backslash are octal there (`\040`).
pub fn unescaped(field: &[u8]) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::with_capacity(field.len()), field);
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        let octal = digits.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        (rest, _) = match octal {
            Some(byte) if *first == b'\\' => (&behind[3..], bytes.push(byte)),
            _ => (behind, bytes.push(*first)),
        };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_process_may_hold_parentheses_and_blanks() {
        let line = b"42 (a) b (c) S 7 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 300 0\n";
        let stat = Stat { name: b"a) b (c".to_vec(), state: b'S', ppid: 7, start_ticks: 300 };
        assert_eq!(Stat::parse(line).as_ref(), Some(&stat));
        assert!(!stat.has_ended() && Stat { state: b'Z', ..stat }.has_ended());
        for len in 0..line.len() - b"300 0\n".len() {
            assert_eq!(Stat::parse(&line[..len]), None, "{len}");
        }
        let own = Stat::of(std::process::id()).expect("there");
        assert_eq!(own.ppid, std::os::unix::process::parent_id());
        assert_eq!(Stat::of(u32::MAX), None);
    }

    #[test]
    fn paths_of_a_table_are_read_as_they_are_written() {
        assert_eq!(unescaped(br"/a\040b\134\012c\04"), b"/a b\\\nc\\04");
    }
}
