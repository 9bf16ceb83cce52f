//! Commands among the arguments of programs that name machines, with nothing before them that a shell would heed.
//!
//! `ping 127.0.0.1^cat /etc/passwd` does no harm here. Whoever gives a server such a name tries what it does with it.

use super::heads;
use super::payload;
use super::script::{Command, Word};

/// Whether an argument of a program that names machines is none: `ping 'cat /etc/passwd'`, `host '1curl http://x'`.
pub(super) fn is_misplaced(command: &Command) -> bool {
    let inner = command.unwrapped();
    let command = inner.as_ref().unwrap_or(command);
    if reads_program(command) {
        return true;
    }
    if heads::takes_data(command) < 2 || command.name() == "nmap" {
        return false;
    }
    let args: Vec<&str> = command.args().collect();
    args.iter().enumerate().any(|(at, arg)| {
        // `-f FILE` has lists of names.
        let is_list = at > 0 && args[at - 1] == "-f";
        let parts = || arg.split([' ', ';', '|', '&', '^', '<', '>', '`', '(']);
        let before = at.checked_sub(1).map_or("", |before| args[before]);
        let fetched = arg.starts_with("http") && ["curl", "wget"].iter().any(|name| before.ends_with(name));
        let fetches = ["curl http", "wget http"].iter().any(|text| arg.contains(text));
        !is_list
            && (parts().any(|part| part.starts_with('/') && payload::is_account_file(part))
                || arg.contains("/bin/"))
            || fetched
            || fetches
    })
}

/// `echo x<cat /etc/passwd`: what is read is named as a program that shows files, and a file for it stands behind it.
fn reads_program(command: &Command) -> bool {
    let shows = |name: &str| matches!(name, "cat" | "more" | "less" | "head" | "tail" | "type");
    let named = |(op, target): &(String, Word)| op == "<" && shows(&target.text);
    command.redirects.iter().any(named) && command.args().any(payload::is_account_file)
}
