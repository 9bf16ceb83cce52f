//! Network interfaces, by name.

use super::AttachError;
use nix::net::if_::{if_indextoname, if_nametoindex};
use std::fmt;

/// An interface of the network namespace in which it was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    name: String,
    index: u32,
}

impl Interface {
    /// Finds an interface.
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn find(name: &str) -> Result<Self, AttachError> {
        let index = if_nametoindex(name)
            .map_err(|err| AttachError::new("find interface", name, err.into()).fix("see: ip link"))?;
        Ok(Self { name: name.to_owned(), index })
    }

    /// Whether it is still there, by any name.
    pub fn is_there(&self) -> bool {
        // The library takes no pointer for success, and gives no name then.
        if_indextoname(self.index).is_ok_and(|name| !name.is_empty())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The kernel's number of it.
    pub fn index(&self) -> u32 {
        self.index
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
