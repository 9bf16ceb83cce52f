//! What makes denied things fail, and what is said of them.

use super::{Action, Broken, Mode, Object, Policy};
use kernscope_report::{Body, Entry, PolicyDeny};

/// What the kernel answers to what is denied.
const REFUSALS: [&str; 2] = ["EPERM", "EACCES"];

/// What a connect that goes on in the background returns.
const BEGUN: &str = "EINPROGRESS";

/// For each kind of access, what makes it fail where the policy denies it, or why nothing does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Means {
    /// By class, as [`Class::ALL`](super::paths::Class::ALL) orders them.
    pub files: [Result<&'static str, String>; 3],
    /// For connections and datagrams.
    pub connect: Result<&'static str, String>,
    /// For system calls.
    pub system: Result<&'static str, String>,
}

impl Means {
    /// Nothing is made to fail, for this reason.
    pub fn none(why: &str) -> Self {
        let none = || Err(why.to_owned());
        Self { files: [none(), none(), none()], connect: none(), system: none() }
    }

    /// What makes an action fail, or why nothing does.
    pub fn of(&self, action: Action) -> Result<&'static str, &str> {
        let means = match action {
            Action::File(class) => &self.files[class.number() as usize],
            Action::Connect => &self.connect,
            Action::System => &self.system,
        };
        means.as_ref().copied().map_err(String::as_str)
    }

    /// What a policy denies and nothing makes fail: what, and why.
    pub fn missing<'a>(&'a self, policy: &'a Policy) -> impl Iterator<Item = (&'static str, &'a str)> {
        let denied = policy.restricted().filter(|action| policy.mode(*action) == Mode::Deny);
        denied.filter_map(|action| self.of(action).err().map(|why| (action.name(), why)))
    }
}

impl Policy {
    /// The record of something denied in `entry`, which is the record `seq`.
    pub(crate) fn told(&self, broken: Broken, entry: &Entry, means: &Means, seq: u64) -> Entry {
        let Broken { action, entry: on, object } = broken;
        let errno = entry.body.outcome().filter(|(ret, _)| *ret < 0).and_then(|(_, errno)| errno);
        let (by, why) = match (self.mode(action), means.of(action)) {
            (Mode::Observe, _) => (None, Some("the policy observes".to_owned())),
            (Mode::Deny, Err(why)) => (None, Some(why.to_owned())),
            (Mode::Deny, Ok(means)) => match errno {
                Some(errno) if REFUSALS.contains(&errno) => (Some(means.to_owned()), None),
                Some(errno) if errno != BEGUN => (None, Some(format!("it failed by itself: {errno}"))),
                _ => (None, Some(format!("it went past {means}"))),
            },
        };
        let (path, (remote, name)) = match object {
            Object::Path(path) => (Some(path), (None, None)),
            Object::Remote(remote, name) => (None, (Some(remote), name)),
        };
        let listed = if on.is_empty() { "(on no list)" } else { &on };
        let body = PolicyDeny {
            rule: format!("{}: {listed}", action.name()),
            policy: self.name.clone(),
            action: action.name().to_owned(),
            enforced: by.is_some(),
            by,
            why,
            path,
            remote,
            name,
            evidence: vec![seq],
        };
        let escaped = entry.escaped.iter().copied().filter(|field| field.starts_with("proc."));
        Entry {
            ts_ns: entry.ts_ns,
            proc: entry.proc.clone(),
            body: Body::PolicyDeny(body),
            escaped: escaped.collect(),
        }
    }
}
