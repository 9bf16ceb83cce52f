//! Changing the lists of a policy that is in use.

use super::Policy;
use super::hosts::{Host, HostError};
use super::paths::{Class, List};
use std::fmt;
use std::str::FromStr;

/// A list of a policy, as `read.deny`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListName {
    /// `None`: `connect`.
    class: Option<Class>,
    which: List,
}

const SECTIONS: [(&str, Option<Class>); 4] = [
    ("read", Some(Class::Read)),
    ("write", Some(Class::Write)),
    ("exec", Some(Class::Exec)),
    ("connect", None),
];

impl ListName {
    /// All of them, in the order of a policy's sections.
    pub fn all() -> impl Iterator<Item = Self> {
        let named = |(_, class)| List::ALL.into_iter().map(move |which| Self { class, which });
        SECTIONS.into_iter().flat_map(named)
    }

    /// The class of files that it is about; `None` for hosts.
    pub fn class(self) -> Option<Class> {
        self.class
    }
}

impl fmt::Display for ListName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let section = SECTIONS.iter().find(|(_, class)| *class == self.class).map_or("", |(name, _)| name);
        write!(f, "{section}.{}", self.which.name())
    }
}

impl FromStr for ListName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::all().find(|list| list.to_string() == text);
        found.ok_or_else(|| {
            format!("{text:?} is no list; write such as read.deny, exec.allow, connect.except")
        })
    }
}

/// What becomes of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// These are on it as well.
    Add(Vec<String>),
    /// These are no longer on it.
    Remove(Vec<String>),
    /// These are on it, and no others.
    Replace(Vec<String>),
}

impl Policy {
    /// What is on a list.
    pub fn entries(&self, list: ListName) -> Vec<String> {
        match list.class {
            Some(class) => self.lists[class.number() as usize].of(list.which).clone(),
            None => self.hosts_of(list.which).iter().map(|host| host.text.to_string()).collect(),
        }
    }

    /// Changes a list; the table of paths is made anew by [`compile`](Self::compile).
    ///
    /// # Errors
    /// When a host is none, or what is to be removed is not there. The policy is to be thrown away then.
    pub fn edit(&mut self, list: ListName, edit: &Edit) -> Result<(), String> {
        let mut entries = self.entries(list);
        match edit {
            Edit::Add(more) => {
                let new: Vec<String> =
                    more.iter().filter(|entry| !entries.contains(entry)).cloned().collect();
                entries.extend(new);
            }
            Edit::Remove(gone) => {
                if let Some(absent) = gone.iter().find(|entry| !entries.contains(entry)) {
                    return Err(format!("{absent:?} is not on {list}; see the list"));
                }
                entries.retain(|entry| !gone.contains(entry));
            }
            Edit::Replace(all) => entries.clone_from(all),
        }
        match list.class {
            Some(class) => *self.lists[class.number() as usize].of_mut(list.which) = entries,
            None => {
                let read = |text: &String| {
                    Host::parse(text).map_err(|cause: HostError| format!("read host {text:?}: {cause}"))
                };
                let hosts = entries.iter().map(read).collect::<Result<_, _>>()?;
                *self.hosts_of_mut(list.which) = hosts;
            }
        }
        Ok(())
    }

    fn hosts_of(&self, which: List) -> &Vec<Host> {
        match which {
            List::Deny => &self.hosts.deny,
            List::Allow => &self.hosts.allow,
            List::Except => &self.hosts.except,
        }
    }

    fn hosts_of_mut(&mut self, which: List) -> &mut Vec<Host> {
        match which {
            List::Deny => &mut self.hosts.deny,
            List::Allow => &mut self.hosts.allow,
            List::Except => &mut self.hosts.except,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_changed_and_what_is_not_there_is_said() {
        let list: ListName = "read.deny".parse().unwrap();
        let mut policy = Policy::default();
        policy.edit(list, &Edit::Add(vec!["/a".into(), "/b".into(), "/a".into()])).unwrap();
        policy.edit(list, &Edit::Remove(vec!["/b".into()])).unwrap();
        assert!(
            policy.edit(list, &Edit::Remove(vec!["/b".into()])).unwrap_err().contains("not on read.deny")
        );
        policy.edit("connect.allow".parse().unwrap(), &Edit::Replace(vec!["x:1".into()])).unwrap();
        assert_eq!(policy.entries("connect.allow".parse().unwrap()), ["x:1"]);
        assert!(policy.edit("connect.deny".parse().unwrap(), &Edit::Add(vec!["x:y".into()])).is_err());
        assert!("read".parse::<ListName>().is_err() && "read.all".parse::<ListName>().is_err());
    }
}
