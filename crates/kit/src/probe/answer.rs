//! What a probe answers, and how an errno becomes an answer.
//!
//! The kernel says no in two ways that must not be mixed up: it cannot (`EINVAL` and its kin) or it may not
//! (`EPERM`). Everything else - no memory, too many open files, a verifier that was not allowed to look - is no
//! answer at all.

use super::caps;
use crate::sys::LoadError;
use std::fmt;
use std::io;

/// The kernel's own "not supported", not in any libc.
const ENOTSUPP: i32 = 524;

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It works; it was done.
    Yes,
    /// It does not work, for this reason.
    No(No),
    /// The probe could not tell, for this reason.
    Unknown(String),
}

/// Why something does not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct No {
    /// What sort of no.
    pub cause: Cause,
    /// In words, with the errno.
    pub why: String,
}

/// Sorts of no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// This kernel cannot.
    Unsupported,
    /// This process may not.
    Forbidden,
    /// It could, but is switched off, not mounted or did not fire.
    Off,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsupported => "unsupported",
            Self::Forbidden => "forbidden",
            Self::Off => "off",
        })
    }
}

impl Answer {
    /// Whether it works.
    pub fn is_yes(&self) -> bool {
        matches!(self, Self::Yes)
    }

    /// `yes`, `no` or `unknown`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No(_) => "no",
            Self::Unknown(_) => "unknown",
        }
    }

    /// The reason, empty for a yes.
    pub fn why(&self) -> &str {
        match self {
            Self::Yes => "",
            Self::No(no) => &no.why,
            Self::Unknown(why) => why,
        }
    }

    pub(super) fn unsupported(why: impl Into<String>) -> Self {
        Self::No(No { cause: Cause::Unsupported, why: why.into() })
    }

    pub(super) fn forbidden(why: impl Into<String>) -> Self {
        Self::No(No { cause: Cause::Forbidden, why: why.into() })
    }

    pub(super) fn off(why: impl Into<String>) -> Self {
        Self::No(No { cause: Cause::Off, why: why.into() })
    }

    /// From an error of any system call but a program load.
    pub(super) fn from_io(err: &io::Error) -> Self {
        Self::classify(err, "", true)
    }

    /// From an error of `bpf(2)` or `perf_event_open(2)`, whose `EINVAL` means little without privilege.
    pub(super) fn from_bpf(err: &io::Error) -> Self {
        Self::classify(err, "", caps::bpf_ready())
    }

    /// From a load that failed.
    pub(super) fn from_load(failed: &LoadError) -> Self {
        Self::classify(&failed.err, verdict_line(&failed.log), caps::bpf_ready())
    }

    fn classify(err: &io::Error, log: &str, can_tell: bool) -> Self {
        let code = err.raw_os_error().unwrap_or(0);
        let mut why = name(err);
        if !log.is_empty() {
            why = format!("{why}: {log}");
        }
        match code {
            libc::EPERM => Self::forbidden(why),
            // The verifier says EACCES about a program it does not like; without its log, access is meant.
            libc::EACCES if log.is_empty() => Self::forbidden(why),
            libc::EACCES
            | libc::EINVAL
            | libc::ENOENT
            | libc::ENOSYS
            | libc::ENODEV
            | libc::EOPNOTSUPP
            | libc::EPROTONOSUPPORT
            | libc::E2BIG
            | libc::ESRCH
            | ENOTSUPP => {
                if can_tell {
                    Self::unsupported(why)
                } else {
                    Self::Unknown(format!("{why}; without CAP_BPF and CAP_PERFMON this may mean either"))
                }
            }
            _ => Self::Unknown(why),
        }
    }
}

/// The symbol and the text of an errno.
pub(super) fn name(err: &io::Error) -> String {
    match err.raw_os_error() {
        Some(ENOTSUPP) => "ENOTSUPP".to_owned(),
        Some(code) => {
            format!("{:?} ({})", nix::errno::Errno::from_raw(code), nix::errno::Errno::from_raw(code).desc())
        }
        None => err.to_string(),
    }
}

/// The line of a verifier log that says what is wrong: the last one that is not a statistic.
pub fn verdict_line(log: &str) -> &str {
    let noise = |line: &&str| {
        !line.is_empty()
            && !line.starts_with("processed ")
            && !line.starts_with("insns processed ")
            && !line.starts_with("verification time")
            && !line.starts_with("stack depth")
            && !line.starts_with("mark_precise")
    };
    log.lines().map(str::trim).rev().find(noise).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: i32, log: &str, can_tell: bool) -> Answer {
        Answer::classify(&io::Error::from_raw_os_error(code), log, can_tell)
    }

    #[test]
    fn unsupported_forbidden_and_could_not_tell_are_three_things() {
        assert!(matches!(answer(libc::EINVAL, "", true), Answer::No(No { cause: Cause::Unsupported, .. })));
        assert!(matches!(answer(ENOTSUPP, "", true), Answer::No(No { cause: Cause::Unsupported, .. })));
        assert!(matches!(answer(libc::EPERM, "", true), Answer::No(No { cause: Cause::Forbidden, .. })));
        assert!(matches!(answer(libc::EPERM, "", false), Answer::No(No { cause: Cause::Forbidden, .. })));
        assert!(matches!(answer(libc::EACCES, "", true), Answer::No(No { cause: Cause::Forbidden, .. })));
        assert!(matches!(
            answer(libc::EACCES, "R1 !read_ok", true),
            Answer::No(No { cause: Cause::Unsupported, .. })
        ));
        assert!(matches!(answer(libc::EINVAL, "", false), Answer::Unknown(_)));
        for code in [libc::ENOMEM, libc::EMFILE, libc::EINTR, libc::EBUSY] {
            assert!(matches!(answer(code, "", true), Answer::Unknown(_)), "{code}");
        }
    }

    #[test]
    fn the_verifiers_reason_is_kept() {
        let log = "0: (85) call bpf_probe_write_user#36\nprogram of this type cannot use helper\nprocessed 1 insns\n";
        assert_eq!(verdict_line(log), "program of this type cannot use helper");
        assert_eq!(verdict_line("R1 !read_ok\ninsns processed 17+0+0+0\nstack depth 8+0\n"), "R1 !read_ok");
        assert_eq!(verdict_line(""), "");
    }
}
