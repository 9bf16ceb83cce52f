//! A finding, and where.

use kernscope_sieve::matcher::Located;
use std::sync::Arc;

/// A finding, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The path, as it was reached from its root; bytes, as the system has them.
    pub path: Arc<[u8]>,
    /// The same below the root: what names the file wherever the tree lies.
    pub below: Arc<[u8]>,
    /// The commit it is in.
    pub commit: Option<Arc<str>>,
    /// What was found.
    pub at: Located,
}
