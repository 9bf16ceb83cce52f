//! Rules from files, for every command that takes them.

use crate::failure::Failure;
use crate::stream::note;
use kernscope_sieve::rules::{Extends, RuleSet};
use std::path::Path;

/// The rules of a file and of all that it builds on; where it says so and `builtin` allows it, the built-in ones as well.
/// What the file asks for and is not heeded is told on standard error.
pub(crate) fn read(file: &Path, builtin: bool) -> Result<RuleSet, Failure> {
    let mut set = RuleSet::read(file).map_err(Failure::usage)?;
    if set.extends.default && builtin {
        set.extend_with(RuleSet::builtin());
    }
    set.drop_orphans();
    // What one file leaves out is no word about the next.
    set.extends = Extends::default();
    std::mem::take(&mut set.notes).iter().for_each(note);
    Ok(set)
}

/// The same, for a matcher: rules that it cannot try are refused.
pub(crate) fn for_matching(file: &Path, builtin: bool) -> Result<RuleSet, Failure> {
    let fit = read(file, builtin)?.for_matching();
    fit.map_err(|why| Failure::usage(format_args!("{}: {why}", file.display())))
}
