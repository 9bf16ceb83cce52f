//! Copies that the kernel made from file to file: no program saw the data, so it is read again where it was copied from, at once, and put
//! into the events of both ends.

use crate::proc_snapshot::kernel_dev;
use crate::raw::{Body, Builder, Event, path_from_walk};
use kernscope_abi as abi;
use kernscope_abi::layout::window::PIECE_BYTES;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Threads of which a path or data is kept between events; when there are more, all is forgotten.
const MAX_THREADS: usize = 1024;

/// What threads have told so far of the copies that they make.
#[derive(Debug, Default)]
pub(super) struct Copies {
    /// The path that the next event of a thread is about.
    paths: HashMap<u32, Vec<u8>>,
    /// What a thread has copied, for the event of where it went.
    data: HashMap<u32, Vec<u8>>,
}

impl Copies {
    /// The event with the data of the copy, if it is one of a copy and the data can still be read.
    pub(super) fn add(&mut self, bytes: &[u8], event: &Event<'_>) -> Option<Vec<u8>> {
        let tid = event.header.tid;
        let content = match event.body {
            Body::PathHint(hint) if hint.op == abi::OP_CONTENT => {
                make_room(&mut self.paths);
                let walk = event.sections.get(abi::SEC_PATH)?;
                self.paths.insert(tid, path_from_walk(walk.bytes));
                return None;
            }
            Body::Content(content) => content,
            _ => return None,
        };
        let path = self.paths.remove(&tid);
        if event.sections.get(abi::SEC_DATA).is_some() {
            return None;
        }
        let data = match content.source {
            abi::CONTENT_IN => {
                let data = read(&path?, event.header.pid, &content)?;
                make_room(&mut self.data);
                self.data.insert(tid, data.clone());
                data
            }
            _ => self.data.remove(&tid)?,
        };
        Some(Builder::extend(bytes).section(abi::SEC_DATA, 0, &data).finish())
    }
}

fn make_room(map: &mut HashMap<u32, Vec<u8>>) {
    if map.len() >= MAX_THREADS {
        map.clear();
    }
}

/// The bytes that were copied, from the very file; as the process sees its path, or as we do.
fn read(path: &[u8], pid: u32, content: &abi::Content) -> Option<Vec<u8>> {
    let len = usize::try_from(content.call_bytes).ok().filter(|len| *len <= PIECE_BYTES as usize)?;
    let path = Path::new(OsStr::from_bytes(path));
    let seen = PathBuf::from(format!("/proc/{pid}/root{}", path.display()));
    let file = [seen.as_path(), path].into_iter().find_map(|place| open(place, &content.file))?;
    let mut data = vec![0; len];
    file.read_exact_at(&mut data, content.offset).ok()?;
    Some(data)
}

fn open(place: &Path, meant: &abi::FileId) -> Option<File> {
    let flags = nix::libc::O_NONBLOCK | nix::libc::O_NOFOLLOW | nix::libc::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(place).ok()?;
    let meta = file.metadata().ok()?;
    let is_it = meta.is_file() && meta.ino() == meant.ino && kernel_dev(meta.dev()) == meant.dev;
    is_it.then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::walk_from_path;

    fn content(source: u32, file: abi::FileId, offset: u64, call_bytes: u64) -> Body {
        Body::Content(abi::Content { source, file, offset, call_bytes, ..Default::default() })
    }

    #[test]
    fn both_ends_get_what_is_in_the_very_file_and_nothing_else() {
        let path = std::env::temp_dir().join(format!("kernscope-copied-{}", std::process::id()));
        std::fs::write(&path, b"0123456789").expect("write");
        let meta = std::fs::metadata(&path).expect("there");
        let file = abi::FileId { ino: meta.ino(), dev: kernel_dev(meta.dev()), ..Default::default() };
        let header = abi::Header { tid: 7, pid: std::process::id(), ..Default::default() };
        let hint = Body::PathHint(abi::PathHint { op: abi::OP_CONTENT, dev: 0, ino: 0 });
        let walk = walk_from_path(path.as_os_str().as_bytes());
        let hint = Builder::new(header, hint).section(abi::SEC_PATH, 0, &walk).finish();
        let mut copies = Copies::default();
        let mut add = |bytes: &[u8]| copies.add(bytes, &Event::decode(bytes).expect("an event"));
        let mut told = |file, offset, len| {
            assert_eq!(add(&hint), None);
            let ends = [abi::CONTENT_IN, abi::CONTENT_OUT].map(|source| {
                let event = Builder::new(header, content(source, file, offset, len)).finish();
                let added = add(&event)?;
                Some(Event::decode(&added).ok()?.sections.get(abi::SEC_DATA)?.bytes.to_vec())
            });
            assert_eq!(ends[0], ends[1]);
            ends[0].clone()
        };
        assert_eq!(told(file, 2, 3).as_deref(), Some(&b"234"[..]));
        assert_eq!(told(file, 8, 3), None, "it has become shorter");
        assert_eq!(told(abi::FileId { ino: 1, ..file }, 0, 3), None, "another file");
        assert_eq!(told(file, 0, 1 << 30), None, "too much");
        std::fs::remove_file(path).expect("removed");
    }
}
