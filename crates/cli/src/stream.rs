//! Writing to the standard streams without ever panicking: either may be closed.

use crate::failure::{BROKEN, Failure, Outcome};
use kernscope_report::pretty::clean;
use std::fmt::Display;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

/// One line on standard error, with the program's name. Names in it may come from strangers.
pub(crate) fn note(line: impl Display) {
    let line = format!("kernscope: {}\n", clean::text(&line.to_string()));
    // With standard error gone there is nobody left to tell.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Text on standard output. A reader that has seen enough is no failure.
pub(crate) fn print(text: &[u8]) -> Outcome {
    let mut stdout = std::io::stdout().lock();
    printed(
        stdout
            .write_all(text)
            .and_then(|()| stdout.flush())
            .map_err(|cause| (cause.kind(), cause.to_string())),
    )
}

/// What became of writing standard output: the kind of a fault, and the fault.
pub(crate) fn printed(written: Result<(), (ErrorKind, String)>) -> Outcome {
    match written {
        Err((kind, cause)) if kind != ErrorKind::BrokenPipe => {
            Err(Failure::with_status(BROKEN, format_args!("write standard output: {cause}")))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}
