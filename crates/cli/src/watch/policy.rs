//! `--policy`: reading it, finding what can enforce it, and saying at the start what is enforced and what is only observed.

use super::control::{Reply, Request};
use crate::args::BackendName;
use crate::failure::Failure;
use crate::stream::note;
use kernscope_kit::probe::{self, Answer};
use kernscope_kit::spawn;
use kernscope_report::{Body, Entry, Hook, State};
use kernscope_watch::backend::{BackendError, Target};
use kernscope_watch::ebpf::Ebpf;
use kernscope_watch::policy::edit::{Edit, ListName};
use kernscope_watch::policy::landlock::{self, Prepared};
use kernscope_watch::policy::paths::{Class, Places};
use kernscope_watch::policy::{Action, Current, Means, Mode, Policy};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::net::{IpAddr, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;
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
        answers: Answers::default(),
    };
    if !enforcement.current.get().denies() {
        return enforcement;
    }
    enforcement.lsm = wanted != BackendName::Ptrace && probe::lsm() == Answer::Yes;
    if !enforcement.lsm && matches!(target, Target::Command(_)) {
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

/// The addresses of a name, as this machine has them.
fn addresses_of(name: &str) -> Vec<IpAddr> {
    (name, 0).to_socket_addrs().map(|found| found.map(|at| at.ip()).collect()).unwrap_or_default()
}

/// Those that programs of this machine ask.
fn name_servers() -> Vec<IpAddr> {
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let server = |line: &str| line.strip_prefix("nameserver")?.trim().parse().ok();
    text.lines().filter_map(server).collect()
}

impl Enforcement {
    /// What is asked of the eBPF back end.
    pub(crate) fn options(&self) -> (kernscope_watch::ebpf::Policy, bool) {
        let hosts =
            self.current.get().mode(Action::Connect) == Mode::Deny && !self.current.get().hosts.is_empty();
        let files = if self.lsm {
            kernscope_watch::ebpf::Policy::Enforce
        } else {
            kernscope_watch::ebpf::Policy::None
        };
        (files, hosts)
    }

    /// Gives the policy to the back end, and sees what it makes of it.
    pub(crate) fn hand_to(&mut self, ebpf: &mut Ebpf) -> Result<(), BackendError> {
        let (files, hosts) = self.options();
        if files == kernscope_watch::ebpf::Policy::Enforce {
            ebpf.set_policy(self.current.get().paths.slots(), self.current.get().flags())?;
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

    /// What a client of `watch ctl` asks.
    pub(crate) fn answer(&self, request: &Request, ebpf: Option<&mut Ebpf>) -> Reply {
        let changed = match request {
            Request::Status => return Reply::Lines(self.status()),
            Request::List { list } => return self.listed(list.as_deref()),
            Request::Add { list, entries } => self.edited(list, &Edit::Add(entries.clone())),
            Request::Remove { list, entries } => self.edited(list, &Edit::Remove(entries.clone())),
            Request::Replace { list, entries } => self.edited(list, &Edit::Replace(entries.clone())),
            Request::Reload => self.reread(),
        };
        match changed.and_then(|policy| self.put(policy, ebpf)) {
            Ok(()) => Reply::Lines(self.status()),
            Err(why) => Reply::Error(why),
        }
    }

    fn edited(&self, list: &str, edit: &Edit) -> Result<Policy, String> {
        let list: ListName = list.parse()?;
        let mut policy = (*self.current.get()).clone();
        policy.edit(list, edit)?;
        policy.compile(&places()).map_err(|error| error.to_string())?;
        Ok(policy)
    }

    /// The policy's files, as they are now.
    fn reread(&self) -> Result<Policy, String> {
        let file = self.current.get().files.first().cloned().unwrap_or_default();
        let mut policy = Policy::read(&file, &places()).map_err(|error| error.to_string())?;
        policy.hosts.resolve(&addresses_of, &name_servers());
        Ok(policy)
    }

    /// Reads the files again, for SIGHUP; what is wrong with them leaves everything as it was.
    pub(crate) fn reload(&self, ebpf: Option<&mut Ebpf>) {
        match self.answer(&Request::Reload, ebpf) {
            Reply::Lines(_) => self.tell(),
            Reply::Error(why) => note(format_args!("{why}; the policy stays as it was")),
        }
    }

    /// Puts a policy in place of the one that holds.
    fn put(&self, policy: Policy, ebpf: Option<&mut Ebpf>) -> Result<(), String> {
        let old = self.current.get();
        for class in Class::ALL {
            let same = old.lists(class) == policy.lists(class) && old.rule(class) == policy.rule(class);
            if !same && self.means.of(Action::File(class)) == Ok(landlock::NAME) {
                return Err(format!(
                    "change what {} denies: landlock holds a command to what it was started with; start it anew",
                    class.name()
                ));
            }
        }
        if let Some(ebpf) = ebpf {
            if self.lsm {
                ebpf.set_policy(policy.paths.slots(), policy.flags()).map_err(|error| error.to_string())?;
            }
            if self.means.connect.is_ok() {
                self.give_hosts(&policy, ebpf).map_err(|error| error.to_string())?;
            }
        }
        self.current.set(policy);
        Ok(())
    }

    fn status(&self) -> Vec<String> {
        let policy = self.current.get();
        let mut lines = vec![format!("policy {}", policy.name)];
        lines.extend(self.actions().map(|action| self.one(action)));
        let lists = ListName::all().map(|list| (list, policy.entries(list).len()));
        lines.extend(lists.filter(|(_, len)| *len > 0).map(|(list, len)| format!("{list}: {len} entries")));
        lines
    }

    fn listed(&self, list: Option<&str>) -> Reply {
        let wanted = match list.map(str::parse::<ListName>).transpose() {
            Ok(wanted) => wanted,
            Err(why) => return Reply::Error(why),
        };
        let policy = self.current.get();
        let lists = ListName::all().filter(|list| wanted.is_none_or(|wanted| wanted == *list));
        let lines = lists.flat_map(|list| {
            policy.entries(list).into_iter().map(move |entry| match wanted {
                Some(_) => entry,
                None => format!("{list} {entry}"),
            })
        });
        Reply::Lines(lines.collect())
    }

    /// How a command is started under it.
    pub(crate) fn spawn(&self) -> spawn::Options {
        let no_new_privs = self.landlock.is_some() && !may_restrict();
        spawn::Options { landlock: self.landlock.clone(), no_new_privs, ..spawn::Options::default() }
    }

    /// Refuses a policy that cannot be enforced, unless its user wants what is possible.
    pub(crate) fn check(&self, best_effort: bool) -> Result<(), Failure> {
        let policy = self.current.get();
        let missing = self.means.missing(&policy);
        let missing: Vec<String> = missing.map(|(action, why)| format!("{action}: {why}")).collect();
        if missing.is_empty() || best_effort {
            return Ok(());
        }
        Err(Failure::usage(format_args!(
            "enforce policy {}: {}; add --best-effort to observe what cannot be enforced, or have the policy say mode = \"observe\"",
            self.current.get().name,
            missing.join("; ")
        )))
    }

    /// Says what becomes of each kind of access.
    pub(crate) fn tell(&self) {
        let told: Vec<String> = self.actions().map(|action| self.one(action)).collect();
        match told.is_empty() {
            true => note(format_args!("policy {}: it denies nothing", self.current.get().name)),
            false => note(format_args!("policy {}: {}", self.current.get().name, told.join("; "))),
        }
        for class in Class::ALL {
            let here = self.narrow.iter().filter(|(of, _)| *of == class);
            let names: Vec<_> = here.map(|(_, path)| path.display().to_string()).collect();
            if !names.is_empty() {
                note(format_args!(
                    "landlock: {}: new files directly in {} are denied as well, as something there is",
                    class.name(),
                    names.join(", ")
                ));
            }
        }
    }

    /// The same for the coverage statement.
    pub(crate) fn hooks(&self) -> Vec<Hook> {
        let hook = |action: Action| {
            let (tier, state, why) = match (self.current.get().mode(action), self.means.of(action)) {
                (Mode::Deny, Ok(means)) => (means, State::Attached, String::new()),
                (Mode::Deny, Err(why)) => ("observe", State::Partial, format!("not enforced: {why}")),
                (Mode::Observe, _) => ("observe", State::Attached, String::new()),
            };
            Hook { name: format!("policy_{}", action.name()), tier: tier.to_owned(), state, why }
        };
        self.actions().map(hook).collect()
    }

    /// The kinds of access of which something is denied.
    fn actions(&self) -> impl Iterator<Item = Action> {
        let files =
            Class::ALL.into_iter().filter(|class| self.current.get().restricts(*class)).map(Action::File);
        files.chain((!self.current.get().hosts.is_empty()).then_some(Action::Connect))
    }

    fn one(&self, action: Action) -> String {
        let name = action.name();
        match (self.current.get().mode(action), self.means.of(action)) {
            (Mode::Observe, _) => format!("{name} observed"),
            (Mode::Deny, Ok(means)) => format!("{name} enforced by {means}"),
            (Mode::Deny, Err(why)) => format!("{name} ONLY OBSERVED ({why})"),
        }
    }
}

/// What name servers have answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    all: Rc<RefCell<BTreeSet<(IpAddr, String)>>>,
    news: Rc<Cell<bool>>,
}

impl Answers {
    /// Takes what a record tells.
    pub(crate) fn see(&self, entry: &Entry) {
        let Body::Dns(dns) = &entry.body else { return };
        for address in dns.answers.iter().filter_map(|answer| answer.parse().ok()) {
            if self.all.borrow_mut().insert((address, dns.query.clone())) {
                self.news.set(true);
            }
        }
    }

    fn take_news(&self) -> bool {
        self.news.replace(false)
    }
}

/// Whether a ruleset may be put on without giving up privileges that files can bring: with `CAP_SYS_ADMIN`.
fn may_restrict() -> bool {
    kernscope_kit::privilege::has(kernscope_kit::privilege::CAP_SYS_ADMIN)
}
