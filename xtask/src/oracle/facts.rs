//! What is compared: three sets of texts, with what differs from run to run taken out.

use std::collections::BTreeSet;

/// The sorts of facts, in the order of [`Facts`].
pub(super) const SORTS: [&str; 3] = ["exec", "open", "connect"];

/// What one run did.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Facts {
    sets: [BTreeSet<String>; 3],
    pids: BTreeSet<String>,
}

impl Facts {
    /// The facts of one sort.
    pub(super) fn of(&self, sort: usize) -> &BTreeSet<String> {
        &self.sets[sort]
    }

    /// Notes a process or thread id, to be taken out of the facts by [`Facts::finish`].
    pub(super) fn pid(&mut self, pid: impl Into<String>) {
        self.pids.insert(pid.into());
    }

    /// A program was executed. The first argument is left out: the kernel replaces it for scripts.
    pub(super) fn exec(&mut self, filename: &str, args: &[String]) {
        self.sets[0].insert(format!("{filename} {args:?}"));
    }

    /// A file was opened.
    pub(super) fn open(&mut self, path: &str, mode: &str) {
        self.sets[1].insert(format!("{} {mode}", path.trim_end_matches(" (deleted)")));
    }

    /// A connection was tried.
    pub(super) fn connect(&mut self, remote: &str, outcome: &str) {
        self.sets[2].insert(format!("{} {outcome}", endpoint(remote)));
    }

    /// Takes process ids, temporary names and ports that the kernel chose out of all facts.
    pub(super) fn finish(mut self) -> Self {
        let pids = std::mem::take(&mut self.pids);
        for set in &mut self.sets {
            *set = std::mem::take(set).into_iter().map(|fact| without_ids(&fact, &pids)).collect();
        }
        self
    }
}

fn endpoint(remote: &str) -> String {
    match remote.rsplit_once(':') {
        Some((host, port)) if port.parse::<u32>().is_ok_and(|port| port >= 10_000) => {
            format!("{host}:<port>")
        }
        _ => remote.to_owned(),
    }
}

/// Numbers that are process ids become `<pid>`; words that look made up (`tmpXXXXXX`, `rmetaXXXXXX`,
/// `tmp_obj_XXXXXX`) become `<made-up>`.
fn without_ids(fact: &str, pids: &BTreeSet<String>) -> String {
    let mut out = String::with_capacity(fact.len());
    let mut word = String::new();
    for c in fact.chars().chain(['\0']) {
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
            continue;
        }
        out.push_str(match word.as_str() {
            number if pids.contains(number) => "<pid>",
            name if is_made_up(name) => "<made-up>",
            other => other,
        });
        word.clear();
        out.push(c);
    }
    out.pop();
    out
}

fn is_made_up(word: &str) -> bool {
    ["tmp_obj_", "rmeta", "rustc", "tmp", "cc"].iter().any(|prefix| {
        word.strip_prefix(prefix).is_some_and(|rest| {
            (6..=8).contains(&rest.len())
                && rest.bytes().all(|b| b.is_ascii_alphanumeric())
                && rest.bytes().any(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_run_to_run_is_taken_out() {
        let mut facts = Facts::default();
        facts.pid("4711");
        facts.open("/proc/4711/maps", "read");
        facts.open("/r/.git/objects/ab/tmp_obj_Xy12Zw", "create");
        facts.open("/usr/tmpfiles/4712", "read");
        facts.connect("127.0.0.1:40001", "0");
        let facts = facts.finish();
        let opens: Vec<&str> = facts.of(1).iter().map(String::as_str).collect();
        assert_eq!(
            opens,
            ["/proc/<pid>/maps read", "/r/.git/objects/ab/<made-up> create", "/usr/tmpfiles/4712 read"]
        );
        assert!(facts.of(2).contains("127.0.0.1:<port> 0"));
    }
}
