//! From conditions to a plan: what is trivial goes, what is too large is widened, and every pass gets its sieve.

use super::anchor::Anchors;
use super::automaton::Dfa;
use super::byteset::ByteSet;
use super::content::Content;
use super::noted::Noted;
use super::plan::{Count, Node, Place, Run, Scan, Sieved, Walk};
use super::regex;
use super::require;
use super::room::Room;
use super::sieve::Sieve;
use super::text::{self, Text};
use super::widen;
use super::{CompileError, tables, window};
use std::collections::VecDeque;
use std::sync::Arc;

/// Most bytes of tables of one automaton that an expression may take before it is widened.
const REGEX_TABLE_BYTES: usize = 256 << 10;
/// Bounds of counted repetitions of wider expressions, smallest first.
const BOUNDS: [u32; 5] = [1, 3, 8, 16, 32];
/// Share of positions below which literals are sought before an expression: once in a page of text.
const RARE_SHARE: f64 = 1.0 / 4096.0;
/// Most bytes of the rows of one automaton.
const WALK_TABLE_BYTES: u32 = 64 << 20;
/// Fewest bytes kept for the rows of an automaton, so that an update finds room.
const LEAST_CAPACITY_BYTES: u32 = 4096;
/// Longest run that any data can hold.
const LONGEST_RUN: u32 = window::MOST_BYTES;

/// What is kept in mind while a plan is made.
#[derive(Debug)]
pub(super) struct Lowering {
    /// Automata of the program that must stay, in its order.
    like: VecDeque<Walk>,
    /// Whether nothing was widened.
    pub(super) exact: bool,
    /// Literals that one pass notes together.
    noted: Noted,
    /// What the plan may take.
    room: Room,
}

impl Lowering {
    /// For a program like the one with these automata.
    pub(super) fn new(like: &[Walk], room: Room) -> Lowering {
        Lowering { like: like.iter().cloned().collect(), exact: true, noted: Noted::default(), room }
    }

    /// The plan for a whole condition.
    pub(super) fn plan(&mut self, content: &Content) -> Result<Node, CompileError> {
        self.noted = Noted::of(content);
        let Some((dfa, fold)) = self.noted.automaton() else { return self.lower(content) };
        let literals = self.noted.literals();
        let walk = Walk { notes: true, ..self.walk(Arc::new(dfa), Some((&texts(&literals, fold), fold)))? };
        let (enough, then) = (self.noted.enough, Box::new(self.lower(content)?));
        Ok(Node::Noting { walk, enough, then })
    }

    /// The plan for a part of a condition.
    fn lower(&mut self, content: &Content) -> Result<Node, CompileError> {
        Ok(match content {
            content if self.noted.pattern(content).is_some() => {
                Node::Noted(self.noted.pattern(content).unwrap_or(0))
            }
            Content::Literal { bytes, fold } => self.literals(std::slice::from_ref(bytes), *fold)?,
            Content::Literals { list, fold } => self.literals(list, *fold)?,
            Content::ClassRun { class, min } => match *min {
                0 => Node::True,
                min if min > LONGEST_RUN || class.is_empty() => Node::False,
                min => Node::Scan(Scan::Run(Run { runs: vec![(*class, min)], place: Place::default() })),
            },
            Content::Thresholds { counts, window } => thresholds(counts, *window)?,
            Content::Regex(regex) => {
                let (content, exact) = exact_or_wider(regex);
                self.exact &= exact;
                self.lower(&content)?
            }
            Content::Anchored(anchors) => {
                self.exact = false;
                self.anchored(anchors)?
            }
            Content::Dfa(dfa) if dfa.accepts[0] != 0 => Node::True,
            Content::Dfa(dfa) => Node::Scan(Scan::Walk(self.walk(Arc::clone(dfa), None)?)),
            Content::All(all) => self.combine(all, Node::False, Node::True)?,
            Content::Any(any) => self.combine(any, Node::True, Node::False)?,
        })
    }

    /// All (`end` is what decides at once, `neutral` what does not matter) or any.
    fn combine(&mut self, parts: &[Content], end: Node, neutral: Node) -> Result<Node, CompileError> {
        let is = |node: &Node, other: &Node| std::mem::discriminant(node) == std::mem::discriminant(other);
        let any = matches!(end, Node::True);
        let mut nodes: Vec<Node> = Vec::new();
        for part in parts {
            let node = self.lower(part)?;
            if is(&node, &end) {
                return Ok(end);
            }
            match (node, nodes.last_mut()) {
                // Runs that follow each other are sought in one pass.
                (Node::Scan(Scan::Run(run)), Some(Node::Scan(Scan::Run(last))))
                    if any && last.takes(&run) =>
                {
                    last.runs.extend(run.runs);
                }
                (node, _) if !is(&node, &neutral) => nodes.push(node),
                _ => {}
            }
        }
        Ok(match nodes.len() {
            0 => neutral,
            1 => nodes.remove(0),
            _ if matches!(neutral, Node::True) => Node::All(nodes),
            _ => Node::Any(nodes),
        })
    }

    fn literals(&mut self, list: &[Vec<u8>], fold: bool) -> Result<Node, CompileError> {
        if list.is_empty() {
            return Ok(Node::False);
        }
        if list.iter().any(Vec::is_empty) {
            return Ok(Node::True);
        }
        // Where nothing has a case, folding only costs.
        let fold = fold && list.iter().flatten().any(u8::is_ascii_alphabetic);
        let dfa = Dfa::literals(list.iter().map(|bytes| (bytes.as_slice(), 1)), fold);
        Ok(Node::Scan(Scan::Walk(self.walk(Arc::new(dfa), Some((&texts(list, fold), fold)))?)))
    }

    fn anchored(&mut self, anchors: &Anchors) -> Result<Node, CompileError> {
        let texts: Vec<Text> = anchors.texts().collect();
        if texts.is_empty() {
            return Ok(Node::False);
        }
        let fold = texts.iter().flatten().any(ByteSet::has_both_cases);
        let walk = self.walk(Arc::new(anchors.automaton(self.room.tails_bytes)), Some((&texts, fold)))?;
        Ok(Node::Scan(Scan::Walk(Walk { tails: true, ..walk })))
    }

    /// An automaton, and the sieve for its texts. Sieve and room are those of `like` where they do.
    pub(super) fn walk(
        &mut self,
        dfa: Arc<Dfa>,
        texts: Option<(&[Text], bool)>,
    ) -> Result<Walk, CompileError> {
        let like = self.like.pop_front();
        let row_bytes = tables::row_bytes(dfa.class_count);
        let bytes = u32::try_from(dfa.len() as u64 * u64::from(row_bytes)).unwrap_or(u32::MAX);
        if bytes > WALK_TABLE_BYTES {
            return Err(CompileError::TooLarge { states: dfa.len(), limit_bytes: WALK_TABLE_BYTES });
        }
        let room = like.as_ref().map_or(LEAST_CAPACITY_BYTES, |walk| walk.capacity_bytes);
        let capacity_bytes = bytes.next_power_of_two().max(room);
        let wanted = like.and_then(|walk| walk.sieve).map(|sieved| sieved.sieve);
        let sieve = texts.and_then(|(texts, fold)| {
            let sieve = wanted
                .filter(|sieve| sieve.suits(texts, fold))
                .or_else(|| Sieve::choose(texts, fold, self.room))?;
            Some(Sieved { sieve, texts: texts.to_vec() })
        });
        Ok(Walk { dfa, notes: false, tails: false, sieve, capacity_bytes, place: Place::default() })
    }
}

fn texts(list: &[Vec<u8>], fold: bool) -> Vec<Text> {
    list.iter().map(|bytes| text::literal(bytes, fold)).collect()
}

/// What is compiled for an expression, and whether that is the same: its automaton, or a condition that it cannot
/// match without. Either comes behind the literals that the expression needs, if those are rare: they are cheap to seek.
fn exact_or_wider(regex: &regex::Regex) -> (Content, bool) {
    let dfa = regex::automaton(regex.hir(), REGEX_TABLE_BYTES);
    let exact = dfa.is_some();
    let dfa = dfa.or_else(|| widen::wider_automaton(regex.hir(), REGEX_TABLE_BYTES, &BOUNDS));
    let content = dfa.map_or_else(|| widen::necessary(regex.hir()), |dfa| Content::Dfa(Arc::new(dfa)));
    let required = require::literals(regex.hir()).filter(|required| required.share() < RARE_SHARE);
    let Some(required) = required.filter(|_| matches!(content, Content::Dfa(_))) else {
        return (content, exact);
    };
    let literals = Content::Literals { list: required.literals, fold: required.fold };
    (Content::All(vec![literals, content]), exact)
}

/// The largest count of each byte; none where nothing is asked for, and no scan where more is asked for than fits.
fn thresholds(counts: &[(u8, u32)], window: u32) -> Result<Node, CompileError> {
    if window == 0 {
        return Err(CompileError::NoWindow);
    }
    let mut largest: Vec<(u8, u32)> = Vec::new();
    for &(byte, count) in counts.iter().filter(|&&(_, count)| count > 0) {
        match largest.iter_mut().find(|(known, _)| *known == byte) {
            Some((_, known)) => *known = count.max(*known),
            None => largest.push((byte, count)),
        }
    }
    let sum: u64 = largest.iter().map(|&(_, count)| u64::from(count)).sum();
    let window = window.min(LONGEST_RUN);
    if largest.is_empty() {
        return Ok(Node::True);
    }
    if sum > u64::from(window) {
        return Ok(Node::False);
    }
    let count = Count { counts: largest, window, place: Place::default() };
    if count.words() > window::COUNTER_WORDS {
        return Err(CompileError::TooManyCounts { counts: count.counts.len() });
    }
    Ok(Node::Scan(Scan::Count(count)))
}
