//! Where files are that outlive a run, when no option says.

use crate::failure::Failure;
use std::env::var_os;
use std::path::PathBuf;

/// `name` among kernscope's files in the state directory of the XDG base directory specification.
///
/// # Errors
/// When neither `XDG_STATE_HOME` nor `HOME` is set.
pub(crate) fn file(name: &str) -> Result<PathBuf, Failure> {
    let absolute = |name| var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
    let state = state.ok_or_else(|| {
        Failure::usage("find the database: neither XDG_STATE_HOME nor HOME is set; name it with --db FILE")
    })?;
    Ok(state.join("kernscope").join(name))
}
