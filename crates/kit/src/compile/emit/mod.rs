//! Instructions for a plan.
//!
//! A program is: find the window of this CPU, copy the data there, then scan. Registers, from the copy on:
//!
//! | register | holds |
//! | --- | --- |
//! | `r6` | the window |
//! | `r9` | the tables, the copy that counts; also at `r10 - 16` |
//! | `r7` | rounds left, in bounded loops |
//! | `r8` | index of the next byte, within a round |
//! | `r0`-`r5` | whatever a round needs |
//!
//! A scan is a body that does one round: it takes its place from the window, moves on by some bytes and puts the place
//! back. The verifier knows nothing of a number read from a map, so that after one round all rounds are alike to it,
//! whatever the shape of the loop.

mod count;
mod drive;
mod input;
mod run;
mod sieve;
mod walk;

use super::plan::{Node, Scan};
use super::target::{Action, Target, Verdict};
use super::{Filter, Host, packet, window};
use crate::asm::{Asm, AsmError, Cond, Insn, Label, Reg, Size};
use crate::program::{Function, MapRef};

use Reg::{R0, R1, R2, R3, R6, R9, R10};

/// The window of each CPU.
pub(super) const WINDOW: MapRef = MapRef(0);
/// Which copy of the tables counts.
pub(super) const SWITCH: MapRef = MapRef(1);
/// Both copies of the tables.
pub(super) const TABLES: MapRef = MapRef(2);
/// What was counted.
pub(super) const COUNTS: MapRef = MapRef(3);

/// The program array in which a program goes on.
pub(super) fn onward(counts: bool) -> MapRef {
    MapRef(if counts { COUNTS.0 + 1 } else { COUNTS.0 })
}

/// Where `r9` is kept, from the frame.
pub(super) const TABLES_SLOT: i16 = -16;
/// Where the window is kept for callbacks, from the frame.
const WINDOW_SLOT: i16 = -8;
/// Where the context is kept while data is copied, from the frame.
const CONTEXT_SLOT: i16 = -24;
/// Where a key for a map lies, from the frame.
const KEY_SLOT: i16 = -28;

/// Longest packet that can be copied by hand: the verifier knows offsets up to 65535 in packets (`MAX_PACKET_OFF`), and
/// a span is copied from each.
pub(super) const MOST_BY_HAND_BYTES: u32 = 0xffff - input::COPY_SPAN;

/// `bpf_map_lookup_elem`
const MAP_LOOKUP_ELEM: i32 = 1;
/// `bpf_tail_call`
const TAIL_CALL: i32 = 12;

/// All that the instructions depend on, beside the plan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub(super) target: Target,
    pub(super) on_match: Action,
    pub(super) host: Host,
    pub(super) limit: u32,
    /// Bytes of one copy of the tables.
    pub(super) table_bytes: u32,
    pub(super) counts: bool,
    /// Entry of a program array.
    pub(super) onward: Option<u32>,
}

/// Where a round goes when it is done.
#[derive(Clone, Copy, Debug)]
struct Exits {
    /// Another round.
    next: Label,
    /// The condition is met.
    yes: Label,
    /// The data is at its end and it is not.
    no: Label,
}

/// What a loop does in a round.
#[derive(Clone, Copy, Debug)]
enum Body<'p> {
    /// Copies what the context gives direct access to.
    Copy,
    /// Scans.
    Scan(&'p Scan),
    /// Scans by an automaton and notes patterns, until one of these occurs.
    Note(&'p super::plan::Walk, u32),
}

/// A program in the making.
struct Emit<'p> {
    asm: Asm,
    setting: Setting,
    /// Callbacks that are called and not written yet.
    callbacks: Vec<(Label, Body<'p>)>,
    /// Instructions that the verifier follows in loops that it counts out, or that are written out.
    effort: u64,
}

/// What a plan became.
#[derive(Clone, Debug)]
pub(super) struct Emitted {
    pub(super) insns: Vec<Insn>,
    pub(super) functions: Vec<Function>,
    /// What grows with the limit: rounds times instructions of a round.
    pub(super) effort: u64,
}

/// The instructions and functions of a plan, behind the filter's condition on headers.
///
/// # Errors
/// When a jump does not reach: the condition has too many parts for one program.
pub(super) fn program(filter: &Filter, plan: &Node, setting: Setting) -> Result<Emitted, AsmError> {
    let mut emit = Emit { asm: Asm::new(), setting, callbacks: Vec::new(), effort: 0 };
    let [clear, matched, beyond] = [(); 3].map(|()| emit.asm.label());
    // Where a window has to be given back, verdicts without one are apart.
    let holds = !filter.is_packet_only() && setting.target.windows() > 1;
    let [other, none] = if holds { [(); 2].map(|()| emit.asm.label()) } else { [clear, beyond] };
    if let Some(expr) = &filter.packet {
        packet::emit(&mut emit.asm, expr, setting.target, setting.host.shape, other);
    }
    if filter.is_packet_only() {
        emit.asm.jump(matched);
    } else {
        emit.input(beyond, none);
        emit.node(plan, matched, clear);
    }
    let mut verdicts = vec![
        (clear, Verdict::Clear, holds),
        (matched, Verdict::Match, holds),
        (beyond, Verdict::Beyond, holds),
    ];
    if holds {
        verdicts.extend([(other, Verdict::Clear, false), (none, Verdict::Beyond, false)]);
    }
    for (label, verdict, holds) in verdicts {
        // The kernel refuses what nothing leads to.
        if emit.asm.is_referred_to(label) {
            emit.asm.bind(label);
            if holds {
                emit.want(-1);
            }
            emit.verdict(verdict);
        }
    }
    let mut functions = Vec::new();
    while let Some((label, body)) = emit.callbacks.pop() {
        functions.push(Function {
            name: format!("scan_{}", functions.len()),
            start: emit.asm.len() as u32,
            args: 2,
        });
        emit.callback(label, body);
    }
    if !functions.is_empty() {
        functions.insert(0, Function { name: "filter".to_owned(), start: 0, args: 1 });
    }
    Ok(Emitted { insns: emit.asm.finish()?, functions, effort: emit.effort })
}

impl<'p> Emit<'p> {
    /// Goes to `yes` or to `no`.
    fn node(&mut self, node: &'p Node, yes: Label, no: Label) {
        match node {
            Node::True => _ = self.asm.jump(yes),
            Node::False => _ = self.asm.jump(no),
            Node::Scan(scan) => {
                match scan {
                    Scan::Walk(walk) => self.reset(walk.start()),
                    Scan::Run(run) => self.reset(run.start()),
                    Scan::Count(count) => self.reset_count(count),
                }
                self.repeat(Body::Scan(scan), yes, no);
            }
            Node::Noting { walk, enough, then } => {
                let noted = self.asm.label();
                self.reset(walk.start());
                self.asm.store(Size::Dw, R6, window::SEEN, 0);
                self.repeat(Body::Note(walk, *enough), yes, noted);
                self.asm.bind(noted);
                self.node(then, yes, no);
            }
            Node::Noted(patterns) => {
                self.asm.load(Size::Dw, R1, R6, window::SEEN);
                self.asm.jump_if32(Cond::Set, R1, patterns.cast_signed(), yes).jump(no);
            }
            Node::All(nodes) => self.chain(nodes, yes, no, true),
            Node::Any(nodes) => self.chain(nodes, yes, no, false),
        }
    }

    /// Conditions one after the other; all but the last go on when they are (`all`) or are not met.
    fn chain(&mut self, nodes: &'p [Node], yes: Label, no: Label, all: bool) {
        let Some((last, before)) = nodes.split_last() else {
            self.asm.jump(if all { yes } else { no });
            return;
        };
        for node in before {
            let on = self.asm.label();
            if all {
                self.node(node, on, no)
            } else {
                self.node(node, yes, on)
            }
            self.asm.bind(on);
        }
        self.node(last, yes, no);
    }

    /// Puts a scan at the start of the data.
    fn reset(&mut self, state: i32) {
        for (field, value) in
            [(window::INDEX, 0), (window::STATE, state), (window::MARK, 0), (window::EXTRA, 0)]
        {
            self.asm.store(Size::Dw, R6, field, value);
        }
    }

    /// One round.
    fn body(&mut self, body: Body<'p>, exits: Exits) {
        match body {
            Body::Copy => self.copy_round(exits),
            Body::Scan(Scan::Walk(walk)) => self.walk_round(walk, None, exits),
            Body::Note(walk, enough) => self.walk_round(walk, Some(enough), exits),
            Body::Scan(Scan::Run(run)) => self.run_round(run, exits),
            Body::Scan(Scan::Count(count)) => self.count_round(count, exits),
        }
    }

    /// Says it and ends. `r6` is the window only where one was found, so a verdict on a buffer that could not be read
    /// is only returned.
    fn verdict(&mut self, verdict: Verdict) {
        let Setting { target, on_match, counts, onward, .. } = self.setting;
        if target == Target::Buffer && verdict != Verdict::Beyond {
            self.asm.store(Size::Dw, R6, window::VERDICT, verdict as i32);
        }
        if counts {
            self.count_verdict(verdict);
        }
        if let Some(index) = onward {
            self.asm.load(Size::Dw, R1, R10, CONTEXT_SLOT).load_map(R2, self::onward(counts));
            self.asm.mov(R3, index.cast_signed()).call(TAIL_CALL);
        }
        let returned = target.returns(verdict, on_match);
        self.asm.mov32(R0, returned.cast_signed()).exit();
    }

    /// Adds one to the count of a verdict, on this CPU.
    fn count_verdict(&mut self, verdict: Verdict) {
        let asm = &mut self.asm;
        let none = asm.label();
        asm.store(Size::W, R10, KEY_SLOT, 0).mov(Reg::R2, R10).alu64(
            crate::asm::Alu::Add,
            Reg::R2,
            i32::from(KEY_SLOT),
        );
        asm.load_map(R1, COUNTS).call(MAP_LOOKUP_ELEM).jump_if(Cond::Eq, R0, 0, none);
        let field = 8 * verdict as i16;
        asm.load(Size::Dw, R1, R0, field).alu64(crate::asm::Alu::Add, R1, 1).store(Size::Dw, R0, field, R1);
        asm.bind(none);
    }

    /// The tables back in `r9`, after it was used for something else.
    fn reload_tables(&mut self) {
        self.asm.load(Size::Dw, R9, R10, TABLES_SLOT);
    }
}
