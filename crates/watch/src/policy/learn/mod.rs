//! A policy from what a run did: what it read, wrote, executed and talked to is allowed, and nothing else.
//!
//! [`Learner::see`] counts what records tell. [`Learner::text`] makes lists of it that hold for another run of the same command:
//! what a run made itself is allowed by the directory that was there before, since the next run makes it anew (`paths`).
//! What the system refused is not learnt, nor what was not told: a call that no record is about, and what was lost.

mod hosts;
mod paths;
#[cfg(test)]
mod tests;
mod text;

pub use text::About;

use super::judge::accesses_of;
use super::paths::{Class, Places};
use kernscope_report::{Body, Entry, NetCall, OpenMode};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Most different paths of a class, and hosts, that are remembered.
const MAX_LEARNT: usize = 200_000;
/// Refused by the system, or about nothing: allowing it would change nothing.
const NOT_LEARNT: [&str; 6] = ["ENOENT", "ENOTDIR", "EFAULT", "EBADF", "EPERM", "EACCES"];

/// What is known of this machine where the lists are made.
pub struct Machine<'a> {
    /// What `~` and `./` stand for.
    pub places: &'a Places,
    /// Names can be allowed before they are there: what holds the policy is asked when they are made. Landlock is not.
    pub names: bool,
    /// Whether a file was there before the run.
    pub was_there: &'a dyn Fn(&Path) -> bool,
}

/// Counts what was done.
#[derive(Clone, Debug, Default)]
pub struct Learner {
    /// By class, as [`Class::ALL`] orders them: how often each path was used.
    files: [BTreeMap<Vec<u8>, u64>; 3],
    /// Paths that got a name, lost it or changed it; with `true` those of which that is sure.
    changed: BTreeMap<Vec<u8>, bool>,
    /// Directories among those that were made.
    directories: BTreeSet<Vec<u8>>,
    hosts: BTreeMap<hosts::Remote, u64>,
    /// Paths without their beginning.
    truncated: u64,
    /// What found no room.
    beyond: u64,
}

impl Learner {
    /// Takes what a record tells.
    pub fn see(&mut self, entry: &Entry) {
        if entry.body.outcome().and_then(|(_, errno)| errno).is_some_and(|errno| NOT_LEARNT.contains(&errno))
        {
            return;
        }
        let Self { files, truncated, beyond, .. } = self;
        accesses_of(entry, &mut |access| match access.truncated {
            true => *truncated += 1,
            false if is_file(&access.bytes) => {
                if access.class == Class::Exec {
                    // Landlock has the kernel read a program for whoever executes it.
                    count(&mut files[Class::Read.number() as usize], access.bytes.to_vec(), beyond);
                }
                count(&mut files[access.class.number() as usize], access.bytes.into_owned(), beyond);
            }
            false => {}
        });
        match &entry.body {
            Body::NetConnect(call) | Body::NetSend(call) => self.connected(call),
            _ => self.changed(entry),
        }
    }

    fn connected(&mut self, call: &NetCall) {
        if let Some(remote) = hosts::Remote::of(call) {
            count(&mut self.hosts, remote, &mut self.beyond);
        }
    }

    /// Which names come and go.
    fn changed(&mut self, entry: &Entry) {
        let is_sure = match &entry.body {
            Body::FileOpen { mode: OpenMode::Create, errno: None, .. } => false,
            Body::FileMkdir { call, .. } if call.errno.is_none() => {
                let Self { directories, .. } = self;
                accesses_of(entry, &mut |access| directories.extend([access.bytes.into_owned()]));
                true
            }
            Body::FileUnlink(call)
            | Body::FileSymlink { call, .. }
            | Body::FileMknod { call, .. }
            | Body::FileLink { call, .. }
            | Body::FileRename { call, .. } => call.errno.is_none(),
            Body::NetBind(_) => true,
            _ => return,
        };
        let Self { changed, beyond, .. } = self;
        accesses_of(entry, &mut |access| {
            if access.class == Class::Write && !access.truncated && is_file(&access.bytes) {
                let has_room = changed.len() < MAX_LEARNT;
                match changed.get_mut(&*access.bytes) {
                    Some(known) => *known |= is_sure,
                    None if has_room => drop(changed.insert(access.bytes.into_owned(), is_sure)),
                    None => *beyond += 1,
                }
            }
        });
    }

    /// The policy, as the text of a file.
    pub fn text(&self, about: &About<'_>, machine: &Machine<'_>) -> String {
        let lists = Class::ALL.map(|class| self.list(class, machine));
        text::write(about, &lists, &hosts::list(&self.hosts), self.truncated, self.beyond)
    }
}

/// Whether it is in the file system: a memfd is not.
fn is_file(path: &[u8]) -> bool {
    path.starts_with(b"/") && !path.starts_with(b"/memfd:")
}

fn count<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K, beyond: &mut u64) {
    match counts.len() < MAX_LEARNT || counts.contains_key(&key) {
        true => *counts.entry(key).or_default() += 1,
        false => *beyond += 1,
    }
}
