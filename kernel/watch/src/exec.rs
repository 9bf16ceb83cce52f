//! A new image: arguments, environment, binary, working directory; and execs that fail.

use crate::calls::{process_of, watched};
use crate::candidate::{is_candidate, slot};
use crate::event::{begin, kernel_string, send, send_with, tail, user_bytes, user_string};
use crate::file::{AT_FDCWD, inode_identity, start};
use crate::judge_path::add_verdict;
use crate::maps::{WATCHED, config_flag, current, family, fired, lost, off, produced, self_pid};
use crate::read::{kernel, user, word};
use crate::tls_socket::is_news;
use crate::walk::walk_path;
use aya_ebpf::{
    helpers::generated::{bpf_get_current_pid_tgid, bpf_get_current_task},
    macros::btf_tracepoint,
    programs::BtfTracePointContext,
};
use kernscope_abi::{
    Exec, ExecFail, KIND_EXEC, KIND_EXEC_FAIL, KIND_STRINGS, MAX_CHUNK, MAX_CHUNKS, SEC_BASE, SEC_CWD,
    SEC_FILENAME, SEC_INTERP, SEC_PATH, SEC_RAW, SEC_STRINGS, STRINGS_ARGV, STRINGS_ENV, Strings,
    layout::{
        CONFIG_CANDIDATES, CONFIG_ENV, HOOK_EXEC, LOST_WATCHED_FULL, WATCHED_CANDIDATE, WATCHED_SLOT,
        Watched, variant,
    },
};

#[btf_tracepoint(function = "sched_process_exec")]
pub fn sched_process_exec(ctx: BtfTracePointContext) -> i32 {
    let old_tid: u32 = ctx.arg::<i32>(1) as u32;
    let bprm: u64 = ctx.arg::<*const u8>(2) as u64;
    let _ = told(old_tid, bprm);
    0
}

/// The process, with the parent that it has now, and watched in full if it was registered to be from its first exec on. Where
/// candidates are looked for, who is not watched is one, and who was one is a new one.
#[inline(always)]
fn armed(pid: u32) -> Option<Watched> {
    // SAFETY: copied out at once.
    let known = unsafe { WATCHED.get(pid) }.copied();
    let mut flags = 0;
    if config_flag(CONFIG_CANDIDATES) && pid != self_pid() && known.is_none_or(|known| is_candidate(&known)) {
        flags = WATCHED_CANDIDATE | slot()? << WATCHED_SLOT;
    } else if known.is_none() {
        return watched(pid);
    }
    // SAFETY: no arguments.
    let process = Watched { flags, ..process_of(unsafe { bpf_get_current_task() }) };
    if WATCHED.insert(pid, process, 0).is_err() && known.is_none() {
        lost(family::EXEC, LOST_WATCHED_FULL);
        produced(family::EXEC, KIND_EXEC);
        return None;
    }
    Some(process)
}

#[inline(always)]
fn told(old_tid: u32, bprm: u64) -> Option<()> {
    // SAFETY: no arguments.
    let pid = (unsafe { bpf_get_current_pid_tgid() } >> 32) as u32;
    let process = armed(pid)?;
    fired(family::EXEC, HOOK_EXEC);
    // SAFETY: no arguments.
    let task = unsafe { bpf_get_current_task() };
    let mm = word(task + off!(task_mm) as u64);
    let arg_start = word(mm + off!(mm_arg_start) as u64);
    let arg_bytes = word(mm + off!(mm_arg_end) as u64).wrapping_sub(arg_start) as u32;
    let env_start = word(mm + off!(mm_env_start) as u64);
    let env_bytes = word(mm + off!(mm_env_end) as u64).wrapping_sub(env_start) as u32;
    strings(STRINGS_ARGV, arg_start, arg_bytes, process.start_ns, process.ppid);
    if config_flag(CONFIG_ENV) {
        strings(STRINGS_ENV, env_start, env_bytes, process.start_ns, process.ppid);
    }
    let body = begin::<Exec>(family::EXEC, KIND_EXEC, 0, process.start_ns, process.ppid)?;
    let file = word(mm + off!(mm_exe_file) as u64);
    let (ino, dev, _) = inode_identity(word(file + off!(file_inode) as u64));
    // SAFETY: `begin` gave room for the body.
    unsafe {
        (*body).ino = ino;
        (*body).dev = dev;
        (*body).argc = kernel::<u32>(bprm + off!(bprm_argc) as u64);
        (*body).arg_bytes = arg_bytes;
        (*body).env_bytes = env_bytes;
        (*body).old_tid = old_tid;
        (*body).candidate = if is_candidate(&process) { (process.flags >> WATCHED_SLOT) + 1 } else { 0 };
    }
    let mut pos = walk_path(family::EXEC, tail::<Exec>(), SEC_PATH, file + off!(file_path) as u64);
    pos = add_verdict(family::EXEC, pos);
    pos = walk_path(family::EXEC, pos, SEC_CWD, word(task + off!(task_fs) as u64) + off!(fs_pwd) as u64);
    let filename = word(bprm + off!(bprm_filename) as u64);
    let interp = word(bprm + off!(bprm_interp) as u64);
    pos = kernel_string(family::EXEC, pos, SEC_FILENAME as u32, filename);
    if interp != filename {
        pos = kernel_string(family::EXEC, pos, SEC_INTERP as u32, interp);
    }
    send_with(family::EXEC, pos, is_news(ino, dev) || is_candidate(&process));
    Some(())
}

/// Sends a block of strings in the new image in chunks, at most `MAX_CHUNKS`.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn strings(what: u32, start: u64, bytes: u32, start_ns: u64, ppid: u32) -> u32 {
    for i in 0..MAX_CHUNKS {
        let offset = i * MAX_CHUNK as u32;
        if offset >= bytes {
            break;
        }
        let left = bytes - offset;
        let len = if left > MAX_CHUNK as u32 { MAX_CHUNK as u32 } else { left };
        let Some(body) = begin::<Strings>(family::EXEC, KIND_STRINGS, 0, start_ns, ppid) else { return 0 };
        // SAFETY: `begin` gave room for the body.
        unsafe {
            (*body).what = what;
            (*body).offset = offset;
        }
        let pos = user_bytes(family::EXEC, tail::<Strings>(), SEC_STRINGS as u32, start + offset as u64, len);
        send(family::EXEC, pos);
    }
    0
}

#[btf_tracepoint(function = "____sys_exit")]
pub fn exit_exec(_ctx: BtfTracePointContext) -> i32 {
    let _ = failed();
    0
}

#[inline(always)]
fn failed() -> Option<()> {
    let now = current(family::SYS_EXIT)?;
    if now.ret >= 0 {
        return None;
    }
    let at = now.call.variant == variant::PATH_AT;
    let (dirfd, raw) = if at { (now.args[0] as i32, now.args[1]) } else { (AT_FDCWD, now.args[0]) };
    let body = begin::<ExecFail>(family::SYS_EXIT, KIND_EXEC_FAIL, now.flags, now.start_ns, now.ppid)?;
    // SAFETY: `begin` gave room for the body.
    unsafe {
        (*body).ret = now.ret as i32;
        (*body).dirfd = dirfd;
    }
    let mut pos = tail::<ExecFail>();
    pos = start(family::SYS_EXIT, pos, SEC_BASE, dirfd, user::<u8>(raw));
    pos = user_string(family::SYS_EXIT, pos, SEC_RAW as u32, raw);
    send(family::SYS_EXIT, pos);
    Some(())
}
