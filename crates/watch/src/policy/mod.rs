//! What a program may do: paths to read, write and execute, hosts to talk to.
//!
//! A [`Policy`] is read from a file ([`Policy::read`]), judges records ([`Policy::judge`]), and is what the means of enforcement
//! are made from. docs/POLICY.md has the format.

mod current;
pub mod edit;
mod file;
pub mod hosts;
mod judge;
pub mod landlock;
pub mod learn;
mod means;
pub mod paths;
pub mod request;
pub mod supervise;
pub mod system;
#[cfg(test)]
mod tests;

pub use current::Current;
pub use file::{PolicyError, lines};
pub use judge::{Action, Broken, OTHER_PATH, Object, UNRESOLVED};
pub use means::Means;

use hosts::Hosts;
use kernscope_abi::paths::policy;
use paths::{Class, List, Table};
use std::path::PathBuf;

/// What becomes of what is denied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It is told.
    #[default]
    Observe,
    /// It fails, and is told.
    Deny,
}

/// What one class of accesses to files is held to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// What becomes of what is denied.
    pub mode: Mode,
    /// What is on no list is denied.
    pub default_denied: bool,
}

/// A policy, checked and compiled.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// What it calls itself.
    pub name: String,
    /// The lists of paths.
    pub paths: Table,
    /// By class, as [`Class::ALL`] orders them.
    rules: [Rule; 3],
    /// Whom it may talk to.
    pub hosts: Hosts,
    /// System calls that are denied, and what becomes of them.
    pub system: System,
    /// Directories may be mounted anew, so that files have other paths.
    pub mounts_allowed: bool,
    /// The patterns by class and list, as written, with `~` and `./` as they are.
    lists: [Lists; 3],
    /// The files that it was read from: the policy itself, then its lists.
    pub files: Vec<PathBuf>,
}

/// System calls that are denied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct System {
    /// What becomes of them.
    pub mode: Mode,
    /// Their names, each in [`system::CALLS`].
    pub deny: Vec<String>,
}

/// Patterns as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lists {
    /// Denied.
    pub deny: Vec<String>,
    /// Allowed.
    pub allow: Vec<String>,
    /// Allowed although denied.
    pub except: Vec<String>,
}

impl Lists {
    /// One of them.
    pub fn of(&self, list: List) -> &Vec<String> {
        match list {
            List::Deny => &self.deny,
            List::Allow => &self.allow,
            List::Except => &self.except,
        }
    }

    pub(crate) fn of_mut(&mut self, list: List) -> &mut Vec<String> {
        match list {
            List::Deny => &mut self.deny,
            List::Allow => &mut self.allow,
            List::Except => &mut self.except,
        }
    }

    /// All patterns, each with its list.
    pub fn patterns(&self) -> impl Iterator<Item = (List, &String)> {
        List::ALL.into_iter().flat_map(|list| self.of(list).iter().map(move |pattern| (list, pattern)))
    }
}

impl Policy {
    /// What a class is held to.
    pub fn rule(&self, class: Class) -> Rule {
        self.rules[class.number() as usize]
    }

    /// What becomes of what is denied of a class.
    pub fn mode_of(&self, class: Class) -> Mode {
        self.rule(class).mode
    }

    /// The patterns of a class.
    pub fn lists(&self, class: Class) -> &Lists {
        &self.lists[class.number() as usize]
    }

    /// Whether anything of a class is denied.
    pub fn restricts(&self, class: Class) -> bool {
        self.rule(class).default_denied || !self.lists(class).deny.is_empty()
    }

    /// What becomes of what is denied.
    pub fn mode(&self, action: Action) -> Mode {
        match action {
            Action::File(class) => self.mode_of(class),
            Action::Connect => self.hosts.mode,
            Action::System => self.system.mode,
        }
    }

    /// What the kernel's programs are to do about paths: [`kernscope_abi::paths::policy`], but for the generation.
    pub fn flags(&self) -> u64 {
        let of = |class: Class| {
            let (number, rule) = (class.number(), self.rule(class));
            let default = if rule.default_denied { policy::default_denied(number) } else { 0 };
            default | if rule.mode == Mode::Deny { policy::enforced(number) } else { 0 }
        };
        let mounts = if self.mounts_allowed || !self.denies() { 0 } else { policy::NO_MOUNT };
        Class::ALL.into_iter().map(of).fold(mounts, |all, flags| all | flags)
    }

    /// Whether anything is to fail.
    pub fn denies(&self) -> bool {
        self.restricted().any(|action| self.mode(action) == Mode::Deny)
    }

    /// The kinds of access of which something is denied.
    pub fn restricted(&self) -> impl Iterator<Item = Action> {
        let files = Class::ALL.into_iter().filter(|class| self.restricts(*class)).map(Action::File);
        let connect = (!self.hosts.is_empty()).then_some(Action::Connect);
        files.chain(connect).chain((!self.system.deny.is_empty()).then_some(Action::System))
    }
}
