//! Where files are that outlive a run, when no option says, by the XDG base directory specification.

use crate::failure::Failure;
use std::env::var_os;
use std::path::PathBuf;

/// `name` among kernscope's files in the state directory.
///
/// # Errors
/// When neither `XDG_STATE_HOME` nor `HOME` is an absolute path.
pub(crate) fn file(name: &str) -> Result<PathBuf, Failure> {
    let state = folder("XDG_STATE_HOME", ".local/state");
    let state = state.ok_or_else(|| {
        Failure::usage(
            "find the database: neither XDG_STATE_HOME nor HOME is an absolute path; name it with --db FILE",
        )
    })?;
    Ok(state.join("kernscope").join(name))
}

/// The folder `name` among kernscope's files in the cache directory; none where neither `XDG_CACHE_HOME` nor `HOME` is set.
pub(crate) fn cache(name: &str) -> Option<PathBuf> {
    folder("XDG_CACHE_HOME", ".cache").map(|cache| cache.join("kernscope").join(name))
}

/// What a variable names, else a folder of the user's own.
fn folder(variable: &str, in_home: &str) -> Option<PathBuf> {
    let absolute = |name| var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(in_home)))
}
