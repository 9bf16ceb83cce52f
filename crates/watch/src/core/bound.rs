//! UNIX sockets that were bound to a relative name: where the name was.
//!
//! The kernel keeps the string a program passed to bind. Later records of the socket, and of connections accepted
//! on it, would show it as it is; they show the path that it was at the bind. An accepted connection is a socket of
//! its own, so names are looked up by inode first, then by process, then anywhere if only one place has the name.
//!
//! Bound: [`MAX_BOUND`] names; beyond, the oldest is forgotten and its string shown as the program passed it.

use std::collections::VecDeque;

/// Relative names that are remembered.
pub(super) const MAX_BOUND: usize = 1024;

#[derive(Debug)]
struct Place {
    ino: u64,
    pid: u32,
    name: Vec<u8>,
    path: Vec<u8>,
}

/// The names.
#[derive(Debug, Default)]
pub(super) struct Bound(VecDeque<Place>);

impl Bound {
    /// A socket was bound to `name`, which was `path`.
    pub(super) fn note(&mut self, ino: u64, pid: u32, name: &[u8], path: &[u8]) {
        self.0.retain(|place| place.ino != ino);
        if self.0.len() >= MAX_BOUND {
            self.0.pop_front();
        }
        self.0.push_back(Place { ino, pid, name: name.to_vec(), path: path.to_vec() });
    }

    /// The path of a socket that the kernel knows by `name`.
    pub(super) fn path(&self, ino: u64, pid: u32, name: &[u8]) -> Option<&[u8]> {
        let named = || self.0.iter().rev().filter(|place| place.name == name);
        let only = || {
            let first = named().next()?;
            named().all(|place| place.path == first.path).then_some(first)
        };
        let found = named().find(|place| place.ino == ino).or_else(|| named().find(|place| place.pid == pid));
        found.or_else(only).map(|place| place.path.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_socket_then_by_process_then_when_there_is_one() {
        let mut bound = Bound::default();
        bound.note(1, 10, b"socket", b"/a/socket");
        assert_eq!(bound.path(9, 99, b"socket"), Some(&b"/a/socket"[..]));
        bound.note(2, 20, b"socket", b"/b/socket");
        assert_eq!(bound.path(1, 20, b"socket"), Some(&b"/a/socket"[..]));
        assert_eq!(bound.path(9, 20, b"socket"), Some(&b"/b/socket"[..]));
        assert_eq!(bound.path(9, 99, b"socket"), None);
        assert_eq!(bound.path(1, 10, b"other"), None);
    }

    #[test]
    fn the_oldest_name_is_forgotten() {
        let mut bound = Bound::default();
        for ino in 0..=MAX_BOUND as u64 {
            bound.note(ino, 1, ino.to_string().as_bytes(), b"/x");
        }
        assert_eq!(bound.path(0, 1, b"0"), None);
        assert!(bound.path(1, 1, b"1").is_some());
    }
}
