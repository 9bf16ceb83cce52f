//! `--policy`: reading it, finding what can enforce it, and saying at the start what is enforced and what is only observed.

mod answers;
mod replies;
mod said;

pub(crate) use answers::Answers;

use crate::args::BackendName;
use crate::failure::Failure;
use answers::{addresses_of, name_servers};
use kernscope_kit::probe::{self, Answer};
use kernscope_kit::spawn::{self, Supervised};
use kernscope_watch::backend::{BackendError, Target};
use kernscope_watch::ebpf::{self, Ebpf};
use kernscope_watch::policy::landlock::Prepared;
use kernscope_watch::policy::paths::{Class, Places};
use kernscope_watch::policy::supervise::Supervisor;
use kernscope_watch::policy::{Action, Current, Means, Mode, Policy, system};
use std::cell::RefCell;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What `~` and `./` stand for in a policy.
pub(super) fn places() -> Places {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    Places {
        home: home.map(PathBuf::from).unwrap_or_default(),
        cwd: std::env::current_dir().unwrap_or_default(),
    }
}

/// Reads a policy.
pub(crate) fn read(file: &Path) -> Result<Policy, Failure> {
    Policy::read(file, &places()).map_err(Failure::usage)
}

/// A policy, and what sees to it.
#[derive(Debug)]
pub(crate) struct Enforcement {
    /// The policy that holds.
    pub(crate) current: Current,
    pub(crate) means: Means,
    /// The kernel's programs see to the files.
    lsm: bool,
    /// What a command is put under.
    landlock: Option<Arc<OwnedFd>>,
    /// Directories in which Landlock allows less than the policy.
    narrow: Vec<(Class, PathBuf)>,
    /// A command is started.
    has_command: bool,
    /// Agents are looked for.
    has_agents: bool,
    /// The filter that a command was started under, if it hands calls over.
    supervised: RefCell<Option<Supervised>>,
    /// Addresses with the names that they were given for, since the list of hosts was last made.
    answers: Answers,
}

/// Finds what can enforce a policy on a target, before the back end is there.
pub(crate) fn prepare(policy: &Policy, target: &Target, wanted: BackendName) -> Enforcement {
    let mut policy = policy.clone();
    policy.hosts.resolve(&addresses_of, &name_servers());
    let means = Means::none("nothing here makes it fail");
    let mut enforcement = Enforcement {
        current: Current::new(policy),
        means,
        lsm: false,
        landlock: None,
        narrow: Vec::new(),
        has_command: matches!(target, Target::Command(_)),
        has_agents: matches!(target, Target::Trees(_)),
        supervised: RefCell::default(),
        answers: Answers::default(),
    };
    if !enforcement.current.get().denies() {
        return enforcement;
    }
    enforcement.lsm = wanted != BackendName::Ptrace && probe::lsm() == Answer::Yes;
    if !enforcement.lsm && enforcement.has_command {
        let prepared = Prepared::new(&enforcement.current.get(), &places());
        enforcement.means.files = prepared.files;
        enforcement.landlock = prepared.ruleset.map(Arc::new);
        enforcement.narrow = prepared.narrow;
    } else if !enforcement.lsm {
        let why = "BPF LSM is not active, and Landlock is for a command that is started here";
        enforcement.means = Means::none(why);
    }
    enforcement
}

impl Enforcement {
    /// What is asked of the eBPF back end.
    pub(crate) fn options(&self) -> (ebpf::Policy, bool) {
        let hosts =
            self.current.get().mode(Action::Connect) == Mode::Deny && !self.current.get().hosts.is_empty();
        // What they do not enforce they judge: they see more of a file than its path in the record.
        let files = if self.lsm { ebpf::Policy::Enforce } else { ebpf::Policy::Judge };
        (files, hosts)
    }

    /// Gives the policy to the back end, and sees what it makes of it.
    pub(crate) fn hand_to(&mut self, ebpf: &mut Ebpf) -> Result<(), BackendError> {
        let (_, hosts) = self.options();
        ebpf.set_policy(self.current.get().paths.slots(), self.current.get().flags())?;
        if self.lsm {
            let enforced = ebpf.enforcement();
            self.means.files = Class::ALL.map(|class| match enforced.has(class.number()) {
                true => Ok("lsm"),
                false => Err(enforced.why.clone()),
            });
        }
        if hosts {
            self.means.connect = ebpf.enforces_hosts();
            if self.means.connect.is_ok() {
                ebpf.set_hosts(&self.current.get().hosts, &[])?;
            }
        }
        Ok(())
    }

    /// Where answers of name servers are put, if the policy has names.
    pub(crate) fn answers(&self) -> Option<Answers> {
        (self.means.connect.is_ok() && self.current.get().hosts.has_names()).then(|| self.answers.clone())
    }

    /// Brings new answers to the kernel.
    pub(crate) fn renew(&self, ebpf: &mut Ebpf) -> Result<(), BackendError> {
        if !self.answers.take_news() {
            return Ok(());
        }
        self.give_hosts(&self.current.get(), ebpf)
    }

    fn give_hosts(&self, policy: &Policy, ebpf: &mut Ebpf) -> Result<(), BackendError> {
        let answers = self.answers.all.borrow();
        let all: Vec<(IpAddr, &str)> = answers.iter().map(|(at, name)| (*at, name.as_str())).collect();
        ebpf.set_hosts(&policy.hosts, &all)
    }

    /// How a command is started under it; `no_hosts`: nothing but seccomp keeps it from hosts.
    pub(crate) fn spawn(&self, no_hosts: bool) -> spawn::Options {
        let policy = self.current.get();
        let sockets = no_hosts && denies_every_host(&policy);
        let filter = system::filter(&policy.system.deny, sockets);
        let is_needed = self.has_command && (sockets || !policy.system.deny.is_empty());
        let supervised = is_needed.then(|| Supervised::new(filter));
        self.supervised.replace(supervised.clone());
        let restricted = self.landlock.is_some() || supervised.is_some();
        let no_new_privs = restricted && !may_restrict();
        spawn::Options {
            landlock: self.landlock.clone(),
            supervised,
            no_new_privs,
            ..spawn::Options::default()
        }
    }

    /// Begins to answer calls that the command's filter hands over, once it waits at its gate.
    pub(crate) fn supervise(&mut self, no_hosts: bool) -> Result<Option<Supervisor>, Failure> {
        let policy = self.current.get();
        self.means.system = match self.has_command {
            true => Ok(system::NAME),
            false => Err("seccomp is for a command that is started here".to_owned()),
        };
        if no_hosts {
            self.means.connect = match self.has_command && denies_every_host(&policy) {
                true => Ok(system::NAME),
                false => {
                    Err("ptrace does not, and seccomp can only where no host is allowed; --backend ebpf does"
                        .to_owned())
                }
            };
        }
        let listener = self.supervised.borrow().as_ref().and_then(Supervised::take);
        let start = |listener| Supervisor::start(listener, self.current.clone());
        listener
            .map(start)
            .transpose()
            .map_err(|cause| Failure::usage(format_args!("answer system calls: {cause}")))
    }
}

/// Whether no host at all may be talked to, and that is to fail.
fn denies_every_host(policy: &Policy) -> bool {
    let hosts = &policy.hosts;
    hosts.mode == Mode::Deny && hosts.default_denied && hosts.allow.is_empty() && hosts.except.is_empty()
}

/// Whether a ruleset may be put on without giving up privileges that files can bring: with `CAP_SYS_ADMIN`.
fn may_restrict() -> bool {
    kernscope_kit::privilege::has(kernscope_kit::privilege::CAP_SYS_ADMIN)
}
