//! What was found in programs, kept on disk: a program of a hundred megabytes takes a third of a second to look through.
//!
//! One file for each build id, of mode 0600. What it says is used if the program is the very file that was looked at - inode, size
//! and times are the same - or, since `bun build --compile` makes many files of one program, if each place that is named has the same
//! code there. Nothing is believed that another user could have written: a file of somebody else, a link, one that others may
//! write, or one of another version is as good as none. A cache that cannot be written costs time, and nothing else.

use super::image::Image;
use super::{Found, Hook, Library, find, programs};
use object::{ReadCache, ReadRef};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Files below this are looked through faster than read about, bytes.
const LEAST_BYTES: u64 = 1 << 20;
/// Most files that are kept, and most bytes of one.
const MAX_FILES: usize = 256;
const MAX_FILE_BYTES: u64 = 256 << 10;
/// Code that is held against what was there before, bytes at each place.
const CODE_BYTES: u64 = 256;
/// Longest build id, bytes.
const MAX_ID_BYTES: usize = 64;

/// A folder with what was found.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
    version: String,
}

/// What is kept of one program.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    version: String,
    build_id: String,
    /// Which file it was: device, inode, bytes, and when it was changed.
    file: Stamp,
    /// SHA-256 of the code at each place.
    code: String,
    found: Vec<KeptLibrary>,
}

type Stamp = (u64, u64, u64, (i64, i64), (i64, i64));

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KeptLibrary {
    library: u32,
    /// Offset, program, and whether it is for the return.
    hooks: Vec<(u64, String, bool)>,
}

impl Cache {
    /// A cache in a folder, which is made when there is something to keep.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, version: version() }
    }

    /// The TLS libraries in a file, as [`find`] says, from the cache or put into it.
    pub fn find(&self, file: &File) -> Vec<Found> {
        let data = ReadCache::new(file);
        let meta = file.metadata().ok().filter(|meta| meta.len() >= LEAST_BYTES);
        let named = meta.and_then(|meta| Some((meta, build_id(&data)?)));
        let Some((meta, id)) = named else { return find(&data) };
        if let Some(found) = self.read(&id).and_then(|kept| kept.usable(self, &id, &meta, &data)) {
            return found;
        }
        let found = find(&data);
        if let Some(code) = code(&data, &found) {
            let kept = Kept {
                version: self.version.clone(),
                build_id: id,
                file: stamp(&meta),
                code,
                found: found.iter().map(KeptLibrary::of).collect(),
            };
            // Without it the next run looks again.
            let _ = self.write(&kept);
        }
        found
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }

    fn read(&self, id: &str) -> Option<Kept> {
        let flags = nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(self.path(id)).ok()?;
        let meta = file.metadata().ok()?;
        if !meta.is_file() || !is_own(&meta) || meta.len() > MAX_FILE_BYTES {
            return None;
        }
        let mut text = Vec::new();
        file.take(MAX_FILE_BYTES).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    }

    fn write(&self, kept: &Kept) -> std::io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        if !is_own(&fs::metadata(&self.folder)?) {
            return Ok(());
        }
        self.make_room()?;
        let beside = self.folder.join(format!("{}.{}", kept.build_id, std::process::id()));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        let written = file.write_all(&serde_json::to_vec(kept)?);
        written.and_then(|()| fs::rename(&beside, self.path(&kept.build_id))).inspect_err(|_| {
            let _ = fs::remove_file(&beside);
        })
    }

    /// Removes the older half when there are too many.
    fn make_room(&self) -> std::io::Result<()> {
        let aged = |entry: fs::DirEntry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()));
        let mut files: Vec<_> = fs::read_dir(&self.folder)?.flatten().filter_map(aged).collect();
        if files.len() < MAX_FILES {
            return Ok(());
        }
        files.sort_unstable();
        files.drain(..files.len() / 2).try_for_each(|(_, path)| fs::remove_file(path))
    }
}

impl Kept {
    /// What was found, if it is true of this file.
    fn usable<'data>(
        self,
        cache: &Cache,
        id: &str,
        meta: &Metadata,
        data: impl ReadRef<'data>,
    ) -> Option<Vec<Found>> {
        if self.version != cache.version || self.build_id != id {
            return None;
        }
        let found: Vec<Found> = self.found.iter().map(KeptLibrary::found).collect::<Option<_>>()?;
        let is_same = self.file == stamp(meta);
        let has_same_code = || !found.is_empty() && code(data, &found) == Some(self.code);
        (is_same || has_same_code()).then_some(found)
    }
}

impl KeptLibrary {
    fn of(found: &Found) -> Self {
        let hooks = found.hooks.iter().map(|hook| (hook.offset, hook.program.to_owned(), hook.on_return));
        Self { library: found.library.number(), hooks: hooks.collect() }
    }

    /// `None` when it names what there is not.
    fn found(&self) -> Option<Found> {
        let hook = |(offset, program, on_return): &(u64, String, bool)| {
            let program = programs().find(|known| known == program)?;
            Some(Hook { offset: *offset, program, on_return: *on_return })
        };
        let library = Library::ALL.into_iter().find(|library| library.number() == self.library)?;
        Some(Found { library, hooks: self.hooks.iter().map(hook).collect::<Option<_>>()? })
    }
}

/// Ours, and nobody else may write it.
fn is_own(meta: &Metadata) -> bool {
    meta.uid() == nix::unistd::geteuid().as_raw() && meta.mode() & 0o022 == 0
}

fn stamp(meta: &Metadata) -> Stamp {
    (meta.dev(), meta.ino(), meta.len(), (meta.mtime(), meta.mtime_nsec()), (meta.ctime(), meta.ctime_nsec()))
}

/// SHA-256 of the code at all places; `None` when the file does not have them.
fn code<'data>(data: impl ReadRef<'data>, found: &[Found]) -> Option<String> {
    let mut sum = Sha256::new();
    let len = data.len().ok()?;
    for hook in found.iter().flat_map(|found| &found.hooks) {
        let bytes = CODE_BYTES.min(len.checked_sub(hook.offset)?);
        sum.update(hook.offset.to_le_bytes());
        sum.update(data.read_bytes_at(hook.offset, bytes).ok()?);
    }
    Some(hex(&sum.finalize()))
}

/// The build id of a file, in hexadecimal digits.
fn build_id<'data>(data: impl ReadRef<'data>) -> Option<String> {
    Image::parse(data)?.build_id().filter(|id| !id.is_empty() && id.len() <= MAX_ID_BYTES).map(hex)
}

/// Another build of ours may find other things.
fn version() -> String {
    let exe = fs::metadata(Path::new("/proc/self/exe"));
    let exe = exe.map(|meta| format!("{}-{}.{}", meta.len(), meta.mtime(), meta.mtime_nsec()));
    format!("{} {}", env!("CARGO_PKG_VERSION"), exe.unwrap_or_default())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
