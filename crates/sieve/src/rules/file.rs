//! Files of rules, and those that they build on.

use super::{RuleSet, RulesError};
use std::path::{Path, PathBuf};

/// Files that build on one another, at most.
const DEEPEST: usize = 8;

/// Why rules could not be had from files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// A file could not be read.
    #[error("read {}: {cause}; check its name", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// A file does not hold water.
    #[error("{}: {cause}", path.display())]
    Rules {
        /// The file.
        path: PathBuf,
        /// Where, and why.
        cause: RulesError,
    },
    /// Files build on one another without end.
    #[error("{}: builds on more than {DEEPEST} files, one on the other; is it one of them itself?", path.display())]
    Endless {
        /// The last file of the chain.
        path: PathBuf,
    },
}

impl RuleSet {
    /// Reads a file and all that it builds on.
    ///
    /// # Errors
    /// When one of them cannot be read, or does not hold water.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        Self::read_within(path, DEEPEST)
    }

    fn read_within(path: &Path, deep: usize) -> Result<Self, FileError> {
        if deep == 0 {
            return Err(FileError::Endless { path: path.to_owned() });
        }
        let text =
            crate::text_file::read(path).map_err(|cause| FileError::Read { path: path.to_owned(), cause })?;
        let mut set =
            Self::parse(&text).map_err(|cause| FileError::Rules { path: path.to_owned(), cause })?;
        if let Some(base) = set.extends.path.clone() {
            let beside = path.parent().unwrap_or(Path::new("")).join(&base);
            // gitleaks counts from where it is started.
            let here = PathBuf::from(base);
            let found = if !beside.exists() && here.exists() { here } else { beside };
            set.extend_with(Self::read_within(&found, deep - 1)?);
        }
        Ok(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_are_followed_and_circles_end() {
        let folder = std::env::temp_dir().join(format!("kernscope-rules-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("written");
        write("a.toml", "[extend]\npath = 'b.toml'\n[[rules]]\nid='a'\nregex='1'");
        write("b.toml", "[[rules]]\nid='b'\nregex='2'");
        write("circle.toml", "[extend]\npath = 'circle.toml'");
        write("c.toml", "[extend]\npath = 'd.toml'\ndisabledRules = ['b']");
        write(
            "d.toml",
            "[extend]\nuseDefault = true\ndisabledRules = ['gone']\n[[rules]]\nid='b'\nregex='2'",
        );
        write("bad.toml", "[extend]\npath = 'none.toml'");
        let set = RuleSet::read(&folder.join("a.toml")).expect("read");
        assert_eq!(set.rules.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        let above = RuleSet::read(&folder.join("c.toml")).expect("read");
        assert!(above.rules.is_empty() && above.extends.default);
        assert_eq!(above.extends.disabled, ["gone"]);
        assert!(matches!(RuleSet::read(&folder.join("circle.toml")), Err(FileError::Endless { .. })));
        assert!(matches!(RuleSet::read(&folder.join("bad.toml")), Err(FileError::Read { .. })));
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
