//! A small run with at least one entry of every kind, for the tests of this crate.

mod calls;
mod said;
mod told;

use crate::{Body, Coverage, Entry, Hook, Ledger, Proc, State, TlsTarget};

fn proc(pid: u32, ppid: u32, comm: &str, exe: &str) -> Proc {
    Proc {
        pid,
        tid: pid,
        ppid,
        uid: 1000,
        comm: comm.into(),
        exe: Some(exe.into()),
        start_ns: u64::from(pid) * 1_000_000,
        agent: None,
    }
}

/// About the run itself.
pub(crate) fn coverage() -> Coverage {
    let hook = |name: &str, state, why: &str| Hook {
        name: name.to_owned(),
        tier: "tp_btf".to_owned(),
        state,
        why: why.to_owned(),
    };
    Coverage {
        backend: "ebpf".to_owned(),
        why: "asked for".to_owned(),
        hooks: vec![
            hook("exec", State::Attached, ""),
            hook("io_uring", State::Idle, ""),
            hook("path_calls", State::Partial, "no fentry: paths are joined"),
            hook("tls", State::Blind, "not built in"),
        ],
        tls: vec![TlsTarget {
            pid: 100,
            exe: "/usr/bin/curl".to_owned(),
            library: "openssl".to_owned(),
            path: Some("/usr/lib/libssl.so.3".to_owned()),
            state: State::Attached,
            why: String::new(),
        }],
    }
}

/// An account with every part.
pub(crate) fn ledger() -> Ledger {
    Ledger {
        seen: 40,
        emitted: 30,
        filtered: 7,
        lost: [("ring_full".to_owned(), 3)].into(),
        closes: false,
        filtered_by: [("unused_fd".to_owned(), 7)].into(),
        seen_by: [("open".to_owned(), 40)].into(),
    }
    .close()
}

/// The entries, in order, half a millisecond apart.
pub(crate) fn entries() -> Vec<Entry> {
    let bodies =
        [calls::processes(), calls::files(), calls::network(), said::content(), calls::ends()].concat();
    let mut entries: Vec<Entry> = bodies
        .into_iter()
        .zip(0u64..)
        .map(|((pid, body), n)| Entry {
            ts_ns: 5_000_000_000 + n * 500_000,
            proc: Some(match pid {
                1 => proc(1, 0, "init", "/sbin/init"),
                100 => proc(100, 1, "bash", "/usr/bin/bash"),
                _ => proc(101, 100, "cat", "/usr/bin/cat"),
            }),
            body,
            escaped: if n == 5 { vec!["path", "raw_path"] } else { Vec::new() },
        })
        .collect();
    for body in [
        told::matched(),
        told::device(),
        told::alert(),
        told::policy_deny(),
        told::counts(),
        told::probe(),
        told::verdict(),
        Body::Coverage(coverage()),
        Body::Ledger(ledger()),
    ] {
        entries.push(Entry { ts_ns: 6_000_000_000, proc: None, body, escaped: Vec::new() });
    }
    entries
}
