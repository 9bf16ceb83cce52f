//! Execs: looked at before, told when they have worked or failed.

use super::Ptrace;
use super::calls::{Abi, Call};
use super::memory::{self, Text};
use super::places::{self, FIRST, Found, Passed};
use super::stops::{fd, low};
use super::tasks::{Attempt, Before, Part, Thread};
use crate::proc_snapshot::{self, Link};
use crate::raw::Body;
use kernscope_abi as abi;
use kernscope_kit::trace;
use nix::libc;
use std::fs;

/// As much of a script as the kernel looks at (`BINPRM_BUF_SIZE`).
const SCRIPT_HEAD: usize = 256;
/// Interpreters that are scripts themselves, one after the other (fs/exec.c, `exec_binprm`).
const MAX_SCRIPTS: usize = 5;

impl Ptrace {
    /// An exec begins.
    pub(super) fn attempt(&mut self, tid: i32, call: Call, args: &[u64; 6]) -> Before {
        let (dirfd, addr, flags) = match call {
            Call::Execveat => (fd(args[0]), args[1], low(args[4])),
            _ => (libc::AT_FDCWD, args[0], 0),
        };
        let raw = memory::string(tid, addr);
        let filename = filename(dirfd, &raw.bytes);
        let follow = flags & libc::AT_SYMLINK_NOFOLLOW.cast_unsigned() == 0;
        let by_descriptor = raw.flags == 0 && raw.bytes.is_empty();
        let mut found = self.find(tid, &Passed { dirfd, raw, follow }, FIRST);
        let mut named = found.object().as_ref().map(places::identity);
        if by_descriptor {
            named = places::descriptor(tid, dirfd).map(|link| (link.dev, link.ino));
            found.host = Some(format!("/proc/{tid}/fd/{dirfd}").into());
        }
        let mut attempt = Attempt { dirfd, filename, named, ..Attempt::default() };
        // A name that is not there fails: most do, on the way through PATH.
        if named.is_some() {
            attempt.interpreter = self.interpreter(tid, &found);
            attempt.closing = close_on_exec(tid);
        }
        attempt.parts = found.parts;
        Before::Exec(Box::new(attempt))
    }

    /// The interpreter that the kernel will run for a script: where that is a script too, the one it names.
    fn interpreter(&mut self, tid: i32, script: &Found) -> Option<Vec<u8>> {
        let mut last = named_interpreter(script)?;
        for _ in 1..MAX_SCRIPTS {
            let raw = Text { bytes: last.clone(), flags: 0 };
            let found = self.find(tid, &Passed { dirfd: libc::AT_FDCWD, raw, follow: true }, FIRST);
            let Some(next) = named_interpreter(&found) else { break };
            last = next;
        }
        Some(last)
    }

    /// An exec has failed.
    pub(super) fn exec_failed(&mut self, tid: i32, attempt: Attempt, ret: i32) {
        let body = abi::ExecFail { ret, dirfd: attempt.dirfd };
        let header = self.header(tid);
        self.tell(header, Body::ExecFail(body), &attempt.parts);
    }

    /// An exec has worked: the task is alone in its process now, and has the process's id.
    pub(super) fn executed(&mut self, tid: i32) {
        let pid = tid.unsigned_abs();
        let old = trace::event_message(tid).ok().and_then(|id| i32::try_from(id).ok()).unwrap_or(tid);
        let pending = self.threads.get_mut(&old).and_then(|thread| thread.pending.take());
        let attempt = match pending.map(|pending| pending.before) {
            Some(Before::Exec(attempt)) => *attempt,
            _ => Attempt::default(),
        };
        let comm = self.threads.get(&old).map_or([0; abi::COMM_LEN], |thread| thread.comm);
        self.threads.retain(|_, thread| thread.pid != pid);
        self.threads.insert(tid, Thread { pid, comm, pending: None, ending: false });
        if let Some(process) = self.processes.get_mut(&pid) {
            process.tids = [tid].into();
        }
        for (fd, link) in &attempt.closing {
            if places::descriptor(tid, *fd).is_none() {
                self.gone(tid, *fd, link, abi::CLOSE_EXEC, Abi::Native);
            }
        }
        self.refresh(tid);
        self.renamed(tid);
        let argv = fs::read(format!("/proc/{tid}/cmdline")).unwrap_or_default();
        let env =
            if self.env { fs::read(format!("/proc/{tid}/environ")).unwrap_or_default() } else { Vec::new() };
        self.strings(tid, abi::STRINGS_ARGV, &argv);
        self.strings(tid, abi::STRINGS_ENV, &env);
        self.tell_exec(tid, old, &attempt, &argv, &env);
    }

    fn tell_exec(&mut self, tid: i32, old: i32, attempt: &Attempt, argv: &[u8], env: &[u8]) {
        let exe = proc_snapshot::link(&format!("/proc/{tid}/exe"));
        let ran = exe.as_ref().map(|exe| (exe.dev, exe.ino));
        let count = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        let body = abi::Exec {
            ino: ran.map_or(0, |(_, ino)| ino),
            dev: ran.map_or(0, |(dev, _)| dev),
            argc: count(argv.iter().filter(|&&b| b == 0).count()),
            arg_bytes: count(argv.len()),
            env_bytes: count(env.len()),
            old_tid: old.unsigned_abs(),
            candidate: 0,
        };
        let mut parts = Vec::new();
        parts.extend(exe.as_ref().map(|exe| places::walk_part(abi::SEC_PATH, exe)));
        let cwd = proc_snapshot::link(&format!("/proc/{tid}/cwd"));
        parts.extend(cwd.as_ref().map(|cwd| places::walk_part(abi::SEC_CWD, cwd)));
        parts.push(Part { tag: abi::SEC_FILENAME, flags: 0, bytes: attempt.filename.clone() });
        if attempt.named.is_some() && attempt.named != ran {
            let by_name = exe.map(|exe| exe.path).unwrap_or_default();
            let bytes = attempt.interpreter.clone().unwrap_or(by_name);
            parts.push(Part { tag: abi::SEC_INTERP, flags: 0, bytes });
        }
        let header = self.header(tid);
        self.tell(header, Body::Exec(body), &parts);
    }

    fn strings(&mut self, tid: i32, what: u32, block: &[u8]) {
        let most = abi::MAX_CHUNK * abi::MAX_CHUNKS as usize;
        for (n, chunk) in block[..block.len().min(most)].chunks(abi::MAX_CHUNK).enumerate() {
            let offset = u32::try_from(n * abi::MAX_CHUNK).unwrap_or(u32::MAX);
            let part = Part { tag: abi::SEC_STRINGS, flags: 0, bytes: chunk.to_vec() };
            let header = self.header(tid);
            self.tell(header, Body::Strings(abi::Strings { what, offset }), &[part]);
        }
    }
}

/// The name of the file as the kernel puts it together for `execveat` (fs/exec.c, `alloc_bprm`).
fn filename(dirfd: i32, raw: &[u8]) -> Vec<u8> {
    if dirfd == libc::AT_FDCWD || raw.first() == Some(&b'/') {
        return raw.to_vec();
    }
    let mut name = format!("/dev/fd/{dirfd}").into_bytes();
    if !raw.is_empty() {
        name.push(b'/');
        name.extend_from_slice(raw);
    }
    name
}

/// The interpreter that the first line of a script names.
fn named_interpreter(found: &Found) -> Option<Vec<u8>> {
    let head = places::head(found.host.as_ref()?, SCRIPT_HEAD)?;
    let line = head.strip_prefix(b"#!")?.split(|&b| b == b'\n').next()?;
    let word = line.trim_ascii_start().split(u8::is_ascii_whitespace).next()?;
    (!word.is_empty()).then(|| word.to_vec())
}

/// The descriptors of a task that an exec will close.
fn close_on_exec(tid: i32) -> Vec<(i32, Link)> {
    let Ok(entries) = fs::read_dir(format!("/proc/{tid}/fdinfo")) else { return Vec::new() };
    let marked = |fd: &i32| {
        let info = fs::read_to_string(format!("/proc/{tid}/fdinfo/{fd}")).unwrap_or_default();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = flags.and_then(|flags| i32::from_str_radix(flags.trim(), 8).ok());
        flags.is_some_and(|flags| flags & libc::O_CLOEXEC != 0)
    };
    let fds = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let mut closing: Vec<(i32, Link)> = fds
        .filter(|&fd| fd >= 0 && fd.unsigned_abs() as usize <= abi::MAX_FDS)
        .filter(marked)
        .filter_map(|fd| Some((fd, places::descriptor(tid, fd)?)))
        .collect();
    closing.sort_by_key(|&(fd, _)| fd);
    closing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_execveat() {
        assert_eq!(filename(libc::AT_FDCWD, b"./x"), b"./x");
        assert_eq!(filename(5, b"/bin/x"), b"/bin/x");
        assert_eq!(filename(5, b"x"), b"/dev/fd/5/x");
        assert_eq!(filename(5, b""), b"/dev/fd/5");
    }
}
