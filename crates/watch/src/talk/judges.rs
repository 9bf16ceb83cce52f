//! The rules that plain text is held against: those of the user, and the built-in ones.

use super::window::Window;
use kernscope_sieve::matcher::{Located, Matcher, Place, Scratch};
use kernscope_sieve::rules::{Rule, RuleSet, may_hold_builtin};
use std::ops::Range;
use std::sync::LazyLock;

/// The built-in rules, laid out when data first asks for them.
static BUILTIN: LazyLock<Matcher> = LazyLock::new(|| Matcher::new(RuleSet::builtin()));

/// Which rule: by its set, and its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RuleId {
    is_users: bool,
    index: usize,
}

/// What a rule finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) rule: RuleId,
    /// The whole match, in the data.
    pub(crate) span: Range<usize>,
    /// The secret in it.
    pub(crate) secret: Range<usize>,
}

/// Rules, and memory for trying them.
#[derive(Debug, Default)]
pub(crate) struct Judges {
    users: Option<(Matcher, Scratch)>,
    builtin: Option<Scratch>,
    /// Whether the user's rules are the built-in ones, once that was asked.
    is_same: Option<bool>,
    /// Bytes that were looked at, those that were looked at again included.
    #[cfg(test)]
    pub(crate) looked_bytes: u64,
}

impl Judges {
    /// The built-in rules, and these.
    pub(crate) fn with(matcher: Matcher) -> Self {
        let scratch = matcher.scratch();
        Self { users: Some((matcher, scratch)), ..Self::default() }
    }

    /// The user's own rules.
    pub(crate) fn users(&mut self) -> Option<(&Matcher, &mut Scratch)> {
        self.users.as_mut().map(|(matcher, scratch)| (&*matcher, scratch))
    }

    /// What either set finds.
    pub(crate) fn find(&mut self, data: &[u8]) -> Vec<Hit> {
        let is_builtin = |(matcher, _): &(Matcher, Scratch)| matcher.set() == BUILTIN.set();
        let is_same = *self.is_same.get_or_insert_with(|| self.users.as_ref().is_some_and(is_builtin));
        let mut found: Vec<Hit> = Vec::new();
        if !is_same {
            let scratch = self.builtin.get_or_insert_with(|| BUILTIN.scratch());
            found.extend(hits(&BUILTIN, scratch, data, false));
            self.note(data);
        }
        self.with_users(data, found)
    }

    /// The same of a short text. The built-in rules are laid out only for one that may hold something.
    pub(crate) fn find_in_short(&mut self, text: &[u8]) -> Vec<Hit> {
        match self.builtin.is_some() || may_hold_builtin(text) {
            true => self.find(text),
            false => self.with_users(text, Vec::new()),
        }
    }

    fn with_users(&mut self, data: &[u8], mut found: Vec<Hit>) -> Vec<Hit> {
        if let Some((matcher, scratch)) = &mut self.users {
            found.extend(hits(matcher, scratch, data, true));
            self.note(data);
        }
        found
    }

    #[cfg(test)]
    fn note(&mut self, data: &[u8]) {
        self.looked_bytes += data.len() as u64;
    }

    #[cfg(not(test))]
    fn note(&self, _: &[u8]) {}

    /// A short text with its secrets redacted.
    pub(crate) fn redacted(&mut self, text: String) -> String {
        let mut window = Window::default();
        window.push(text.as_bytes());
        window.judge(self);
        match window.shown(&(0..window.end())) {
            (_, 0) => text,
            (shown, _) => String::from_utf8_lossy(&shown).into_owned(),
        }
    }

    /// Whether finds of this rule are to be told: the user's if there are such rules, else the built-in ones.
    pub(crate) fn tells(&self, rule: RuleId) -> bool {
        rule.is_users == self.users.is_some()
    }

    /// The rule of a hit.
    pub(crate) fn rule(&self, id: RuleId) -> Option<&Rule> {
        let matcher = match &self.users {
            Some((matcher, _)) if id.is_users => matcher,
            _ => &BUILTIN,
        };
        matcher.rules().get(id.index)
    }
}

fn hits<'a>(
    matcher: &Matcher,
    scratch: &mut Scratch,
    data: &'a [u8],
    is_users: bool,
) -> impl Iterator<Item = Hit> + use<'a> {
    let found = matcher.find(data, &Place::default(), scratch);
    found
        .into_iter()
        .filter_map(move |found| Some(Hit { rule: RuleId { is_users, index: found.rule }, ..place(&found)? }))
}

/// Where it is; `None` for what is nowhere in the data.
fn place(found: &Located) -> Option<Hit> {
    let at = |offset: u64| usize::try_from(offset).ok();
    let start = at(found.secret_start)?;
    let hit = Hit {
        rule: RuleId { is_users: false, index: found.rule },
        span: at(found.start)?..at(found.end)?,
        secret: start..start.checked_add(found.secret.len())?,
    };
    (!hit.span.is_empty()).then_some(hit)
}
