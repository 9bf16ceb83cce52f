//! One condition with its inputs, made from a seed and a place in the series.

use std::fmt;

use kernscope_kit::compile::cbpf::{Classic, Packet};
use kernscope_kit::compile::packet::Frame;
use kernscope_kit::compile::{Content, Filter, oracle};

use crate::contents::{self, Sought};
use crate::random::Random;
use crate::{classic, exprs, frames, rulesets};

/// Longest of the many inputs, bytes: the kernel's test run takes it for every target.
const MOST_BYTES: usize = 3400;

/// Kinds of conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Literal,
    FoldedLiteral,
    Literals,
    FoldedLiterals,
    Run,
    Thresholds,
    Regex,
    WideRegex,
    Joined,
    Packet,
    PacketAndContent,
    Classic,
    Rules,
}

impl Kind {
    pub(crate) const ALL: [Kind; 13] = [
        Kind::Literal,
        Kind::FoldedLiteral,
        Kind::Literals,
        Kind::FoldedLiterals,
        Kind::Run,
        Kind::Thresholds,
        Kind::Regex,
        Kind::WideRegex,
        Kind::Joined,
        Kind::Packet,
        Kind::PacketAndContent,
        Kind::Classic,
        Kind::Rules,
    ];
}

/// What is compiled.
pub(crate) enum Condition {
    Filter(Filter),
    Classic(Classic),
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::Classic(classic) => write!(f, "{classic}"),
            Condition::Filter(filter) => {
                if let Some(packet) = &filter.packet {
                    write!(f, "packet: {packet} ")?;
                }
                filter.content.as_ref().map_or(Ok(()), |content| write!(f, "content: {content:?}"))
            }
        }
    }
}

/// A condition and what to try it on.
pub(crate) struct Case {
    pub(crate) kind: Kind,
    pub(crate) condition: Condition,
    pub(crate) inputs: Vec<Vec<u8>>,
    /// What content is made of; none for a classic program.
    sought: Option<Sought>,
    /// The expressions in the condition, as the `regex` crate has them.
    regexes: Vec<regex::bytes::Regex>,
}

impl Case {
    /// The case of a kind; `None` when what was made is no valid expression.
    pub(crate) fn new(kind: Kind, random: &mut Random, inputs: usize) -> Option<Case> {
        let content = |sought: &Sought| Some(sought.content.clone());
        let (condition, sought) = match kind {
            Kind::Classic => {
                let condition = Condition::Classic(classic::program(random));
                let inputs = classic::packets(random, inputs);
                return Some(Case { kind, condition, inputs, sought: None, regexes: Vec::new() });
            }
            Kind::Packet => (Filter::packet(exprs::expr(random)), sought(Kind::Literal, random)?),
            Kind::PacketAndContent => {
                let inner = random.pick(&[Kind::Literal, Kind::Literals, Kind::Run, Kind::Thresholds]);
                let sought = sought(inner, random)?;
                (Filter { packet: Some(exprs::expr(random)), content: content(&sought) }, sought)
            }
            _ => {
                let sought = sought(kind, random)?;
                (Filter { packet: None, content: content(&sought) }, sought)
            }
        };
        let framed = matches!(kind, Kind::Packet | Kind::PacketAndContent);
        let inputs = (0..inputs)
            .map(|_| {
                if framed {
                    let payload = contents::data(random, &sought, 1000);
                    return frames::frame(random, &payload);
                }
                let most = if random.once_in(20) { MOST_BYTES } else { 400 };
                contents::data(random, &sought, most)
            })
            .collect();
        let mut regexes = Vec::new();
        collect(&sought.content, &mut regexes)?;
        Some(Case { kind, condition: Condition::Filter(condition), inputs, sought: Some(sought), regexes })
    }

    /// An input of just so many bytes.
    pub(crate) fn long(&self, random: &mut Random, len: usize) -> Vec<u8> {
        let Some(sought) = &self.sought else { return classic::packet(random, len) };
        if !matches!(self.kind, Kind::Packet | Kind::PacketAndContent) {
            return contents::long(random, sought, len);
        }
        // Only whole frames are this long.
        let payload = contents::long(random, sought, len);
        let mut frame = frames::whole(random, &payload);
        let excess = frame.len().saturating_sub(len);
        let headers = frame.len().saturating_sub(payload.len());
        frame.drain(headers..(headers + excess).min(frame.len()));
        frame
    }

    /// What a classic program returns, or 1 or 0 for a condition that holds or does not; content is judged from
    /// `hidden_bytes` on. Packets have this tag beside them.
    pub(crate) fn right(&self, input: &[u8], taken_tag: Option<u16>, hidden_bytes: usize) -> u32 {
        let filter = match &self.condition {
            Condition::Classic(classic) => return classic.run(&Packet::new(input)),
            Condition::Filter(filter) => filter,
        };
        let frame = Frame { bytes: input, taken_tag, hidden_bytes };
        let packet = filter.packet.as_ref().is_none_or(|expr| frame.matches(expr));
        let content =
            || filter.content.as_ref().is_none_or(|content| self.holds(content, &input[hidden_bytes..]));
        // What a rule matches is right even where the condition for all rules does not hold: then it has lost it.
        let rule = || self.rules().is_some_and(|rules| rules.matches(&input[hidden_bytes..]));
        (packet && (content() || rule())).into()
    }

    /// Whether an input gets as far as its content.
    pub(crate) fn asks_content(&self, bytes: &[u8], taken_tag: Option<u16>, hidden_bytes: usize) -> bool {
        match &self.condition {
            Condition::Filter(Filter { packet: Some(expr), .. }) => {
                Frame { bytes, taken_tag, hidden_bytes }.matches(expr)
            }
            _ => true,
        }
    }

    /// What is asked for, in one line.
    pub(crate) fn told(&self) -> String {
        match (self.rules(), &self.condition) {
            (Some(rules), _) => rules.to_string(),
            (None, Condition::Filter(_)) => self.condition.to_string(),
            (None, Condition::Classic(_)) => self.condition.to_string().replace('\n', "; "),
        }
    }

    /// The rules of a rule set: the condition for all of them may be met by more.
    pub(crate) fn rules(&self) -> Option<&rulesets::Oracle> {
        self.sought.as_ref()?.rules.as_deref()
    }

    /// As the oracle of the library, but that expressions are the `regex` crate's.
    fn holds(&self, content: &Content, data: &[u8]) -> bool {
        match content {
            Content::Regex(regex) => {
                let ours = self.regexes.iter().find(|one| one.as_str() == regex.pattern());
                ours.is_some_and(|regex| regex.is_match(data))
            }
            Content::All(list) => list.iter().all(|content| self.holds(content, data)),
            Content::Any(list) => list.iter().any(|content| self.holds(content, data)),
            _ => oracle::matches(content, data),
        }
    }
}

/// The expressions in a condition; `None` when the `regex` crate refuses one.
fn collect(content: &Content, into: &mut Vec<regex::bytes::Regex>) -> Option<()> {
    match content {
        Content::Regex(regex) => into.push(regex::bytes::Regex::new(regex.pattern()).ok()?),
        Content::All(list) | Content::Any(list) => {
            list.iter().try_for_each(|content| collect(content, into))?
        }
        _ => {}
    }
    Some(())
}

fn sought(kind: Kind, random: &mut Random) -> Option<Sought> {
    Some(match kind {
        Kind::FoldedLiteral => contents::literal(random, true),
        Kind::Literals => contents::literals(random, false),
        Kind::FoldedLiterals => contents::literals(random, true),
        Kind::Rules => rulesets::rules(random)?,
        Kind::Run => contents::run(random),
        Kind::Thresholds => contents::thresholds(random),
        Kind::Regex => contents::regex(random, false)?,
        Kind::WideRegex => contents::regex(random, true)?,
        Kind::Joined => {
            let parts = (0..random.within(2, 3)).map(|_| {
                let kind = random.pick(&Kind::ALL[..8]);
                sought(kind, random)
            });
            let parts = parts.collect::<Option<_>>()?;
            contents::joined(random, parts)
        }
        _ => contents::literal(random, false),
    })
}
