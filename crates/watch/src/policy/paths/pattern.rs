//! Patterns for absolute paths, and the symbols that they are made of.
//!
//! | written | matches |
//! | --- | --- |
//! | `/etc/shadow` | that path |
//! | `/srv/data/**`, `/srv/data/` | it, and everything below it |
//! | `/proc/*/mem` | `*` is any part of one name, `?` one byte of it, `[a-c]` one of these |
//! | `*.pem`, `id_rsa`, `.aws/credentials` | without a `/` in front: below any directory |
//! | `/srv/{a,b}/key` | either |
//! | `~/.ssh/**`, `./target/**` | below the home directory, the working directory |
//!
//! A backslash takes the meaning of the character after it away. Names are bytes, and case counts.

use kernscope_abi::paths::{ANY, END, GLOBSTAR, NAME_END, STAR};
use std::path::{Component, Path, PathBuf};

/// Most patterns without braces and classes that one with them stands for.
const MAX_SPELLINGS: usize = 256;
/// Longest pattern in bytes: no path is longer.
pub const MAX_PATTERN_BYTES: usize = kernscope_abi::MAX_PATH;

/// What `~` and `./` stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The home directory of whoever is meant.
    pub home: PathBuf,
    /// The working directory.
    pub cwd: PathBuf,
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing to match.
    #[error("it is empty; leave it out, or write /** for everything")]
    Empty,
    /// Longer than any path.
    #[error("it has more than {MAX_PATTERN_BYTES} bytes, and no path has; shorten it")]
    TooLong,
    /// `..` depends on symbolic links.
    #[error("it has a `..`; write the path that is meant")]
    Parent,
    /// `[` without `]`.
    #[error("a `[` has no `]`; close it, or write \\[")]
    Class,
    /// `{` without `}`.
    #[error("a `{{` has no `}}`; close it, or write \\{{")]
    Brace,
    /// `**` beside other characters.
    #[error("`**` stands beside other characters of a name; use one `*` there")]
    Globstar,
    /// NUL is in no path.
    #[error("it has a NUL byte, and no path has")]
    Nul,
    /// Too many in one.
    #[error("its braces and classes stand for more than {MAX_SPELLINGS} patterns; write it as several")]
    TooMany,
    /// `~` or `./` and no such directory.
    #[error("the directory that it begins at is not known; write an absolute path")]
    NoPlace,
}

/// One way through the trie: what is read from leaf to root.
pub(super) type Spelling = Vec<u16>;

/// A piece of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Byte(u8),
    Star,
    Any,
    /// One of these bytes.
    Class(Vec<u8>),
}

/// A name of a path, or any number of them.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    Globstar,
    Pieces(Vec<Piece>),
}

/// A pattern, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// From root to leaf, one list for each way to choose from braces.
    names: Vec<Vec<Name>>,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When it is none; the error says what to do about it.
    pub fn parse(text: &[u8], places: &Places) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.len() > MAX_PATTERN_BYTES {
            return Err(PatternError::TooLong);
        }
        if text.contains(&0) {
            return Err(PatternError::Nul);
        }
        let mut names = Vec::new();
        for text in braces(text)? {
            names.push(absolute(&text, places)?);
        }
        Ok(Self { names })
    }

    /// All ways through the trie.
    pub(super) fn spellings(&self) -> Result<Vec<Spelling>, PatternError> {
        spell_all(self.names.iter().map(Vec::as_slice))
    }

    /// The same for each directory above, which must keep its name for the pattern to go on matching.
    pub(super) fn guards(&self) -> Result<Vec<Spelling>, PatternError> {
        // Those of a pattern that holds below any directory are any directories.
        let first = |names: &[Name]| usize::from(names.first() == Some(&Name::Globstar));
        // A directory that is matched with all below it is matched itself.
        let above = self.names.iter().flat_map(|names| {
            let ends = (first(names)..names.len()).filter(|end| names[*end..] != [Name::Globstar]);
            ends.map(|end| &names[..end])
        });
        spell_all(above.filter(|names| names.is_empty() || names.iter().any(|name| *name != Name::Globstar)))
    }
}

fn spell_all<'a>(all: impl Iterator<Item = &'a [Name]>) -> Result<Vec<Spelling>, PatternError> {
    let mut out = Vec::new();
    for names in all {
        out.extend(spell(names)?);
        if out.len() > MAX_SPELLINGS * kernscope_abi::MAX_COMPONENTS {
            return Err(PatternError::TooMany);
        }
    }
    Ok(out)
}

/// The symbols of names, classes spelt out.
fn spell(names: &[Name]) -> Result<Vec<Spelling>, PatternError> {
    let mut out: Vec<Spelling> = vec![Vec::new()];
    for name in names.iter().rev() {
        match name {
            Name::Globstar => out.iter_mut().for_each(|one| one.push(symbol(GLOBSTAR))),
            Name::Pieces(pieces) => {
                for piece in pieces {
                    out = extend(&out, piece)?;
                }
                out.iter_mut().for_each(|one| one.push(symbol(NAME_END)));
            }
        }
    }
    // Below any directory: it holds wherever its last name has been read.
    let floats = names.len() > 1 && names[0] == Name::Globstar;
    for one in &mut out {
        match floats {
            true => drop(one.pop_if(|last| *last == symbol(GLOBSTAR))),
            false => one.push(symbol(END)),
        }
    }
    Ok(out)
}

fn extend(all: &[Spelling], piece: &Piece) -> Result<Vec<Spelling>, PatternError> {
    let symbols: Vec<u16> = match piece {
        Piece::Byte(byte) => vec![u16::from(*byte)],
        Piece::Star => vec![symbol(STAR)],
        Piece::Any => vec![symbol(ANY)],
        Piece::Class(bytes) => bytes.iter().map(|byte| u16::from(*byte)).collect(),
    };
    if all.len() * symbols.len() > MAX_SPELLINGS {
        return Err(PatternError::TooMany);
    }
    let with = |one: &Spelling, symbol: u16| [one.as_slice(), &[symbol]].concat();
    Ok(all.iter().flat_map(|one| symbols.iter().map(move |symbol| with(one, *symbol))).collect())
}

/// A symbol of the table, all of which are below 512.
fn symbol(number: u32) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// The names of a pattern without braces, from the root on.
fn absolute(text: &[u8], places: &Places) -> Result<Vec<Name>, PatternError> {
    let (mut names, rest) = match text {
        [b'/', rest @ ..] => (Vec::new(), rest),
        [b'~'] => (literal(&places.home)?, &b""[..]),
        [b'~', b'/', rest @ ..] => (literal(&places.home)?, rest),
        [b'.'] => (literal(&places.cwd)?, &b""[..]),
        [b'.', b'/', rest @ ..] => (literal(&places.cwd)?, rest),
        rest => (vec![Name::Globstar], rest),
    };
    let below = rest.ends_with(b"/");
    for part in split(rest) {
        match part {
            b"" | b"." => {}
            b".." => return Err(PatternError::Parent),
            b"**" if names.last() == Some(&Name::Globstar) => {}
            b"**" => names.push(Name::Globstar),
            part => names.push(Name::Pieces(pieces(part)?)),
        }
    }
    if below && names.last() != Some(&Name::Globstar) {
        names.push(Name::Globstar);
    }
    Ok(names)
}

/// The names of a directory, without any meaning but their own.
fn literal(directory: &Path) -> Result<Vec<Name>, PatternError> {
    use std::os::unix::ffi::OsStrExt;
    if !directory.is_absolute() {
        return Err(PatternError::NoPlace);
    }
    let name = |part: Component<'_>| match part {
        Component::Normal(name) => {
            Some(Name::Pieces(name.as_bytes().iter().copied().map(Piece::Byte).collect()))
        }
        _ => None,
    };
    Ok(directory.components().filter_map(name).collect())
}

/// Splits at slashes that stand outside of classes.
fn split(text: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < text.len() {
        match text[at] {
            b'\\' => at += 1,
            b'[' => at += class_end(&text[at..]).unwrap_or(0),
            b'/' => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    parts.push(&text[start.min(text.len())..]);
    parts
}

fn pieces(name: &[u8]) -> Result<Vec<Piece>, PatternError> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(byte) = name.get(at) {
        match byte {
            b'*' if out.last() == Some(&Piece::Star) => return Err(PatternError::Globstar),
            b'*' => out.push(Piece::Star),
            b'?' => out.push(Piece::Any),
            b'[' => {
                let end = class_end(&name[at..]).ok_or(PatternError::Class)?;
                out.push(Piece::Class(class(&name[at + 1..at + end])));
                at += end;
            }
            b'\\' => {
                at += 1;
                out.push(Piece::Byte(*name.get(at).unwrap_or(&b'\\')));
            }
            byte => out.push(Piece::Byte(*byte)),
        }
        at += 1;
    }
    Ok(out)
}

/// Where the `]` is of a class that begins at `[`; a `]` right behind the beginning stands for itself.
fn class_end(text: &[u8]) -> Option<usize> {
    let first = if matches!(text.get(1), Some(b'!' | b'^')) { 2 } else { 1 };
    text.iter().skip(first + 1).position(|byte| *byte == b']').map(|end| end + first + 1)
}

/// The bytes of a class: `a-z`, single ones, all but these after `!` or `^`.
fn class(inside: &[u8]) -> Vec<u8> {
    let (negated, inside) = match inside {
        [b'!' | b'^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut is_in = [false; 256];
    let mut at = 0;
    while at < inside.len() {
        let (low, high, used) = match &inside[at..] {
            [low, b'-', high, ..] => (*low, *high, 3),
            [byte, ..] => (*byte, *byte, 1),
            [] => break,
        };
        (low..=high).for_each(|byte| is_in[usize::from(byte)] = true);
        at += used;
    }
    let fits = |byte: &u8| is_in[usize::from(*byte)] != negated && *byte != b'/';
    (1..=u8::MAX).filter(fits).collect()
}

/// All ways to choose from braces.
fn braces(text: &[u8]) -> Result<Vec<Vec<u8>>, PatternError> {
    let Some(open) = unescaped(text, b'{') else { return Ok(vec![text.to_vec()]) };
    let (choices, end) = choices(&text[open..]).ok_or(PatternError::Brace)?;
    let mut out = Vec::new();
    for choice in choices {
        let whole = [&text[..open], choice, &text[open + end + 1..]].concat();
        out.extend(braces(&whole)?);
        if out.len() > MAX_SPELLINGS {
            return Err(PatternError::TooMany);
        }
    }
    Ok(out)
}

fn unescaped(text: &[u8], sought: u8) -> Option<usize> {
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 1,
            byte if byte == sought => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// What stands between the commas of the braces that `text` begins with, and where they end.
fn choices(text: &[u8]) -> Option<(Vec<&[u8]>, usize)> {
    let (mut out, mut depth, mut start, mut at) = (Vec::new(), 0_u32, 1, 0);
    while at < text.len() {
        match text[at] {
            b'\\' => at += 1,
            b'{' => depth += 1,
            b'}' if depth == 1 => {
                out.push(&text[start..at]);
                return Some((out, at));
            }
            b'}' => depth -= 1,
            b',' if depth == 1 => {
                out.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    None
}
