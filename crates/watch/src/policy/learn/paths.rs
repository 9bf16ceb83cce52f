//! Lists from paths: what was seen, made so general that another run of the same command finds it allowed, and no more.
//!
//! - What the run made, removed or renamed is allowed by the directory that was there before; or, where names can be
//!   allowed before they are there, by its name, of which what looks random is a `*`.
//! - Libraries are allowed by their directory, what is in a directory of which much was used by the whole directory.
//! - The home directory, those above it, and those directly below the root are not allowed as a whole.

use super::super::paths::Class;
use super::text::Line;
use super::{Learner, Machine};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// From this many files or directories of one directory on the list has the directory.
const MANY: usize = 16;
/// Fewest characters of a name that look random: `mkstemp` makes six.
const RANDOM_MIN: usize = 6;
/// Said of what the next run cannot make again where directories are what is allowed.
const NOT_ANEW: &str = "made or removed by the run; landlock allows it only if it is there at the start";

/// Something that is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// The path itself.
    Exact,
    /// It, and everything below.
    Whole,
    /// Its name is a pattern.
    Glob,
    /// Its name is a pattern, and everything below is allowed as well.
    GlobWhole,
}

#[derive(Clone, Debug, Default)]
struct Sum {
    files: usize,
    times: u64,
    note: &'static str,
}

type Allowed<'a> = BTreeMap<(&'a [u8], Kind), Sum>;

impl Learner {
    /// The list of a class.
    pub(super) fn list(&self, class: Class, machine: &Machine<'_>) -> Vec<Line> {
        let mut allowed = Allowed::new();
        for (path, times) in &self.files[class.number() as usize] {
            let (path, kind, note) = self.base(path, class, machine);
            add(&mut allowed, path, kind, &Sum { files: 1, times: *times, note });
        }
        absorb(&mut allowed);
        if class != Class::Exec {
            gather(&mut allowed, machine);
        }
        let mut lines: Vec<Line> = allowed.into_iter().map(|(at, sum)| line(at, &sum, machine)).collect();
        lines.sort_by(|one, other| one.entry.cmp(&other.entry));
        lines
    }

    /// What allows one path.
    fn base<'a>(
        &self,
        path: &'a [u8],
        class: Class,
        machine: &Machine<'_>,
    ) -> (&'a [u8], Kind, &'static str) {
        if let Some(of_many) = comes_and_goes(path) {
            return (of_many, Kind::Whole, "");
        }
        if let Some(top) = self.made(path, machine) {
            let is_directory = top.len() < path.len() || self.directories.contains(top);
            let above = parent(top);
            return match (machine.names, is_directory) {
                (true, true) => (top, Kind::GlobWhole, ""),
                (true, false) => (top, Kind::Glob, ""),
                (false, _) if may_be_whole(above, machine) => (above, Kind::Whole, ""),
                (false, _) => (path, Kind::Exact, NOT_ANEW),
            };
        }
        let above = parent(path);
        if class == Class::Read && is_library(path) && may_be_whole(above, machine) {
            return (above, Kind::Whole, "");
        }
        (path, Kind::Exact, "")
    }

    /// The topmost thing, at or above a path, that was not there before the run, or not after it.
    fn made<'a>(&self, path: &'a [u8], machine: &Machine<'_>) -> Option<&'a [u8]> {
        let above = ancestors(path).filter(|above| self.directories.contains(*above)).last();
        above.or_else(|| {
            let is_sure = self.changed.get(path)?;
            let was_there = || (machine.was_there)(Path::new(OsStr::from_bytes(path)));
            (*is_sure || !was_there()).then_some(path)
        })
    }
}

/// The directory of what has another name in each run.
fn comes_and_goes(path: &[u8]) -> Option<&'static [u8]> {
    let is_number = |rest: &[u8]| rest.first().is_some_and(u8::is_ascii_digit);
    if path.strip_prefix(b"/proc/").is_some_and(is_number) {
        return Some(b"/proc");
    }
    path.strip_prefix(b"/dev/pts/").is_some_and(is_number).then_some(b"/dev/pts")
}

fn is_library(path: &[u8]) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    name.ends_with(b".so") || name.windows(4).any(|part| part == b".so.")
}

/// Whether everything in a directory may be allowed for something in it.
fn may_be_whole(directory: &[u8], machine: &Machine<'_>) -> bool {
    let home = machine.places.home.as_os_str().as_bytes();
    let depth = directory.iter().filter(|byte| **byte == b'/').count();
    let is_above_home = !home.is_empty() && (home == directory || is_below(home, directory));
    let is_shared = [&b"/tmp"[..], b"/proc", b"/sys"].contains(&directory);
    directory.len() > 1 && !is_above_home && (depth > 1 || is_shared)
}

fn is_below(path: &[u8], directory: &[u8]) -> bool {
    directory == b"/" || path.strip_prefix(directory).is_some_and(|rest| rest.starts_with(b"/"))
}

fn parent(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(0) | None => b"/",
        Some(at) => &path[..at],
    }
}

/// A path and the directories above it, without the root.
fn ancestors(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::successors(Some(path), |path| Some(parent(path)).filter(|above| above.len() > 1))
}

fn add<'a>(allowed: &mut Allowed<'a>, path: &'a [u8], kind: Kind, more: &Sum) {
    let sum = allowed.entry((path, kind)).or_default();
    sum.files += more.files;
    sum.times += more.times;
    sum.note = more.note;
}

/// Leaves out what is below something that is allowed as a whole.
fn absorb(allowed: &mut Allowed<'_>) {
    let whole: BTreeSet<&[u8]> =
        allowed.keys().filter(|(_, kind)| *kind == Kind::Whole).map(|(path, _)| *path).collect();
    let over = |path, kind| {
        let above = ancestors(path).filter(|above| whole.contains(above));
        above.filter(|above| *above != path || kind != Kind::Whole).last()
    };
    for ((path, kind), sum) in std::mem::take(allowed) {
        match over(path, kind) {
            Some(above) => add(allowed, above, Kind::Whole, &Sum { note: "", ..sum }),
            None => add(allowed, path, kind, &sum),
        }
    }
}

/// Makes one of many in a directory, the deepest first.
fn gather(allowed: &mut Allowed<'_>, machine: &Machine<'_>) {
    let mut below: BTreeMap<(usize, &[u8]), BTreeSet<&[u8]>> = BTreeMap::new();
    let depth = |path: &[u8]| usize::MAX - path.iter().filter(|byte| **byte == b'/').count();
    for (path, _) in allowed.keys() {
        let above = parent(path);
        below.entry((depth(above), above)).or_default().insert(path);
    }
    let mut whole = Vec::new();
    while let Some(((_, directory), names)) = below.pop_first() {
        if names.len() >= MANY && may_be_whole(directory, machine) {
            whole.push(directory);
            let above = parent(directory);
            below.entry((depth(above), above)).or_default().insert(directory);
        }
    }
    for directory in whole {
        allowed.entry((directory, Kind::Whole)).or_default();
    }
    absorb(allowed);
}

fn line((path, kind): (&[u8], Kind), sum: &Sum, machine: &Machine<'_>) -> Line {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let above = pattern(parent(path), machine);
    let glob = |end: &str| format!("{}/{}{end}", above.trim_end_matches('/'), globbed(name));
    let entry = match kind {
        Kind::Exact => pattern(path, machine),
        Kind::Whole => format!("{}/**", pattern(path, machine).trim_end_matches('/')),
        Kind::Glob => glob(""),
        Kind::GlobWhole => glob("/**"),
    };
    let note = match sum.files {
        ..=1 => sum.note.to_owned(),
        files => format!("{files} paths"),
    };
    Line { entry, times: sum.times, note }
}

/// A path as a pattern that matches nothing else, from the home or working directory on where it is there.
fn pattern(path: &[u8], machine: &Machine<'_>) -> String {
    let places = [(&machine.places.home, "~"), (&machine.places.cwd, ".")];
    let places = places.map(|(place, sign)| (place.as_os_str().as_bytes(), sign));
    let within = |(place, _): &(&[u8], &str)| place.len() > 1 && (path == *place || is_below(path, place));
    // The nearer one; the home directory where both are the same.
    let nearest = places.into_iter().rev().filter(within).max_by_key(|(place, _)| place.len());
    match nearest {
        Some((place, sign)) => format!("{sign}{}", literal(&path[place.len()..])),
        None => literal(path),
    }
}

/// Bytes without any meaning of their own; those of no character are any byte.
fn literal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if matches!(character, '*' | '?' | '[' | ']' | '{' | '}' | '\\') {
                text.push('\\');
            }
            text.push(character);
        }
        text.extend(chunk.invalid().iter().map(|_| '?'));
    }
    text
}

/// A name in which what looks random is a `*`.
fn globbed(name: &[u8]) -> String {
    let mut out = String::new();
    for run in name.chunk_by(|one, other| one.is_ascii_alphanumeric() == other.is_ascii_alphanumeric()) {
        match is_random(run) {
            // `cc` of `ccX1y2Z3`, when the rest is long enough by itself.
            true if run[..2].iter().all(u8::is_ascii_lowercase) && run.len() >= RANDOM_MIN + 2 => {
                out.push_str(&literal(&run[..2]));
                out.push('*');
            }
            true => out.push('*'),
            false => out.push_str(&literal(run)),
        }
    }
    out
}

/// Letters of both cases, or letters and digits, in one.
fn is_random(run: &[u8]) -> bool {
    let has = |test: fn(&u8) -> bool| run.iter().any(test);
    let (lower, upper, digit) =
        (has(u8::is_ascii_lowercase), has(u8::is_ascii_uppercase), has(u8::is_ascii_digit));
    // A word may begin with a capital.
    let mixed = upper && lower && run.iter().skip(1).any(u8::is_ascii_uppercase);
    run.len() >= RANDOM_MIN && run[0].is_ascii_alphanumeric() && (mixed || digit && (lower || upper))
}
