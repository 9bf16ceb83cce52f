//! What is compared: three sets of texts, with what differs from run to run taken out.

use std::collections::BTreeSet;

/// The sorts of facts, in the order of [`Facts`].
pub(super) const SORTS: [&str; 3] = ["exec", "open", "connect"];

/// What one run did.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Facts([BTreeSet<String>; 3]);

impl Facts {
    /// The facts of one sort.
    pub(super) fn of(&self, sort: usize) -> &BTreeSet<String> {
        &self.0[sort]
    }

    /// A program was executed. The first argument is left out: the kernel replaces it for scripts.
    pub(super) fn exec(&mut self, filename: &str, args: &[String]) {
        self.0[0].insert(without_names(&format!("{filename} {args:?}")));
    }

    /// A file was opened.
    pub(super) fn open(&mut self, path: &str, mode: &str) {
        let path = path.trim_end_matches(" (deleted)");
        let path = match path.split_once(":[") {
            Some((kind, _)) => kind.to_owned(),
            None if path.starts_with("/proc/") => without_ids(path),
            None => without_names(path),
        };
        self.0[1].insert(format!("{path} {mode}"));
    }

    /// A connection was tried.
    pub(super) fn connect(&mut self, remote: &str, outcome: &str) {
        self.0[2].insert(format!("{} {outcome}", endpoint(remote)));
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

/// Components of a path in `/proc` that are numbers are process or thread ids.
fn without_ids(path: &str) -> String {
    let is_id = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    path.split('/').map(|part| if is_id(part) { "<pid>" } else { part }).collect::<Vec<_>>().join("/")
}

/// Words that look made up (`tmpXXXXXX`, `rmetaXXXXXX`, `tmp_obj_XXXXXX`) become `<made-up>`.
fn without_names(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars().chain(['\0']) {
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
            continue;
        }
        let made_up = is_made_up(&out, &word);
        out.push_str(if made_up { "<made-up>" } else { &word });
        word.clear();
        out.push(c);
    }
    out.pop();
    without_invocation(&out)
}

/// rustc names object files `CRATE.UNIT.INVOCATION.rcgu.o`, the invocation at random.
fn without_invocation(text: &str) -> String {
    let parts: Vec<&str> = text.split(".rcgu.o").collect();
    let last = parts.len() - 1;
    let cut = |(index, part): (usize, &&str)| match part.rsplit_once('.') {
        Some((rest, _)) if index < last => format!("{rest}.<made-up>"),
        _ => (*part).to_owned(),
    };
    parts.iter().enumerate().map(cut).collect::<Vec<_>>().join(".rcgu.o")
}

/// Whether `word`, which follows `before`, is a temporary name of git, rustc, gcc or mkstemp.
fn is_made_up(before: &str, word: &str) -> bool {
    let six = |rest: &str| rest.len() == 6 && rest.bytes().all(|b| b.is_ascii_alphanumeric());
    let mixed = |rest: &str| {
        (6..=8).contains(&rest.len())
            && rest.bytes().all(|b| b.is_ascii_alphanumeric())
            && rest.bytes().any(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    let after = |prefix: &str, test: &dyn Fn(&str) -> bool| word.strip_prefix(prefix).is_some_and(test);
    ["tmp_obj_", "rmeta", "rustc"].iter().any(|prefix| after(prefix, &six))
        || ["target", "tmp", "cc"].iter().any(|prefix| after(prefix, &mixed))
        || (before.ends_with("/.git/") && after("t", &six))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_run_to_run_is_taken_out() {
        let mut facts = Facts::default();
        facts.open("/proc/4711/maps", "read");
        facts.open("/r/.git/objects/ab/tmp_obj_kdkksh", "create");
        facts.open("/usr/tmpfiles/4712", "read");
        facts.connect("127.0.0.1:40001", "0");
        let opens: Vec<&str> = facts.of(1).iter().map(String::as_str).collect();
        assert_eq!(
            opens,
            ["/proc/<pid>/maps read", "/r/.git/objects/ab/<made-up> create", "/usr/tmpfiles/4712 read"]
        );
        assert!(facts.of(2).contains("127.0.0.1:<port> 0"));
    }
}
