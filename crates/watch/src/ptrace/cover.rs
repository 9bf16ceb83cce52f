//! What the back end can say for itself: which hooks have fired, what was produced and lost.

use crate::backend::Account;
use kernscope_abi as abi;
use kernscope_report::{Coverage, Hook, State};

/// Counters behind the coverage statement and the ledger.
#[derive(Debug, Default)]
pub(super) struct Cover {
    /// The account so far.
    pub account: Account,
    /// `io_uring` instances that were set up.
    pub rings: u64,
    /// Sockets whose addresses the kernel was not allowed to tell us.
    pub untold_sockets: u64,
    /// A running tree was attached to.
    pub attached: bool,
    /// Set-user-ID programs do not gain privilege.
    pub no_new_privs: bool,
}

impl Cover {
    /// Counts an event that is about to be delivered.
    pub(super) fn produced(&mut self, kind: u16) {
        if let Some(count) = self.account.produced.get_mut(usize::from(kind)) {
            *count += 1;
        }
    }

    /// Counts an event that could not be made.
    pub(super) fn lost(&mut self, kind: u16, cause: &'static str) {
        self.produced(kind);
        *self.account.lost.entry(cause).or_default() += 1;
    }

    /// The statement.
    pub(super) fn statement(&self) -> Coverage {
        let hooks = vec![
            self.hook("process", &[abi::KIND_FORK, abi::KIND_EXEC, abi::KIND_EXIT], self.process()),
            self.hook("open", &[abi::KIND_OPEN], ""),
            self.hook("close", &[abi::KIND_CLOSE], CLOSE),
            self.hook("path_calls", &[abi::KIND_PATH_OP], ""),
            self.hook("mmap", &[abi::KIND_MMAP], ""),
            self.net(),
            blind("io", "bytes and calls of reads and writes are not counted: each would stop the program"),
            self.dns(),
            self.rings(),
        ];
        Coverage { backend: "ptrace".to_owned(), why: String::new(), hooks, tls: Vec::new() }
    }

    fn hook(&self, name: &str, kinds: &[u16], why: &str) -> Hook {
        let fired = kinds.iter().any(|&kind| self.account.produced[usize::from(kind)] > 0);
        let state = if fired { State::Attached } else { State::Idle };
        Hook { name: name.to_owned(), tier: "ptrace".to_owned(), state, why: why.to_owned() }
    }

    fn process(&self) -> &'static str {
        match (self.attached, self.no_new_privs) {
            (true, _) => "every system call of the attached tree stops it twice: no filter can be put on it",
            (false, true) => {
                "without privilege: no_new_privs is set, set-user-ID programs run without the rights they ask for"
            }
            (false, false) => "",
        }
    }

    fn net(&self) -> Hook {
        let mut hook = self.hook("net", &[abi::KIND_NET], "bytes are not counted");
        if self.untold_sockets > 0 {
            hook.state = State::Partial;
            hook.why = format!(
                "addresses of {} socket calls come from the arguments alone: pidfd_getfd was refused",
                self.untold_sockets
            );
        }
        hook
    }

    fn dns(&self) -> Hook {
        let why = "not read: what goes to name servers by send, write and writev, and comes by recv, recvmsg and read";
        Hook { state: State::Partial, ..self.hook("dns", &[abi::KIND_DNS], why) }
    }

    fn rings(&self) -> Hook {
        let seen = match self.rings {
            0 => "no ring was set up".to_owned(),
            n => format!("{n} rings were set up, what they did was not seen"),
        };
        blind("io_uring", &format!("requests make no system call that could stop; {seen}"))
    }
}

const CLOSE: &str = "bytes are not counted, so that the end of a process tells of the files it opened and the sockets it \
                     named, not of others it may have used; a process that is killed while it ends tells its files under the names \
                     they were opened by";

fn blind(name: &str, why: &str) -> Hook {
    Hook { name: name.to_owned(), tier: "none".to_owned(), state: State::Blind, why: why.to_owned() }
}
