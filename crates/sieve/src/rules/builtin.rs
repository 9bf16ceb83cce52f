//! The rules that come with kernscope: tokens, keys and credentials.
//!
//! They are files in kernscope's own format, by area, in `crates/sieve/rules`. What `common.toml` excuses is excused
//! for every rule.

use super::{RuleSet, RulesError, own};
use crate::parallel;
use toml::de::DeTable;

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
    /// The built-in rules. Reads them anew each time, on several threads; of their expressions only those that data asks for.
    ///
    /// # Panics
    /// Never: that the files can be read is tested.
    pub fn builtin() -> Self {
        let mut all = Self::default();
        let parts = parallel::map(FILES.len(), |number| {
            let (name, text) = FILES[number];
            read(text).unwrap_or_else(|error| panic!("{name}: {error}"))
        });
        parts.into_iter().for_each(|part| all.extend_with(part));
        all
    }
}

/// Reads one of the files, which was checked when kernscope was made.
fn read(text: &str) -> Result<RuleSet, RulesError> {
    let document = DeTable::parse(text).map_err(|error| RulesError::toml(text, &error))?;
    own::parse(text, document, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_stands_up_to_what_is_asked_of_others() {
        for (name, text) in FILES {
            let checked = RuleSet::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(read(text).expect("read before"), checked, "{name}");
        }
    }

    #[test]
    fn no_name_is_taken_twice() {
        let mut rules = 0;
        for (_, text) in FILES {
            rules += read(text).expect("reads").rules.len();
        }
        assert_eq!(RuleSet::builtin().rules.len(), rules);
    }
}
