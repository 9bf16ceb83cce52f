//! TLS libraries found and hooked: those that the dynamic linker knows before anything runs, others when a process of the
//! tree maps or executes them.
//!
//! A place in a file is hooked once, for all processes of the machine; the programs ask whether the process is watched.

use crate::proc_snapshot::kernel_dev;
use crate::raw::{Body, Builder, Event, path_from_walk};
use crate::tls::{self, Found, ldcache};
use kernscope_abi as abi;
use kernscope_abi::layout::FileKey;
use kernscope_kit::attach::{Places, UprobeTier, Uprobes};
use kernscope_kit::load::{LoadError, Object, Table};
use kernscope_kit::probe;
use object::ReadCache;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
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
const BUILT_IN: &[&str] = &["node"];
/// The program that goes on with long calls, and where it goes.
const MORE: &str = "tls_more";
const MORE_MAP: &str = "TLS_MORE";
/// The files that the kernel side need not wake us for.
const FILES_MAP: &str = "TLS_FILES";
/// A program that is loaded before.
const LOADED: &str = "exit_open";
/// First kernel with links for many places at once.
const MULTI_FROM: (u32, u32) = (6, 6);

/// Files that are hooked, and those that need not be.
#[derive(Debug)]
pub(super) struct Libraries {
    tier: UprobeTier,
    programs: BTreeMap<&'static str, OwnedFd>,
    /// Device and inode of the files that were looked at; the kernel side has them as well, to wake us for others.
    known: HashSet<(u32, u64)>,
    files: Table<FileKey, u32, 16, 4>,
    hooked: Vec<Uprobes>,
    targets: u32,
    /// Events that tell what was found.
    news: VecDeque<Vec<u8>>,
    /// The last place that could not be hooked, and why.
    refused: Option<String>,
}

impl Libraries {
    /// Loads the programs: for links to many places, else for perf events.
    ///
    /// # Errors
    /// When the kernel refuses one.
    pub(super) fn load(object: &mut Object) -> Result<Self, LoadError> {
        if probe::release() >= MULTI_FROM
            && let Ok(programs) = load_multi(object)
        {
            return Ok(Self::new(UprobeTier::Multi, programs, object.table(FILES_MAP)?));
        }
        let programs = load_perf(object)?;
        Ok(Self::new(UprobeTier::Perf, programs, object.table(FILES_MAP)?))
    }

    fn new(
        tier: UprobeTier,
        programs: BTreeMap<&'static str, OwnedFd>,
        files: Table<FileKey, u32, 16, 4>,
    ) -> Self {
        Self {
            tier,
            programs,
            known: HashSet::new(),
            files,
            hooked: Vec::new(),
            targets: 0,
            news: VecDeque::new(),
            refused: None,
        }
    }

    /// Its name in the coverage statement.
    pub(super) fn tier(&self) -> &'static str {
        match self.tier {
            UprobeTier::Multi => "uprobe.multi",
            UprobeTier::Perf => "uprobe",
        }
    }

    /// Hooks the libraries that programs started from now on will most likely load, and programs that have one built in
    /// and are mostly started by others.
    pub(super) fn hook_installed(&mut self) {
        for name in BUILT_IN {
            self.see_command(OsStr::new(name));
        }
        let cache = std::fs::read(LD_CACHE).unwrap_or_default();
        for path in ldcache::tls_libraries(&cache) {
            self.look(Path::new(path), Path::new(path), None);
        }
    }

    /// Looks at the file that an event tells of, if code comes from it.
    pub(super) fn see(&mut self, event: &[u8]) {
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
            if self.look(place, &path, Some(id)) {
                return;
            }
        }
    }

    /// Looks at the program that a command names, as the shell would find it.
    pub(super) fn see_command(&mut self, name: &OsStr) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let named = Path::new(name);
        let folders = match named.components().count() {
            1 => std::env::split_paths(&path).collect(),
            _ => vec![PathBuf::new()],
        };
        for place in folders.iter().map(|folder| folder.join(named)) {
            if self.look(&place, &place, None) {
                return;
            }
        }
    }

    /// Looks at what a running process has mapped.
    pub(super) fn see_process(&mut self, pid: u32) {
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
        let code = maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|prot| prot.contains('x')));
        let paths: std::collections::BTreeSet<&str> =
            code.filter_map(|line| line.find('/').map(|at| &line[at..])).collect();
        for path in paths {
            let seen = format!("/proc/{pid}/root{path}");
            self.look(Path::new(&seen), Path::new(path), None);
        }
    }

    /// Looks at a file once and hooks what is in it; `false` when it cannot be read, or is not the one that is meant.
    fn look(&mut self, place: &Path, name: &Path, meant: Option<(u32, u64)>) -> bool {
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
            for found in tls::find(&ReadCache::new(&file)) {
                self.hook(&file, name, &found);
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

    /// Hooks one library of a file.
    fn hook(&mut self, file: &File, name: &Path, found: &Found) {
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
            let Some(loaded) = self.programs.get(program) else { continue };
            let places =
                Places { file: &place, offsets: &offsets, on_return, cookie: u64::from(self.targets) };
            match Uprobes::attach(loaded.as_fd(), &places, self.tier) {
                Ok(hooked) => self.hooked.push(hooked),
                Err(error) => missing.push(format!("{program}: {}", error.cause)),
            }
        }
        let why = missing.join("; ");
        if !missing.is_empty() {
            self.refused = Some(format!("{}: {why}", name.display()));
        }
        let header = abi::Header { ts_ns: super::now_ns(), ..abi::Header::default() };
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
        self.refused.clone().unwrap_or_default()
    }

    /// Takes all hooks off.
    pub(super) fn detach(&mut self) {
        Uprobes::detach_all(std::mem::take(&mut self.hooked));
        self.programs.clear();
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

fn load_multi(object: &mut Object) -> Result<BTreeMap<&'static str, OwnedFd>, LoadError> {
    let programs = object.multi_programs(super::attach::OBJECT, LOADED)?;
    let more = programs.load(MORE)?;
    object.set_tail_call_fd(MORE_MAP, 0, &more)?;
    tls::programs().map(|name| Ok((name, programs.load(name)?))).collect()
}

fn load_perf(object: &mut Object) -> Result<BTreeMap<&'static str, OwnedFd>, LoadError> {
    object.load_uprobe(MORE)?;
    object.set_tail_call(MORE_MAP, 0, MORE)?;
    tls::programs()
        .map(|name| {
            object.load_uprobe(name)?;
            Ok((name, object.program_fd(name)?))
        })
        .collect()
}
