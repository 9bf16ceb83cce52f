//! Policies from TOML.

use super::hosts::{Host, HostError, Hosts};
use super::paths::{Class, ListError, Places, Table};
use super::{Lists, Mode, Policy, Rule, System, system};
use kernscope_sieve::{text_file, toml_error};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Why there is no policy.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file, or a list that it names, cannot be read.
    #[error("read policy {}: {cause}; name a file in TOML, or a list with an entry a line", .file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// The system's word.
        cause: std::io::Error,
    },
    /// Not TOML, or with keys that no policy has.
    #[error("read policy {}: {cause}", .file.display())]
    Toml {
        /// Which.
        file: PathBuf,
        /// Line and reason, in one line.
        cause: String,
    },
    /// A pattern that is none.
    #[error("policy {}: [{section}] {cause}", .file.display())]
    List {
        /// Which.
        file: PathBuf,
        /// `read`, `write` or `exec`.
        section: &'static str,
        /// What is wrong.
        cause: ListError,
    },
    /// A host that is none.
    #[error("policy {}: [connect] read host {host:?}: {cause}", .file.display())]
    Host {
        /// Which.
        file: PathBuf,
        /// As written.
        host: String,
        /// What is wrong.
        cause: HostError,
    },
    /// A system call that is none, or one without which nothing runs.
    #[error("policy {}: [system] {call:?} is no call that can be denied; docs/POLICY.md has them", .file.display())]
    Call {
        /// Which.
        file: PathBuf,
        /// As written.
        call: String,
    },
    /// The lists do not fit together into one table.
    #[error("policy {}: {cause}", .file.display())]
    Table {
        /// Which.
        file: PathBuf,
        /// What is wrong.
        cause: ListError,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Text {
    name: String,
    mode: Mode,
    mounts: Option<Default_>,
    read: Files,
    write: Files,
    exec: Files,
    connect: Connect,
    system: Calls,
}

/// What becomes of what is on no list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Default_ {
    Allow,
    Deny,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Files {
    mode: Option<Mode>,
    default: Option<Default_>,
    deny: Vec<String>,
    allow: Vec<String>,
    except: Vec<String>,
    deny_file: Option<PathBuf>,
    allow_file: Option<PathBuf>,
    except_file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Connect {
    mode: Option<Mode>,
    default: Option<Default_>,
    deny: Vec<String>,
    allow: Vec<String>,
    except: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Calls {
    mode: Option<Mode>,
    deny: Vec<String>,
}

impl Policy {
    /// Reads a policy, with the lists that it names (a pattern a line; `#` begins a comment).
    ///
    /// # Errors
    /// When a file cannot be read, or holds what is no policy.
    pub fn read(file: &Path, places: &Places) -> Result<Self, PolicyError> {
        Self::parse(&text_of(file)?, file, places)
    }

    /// The same from text; `file` is where it is from, and what names of lists are relative to.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(text: &str, file: &Path, places: &Places) -> Result<Self, PolicyError> {
        let text: Text = toml::from_str(text).map_err(|error| PolicyError::Toml {
            file: file.to_owned(),
            cause: toml_error::one_line(text, &error),
        })?;
        let mut policy = Self {
            name: if text.name.is_empty() { stem(file) } else { text.name },
            mounts_allowed: text.mounts == Some(Default_::Allow),
            files: vec![file.to_owned()],
            ..Self::default()
        };
        for (class, files) in Class::ALL.into_iter().zip([text.read, text.write, text.exec]) {
            policy.take(class, files, text.mode, file)?;
        }
        policy.hosts = hosts(text.connect, text.mode, file)?;
        policy.system = calls(text.system, text.mode, file)?;
        policy.compile(places)?;
        Ok(policy)
    }

    fn take(&mut self, class: Class, text: Files, mode: Mode, file: &Path) -> Result<(), PolicyError> {
        let mut lists = Lists { deny: text.deny, allow: text.allow, except: text.except };
        let others = [
            (&mut lists.deny, text.deny_file),
            (&mut lists.allow, text.allow_file),
            (&mut lists.except, text.except_file),
        ];
        for (list, other) in others {
            let Some(other) = other else { continue };
            let other = file.parent().unwrap_or(Path::new("")).join(other);
            list.extend(lines(&text_of(&other)?));
            self.files.push(other);
        }
        let at = class.number() as usize;
        let by_list = !lists.allow.is_empty();
        let default_denied = text.default.map_or(by_list, |default| default == Default_::Deny);
        self.rules[at] = Rule { mode: text.mode.unwrap_or(mode), default_denied };
        self.lists[at] = lists;
        Ok(())
    }

    /// Makes the table of the lists, after these were changed.
    ///
    /// # Errors
    /// When one holds what is no pattern, or all together have no room.
    pub fn compile(&mut self, places: &Places) -> Result<(), PolicyError> {
        let file = self.files.first().cloned().unwrap_or_default();
        let mut builder = Table::builder(places.clone());
        for (class, lists) in Class::ALL.into_iter().zip(&self.lists) {
            for (list, pattern) in lists.patterns() {
                let added = builder.add(class, list, pattern.as_bytes());
                let section = class.name();
                added.map_err(|cause| PolicyError::List { file: file.clone(), section, cause })?;
            }
        }
        self.paths = builder.build().map_err(|cause| PolicyError::Table { file, cause })?;
        Ok(())
    }
}

fn calls(text: Calls, mode: Mode, file: &Path) -> Result<System, PolicyError> {
    match text.deny.iter().find(|name| system::number(name).is_none()) {
        Some(unknown) => Err(PolicyError::Call { file: file.to_owned(), call: unknown.clone() }),
        None => Ok(System { mode: text.mode.unwrap_or(mode), deny: text.deny }),
    }
}

fn hosts(text: Connect, mode: Mode, file: &Path) -> Result<Hosts, PolicyError> {
    let read = |list: Vec<String>| -> Result<Vec<Host>, PolicyError> {
        let host = |text: String| match Host::parse(&text) {
            Ok(host) => Ok(host),
            Err(cause) => Err(PolicyError::Host { file: file.to_owned(), host: text, cause }),
        };
        list.into_iter().map(host).collect()
    };
    let by_list = !text.allow.is_empty();
    Ok(Hosts {
        mode: text.mode.unwrap_or(mode),
        default_denied: text.default.map_or(by_list, |default| default == Default_::Deny),
        deny: read(text.deny)?,
        allow: read(text.allow)?,
        except: read(text.except)?,
    })
}

fn text_of(file: &Path) -> Result<String, PolicyError> {
    text_file::read(file).map_err(|cause| PolicyError::File { file: file.to_owned(), cause })
}

/// The entries of a list in a file: a line each; `#` begins a comment.
pub fn lines(text: &str) -> impl Iterator<Item = String> + '_ {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned)
}

fn stem(file: &Path) -> String {
    file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}
