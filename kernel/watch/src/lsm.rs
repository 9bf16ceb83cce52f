//! What is denied fails: the part that programs on LSM hooks have in common. Each `lsm_*.rs` is one subject.
//!
//! A program asks [`refuse`] with a place (mount and dentry, as the hook has them) and the classes of access; what comes back
//! decides between 0 and `-EPERM`. Nobody but watched processes is asked about. A program that is running may be preempted, and
//! another come on its CPU: each takes one of a few buffers, and where all are taken, or a path is not known to its end, the
//! answer is no.
//!
//! Minimum kernel: 5.7, and BPF among the active security modules.

use crate::calls::watched;
use crate::candidate::is_candidate;
use crate::event::{begin, send, tail};
use crate::file::inode_identity;
use crate::io::add;
use crate::judge_path::{judge, judge_place, policy_word};
use crate::maps::{LSM_BUSY, WATCHED, config_flag, family, fired, member};
use crate::other_mount::MNT_INTERNAL;
use crate::read::word;
use crate::walk::{named, walk_from};
use aya_ebpf::helpers::generated::bpf_get_current_pid_tgid;
use aya_ebpf::{EbpfContext, programs::LsmContext};
use kernscope_abi::{
    DENY_EXEC, Deny, KIND_DENY, SEC_PATH, SEC_PATH2,
    layout::{CONFIG_ALL, HOOK_LSM, Watched},
    paths::{CLASSES, EXEC, GUARD, READ, UNDECIDED, WRITE, denied, policy},
};

pub(crate) const READS: u32 = 1 << READ;
pub(crate) const WRITES: u32 = 1 << WRITE;
pub(crate) const EXECUTES: u32 = 1 << EXEC;
/// Only what is on a list of the class counts, not what is on none.
pub(crate) const LISTED: u32 = 1 << 8;
const ALL: u32 = (1 << CLASSES) - 1;
/// Beside the classes of an event: the place is a directory above something denied.
const GUARDED: u32 = kernscope_abi::DENY_GUARDED;
/// `a0` of a place whose mount is the first of its file system because the hook has none.
pub(crate) const NO_MOUNT_TOLD: u64 = u64::MAX;
/// `-EPERM`.
pub(crate) const REFUSED: i32 = -1;

/// What the hook returns.
#[inline(always)]
pub(crate) fn verdict(refused: u32) -> i32 {
    if refused != 0 { REFUSED } else { 0 }
}

/// An argument of the hook as a number, not as the typed pointer that the verifier would take it for.
#[inline(always)]
pub(crate) fn argument(ctx: &LsmContext, n: u64) -> u64 {
    word(ctx.as_ptr() as u64 + 8 * n)
}

/// Whether the current task is held to a policy; quick for all that are not.
#[inline(always)]
pub(crate) fn is_held() -> bool {
    // SAFETY: no arguments.
    let pid = (unsafe { bpf_get_current_pid_tgid() } >> 32) as u32;
    // SAFETY: only whether there is an entry.
    policy_word() & policy::ON != 0 && (config_flag(CONFIG_ALL) || unsafe { WATCHED.get(pid) }.is_some())
}

/// The asking process and the policy's word, if this process is held to it.
#[inline(always)]
pub(crate) fn held() -> Option<(Watched, u64)> {
    let word = policy_word();
    if word & policy::ON == 0 {
        return None;
    }
    // SAFETY: no arguments.
    let pid = (unsafe { bpf_get_current_pid_tgid() } >> 32) as u32;
    let process = watched(pid)?;
    if is_candidate(&process) {
        return None;
    }
    fired(family::LSM, HOOK_LSM);
    Some((process, word))
}

/// Of some classes those that are enforced.
#[inline(always)]
fn enforced(word: u64, classes: u32) -> u32 {
    classes & ALL & (word / policy::enforced(READ)) as u32
}

/// Takes a buffer of this CPU that nobody has.
#[inline(always)]
fn take() -> Option<u32> {
    for i in 0..family::LSM_BUFFERS {
        let busy = LSM_BUSY.get_ptr_mut(i)?;
        // Who finds itself alone after it has signed in has the buffer; two at once may both go on to the next.
        add(busy, 1);
        // SAFETY: a map value.
        if unsafe { busy.read_volatile() } == 1 {
            return Some(family::LSM + i);
        }
        add(busy, u64::MAX);
    }
    None
}

#[inline(always)]
fn give_back(family: u32) {
    if let Some(busy) = LSM_BUSY.get_ptr_mut(family - family::LSM) {
        add(busy, u64::MAX);
    }
}

/// Of some classes those that a path with these bits is denied.
#[inline(always)]
fn denied_of(word: u64, bits: u32, classes: u32) -> u32 {
    let mut found = 0;
    for class in 0..CLASSES {
        let by_default = classes & LISTED == 0 && word & policy::default_denied(class) != 0;
        if classes & (1 << class) != 0 && (bits & UNDECIDED != 0 || denied(bits, class, by_default)) {
            found |= 1 << class;
        }
    }
    found
}

/// Whether an access to the object at a place is refused; then it is told.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn refuse(what: u32, classes: u32, mnt: u64, dentry: u64, a0: u64) -> u32 {
    let Some((process, word)) = held() else { return 0 };
    let mut asked = enforced(word, classes);
    let flags: u32 = member!(mnt, vfsmount, mnt_flags);
    if flags & MNT_INTERNAL != 0 && what != DENY_EXEC {
        // No file of any directory; whoever has it open may use it.
        asked = 0;
    }
    if asked == 0 {
        return 0;
    }
    let Some(family) = take() else { return 1 };
    let end = walk_from(family, tail::<Deny>(), SEC_PATH, mnt, dentry);
    // A hook that is not told the mount has taken the first one, which says nothing of who asks.
    let bits = if a0 == NO_MOUNT_TOLD { judge(family) } else { judge_place(family, end) };
    named(family, tail::<Deny>());
    let found = denied_of(word, bits, asked | classes & LISTED);
    if found != 0 {
        let _ =
            tell(family, end, &process, &Deny { what, classes: found, judged: bits, a0, ..about(dentry) });
    }
    give_back(family);
    found
}

/// Whether giving the object at one place another name (a second one, for a link) is refused; then it is told.
///
/// The directories of both names must be writable by the policy; and under the new name nothing may be allowed that was not.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn refuse_name(what: u32, mnt: u64, dentry: u64, mnt2: u64, dentry2: u64) -> u32 {
    let Some((process, word)) = held() else { return 0 };
    let asked = enforced(word, ALL);
    if asked == 0 {
        return 0;
    }
    let Some(family) = take() else { return 1 };
    let second = walk_from(family, tail::<Deny>(), SEC_PATH, mnt, dentry);
    let old = judge_place(family, second);
    named(family, tail::<Deny>());
    let end = walk_from(family, second, SEC_PATH2, mnt2, dentry2);
    let new = judge_place(family, end);
    named(family, second);
    let (of_old, of_new) = (denied_of(word, old, asked), denied_of(word, new, asked));
    let mut found = (of_old | of_new) & WRITES | of_old & !of_new;
    // What is there already is replaced, or changes places with the other.
    if inode_of(dentry2) != 0 {
        found |= of_new & !of_old;
    }
    if (old | new) & GUARD != 0 && what == kernscope_abi::DENY_RENAME {
        found |= GUARDED;
    }
    if found != 0 {
        let deny = Deny { what, classes: found, judged: old, judged2: new, ..about(dentry) };
        let _ = tell(family, end, &process, &deny);
    }
    give_back(family);
    found
}

/// The inode of an entry, or 0.
#[inline(always)]
fn inode_of(dentry: u64) -> u64 {
    member!(dentry, dentry, dentry_inode)
}

/// The object of an entry, for an event.
#[inline(always)]
fn about(dentry: u64) -> Deny {
    let inode = inode_of(dentry);
    let (ino, dev, _) = if inode == 0 { (0, 0, 0) } else { inode_identity(inode) };
    Deny { what: 0, classes: 0, judged: 0, judged2: 0, a0: 0, ino, dev, pad: 0 }
}

/// Sends an event whose sections end at `end`.
#[inline(always)]
fn tell(family: u32, end: u32, process: &Watched, deny: &Deny) -> Option<()> {
    let body = begin::<Deny>(family, KIND_DENY, 0, process.start_ns, process.ppid)?;
    // SAFETY: `begin` gave room for the body.
    unsafe { *body = *deny };
    send(family, end);
    Some(())
}

/// Tells that something without a path is refused; 0 when that could not be told.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn tell_refused(what: u32, a0: u64) -> u32 {
    let Some((process, _)) = held() else { return 0 };
    let Some(family) = take() else { return 0 };
    let deny = Deny { what, classes: 0, judged: 0, judged2: 0, a0, ino: 0, dev: 0, pad: 0 };
    let told = tell(family, tail::<Deny>(), &process, &deny);
    give_back(family);
    told.is_some() as u32
}
