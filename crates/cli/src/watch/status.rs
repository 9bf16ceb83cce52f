//! The status that a run ends with: that of its command, as a shell tells it, or why there is none.

use crate::failure::Failure;
use kernscope_watch::backend::BackendError;
use kernscope_watch::ptrace::StartError;
use nix::errno::Errno;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// Why a back end does not run, with the status that a shell gives for a command that does not.
pub(super) fn failure(error: &BackendError) -> Failure {
    let not_found = [Errno::ENOENT.desc(), Errno::ENOTDIR.desc()];
    match error.is_of_command() {
        true if not_found.contains(&error.cause.as_str()) => command_failure(NOT_FOUND, error),
        true => command_failure(NOT_EXECUTABLE, error),
        false => Failure::usage(error),
    }
}

/// The same for one that did not come to be.
pub(super) fn start_failure(error: StartError) -> Failure {
    match error {
        StartError::Command(error) => command_failure(error.exit_code(), &error),
        StartError::Backend(error) => failure(&error),
        other => Failure::usage(other),
    }
}

const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

fn command_failure(status: u8, error: &dyn std::fmt::Display) -> Failure {
    let fix = match status {
        NOT_FOUND => "; check its name and PATH",
        NOT_EXECUTABLE => "; it must be an executable file",
        _ => "",
    };
    Failure::with_status(status, format_args!("{error}{fix}"))
}

/// The status to end with for a command that ended like this.
pub(super) fn status_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(255);
    u8::try_from(code).unwrap_or(255)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_those_of_a_shell() {
        assert_eq!(status_code(ExitStatus::from_raw(0)), 0);
        assert_eq!(status_code(ExitStatus::from_raw(7 << 8)), 7);
        assert_eq!(status_code(ExitStatus::from_raw(9)), 137);
        assert_eq!(status_code(ExitStatus::from_raw(11 | 0x80)), 139);
    }
}
