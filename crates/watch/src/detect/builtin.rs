//! The rules that come with kernscope, as files in `crates/watch/rules`, by area.

use super::Detections;

/// The files, by name.
const FILES: [(&str, &str); 14] = [
    ("shell.toml", include_str!("../../rules/shell.toml")),
    ("remote.toml", include_str!("../../rules/remote.toml")),
    ("download.toml", include_str!("../../rules/download.toml")),
    ("credentials.toml", include_str!("../../rules/credentials.toml")),
    ("persistence.toml", include_str!("../../rules/persistence.toml")),
    ("processes.toml", include_str!("../../rules/processes.toml")),
    ("system.toml", include_str!("../../rules/system.toml")),
    ("tools.toml", include_str!("../../rules/tools.toml")),
    ("exfiltration.toml", include_str!("../../rules/exfiltration.toml")),
    ("exploits.toml", include_str!("../../rules/exploits.toml")),
    ("destruction.toml", include_str!("../../rules/destruction.toml")),
    ("supply.toml", include_str!("../../rules/supply.toml")),
    ("startup.toml", include_str!("../../rules/startup.toml")),
    ("tracks.toml", include_str!("../../rules/tracks.toml")),
];

/// The files that the built-in rules are in: name and text.
pub fn builtin_files() -> impl ExactSizeIterator<Item = (&'static str, &'static str)> {
    FILES.into_iter()
}

impl Detections {
    /// The built-in rules.
    ///
    /// # Panics
    /// Never: that the files can be read is tested.
    pub fn builtin() -> Self {
        let mut all = Self::default();
        for (name, text) in FILES {
            all.extend_with(Self::parse_lazy(text).unwrap_or_else(|error| panic!("{name}: {error}")));
        }
        all
    }
}
