//! The rules that come with kernscope: tokens, keys and credentials.
//!
//! They are files in kernscope's own format, by area, in `crates/sieve/rules`. What `common.toml` excuses is excused
//! for every rule.

use super::RuleSet;
use crate::parallel;

/// The files, by name.
pub(super) const FILES: [(&str, &str); 12] = [
    ("common.toml", include_str!("../../rules/common.toml")),
    ("cloud.toml", include_str!("../../rules/cloud.toml")),
    ("vcs.toml", include_str!("../../rules/vcs.toml")),
    ("ci.toml", include_str!("../../rules/ci.toml")),
    ("ai.toml", include_str!("../../rules/ai.toml")),
    ("chat.toml", include_str!("../../rules/chat.toml")),
    ("databases.toml", include_str!("../../rules/databases.toml")),
    ("observability.toml", include_str!("../../rules/observability.toml")),
    ("payments.toml", include_str!("../../rules/payments.toml")),
    ("saas.toml", include_str!("../../rules/saas.toml")),
    ("keys.toml", include_str!("../../rules/keys.toml")),
    ("files.toml", include_str!("../../rules/files.toml")),
];

/// The files that the built-in rules are in: name and text.
pub fn builtin_files() -> impl ExactSizeIterator<Item = (&'static str, &'static str)> {
    FILES.into_iter()
}

impl RuleSet {
    /// The built-in rules. Reads them anew each time, on several threads.
    ///
    /// # Panics
    /// Never: that the files can be read is tested.
    pub fn builtin() -> Self {
        let mut all = Self::default();
        let parts = parallel::map(FILES.len(), |number| {
            let (name, text) = FILES[number];
            Self::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"))
        });
        parts.into_iter().for_each(|part| all.extend_with(part));
        all
    }
}
