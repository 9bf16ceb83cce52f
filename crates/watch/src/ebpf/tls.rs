//! TLS libraries found and hooked: those that the dynamic linker knows before anything runs, others when a process of the
//! tree maps or executes them.
//!
//! A place in a file is hooked once, for all processes of the machine; the programs ask whether the process is watched.

use super::{attach, named};
use crate::proc_snapshot::kernel_dev;
use crate::raw::{Body, Builder, Event, path_from_walk};
use crate::tls::{self, Found, ldcache};
use kernscope_abi as abi;
use kernscope_abi::layout::FileKey;
use kernscope_kit::attach::{Places, UprobeTier, Uprobes};
use kernscope_kit::load::{LoadError, Object, Table};
use kernscope_kit::probe;
use kernscope_report::clock::monotonic_ns;
use object::ReadCache;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};

/// The dynamic linker's list of libraries.
const LD_CACHE: &str = "/etc/ld.so.cache";
/// Most files that are remembered as looked at; beyond, they are looked at again.
const MAX_KNOWN: usize = 65_536;
/// Most files that are hooked.
const MAX_TARGETS: u32 = 256;
/// `PROT_EXEC`.
const PROT_EXEC: u32 = 4;
/// Programs with a library of their own, which speak too soon after their start to be looked at then.
const BUILT_IN: &[&str] = &["node", "bun"];
/// The programs that go on with long calls, by their place in the map.
const MORE: [&str; 2] = ["tls_more", "tls_go_more"];
const MORE_MAP: &str = "TLS_MORE";
/// The files that the kernel side need not wake us for.
const FILES_MAP: &str = "TLS_FILES";
/// A program that is loaded before.
const LOADED: &str = "exit_open";
/// First kernel with links for many places at once.
const MULTI_FROM: (u32, u32) = (6, 6);

/// Threads that have programs verified: most of the time goes into two of them.
const LOADERS: usize = 4;

/// The programs, which take the kernel longer than all else that is done here: loaded for the first file that is hooked.
#[derive(Debug)]
enum Programs {
    Waiting,
    Loaded(UprobeTier, Loaded),
    /// Why the kernel refused them.
    Refused(String),
}

/// Loaded programs by name.
type Loaded = BTreeMap<&'static str, OwnedFd>;

/// Files that are hooked, and those that need not be.
#[derive(Debug)]
pub(super) struct Libraries {
    programs: Programs,
    /// Device and inode of the files that were looked at; the kernel side has them as well, to wake us for others.
    known: HashSet<(u32, u64)>,
    files: Table<FileKey, u32, 16, 4>,
    hooked: Vec<Uprobes>,
    targets: u32,
    /// Events that tell what was found.
    news: VecDeque<Vec<u8>>,
    /// The last place that could not be hooked, and why.
    refused: Option<String>,
    /// What earlier runs found.
    cache: Option<tls::Cache>,
}

impl Libraries {
    /// Nothing looked at yet; `cache` is the folder with what earlier runs found.
    ///
    /// # Errors
    /// When the object has no map of files.
    pub(super) fn new(object: &mut Object, cache: Option<&Path>) -> Result<Self, LoadError> {
        Ok(Self {
            programs: Programs::Waiting,
            known: HashSet::new(),
            files: object.table(FILES_MAP)?,
            hooked: Vec::new(),
            targets: 0,
            news: VecDeque::new(),
            refused: None,
            cache: cache.map(|folder| tls::Cache::new(folder.to_owned())),
        })
    }

    /// Its name in the coverage statement.
    pub(super) fn tier(&self) -> &'static str {
        match self.programs {
            Programs::Refused(_) => "none",
            Programs::Loaded(UprobeTier::Perf, _) => "uprobe",
            Programs::Waiting if probe::release() < MULTI_FROM => "uprobe",
            Programs::Waiting | Programs::Loaded(UprobeTier::Multi, _) => "uprobe.multi",
        }
    }

    /// Hooks the libraries that programs started from now on will most likely load, and programs that have one built in
    /// and are mostly started by others.
    pub(super) fn hook_installed(&mut self, object: &mut Object) {
        for name in BUILT_IN {
            self.see_command(object, OsStr::new(name));
        }
        let cache = std::fs::read(LD_CACHE).unwrap_or_default();
        for path in ldcache::tls_libraries(&cache) {
            self.look(object, Path::new(path), Path::new(path), None);
        }
    }

    /// Looks at the file that an event tells of, if code comes from it.
    pub(super) fn see(&mut self, object: &mut Object, event: &[u8]) {
        let Ok(event) = Event::decode(event) else { return };
        let id = match event.body {
            Body::Mmap(map) if map.prot & PROT_EXEC != 0 && map.ret >= 0 => (map.file.dev, map.file.ino),
            Body::Exec(exec) => (exec.dev, exec.ino),
            _ => return,
        };
        if self.known.contains(&id) {
            return;
        }
        let Some(walk) = event.sections.get(abi::SEC_PATH) else { return };
        let path = PathBuf::from(OsStr::from_bytes(&path_from_walk(walk.bytes)).to_owned());
        // As the process sees it; it may be gone, and the path be ours as well.
        let seen = PathBuf::from(format!("/proc/{}/root{}", event.header.pid, path.display()));
        for place in [&seen, &path] {
            if self.look(object, place, &path, Some(id)) {
                return;
            }
        }
    }

    /// Looks at the program that a command names, as the shell would find it.
    pub(super) fn see_command(&mut self, object: &mut Object, name: &OsStr) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let named = Path::new(name);
        let folders = match named.components().count() {
            1 => std::env::split_paths(&path).collect(),
            _ => vec![PathBuf::new()],
        };
        for place in folders.iter().map(|folder| folder.join(named)) {
            if self.look(object, &place, &place, None) {
                return;
            }
        }
    }

    /// Looks at the programs that the arguments of a command name, and the scripts among them.
    pub(super) fn see_named(&mut self, object: &mut Object, argv: &[OsString]) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        for place in named::programs(argv, &folders) {
            self.look(object, &place, &place, None);
        }
    }

    /// Looks at what a running process has mapped.
    pub(super) fn see_process(&mut self, object: &mut Object, pid: u32) {
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
        let code = maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|prot| prot.contains('x')));
        let paths: std::collections::BTreeSet<&str> =
            code.filter_map(|line| line.find('/').map(|at| &line[at..])).collect();
        for path in paths {
            let seen = format!("/proc/{pid}/root{path}");
            self.look(object, Path::new(&seen), Path::new(path), None);
        }
    }

    /// Looks at a file once and hooks what is in it; `false` when it cannot be read, or is not the one that is meant.
    fn look(&mut self, object: &mut Object, place: &Path, name: &Path, meant: Option<(u32, u64)>) -> bool {
        let opened = OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(place);
        let Ok(file) = opened else { return false };
        let Ok(meta) = file.metadata() else { return false };
        let id = (kernel_dev(meta.dev()), meta.ino());
        // Some file systems give programs another device number than the kernel has; the inode's is the same.
        if !meta.is_file() || meant.is_some_and(|meant| meant.1 != id.1) {
            return false;
        }
        if self.known.len() >= MAX_KNOWN {
            self.known.clear();
        }
        let is_new = self.note(id);
        if meant.is_none_or(|meant| meant == id || self.note(meant)) && is_new {
            let found = match &self.cache {
                Some(cache) => cache.find(&file),
                None => tls::find(&ReadCache::new(&file)),
            };
            for found in found {
                self.hook(object, &file, name, &found);
            }
        }
        true
    }

    /// Remembers that a file was looked at; `false` when it was before.
    fn note(&mut self, id: (u32, u64)) -> bool {
        // A full table costs wake-ups, nothing else.
        let _ = self.files.insert(&FileKey { ino: id.1, dev: id.0, pad: 0 }, &1);
        self.known.insert(id)
    }

    /// Loads the programs, once: for links to many places, else for perf events.
    pub(super) fn load(&mut self, object: &mut Object) {
        if !matches!(self.programs, Programs::Waiting) {
            return;
        }
        let multi = (probe::release() >= MULTI_FROM).then(|| load_multi(object).ok()).flatten();
        self.programs = match multi {
            Some(programs) => Programs::Loaded(UprobeTier::Multi, programs),
            None => match load_perf(object) {
                Ok(programs) => Programs::Loaded(UprobeTier::Perf, programs),
                Err(error) => {
                    let why = format!("{} {}: {}", error.act, error.object, attach::brief(&error.cause));
                    Programs::Refused(why)
                }
            },
        };
    }

    /// Hooks one library of a file.
    fn hook(&mut self, object: &mut Object, file: &File, name: &Path, found: &Found) {
        self.load(object);
        let Programs::Loaded(tier, programs) = &self.programs else { return };
        if self.targets >= MAX_TARGETS {
            self.refused =
                Some(format!("{}: more than {MAX_TARGETS} files with TLS libraries", name.display()));
            return;
        }
        self.targets += 1;
        // The descriptor names the very file that was read, whatever its path leads to by now.
        let place = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        let mut missing = Vec::new();
        for ((program, on_return), offsets) in by_program(found) {
            let Some(loaded) = programs.get(program) else { continue };
            let places =
                Places { file: &place, offsets: &offsets, on_return, cookie: u64::from(self.targets) };
            match Uprobes::attach(loaded.as_fd(), &places, *tier) {
                Ok(hooked) => self.hooked.push(hooked),
                Err(error) => missing.push(format!("{program}: {}", error.cause)),
            }
        }
        let why = missing.join("; ");
        if !missing.is_empty() {
            self.refused = Some(format!("{}: {why}", name.display()));
        }
        let header = abi::Header { ts_ns: monotonic_ns(), ..abi::Header::default() };
        let body = abi::TlsTarget { target: self.targets, library: found.library.number() };
        let event = Builder::new(header, Body::TlsTarget(body))
            .section(abi::SEC_RESOLVED, 0, name.as_os_str().as_bytes())
            .section(abi::SEC_RAW, 0, why.as_bytes());
        self.news.push_back(event.finish());
    }

    /// An event that tells what was found.
    pub(super) fn news(&mut self) -> Option<Vec<u8>> {
        self.news.pop_front()
    }

    /// What could not be hooked, in words; empty when nothing.
    pub(super) fn refused(&self) -> String {
        match &self.programs {
            Programs::Refused(why) => why.clone(),
            _ => self.refused.clone().unwrap_or_default(),
        }
    }

    /// Lets go of all programs and gives what has yet to be taken off.
    pub(super) fn unhook(&mut self) -> Vec<Uprobes> {
        if let Programs::Loaded(_, programs) = &mut self.programs {
            programs.clear();
        }
        std::mem::take(&mut self.hooked)
    }
}

/// The places of each program.
fn by_program(found: &Found) -> BTreeMap<(&'static str, bool), Vec<u64>> {
    let mut places: BTreeMap<_, Vec<u64>> = BTreeMap::new();
    for hook in &found.hooks {
        places.entry((hook.program, hook.on_return)).or_default().push(hook.offset);
    }
    places
}

fn load_multi(object: &mut Object) -> Result<Loaded, LoadError> {
    let programs = object.multi_programs(attach::OBJECT, LOADED)?;
    let names: Vec<&'static str> = MORE.into_iter().chain(tls::programs()).collect();
    let share = |first: usize| {
        let names = names.iter().skip(first).step_by(LOADERS);
        names.map(|name| Ok((*name, programs.load(name)?))).collect::<Result<Loaded, LoadError>>()
    };
    let shares: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (1..LOADERS).map(|first| scope.spawn(move || share(first))).collect();
        let joined =
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        [share(0)].into_iter().chain(joined).collect()
    });
    let mut loaded = Loaded::new();
    for share in shares {
        loaded.extend(share?);
    }
    for (index, more) in (0..).zip(MORE) {
        if let Some(more) = loaded.remove(more) {
            object.set_tail_call_fd(MORE_MAP, index, &more)?;
        }
    }
    Ok(loaded)
}

fn load_perf(object: &mut Object) -> Result<Loaded, LoadError> {
    for (index, more) in (0..).zip(MORE) {
        object.load_uprobe(more)?;
        object.set_tail_call(MORE_MAP, index, more)?;
    }
    tls::programs()
        .map(|name| {
            object.load_uprobe(name)?;
            Ok((name, object.program_fd(name)?))
        })
        .collect()
}
