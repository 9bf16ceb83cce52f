//! What data is called.

use kernscope_sieve::matcher::Place;
use std::sync::Arc;

/// What data is called.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    /// As it was reached; within an archive, behind the archive's and a `!`.
    pub(crate) path: Arc<[u8]>,
    /// Below its root.
    pub(crate) below: Arc<[u8]>,
    pub(crate) commit: Option<Arc<str>>,
    /// As rules see it, where that is not `path`: within an archive, with a `/` behind each `!`, so that what asks for a
    /// whole name finds it.
    ruled: Option<Arc<[u8]>>,
}

impl Name {
    pub(crate) fn new(path: &[u8], below: &[u8]) -> Self {
        Self { path: path.into(), below: below.into(), commit: None, ruled: None }
    }

    /// A path of a commit.
    pub(crate) fn of_commit(path: &[u8], commit: Option<Arc<str>>) -> Self {
        Self { commit, ..Self::new(path, path) }
    }

    pub(crate) fn place(&self) -> Place<'_> {
        Place { path: self.ruled.as_ref().unwrap_or(&self.path), commit: self.commit.as_deref() }
    }

    /// For people.
    pub(crate) fn shown(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.path)
    }

    /// A member of the archive that this is.
    pub(crate) fn within(&self, inner: &[u8]) -> Self {
        let mut inner = inner;
        while let Some(rest) = inner.strip_prefix(b"/").or_else(|| inner.strip_prefix(b"./")) {
            inner = rest;
        }
        let join = |outer: &[u8], by: &[u8]| -> Arc<[u8]> { [outer, by, inner].concat().into() };
        Self {
            path: join(&self.path, b"!"),
            below: join(&self.below, b"!"),
            commit: self.commit.clone(),
            ruled: Some(join(self.place().path, b"!/")),
        }
    }

    /// What is in a stream that was made smaller: named as the file without its ending.
    pub(crate) fn unsqueezed(&self) -> Self {
        let name = self.path.rsplit(|byte| matches!(byte, b'/' | b'!')).next().unwrap_or_default();
        let stem = name.iter().rposition(|byte| *byte == b'.').map_or(name, |dot| &name[..dot]);
        self.within(if stem.is_empty() { name } else { stem })
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn members_are_named_behind_their_archives() {
        let name = Name::new(b"a/b.zip", b"b.zip").within(b"./../x.txt.gz").unsqueezed();
        assert_eq!(name.shown(), "a/b.zip!../x.txt.gz!x.txt");
        assert_eq!(&*name.below, b"b.zip!../x.txt.gz!x.txt");
        assert_eq!(name.place().path, b"a/b.zip!/../x.txt.gz!/x.txt");
        assert_eq!(Name::new(b"-", b"-").unsqueezed().shown(), "-!-");
        assert_eq!(Name::new(b".gz", b".gz").unsqueezed().shown(), ".gz!.gz");
    }
}
