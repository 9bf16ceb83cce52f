//! `--on-access`: files are looked at as they are used.

use crate::failure::Failure;
use crate::stream::note;
use kernscope_report::{Hook, Proc, State};
use kernscope_scan::{Access, Tally, User, Watched};
use std::path::PathBuf;

/// Begins to hear of what is used, and says so.
pub(super) fn open(folders: &[PathBuf]) -> Result<Access, Failure> {
    let access = Access::open(folders).map_err(Failure::usage)?;
    for watched in access.watched() {
        let path = watched.path.display();
        match &watched.why_not {
            None => note(format_args!("{path} is watched; Ctrl-C ends it, and tells the account")),
            Some(why) => note(format_args!("{path} is not watched: {why}")),
        }
    }
    Ok(access)
}

/// A process in a record.
pub(super) fn proc(user: &User) -> Proc {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).as_ref().into();
    Proc {
        pid: user.pid,
        tid: user.pid,
        ppid: user.ppid,
        uid: user.uid,
        comm: text(&user.comm),
        exe: user.exe.as_ref().map(|exe| text(exe.as_encoded_bytes())),
        start_ns: user.start_ns,
        agent: None,
    }
}

/// All that is watched, as one hook: the kernel tells of it in one queue.
pub(super) fn hook(watched: &[Watched], tally: &Tally) -> Option<Hook> {
    let tier = watched.first()?.tier.to_owned();
    let why = blind(watched).join("; ");
    let state = match tally.seen_by.get("access") {
        _ if !why.is_empty() => State::Partial,
        Some(1..) => State::Attached,
        _ => State::Idle,
    };
    Some(Hook { name: "fanotify".to_owned(), tier, state, why })
}

/// What was looked at, and what was not.
pub(super) fn coverage(watched: &[Watched]) -> String {
    let used = "files were looked at when they were opened or closed; what nobody used was not";
    std::iter::once(used.to_owned()).chain(blind(watched)).collect::<Vec<_>>().join("; ")
}

fn blind(watched: &[Watched]) -> Vec<String> {
    let not = watched.iter().filter_map(|watched| Some((watched.path.display(), watched.why_not.as_ref()?)));
    not.map(|(path, why)| format!("{path} was not watched: {why}")).collect()
}
