//! What a run answers to `watch ctl`, and how its lists are changed.

use super::answers::{addresses_of, name_servers};
use super::{Enforcement, places};
use crate::stream::note;
use kernscope_watch::ebpf::Ebpf;
use kernscope_watch::policy::edit::ListName;
use kernscope_watch::policy::paths::Class;
use kernscope_watch::policy::request::{Reply, Request};
use kernscope_watch::policy::{Action, Policy, landlock, system};

impl Enforcement {
    /// What a client of `watch ctl` asks.
    pub(crate) fn answer(&self, request: &Request, ebpf: Option<&mut Ebpf>) -> Reply {
        let changed = match request {
            Request::Status => return Reply::Lines(self.status()),
            Request::List { list } => return self.listed(list.as_deref()),
            Request::Reload => self.reread(),
            change => match change.edit() {
                Some((list, edit)) => self.current.get().edited(list, &edit, &places()),
                None => return Reply::Error("this is no change".to_owned()),
            },
        };
        match changed.and_then(|policy| self.put(policy, ebpf)) {
            Ok(()) => Reply::Lines(self.status()),
            Err(why) => Reply::Error(why),
        }
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
        if old.system != policy.system && self.supervised.borrow().is_some() {
            return Err("change which system calls are denied: seccomp holds a command to what it was started with; start it anew"
                .to_owned());
        }
        if old.hosts != policy.hosts && self.means.of(Action::Connect) == Ok(system::NAME) {
            return Err("change which hosts are denied: seccomp denies all of them; start it anew".to_owned());
        }
        if let Some(ebpf) = ebpf {
            ebpf.set_policy(policy.paths.slots(), policy.flags()).map_err(|error| error.to_string())?;
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
        lines.extend(self.actions().into_iter().map(|action| self.one(action)));
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
}
